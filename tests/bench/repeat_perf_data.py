#!/usr/bin/env python3
"""A perf.data file as if its program had run on: repeat_perf_data.py IN OUT SAMPLES.

The samples (of IP, TID, TIME and more, without an identifier) are repeated later and later, each
repetition a round of its own, until there are as many as wanted. Nothing else changes.
"""
import struct
import sys

SAMPLE, EXIT, FINISHED_ROUND = 9, 4, 68
with open(sys.argv[1], "rb") as file:
    whole = file.read()
wanted = int(sys.argv[3])
_, _, _, _, start, size, _, _ = struct.unpack_from("<8Q", whole, 8)
n_features = sum(bin(byte).count("1") for byte in whole[72:104])
data, features = whole[start:start + size], bytearray(whole[start + size:])

at, samples, out = 0, [], bytearray(whole[:start])
while at < size:
    kind, _, length = struct.unpack_from("<IHH", data, at)
    record = data[at:at + length]
    if kind == SAMPLE:
        samples.append((struct.unpack_from("<Q", record, 24)[0], record))
    if kind != EXIT:  # the program runs on
        out += record
    at += length
span = max(time for time, _ in samples) - min(time for time, _ in samples) + 1_000_000
n = len(samples)
turn = 0
while n < wanted:
    turn += 1
    for time, record in samples:
        out += record[:24] + struct.pack("<Q", time + turn * span) + record[32:]
    out += struct.pack("<IHH", FINISHED_ROUND, 0, 8)
    n += len(samples)
grown = len(out) - start - size
struct.pack_into("<Q", out, 48, size + grown)
for i in range(n_features):  # the parts of the header behind the data have moved
    offset, length = struct.unpack_from("<QQ", features, i * 16)
    struct.pack_into("<QQ", features, i * 16, offset + grown, length)
with open(sys.argv[2], "wb") as file:
    file.write(out + features)
