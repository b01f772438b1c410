#!/usr/bin/env python3
"""Reads a file that stoke wrote, to its end, by rules that are not stoke's own code.

Usage: formats.py FORMAT FILE. Prints how many samples it holds (speedscope and lines: their weight); an
exception, and so status 1, if it is not whole.
"""
import csv
import gzip
import json
import re
import sys
import xml.etree.ElementTree


def varint(data, at):
    """A number of seven bits a byte at `at`, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """A protobuf message as (number, value): an integer, or bytes; must end where it ends."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
            yield key >> 3, value
        else:
            size = {1: 8, 5: 4}.get(kind)
            if not size:
                size, at = varint(data, at)
            assert kind in (1, 2, 5) and at + size <= len(data)
            yield key >> 3, data[at : at + size]
            at += size


def integers(value):
    """Numbers of a repeated field, packed or one by one."""
    if isinstance(value, int):
        return [value]
    numbers, at = [], 0
    while at < len(value):
        number, at = varint(value, at)
        numbers.append(number)
    return numbers


def all_of(data, number):
    return [value for key, value in fields(data) if key == number]


def pprof(data):
    n = 0
    for sample in all_of(gzip.decompress(data), 2):
        n += [v for value in all_of(sample, 2) for v in integers(value)][0]
    return n


def otlp(data):
    texts = [text for table in all_of(data, 2) for text in all_of(table, 5)]
    profiles = [p for resource in all_of(data, 1) for scope in all_of(resource, 2) for p in all_of(scope, 2)]
    for profile in profiles:  # the first event's number of samples
        unit = dict(fields(all_of(profile, 1)[0])).get(2, 0)
        if texts[unit] == b"count":
            return sum(
                v for sample in all_of(profile, 2) for value in all_of(sample, 4) for v in integers(value)
            )
    assert not profiles
    return 0


def folded(data):
    n = 0
    for line in data.decode().splitlines():
        n += int(re.fullmatch(r"(.+) (\d+)", line)[2])
    return n


def speedscope(data):
    file = json.loads(data)
    return sum(sum(profile["weights"]) for profile in file["profiles"])


def chrome(data):
    events = json.loads(data)["traceEvents"]
    return sum(event.get("args", {}).get("self samples", 0) for event in events if event["ph"] == "X")


def firefox(data):
    return sum(sum(thread["samples"]["weight"]) for thread in json.loads(data)["threads"])


def svg(data):
    xml.etree.ElementTree.fromstring(data)
    found = re.search(rb"<title>all: [^<]*?([0-9,]+) samples, 100\.0 %</title>", data)
    assert found or b"no samples" in data
    return int(found[1].replace(b",", b"")) if found else 0


def html(data):
    text = data.decode()
    assert text.rstrip().endswith("</html>")
    begin = text.index('id="data">') + len('id="data">')
    page = json.loads(text[begin : text.index("</script>", begin)])
    return sum(node[4] for node in page["nodes"])


def metrics(rows):
    """The samples of the first series that has a sum."""
    for row in rows:
        if row["kind"] == "series" and row["value"] not in (None, ""):
            return int(row["count"])
    return 0


def table(data):
    rows = list(csv.reader(data.decode().split("\r\n")[:-1], strict=True))
    assert data.endswith(b"\r\n") and len({len(row) for row in rows}) == 1
    return metrics([dict(zip(rows[0], row)) for row in rows[1:]])


def lines(data):
    """What the first event weighed."""
    rows = list(csv.reader(data.decode().split("\r\n")[:-1], strict=True))
    assert data.endswith(b"\r\n") and len({len(row) for row in rows}) == 1
    rows = [dict(zip(rows[0], row)) for row in rows[1:]]
    return sum(int(row["value"]) for row in rows if row["metric"] == rows[0]["metric"])


def lines(data):
    rows = list(csv.reader(data.decode().split("\r\n")[:-1], strict=True))
    assert data.endswith(b"\r\n") and len({len(row) for row in rows}) == 1
    return sum(int(row[5]) for row in rows[1:] if row[4] == "samples")


def jsonl(data):
    assert not data or data.endswith(b"\n")
    rows = [json.loads(line) for line in data.decode().splitlines()]
    for row in rows:
        assert row["provenance"] and (row["provenance"] != "unavailable" or row["value"] is None)
    return metrics(rows)


def markdown(data):
    text = data.decode()
    assert text.startswith("## Profile\n") and text.endswith("\n")
    columns = None
    for line in text.splitlines():
        if not line.startswith("|"):
            columns = None
            continue
        n = len(re.findall(r"(?<!\\)\|", line))
        assert columns in (None, n), line
        columns = n
    return int(re.search(r"\| samples \| ([0-9,]+)", text)[1].replace(",", ""))


READERS = {
    "pprof": pprof,
    "otlp": otlp,
    "folded": folded,
    "speedscope": speedscope,
    "chrome": chrome,
    "firefox": firefox,
    "svg": svg,
    "html": html,
    "csv": table,
    "lines": lines,
    "jsonl": jsonl,
    "lines": lines,
    "markdown": markdown,
}

with open(sys.argv[2], "rb") as file:
    print(READERS[sys.argv[1]](file.read()))
