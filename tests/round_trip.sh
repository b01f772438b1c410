#!/bin/bash
# Recordings of real programs exported, imported and exported again: nothing that a format holds is
# lost. Usage: tests/round_trip.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}")
[ -x "$stoke" ] || { echo "there is no $stoke: run make"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C.UTF-8
check_shows() { head -n 10 check.out | cut -c1-300; }
cat >forks.sh <<'END'
for i in 1 2 3; do (j=0; while [ $j -lt 20000 ]; do j=$((j+1)); done) & done
seq 20000 | md5sum >/dev/null
wait
END
record() { # NAME COMMAND...
	local name=$1
	shift
	"$stoke" record -q -F 1999 -o "$name.stoke" "$@" >/dev/null 2>&1
	[ -s "$name.stoke" ] || { skip "$name could not be recorded"; return; }
	recordings="$recordings $name"
}
recordings=
record forks -- sh forks.sh
record threads gbdt rows=20k seconds=0.7
command -v xz >/dev/null && record xz -- sh -c "xz -T2 -c '$stoke' >/dev/null"
command -v python3 >/dev/null && record python -- python3 -c 'import json; [json.dumps(list(range(i % 1000))) for i in range(3000)]'
command -v g++ >/dev/null && record compiler -- sh -c 'echo "#include <map>
int main() { std::map<int, int> m; return m[1]; }" | g++ -x c++ -c -o /dev/null -'

again() { # FORMAT-EXTENSION: NAME.EXT from the recording, NAME.again.EXT from what was read of it
	"$stoke" export -f "$name.stoke" -o "$name.$1" && "$stoke" import -f -q "$name.$1" -o "$name.again.stoke" &&
		"$stoke" export -f "$name.again.stoke" -o "$name.again.$1"
}
same() { # OPTIONS...: folded text of both recordings
	"$stoke" export "$@" "$name.stoke" >one.folded && "$stoke" export "$@" "$name.again.stoke" >two.folded &&
		diff one.folded two.folded
}
without_thread() { sed 's/^[^;]*//' "$1" | awk '{ n = $NF; sub(/ [0-9]+$/, ""); sum[$0] += n } END { for (s in sum) print s, sum[s] }' | sort; }
same_but_names() { # a trace has one name a thread, also of one that became another program
	"$stoke" export "$name.stoke" >one.folded && "$stoke" export "$name.again.stoke" >two.folded &&
		without_thread one.folded >one.sum && without_thread two.folded >two.sum && diff one.sum two.sum
}
cat >weights.py <<'END'
import collections, json, sys
def read(path):
    file, sums = json.load(open(path, encoding="utf-8")), collections.Counter()
    frames = [frame["name"] for frame in file["shared"]["frames"]]
    for profile in file["profiles"]:
        for stack, weight in zip(profile["samples"], profile["weights"]):
            sums[profile["name"], profile["unit"], tuple(frames[i] for i in stack)] += weight
    return sums
one, two = read(sys.argv[1]), read(sys.argv[2])
for key, weight in ((one - two) + (two - one)).items(): print(weight, *key)
sys.exit(one != two or not one)
END
for name in $recordings; do
	check "$name: folded text" again folded
	check "$name: folded text again" cmp "$name.folded" "$name.again.folded"
	check "$name: a recording" "$stoke" import -f -q "$name.stoke" -o "$name.again.stoke"
	check "$name: a recording again" same --per-thread
	check "$name: a recording, its metrics" sh -c \
		"'$stoke' export --format csv $name.stoke >one.csv && '$stoke' export --format csv $name.again.stoke | cmp - one.csv"
	if again pb.gz 2>/dev/null; then
		check "$name: pprof again, by thread" same --per-thread
		check "$name: pprof again, without inlined functions" same --no-inline
		cp "$name.again.stoke" first.stoke
		name=first again pb.gz
		check "$name: pprof a third time" sh -c \
			"'$stoke' export --per-thread $name.stoke >one.folded; '$stoke' export --per-thread first.again.stoke | cmp - one.folded"
	else
		skip "$name: pprof: $("$stoke" export "$name.stoke" --format pprof 2>&1 >/dev/null | head -1)"
	fi
	if again speedscope.json 2>/dev/null && python3 -c "" 2>/dev/null; then
		check "$name: speedscope again" python3 weights.py "$name.speedscope.json" "$name.again.speedscope.json"
	else
		skip "$name: speedscope: it needs json-c and python3"
	fi
	if again trace.json 2>/dev/null; then
		check "$name: a trace again" same_but_names
	else
		skip "$name: traces: they need json-c"
	fi
done
[ -n "$recordings" ] || skip "nothing could be recorded"
finish
