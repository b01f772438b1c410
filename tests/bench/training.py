"""Training steps of ours and PyTorch's in turns: training.py BENCH_AUTOGRAD CASE THREADS TURNS

The same weights, data, model and optimizer on both sides; prints medians, ratios and the losses,
and fails where these part. Run by training.sh, which sets OpenBLAS up.
"""
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch
import torch.nn.functional as F

bench, case, threads, turns = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
BLOCKS, WIDTH, HEADS, LENGTH, SEQUENCES, VOCABULARY, HIDDEN = 6, 384, 6, 256, 8, 40, 1024
torch.set_num_threads(threads)
folder = tempfile.TemporaryDirectory()
ours = subprocess.Popen([bench, "serve", case, str(threads), folder.name], stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE, text=True, bufsize=1)
if ours.stdout.readline() != "ready\n":
    sys.exit("bench_autograd does not answer")


def ask(word, n):
    """n at once: between requests threads sleep, and a kernel may wake both on one CPU."""
    ours.stdin.write(f"{word} {n}\n")
    return [[float(x) for x in ours.stdout.readline().split()] for _ in range(n)]


weights = numpy.fromfile(f"{folder.name}/weights", dtype=numpy.float32)
taken = 0


def take(*shape):
    global taken
    n = int(numpy.prod(shape))
    part = weights[taken:taken + n].reshape(shape)
    taken += n
    return torch.from_numpy(part.copy())


def parameter(values):
    return torch.nn.Parameter(values.contiguous())


parameters = []
targets = torch.from_numpy(numpy.fromfile(f"{folder.name}/targets", dtype=numpy.int32)).long()
if case.startswith("mlp"):
    pixels = torch.from_numpy(numpy.fromfile(f"{folder.name}/pixels", dtype=numpy.float32))
    pixels = pixels.reshape(128, 784)
    for a, b in ((784, 512), (512, 512), (512, 10)):
        parameters += [parameter(take(a, b)), parameter(take(b))]

    def logits():
        x = pixels
        for i in range(3):
            x = torch.addmm(parameters[2 * i + 1], x, parameters[2 * i])
            x = torch.relu(x) if i < 2 else x
        return x
else:
    letters = torch.from_numpy(numpy.fromfile(f"{folder.name}/letters", dtype=numpy.int32)).long()
    table = parameter(take(VOCABULARY, WIDTH))
    parameters.append(table)
    blocks = []
    for _ in range(BLOCKS):
        first, q, k, v = take(WIDTH), *(take(WIDTH, WIDTH) for _ in range(3))
        project, second = take(WIDTH, WIDTH), take(WIDTH)
        gate, up, down = take(WIDTH, HIDDEN), take(WIDTH, HIDDEN), take(HIDDEN, WIDTH)
        # fused as its users do: fewer and larger products are what PyTorch does better with
        blocks.append([parameter(x) for x in (first, torch.cat((q, k, v), 1), project, second,
                                              torch.cat((gate, up), 1), down)])
        parameters += blocks[-1]
    last = parameter(take(WIDTH))
    parameters.append(last)
    half = WIDTH // HEADS // 2
    angles = torch.outer(torch.arange(LENGTH), 10000.0 ** (-torch.arange(half) / half))
    cosine, sine = angles.cos(), angles.sin()
    mask = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)

    def rmsnorm(x, weight):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight

    def rope(x):
        a, b = x[..., :half], x[..., half:]
        return torch.cat((a * cosine - b * sine, a * sine + b * cosine), -1)

    def attention(x, qkv):
        q, k, v = ((x @ qkv).view(SEQUENCES, LENGTH, 3, HEADS, 2 * half).permute(2, 0, 3, 1, 4))
        scores = rope(q) @ rope(k).transpose(-2, -1) * (2 * half) ** -0.5
        x = torch.softmax(scores + mask, -1).to(v.dtype) @ v
        return x.transpose(1, 2).reshape(SEQUENCES * LENGTH, WIDTH)

    def logits():
        x = F.embedding(letters, table)
        for first, qkv, project, second, gate_up, down in blocks:
            x = x + attention(rmsnorm(x, first), qkv) @ project
            gate, up = (rmsnorm(x, second) @ gate_up).chunk(2, -1)
            x = x + (F.silu(gate) * up) @ down
        return rmsnorm(x, last) @ table.t()

assert taken == len(weights), "not the same model"
optimizer = (torch.optim.SGD(parameters, lr=0.05) if case == "mlp-sgd" else
             torch.optim.AdamW(parameters, lr=1e-3 if case == "mlp-adamw" else 3e-4,
                               weight_decay=0.01))


def step(is_narrow):
    start, cpu = time.monotonic(), time.process_time()
    optimizer.zero_grad(set_to_none=True)
    if is_narrow:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = logits()
        loss = F.cross_entropy(out.float(), targets)
    else:
        loss = F.cross_entropy(logits(), targets)
    loss.backward()
    value = loss.item()
    optimizer.step()
    return time.monotonic() - start, time.process_time() - cpu, value


is_narrow = case.endswith("bf16")
mine, theirs, wide, products, mine_losses, their_losses = [], [], [], [], [], []
for _ in range(3):  # both sides' first steps take memory
    mine_losses.append(ask("step", 1)[0][2])
    seconds, _, loss = step(is_narrow)
    their_losses.append(loss)
at_once = max(1, min(20, int(0.3 / seconds)))
for turn in range(turns):
    time.sleep(0.1)  # their threads spin for some while after a step
    rows = ask("step", at_once)
    products += [row[0] for row in ask("products", at_once)]
    their_rows = [step(is_narrow) for _ in range(at_once)]
    mine += [row[:2] for row in rows]
    theirs += [row[:2] for row in their_rows]
    mine_losses += [row[2] for row in rows]
    their_losses += [row[2] for row in their_rows]
if is_narrow:  # beside its f32 as well; after the losses have been compared
    wide = [step(False)[0] for _ in range(max(3, turns))]


def middle(rows, column):
    return statistics.median(row[column] for row in rows)


a, b = middle(mine, 0), middle(theirs, 0)
print(f"{case}, {threads} threads: stoke {a * 1e3:.2f} ms, PyTorch {b * 1e3:.2f} ms: "
      f"{b / a:.2f} times as fast, {middle(theirs, 1) / middle(mine, 1):.2f} by CPU time")
print(f"         its products alone {statistics.median(products) * 1e3:.2f} ms: the step takes "
      f"{a / statistics.median(products):.2f} times that")
if wide:
    print(f"         PyTorch in f32 {statistics.median(wide) * 1e3:.2f} ms: "
          f"{statistics.median(wide) / a:.2f} times as fast as that")
# f32 differs by the order of sums, bf16 by where operands are rounded
allowed = 0.03 if is_narrow else 0.005
apart = max(abs(x - y) / max(abs(y), 0.05) for x, y in zip(mine_losses, their_losses))
print(f"         losses {mine_losses[0]:.4f} to {mine_losses[-1]:.4f}, PyTorch's "
      f"{their_losses[0]:.4f} to {their_losses[-1]:.4f}, {100 * apart:.2f} % apart at most")
ours.stdin.close()
ours.wait()
if not apart <= allowed or not mine_losses[-1] < mine_losses[0]:
    sys.exit(f"FAIL {case}: the losses are not those of the same training")
