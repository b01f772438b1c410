#!/bin/bash
# Boosting beside xgboost in the same minutes, in turns: 1 M x 28, depth 6, 256 bins, 100 rounds,
# binning included on both sides, the same rows. Aims: 2.5 times xgboost's training rate with two
# threads, AUC within 0.002; 8 M samples * trees a second with one.
# Usage: tests/bench/boosting.sh [STOKE] [TURNS] [ROWS]
set -u
cd "$(dirname "$0")/../.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
turns=${2:-3} rows=${3:-1000000}
ours=$(dirname "$stoke")/tests/bench_boosting
[ -x "$ours" ] || make --no-print-directory "build/release/tests/bench_boosting" >&2 || exit 1
python=
for one in python3 /usr/bin/python3; do # Debian's package is for Debian's python
	[ -n "$python" ] || ! "$one" -c 'import xgboost' 2>/dev/null || python=$one
done
[ -n "$python" ] || { echo "SKIP xgboost is not here; apt-get install python3-xgboost"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$ours" write "$work" "$rows" || exit 1
cat >"$work/theirs.py" <<'PYTHON'
import sys, time
import numpy, xgboost
folder, threads = sys.argv[1], int(sys.argv[2])
def read(name):
    rows = numpy.fromfile(f"{folder}/{name}", dtype=numpy.float32).reshape(-1, 29)
    return xgboost.DMatrix(rows[:, :28], label=rows[:, 28], nthread=threads), rows[:, 28]
train, _ = read("train.f32")  # its copy of the rows is not timed; quantiles and bins are
test, labels = read("test.f32")
settings = dict(objective="binary:logistic", tree_method="hist", max_depth=6, max_bin=256, eta=0.1,
                min_child_weight=1, nthread=threads)
settings["lambda"] = 1
start, cpu = time.monotonic(), time.process_time()
model = xgboost.train(settings, train, num_boost_round=100)
seconds, cpu = time.monotonic() - start, time.process_time() - cpu
order = numpy.argsort(model.predict(test), kind="stable")
ranks = numpy.empty(len(order)); ranks[order] = numpy.arange(1, len(order) + 1)
p = labels.sum(); n = len(labels) - p
print(f"{seconds:.4f} {cpu:.4f} {(ranks[labels == 1].sum() - p * (p + 1) / 2) / (p * n):.5f}")
PYTHON
for _ in $(seq "$turns"); do
	"$ours" train "$work" 2 >>"$work/ours2"
	"$python" "$work/theirs.py" "$work" 2 >>"$work/theirs2"
	"$ours" train "$work" 1 >>"$work/ours1"
	"$python" "$work/theirs.py" "$work" 1 >>"$work/theirs1"
done
echo "xgboost $("$python" -c 'import xgboost; print(xgboost.__version__)'), $rows x 28, medians of $turns turns; other load on the machine slows both"
median() { sort -g -k"$2,$2" "$1" | awk -v column="$2" '{ v[NR] = $column } END { print v[int((NR + 1) / 2)] }'; }
for threads in 1 2; do
	ours=$work/ours$threads theirs=$work/theirs$threads
	awk -v a="$(median "$ours" 1)" -v b="$(median "$theirs" 1)" -v threads="$threads" -v rows="$rows" \
		-v cpu="$(median "$ours" 2)" -v their_cpu="$(median "$theirs" 2)" \
		-v auc="$(median "$ours" 3)" -v their_auc="$(median "$theirs" 3)" 'BEGIN {
		printf "%d threads: stoke %.2f s, %.2f of CPU, %.1f M samples*trees/s, AUC %.5f\n", threads, a, cpu, rows / a / 1e4, auc
		printf "         xgboost %.2f s, %.2f of CPU, %.1f M samples*trees/s, AUC %.5f\n", b, their_cpu, rows / b / 1e4, their_auc
		printf "           rate %.2f times xgboost, %.2f by CPU time; AUC %+.5f\n", b / a, their_cpu / cpu, auc - their_auc }'
done
