#!/bin/bash
# Imports of perf's files beside perf's own reading of them: for real programs recorded in many ways,
# samples by thread name and event are those of `perf script`, from the file and from its text, and
# folded text goes round unchanged.
# Usage: tests/import_perf.sh PROGRAM
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}")
fail_with() { # WHAT FILE
	fail "$1"
	head -5 "$2"
}
command -v perf >/dev/null 2>&1 || { skip "perf is not installed (apt-get install linux-perf)"; finish; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
export HOME=$folder # perf keeps copies of programs there
if ! perf record -q -o try.data -e cpu-clock -F 999 -- true >/dev/null 2>try.log; then
	skip "perf cannot record here: $(head -1 try.log)"
	finish
fi
head -c 1500000 "$stoke" >input
cat >forks.sh <<'END'
for i in 1 2 3 4 5 6 7 8 9 10; do (echo $i | md5sum | sha256sum >/dev/null; sort input | cksum >/dev/null); done
END
cat >threads.sh <<'END'
sort --parallel=2 -S 8M input input input | cksum
END

# What perf says: "EVENT COMM COUNT" of every event and thread name.
by_perf() { # FILE
	if [ "$1" = stream.data ]; then # perf knows no -F there
		perf script -i "$1" 2>/dev/null | awk '/^[^ \t].*:/ {
			match($0, / +[0-9]+ +[0-9]+\.[0-9]+: +[0-9]+ +/)
			comm = substr($0, 1, RSTART - 1); event = substr($0, RSTART + RLENGTH)
			sub(/: *$/, "", event); n[event "\t" comm]++ }
			END { for (key in n) print key "\t" n[key] }' | sort
		return
	fi
	perf script -i "$1" -F comm,event 2>/dev/null | awk 'NF {
		event = $NF; sub(/:$/, "", event)
		line = $0; sub(/[ \t]+[^ \t]+[ \t]*$/, "", line); sub(/^[ \t]+/, "", line)
		if (line ~ /^:-?[0-9]+$/) line = "[unnamed]"
		n[event "\t" line]++ }
		END { for (key in n) print key "\t" n[key] }' | sort
}
# What we say of the same.
by_stoke() { # FILE EVENT...
	local file=$1
	shift
	for event; do
		"$stoke" export "$file" -e "$event" 2>/dev/null | awk -v event="$event" '
			/^\[lost\]/ { next }
			{ name = $0; sub(/;.*/, "", name); if (name == $0) sub(/ [0-9]+$/, "", name)
			  n[event "\t" name] += $NF }
			END { for (key in n) print key "\t" n[key] }'
	done | sort
}
check() { # NAME
	local name=$1 file=$1.data events
	by_perf "$file" >"$name.perf"
	if [ ! -s "$name.perf" ]; then
		skip "$name: perf recorded nothing"
		return
	fi
	events=$(cut -f1 "$name.perf" | sort -u)
	# shellcheck disable=SC2086
	by_stoke "$file" $events >"$name.ours"
	if diff "$name.perf" "$name.ours" >"$name.diff"; then
		ok "$name: $(awk -F'\t' '{ n += $3 } END { print n }' "$name.perf") samples by thread and event as perf script says"
	else
		fail_with "$name: samples by thread and event are not those of perf script" "$name.diff"
	fi
	perf script -i "$file" >"$name.txt" 2>/dev/null
	# shellcheck disable=SC2086
	by_stoke "$name.txt" $events >"$name.text"
	if diff "$name.perf" "$name.text" >"$name.diff"; then
		ok "$name: its text too"
	else
		fail_with "$name: the text of perf script reads otherwise" "$name.diff"
	fi
}
round_trip() { # NAME
	local name=$1
	"$stoke" export "$name.data" >"$name.folded"
	"$stoke" export "$name.folded" >"$name.again"
	"$stoke" import -f -q "$name.data" -o "$name.stoke" && "$stoke" export "$name.stoke" >"$name.kept"
	# The words of names with a semicolon in them are cut at it: C++ has none.
	if [ -s "$name.folded" ] && cmp -s "$name.folded" "$name.again" &&
		cmp -s "$name.folded" "$name.kept"; then
		ok "$name: folded text and a recording give the same stacks again"
	else
		fail "$name: folded text or a recording does not give the same stacks again"
	fi
}
record() { # NAME, then perf's options and the program
	local name=$1
	shift
	if perf record -q -o "$name.data" "$@" >/dev/null 2>"$name.log" && [ -s "$name.data" ]; then
		check "$name"
		return 0
	fi
	skip "$name: perf record $1 $2: $(head -1 "$name.log")"
	return 1
}
clock="-e cpu-clock -F 999"
# shellcheck disable=SC2086
{
	record chains $clock -g -- sh forks.sh && round_trip chains
	record threads $clock -g -- sh threads.sh && round_trip threads
	record dwarf $clock --call-graph dwarf -- xz -T2 -0 -k -c input && round_trip dwarf
	record dwarf-forks $clock --call-graph dwarf,16384 -- sh forks.sh
	record two-events -e cpu-clock,page-faults -F 999 -g -- sh forks.sh
	record two-dwarf -e cpu-clock,task-clock -F 499 --call-graph dwarf -- sh threads.sh
	record group -e '{cpu-clock,page-faults}:S' -F 999 -g -- sh forks.sh
	record no-stacks $clock -- sh forks.sh
	# Without stacks it is the sampled instruction that counts: many places, not one.
	if [ -s no-stacks.data ]; then
		"$stoke" export no-stacks.data >no-stacks.places
		if [ "$(wc -l <no-stacks.places)" -gt 5 ]; then ok "no-stacks: $(wc -l <no-stacks.places) places"; else
			fail_with "no-stacks: too few places" no-stacks.places
		fi
	fi
	record period -e cpu-clock -c 1000000 -d --sample-cpu -s -g -- sh forks.sh
	record compressed -z $clock -g -- sh forks.sh
	record in-maps --buildid-mmap $clock -g -- sh forks.sh
	record no-ids -B -N $clock -g -- sh forks.sh
	record everything -a $clock -g -- sh forks.sh
}
# A stream, as it comes out of a pipe.
# shellcheck disable=SC2086
perf record -q -o - $clock -g -- sh forks.sh 2>/dev/null | cat >stream.data
check stream

# Another program in the place of the one recorded: names come from perf's copy, or not at all.
cat >built.c <<'END'
__attribute__((noinline)) unsigned NAME(unsigned n) {
	volatile unsigned sum = 0;
	for (unsigned i = 0; i < n; i++) sum += i * n;
	return sum;
}
int main(void) { return NAME(100000000) & 1; }
END
build() { "${CC:-cc}" -O1 -fno-omit-frame-pointer -DNAME="$1" -Wl,--build-id -o built built.c; }
# shellcheck disable=SC2086
if build first_name && perf record -q -o built.data $clock -g -- ./built >/dev/null 2>&1; then
	"$stoke" export built.data >built.before
	build second_name
	"$stoke" export built.data >built.cached
	rm -rf .debug
	"$stoke" export built.data >built.after
	if grep -q ';main;first_name' built.before && cmp -s built.before built.cached; then
		ok "names come from perf's copy of a program that has changed"
	else
		fail_with "names of a program that has changed" built.cached
	fi
	if grep -q 'built is another build here\]' built.after && ! grep -q second_name built.after; then
		ok "a program of another build names nothing"
	else
		fail_with "a program of another build was taken for the one recorded" built.after
	fi
else
	skip "build-ids: no compiler, or perf recorded nothing"
fi

# Cut anywhere it is read up to there, or refused in a sentence with the byte.
n_bad=0 n_bytes=$(wc -c <chains.data)
for bytes in 0 7 50 103 150 300 1000 5000 20000 50000; do
	[ $bytes -lt "$n_bytes" ] || continue
	head -c $bytes chains.data >cut.data
	"$stoke" export cut.data >cut.out 2>cut.err
	status=$?
	if [ $status -eq 0 ]; then
		"$stoke" report --headless cut.data | tr '\n' ' ' | grep -qE 'damaged +at +byte|did +not +finish' || n_bad=$((n_bad + 1))
	elif [ $status -ne 4 ] || [ "$(wc -l <cut.err)" -ne 1 ]; then
		n_bad=$((n_bad + 1))
	fi
done
if [ $n_bad -eq 0 ]; then ok "cut files are read up to the cut or refused"; else fail "$n_bad cut files were read without a word"; fi

# Killed, perf never writes where its records end.
dd if=/dev/zero of=chains.data bs=1 seek=48 count=8 conv=notrunc 2>/dev/null
"$stoke" export chains.data 2>/dev/null | awk '{ n += $NF } END { print n + 0 }' >killed.ours
awk -F'\t' '{ n += $3 } END { print n + 0 }' chains.perf >killed.perf
if cmp -s killed.ours killed.perf; then ok "a file that perf did not finish"; else fail_with "a file that perf did not finish" killed.ours; fi
finish
