#!/bin/bash
# Four ranks of an Open MPI job, each recorded under its own name, merged, shown one by one and
# together. The other launchers are their variables. Usage: tests/mpi.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}")
[ -x "$stoke" ] || { echo "there is no $stoke: run make"; exit 1; }
source=$(realpath "$(dirname "$0")")/mpi_job.c
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C.UTF-8
sum() { awk '{ n += $NF } END { print n + 0 }' "$@"; }

# ---- ranks as launchers state them
for variable in OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID; do
	check "the rank of $variable" env -u OMPI_COMM_WORLD_RANK -u PMIX_RANK -u PMI_RANK -u SLURM_PROCID \
		"$variable=11" "$stoke" record -f -q -o "$variable.%r.folded" -- true
	check "in the file's name" [ -e "$variable.11.folded" ]
done
check "Open MPI's before Slurm's" env -u PMIX_RANK -u PMI_RANK OMPI_COMM_WORLD_RANK=3 SLURM_PROCID=9 \
	"$stoke" record -q -o 'both.%r.folded' -- true
check "in the name" [ -e both.3.folded ]

leave() { # WHY
	skip "the Open MPI job: $1"
	finish
}
command -v mpirun >/dev/null && command -v mpicc >/dev/null ||
	leave "there is no mpirun or mpicc; apt-get install openmpi-bin libopenmpi-dev"
mpicc -O1 -g -fno-optimize-sibling-calls -o job "$source" 2>mpicc.log || leave "mpicc cannot compile: $(head -1 mpicc.log)"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
# No network, no ssh: all ranks are here.
launch() { timeout 120 mpirun -n 4 --oversubscribe --mca btl self,vader --mca plm isolated "$@"; }
launch ./job >plain.out 2>plain.err || leave "mpirun does not run here: $(grep -v '^ *$\|^--' plain.err | head -1)"

# ---- four ranks
launch "$stoke" record -q -F 499 -o 'r.%r.stoke' -- ./job >job.out 2>job.err
check "the job runs as ever" grep -q '4 ranks, sum 6' job.out
for rank in 0 1 2 3; do
	check "rank $rank has a recording" [ -s r.$rank.stoke ]
	"$stoke" export r.$rank.stoke >r.$rank.folded
	which=even_work other=odd_work
	[ $((rank % 2)) = 0 ] || which=odd_work other=even_work
	check "rank $rank did its work" grep -q ";$which" r.$rank.folded
	check "and no other's" sh -c "! grep -q ';$other' r.$rank.folded"
done
check "merge" "$stoke" merge -q -o job.stoke r.0.stoke r.1.stoke r.2.stoke r.3.stoke
"$stoke" export job.stoke >together.folded
"$stoke" export job.stoke --per-process >each.folded
check "together: all samples" [ "$(sum together.folded)" = "$(sum r.[0-3].folded)" ]
check "together: one program" sh -c "grep -q '^job;.*even_work' together.folded && grep -q '^job;.*odd_work' together.folded"
for rank in 0 1 2 3; do
	grep "^r$rank:job-" each.folded >of_rank
	check "each: rank $rank has its own" [ "$(sum of_rank)" = "$(sum r.$rank.folded)" ]
done
check "equal stacks are one" [ "$(wc -l <together.folded)" -lt "$(wc -l <each.folded)" ]
check "a flame graph of all" sh -c "'$stoke' render --view flame --size 100x30 job.stoke | grep -q even_work"
"$stoke" export job.stoke --format pprof >job.pb.gz 2>/dev/null &&
	check "pprof of all" sh -c "'$stoke' export job.pb.gz | grep -q odd_work"
finish
