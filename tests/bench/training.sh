#!/bin/bash
# Training steps beside PyTorch's in the same minutes, in turns: an MLP 784-512-512-10 with a batch
# of 128 (SGD and AdamW) and a GPT of 6 blocks of 384, 256 tokens, 8 sequences (AdamW; f32, and bf16
# with f32 weights); the same weights, data and threads, and the same losses, or it fails.
# Aims: the MLP's step at most 1.5 times its products alone and 1.5 times PyTorch; the GPT 1.4
# times, in bf16 3 times.
# Usage: tests/bench/training.sh [STOKE] [TURNS] [CASE...]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
turns=${2:-5}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- mlp-sgd mlp-adamw gpt-f32 gpt-bf16
ours=$(dirname "$stoke")/tests/bench_autograd
[ -x "$ours" ] || make --no-print-directory "build/release/tests/bench_autograd" >&2 || exit 1
python=
for one in python3 /usr/bin/python3; do # Debian's package is for Debian's python
	[ -n "$python" ] || ! "$one" -c 'import torch' 2>/dev/null || python=$one
done
[ -n "$python" ] || { echo "SKIP PyTorch is not here; apt-get install python3-torch libopenblas0-pthread"; exit 0; }
# The kernels that OpenBLAS does best with here: it does not know every CPU.
probe='import time, torch
torch.set_num_threads(1); a = torch.rand(1024, 1024); best = 0
for _ in range(12):
    start = time.process_time(); a @ a; best = max(best, 2.147 / (time.process_time() - start))
print(f"{best:.1f}")'
with() { # CORE THREADS COMMAND...
	local core=$1 threads=$2
	shift 2
	if [ -n "$core" ]; then export OPENBLAS_CORETYPE=$core; else unset OPENBLAS_CORETYPE; fi
	OPENBLAS_NUM_THREADS=$threads OMP_NUM_THREADS=$threads "$@"
}
rate=0 core=
for one in "" SkylakeX Cooperlake Zen Haswell; do
	it=$(with "$one" 1 "$python" -c "$probe" 2>/dev/null) || continue
	awk -v a="$it" -v b="$rate" 'BEGIN { exit !(a > 1.02 * b) }' && rate=$it core=$one
done
echo "PyTorch $("$python" -c 'import torch; print(torch.__version__)'), OPENBLAS_CORETYPE=${core:-as it likes} ($rate GFLOP/s at 1024), medians of $turns turns; other load on the machine slows both"
status=0
for threads in 1 2; do
	for one; do
		with "$core" "$threads" "$python" tests/bench/training.py "$ours" "$one" "$threads" \
			"$turns" || status=1
	done
done
exit $status
