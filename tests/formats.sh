#!/bin/bash
# Every format there is, whatever happens: any window of time, live or saved, of programs that end
# badly; full disks, closed pipes, folders that go. What is left behind is whole or not there, and
# what was recorded is safe. Then every view and every format of what other tools wrote.
# Usage: tests/formats.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}")
[ -x "$stoke" ] || { echo "there is no $stoke: run make"; exit 1; }
reader=$(realpath "$(dirname "$0")")/formats.py
work=$(mktemp -d)
mounted=
trap '[ -z "$mounted" ] || umount "$mounted"; rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C.UTF-8 TMPDIR=$work XDG_CONFIG_HOME=$work/config
unset NO_COLOR CLICOLOR CLICOLOR_FORCE FORCE_COLOR
check_shows() { head -n 5 check.out err 2>/dev/null | cut -c1-300; }
python3 -c "" 2>/dev/null || { skip "formats: there is no python3 to read them with"; finish; }

burn='i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done'
short='i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done'
"$stoke" record -q -F 999 -o a.stoke -- sh -c "$burn; seq 60000 | sort | md5sum >/dev/null" ||
	{ skip "formats: nothing could be recorded"; finish; }
"$stoke" record -q -o phases.stoke gbdt rows=20k seconds=0.5 >/dev/null 2>&1
cp a.stoke safe.stoke
extension() { # FORMAT
	case $1 in
	folded) echo folded ;; svg) echo svg ;; html) echo html ;; pprof) echo pb.gz ;; otlp) echo otlp ;;
	speedscope) echo speedscope.json ;; firefox) echo firefox.json ;; chrome) echo trace.json ;;
	csv) echo csv ;; lines) echo lines.csv ;; jsonl) echo jsonl ;; markdown) echo md ;; *) echo "$1" ;;
	esac
}
formats=
for format in $("$stoke" list exporters | awk '/^[a-z]/ { print $1 }'); do
	if "$stoke" export a.stoke --format "$format" >a.out 2>err; then formats="$formats $format"; else
		skip "$format: $(head -1 err)"
	fi
done
check "there are formats" [ -n "$formats" ]
whole() { python3 "$reader" "$1" "$2"; } # FORMAT FILE: parses to the end; prints what it adds up to
status_is() { # STATUS PATTERN COMMAND...: standard error is one line that says so
	local wanted=$1 pattern=$2 got
	shift 2
	"$@" 2>err
	got=$?
	[ $got = "$wanted" ] || { echo "status $got, not $wanted"; return 1; }
	[ "$(wc -l <err)" = 1 ] || { echo "standard error is not one line"; return 1; }
	grep -Eq -- "$pattern" err || { echo "standard error is not /$pattern/"; return 1; }
}
no_space() { "$@" >/dev/full; }
# A disk that is full: no file may grow; messages go through a pipe.
cramped() { (trap '' XFSZ; ulimit -f 0; "$@" 2>&1) | cat >&2; return "${PIPESTATUS[0]}"; }
is_safe() { cmp a.stoke safe.stoke; }

# ---- any window, of any recording
folded_sum() { "$stoke" export "$@" | awk '{ n += $NF } END { print n + 0 }'; }
# A moment with samples before and after it: programs start slowly on a busy machine.
middle=
for ms in 40 80 120 160 200 300 400 600 800 1200; do
	[ "$(folded_sum a.stoke --to ${ms}ms)" -gt 0 ] && [ "$(folded_sum a.stoke --from ${ms}ms)" -gt 0 ] && middle=${ms}ms
done
adds_up() { # FORMAT
	local all first rest
	"$stoke" export a.stoke --format "$1" >w.all && "$stoke" export a.stoke --format "$1" --to $middle >w.first &&
		"$stoke" export a.stoke --format "$1" --from $middle >w.rest &&
		all=$(whole "$1" w.all) && first=$(whole "$1" w.first) && rest=$(whole "$1" w.rest) || return 1
	echo "$1: $all is not $first + $rest"
	[ "$first" -gt 0 ] && [ "$rest" -gt 0 ] && [ "$all" = $((first + rest)) ] || return 1
	# These hold weights, which are time; all others say how many samples.
	[ "$1" = speedscope ] || [ "$1" = lines ] || [ "$all" = "$(folded_sum a.stoke)" ]
}
nothing() { # FORMAT: a window in which nothing was
	"$stoke" export a.stoke --format "$1" --from 1000s >w.none && [ "$(whole "$1" w.none)" = 0 ]
}
phases_reach_in() { # FORMAT: a phase that began before the window and ends in it, or after it
	local from
	from=$("$stoke" export phases.stoke --format csv | awk -F, '/^span,.*,generate,/ { print int(($2 + $3 / 2) * 1000); exit }')
	"$stoke" export phases.stoke --format "$1" --from "${from}ms" --to "$((from + 2))ms" | grep -q generate
}
for format in $formats; do
	check "two windows are the whole: $format" adds_up $format
	check "an empty window: $format" nothing $format
done
for format in csv jsonl chrome firefox; do check "phases reach into a window: $format" phases_reach_in $format; done

# ---- live, and of programs that end badly
live() { # STATUS FORMAT OPTIONS...
	local wanted=$1 format=$2 got
	shift 2
	timeout 30 "$stoke" record -q -f -o "live.$(extension "$format")" "$@" >/dev/null 2>err
	got=$?
	[ $got = "$wanted" ] || { echo "status $got, not $wanted"; return 1; }
	whole "$format" "live.$(extension "$format")"
}
ended() { # FORMAT: SIGTERM to us, when there are samples
	timeout 30 "$stoke" record -q -f -o "live.$(extension "$1")" -- \
		sh -c "$short; kill -TERM \$PPID; while :; do :; done" >/dev/null 2>err
	[ $? = 143 ] || { echo "it was not ended"; return 1; }
	[ "$(whole "$1" "live.$(extension "$1")")" -gt 0 ]
}
for format in $formats; do
	check "live: $format" live 0 $format -- sh -c "$short"
	check "a program that runs for no time: $format" live 0 $format -- true
	check "a program that is killed: $format" live 137 $format -- sh -c "$short; kill -9 \$\$"
	check "ended by a signal: $format" ended $format
done

# ---- what can go wrong with where it goes
left_nothing() { ! ls new.* old.*.new >/dev/null 2>&1; }
stays() { [ "$(cat "$1")" = mine ]; }
for format in $formats; do
	x=$(extension $format)
	check "a full disk: $format" status_is 1 "^stoke export: Cannot write .*No space left" \
		no_space "$stoke" export a.stoke --format $format
	check "a full disk, -o: $format" status_is 1 "^stoke export: Cannot write .*too large" cramped "$stoke" export a.stoke -o new.$x
	echo mine >old.$x
	check "what is there stays: $format" status_is 1 "is there already: give -f" "$stoke" export a.stoke -o old.$x
	check "as it was: $format" stays old.$x
	check "a full disk, -f: $format" status_is 1 "^stoke export: Cannot write" cramped "$stoke" export -f a.stoke -o old.$x
	check "what cannot be replaced stays: $format" stays old.$x
	check "nothing half is left: $format" left_nothing
	chmod 640 old.$x
	check "-f: $format" "$stoke" export -f a.stoke -o old.$x
	check "is the new one: $format" whole $format old.$x
	check "with its mode: $format" [ "$(stat -c %a old.$x)" = 640 ]
	check "no such folder: $format" status_is 1 "^stoke export: Cannot write none/new.$x: No such file" "$stoke" export a.stoke -o none/new.$x
	"$stoke" export a.stoke --format $format 2>err | head -c 1 >/dev/null
	check "a closed pipe: $format" [ "${PIPESTATUS[0]}" = 0 ]
	check "without a word: $format" [ ! -s err ]
done
check "the recording is as it was" is_safe
ln -s old.svg link.svg
check "-f through a link" "$stoke" export -f a.stoke -o link.svg
check "keeps the link" [ -L link.svg ]

# ---- a recording is safe when its output is lost
rescued() { # COMMAND...
	rm -f stoke-*.stoke
	"$@" 2>err
	local got=$?
	[ $got = 125 ] || { echo "status $got, not 125"; return 1; }
	grep -q "what was recorded is in $work/stoke-[0-9]*.stoke" err || { echo "nothing is said of it"; return 1; }
	[ "$(folded_sum stoke-*.stoke)" -gt 0 ]
}
for format in $formats stoke; do
	mkdir -p gone
	check "a folder that goes: $format" rescued "$stoke" record -q -o "gone/a.$(extension $format)" -- sh -c "rm -r $work/gone; $short"
	[ $format = stoke ] || check "a disk that is full: $format" rescued \
		no_space "$stoke" record -q --format $format -- sh -c "$short"
done
mkdir small
if mount -t tmpfs -o size=64k stoke-test small 2>/dev/null; then
	mounted=$work/small
	cp a.stoke small/safe.stoke 2>/dev/null || rm -f small/safe.stoke
	dd if=/dev/zero of=small/filler bs=4k 2>/dev/null
	for format in $formats; do
		x=$(extension $format)
		check "a small disk: $format" status_is 1 "Cannot write .*No space left" "$stoke" export a.stoke -o small/new.$x
		check "nothing is left on it: $format" [ ! -e small/new.$x ]
		check "recording onto it: $format" rescued "$stoke" record -q -o small/new.$x -- sh -c "$short"
	done
	check "a recording onto it" status_is 125 "No space left on device; choose another place" "$stoke" record -q -o small/new.stoke -- touch ran
	check "does not begin" [ ! -e ran ]
	check "stat onto it" status_is 125 "Cannot write to small/new.json: No space left" "$stoke" stat --json -o small/new.json -- true
	rm small/filler small/safe.stoke
	dd if=/dev/zero of=small/filler bs=4k count=8 2>/dev/null
	check "a disk that fills up while it is recorded" rescued "$stoke" record -q -F 9999 -o small/full.stoke -- sh -c "$burn; $burn"
	check "what fitted can be read" "$stoke" report small/full.stoke
	rm small/full.stoke
	dd if=/dev/zero of=small/filler bs=4k 2>/dev/null
	check "import onto it" status_is 1 "Cannot write|No space" "$stoke" import -q safe.stoke -o small/new.stoke
	check "merge onto it" status_is 1 "Cannot write|No space" "$stoke" merge -q -o small/new.stoke a.stoke safe.stoke
	check "nothing half is left on it" [ -z "$(find small -name '*new*')" ]
else
	skip "a small disk: no file system can be mounted here"
fi

# ---- comparisons and counts
"$stoke" export a.stoke -o one.folded && sed 's/ \([0-9]*\)$/ \17/' one.folded >two.folded
for x in json md folded txt; do
	check "diff on a full disk: $x" status_is 1 "^stoke diff: Cannot write" cramped "$stoke" diff one.folded two.folded -o new.$x
done
check "nothing half is left of them" left_nothing
check "diff, JSON" sh -c "'$stoke' diff one.folded two.folded --fail-on 5 --format json >d.json; [ \$? -le 1 ] && python3 -m json.tool d.json"
metric() { # EVENT: compared by itself
	"$stoke" diff two-events.stoke two-events.stoke -e "$1" --format json >d.json &&
		python3 -c "import json; d = json.load(open('d.json')); assert d['a']['event'].startswith('$1') and d['a']['samples'] and d['rows']"
}
"$stoke" record -q -e cpu-clock,page-faults -c 100 -o two-events.stoke -- sh -c "$short; ls -R /usr/share/doc >/dev/null" 2>/dev/null ||
	"$stoke" record -q -e cpu-clock,page-faults -o two-events.stoke -- sh -c "$burn" 2>/dev/null
for event in cpu-clock page-faults; do check "diff of $event" metric $event; done
check "stat on a full disk" status_is 125 "Cannot write to /dev/full: No space" "$stoke" stat --json -o /dev/full -- true
check "leaves it" [ -c /dev/full ]
for how in "-- true" "-r 2 -- true" "-I 50 -- sleep 0.2" "-- sh -c 'kill -9 \$\$'" "-g all -- true" "-e cycles,LLC-load-misses -- true"; do
	check "stat --json $how" sh -c "'$stoke' stat --json $how 2>/dev/null >s.json
		python3 -c 'import json
n = 0
for line in open(\"s.json\"): json.loads(line); n += 1
assert n'"
done
check "info --json" sh -c "'$stoke' info --json | python3 -m json.tool"
check "info --json of a machine that tells nothing" sh -c "'$stoke' info --json --root $work/none | python3 -m json.tool"

# ---- what other tools wrote, in every view and in every format
mkdir import
"$stoke" export a.stoke -o import/a.folded
for x in speedscope.json pb.gz; do "$stoke" export a.stoke -o import/a.$x 2>/dev/null || rm -f import/a.$x; done
"$stoke" export phases.stoke -o import/a.trace.json 2>/dev/null
cat >import/chrome.trace.json <<'END'
{"traceEvents": [
{"name": "process_name", "ph": "M", "pid": 1, "tid": 2, "args": {"name": "train"}},
{"name": "step", "ph": "X", "ts": 10, "dur": 4000, "pid": 1, "tid": 2},
{"name": "matmul", "ph": "X", "ts": 20, "dur": 3000, "pid": 1, "tid": 2},
{"name": "loss", "ph": "C", "ts": 4000, "pid": 1, "args": {"loss": 0.5}}]}
END
cat >import/a.perf <<'END'
train  4711/4712  100.000001:    1000000 cpu-clock:
	    55d0c0de1234 gemm+0x24 (/usr/bin/train)
	    55d0c0de1000 main+0x10 (/usr/bin/train)

train  4711/4713  100.100001:    1000000 cpu-clock:
	ffffffff81001234 do_syscall_64+0x4 ([kernel.kallsyms])
	    55d0c0de1000 main+0x10 (/usr/bin/train)

END
if command -v perf >/dev/null && perf record -q -B -N -o import/a.data -e cpu-clock -g -- sh -c "$burn" >/dev/null 2>&1; then :; else
	rm -f import/a.data
	skip "a perf.data in every view: perf cannot record here"
fi
# Cut in half: refused in one sentence with the byte or line, or read up to there with a note.
damaged() { # FILE
	head -c "$(($(stat -c %s "$1") / 2))" "$1" >"cut-${1##*/}"
	"$stoke" export "cut-${1##*/}" >/dev/null 2>err
	case $? in
	4) [ "$(wc -l <err)" = 1 ] && grep -Eq '(byte|line) [0-9]+|[0-9]+ unpacked bytes' err ;;
	0) "$stoke" report "cut-${1##*/}" | tr -s ' \n' ' ' | grep -Eiq 'damaged|ends early|left out|did not finish' ;;
	*) return 1 ;;
	esac
}
for file in import/* a.stoke; do check "half of ${file##*/}" damaged "$file"; done
head -c 60 import/a.pb.gz >cut.pb.gz
check "a pprof file cut early" status_is 4 "damaged or cut after [0-9]+ unpacked bytes" "$stoke" export cut.pb.gz
views=$("$stoke" list views | awk '/^[a-z]/ { print $1 }')
shown() { # VIEW FILE: something, no sign of a value that is none, within its size
	"$stoke" render --view "$1" --size 100x30 --color never "$2" >shown.txt && [ "$(wc -l <shown.txt)" = 30 ] &&
		! grep -qiwE 'nan|inf|-nan|\(null\)' shown.txt && [ "$(tr -d ' \n' <shown.txt | wc -c)" -gt 40 ]
}
says() { # VIEW FILE PATTERN
	"$stoke" render --view "$1" --size 100x30 --color never "$2" >shown.txt && tr -s ' \n' ' ' <shown.txt | grep -Eq -- "$3"
}
# What the source did not hold is a dash, or is told, with the reason.
for file in import/a.folded import/a.pb.gz; do
	[ -e "$file" ] || continue
	check "no times in ${file#*/}" says timeline "$file" "– The [a-z.-]+ file that was imported holds no times"
	check "no duration of ${file#*/}" says overview "$file" "– no times"
	check "no part of a second of ${file#*/}" says overview "$file" "share of all samples"
done
for file in import/*; do
	case $file in *trace.json) ;; *) check "no counters in ${file#*/}" says counters "$file" "– The [a-z.-]+ file that was imported holds no counters" ;; esac
	check "where ${file#*/} is from" says overview "$file" "imported from [a-z]"
	check "what ${file#*/} does not hold" says notes "$file" "not available|left out|holds"
	case $file in *.data | *trace.json) ;; *) check "no machine in ${file#*/}" says machine "$file" "says nothing of the machine" ;; esac
	check "no GPU in ${file#*/}" says gpu "$file" "No GPU work is recorded"
	check "no roofline of ${file#*/}" says roofline "$file" "No phase has told its work|Choose|FLOP"
	check "no lost time of ${file#*/}" says lost "$file" "not known|No phase|no exact work"
	check "no source of ${file#*/}" says annotate "$file" "Choose a function first"
done
for file in import/a.folded import/a.speedscope.json; do
	[ ! -e "$file" ] || check "no modules in ${file#*/}" says functions "$file" " –( |\$)"
done
check "times of perf's text" says timeline import/a.perf "train 4712"
for file in import/*; do
	check "import of ${file#*/}" "$stoke" import -f -q "$file" -o i.stoke
	for view in $views; do check "$view of ${file#*/}" shown "$view" "$file"; done
	for format in $formats; do
		"$stoke" export "$file" --format $format >i.out 2>err
		check "$format of ${file#*/}" whole $format i.out
	done
done
finish
