#!/bin/bash
# Black-box tests of the command line: exit statuses, streams, signals and sentences.
# Usage: tests/cli.sh [STOKE]
set -u
# shellcheck source=tests/tally.sh
. "$(dirname "$0")/tally.sh"
stoke=$(realpath "${1:-build/release/stoke}") sources=$(realpath "$(dirname "$0")/..")
[ -x "$stoke" ] || { echo "there is no $stoke: run make"; exit 1; }
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
export LC_ALL=C.UTF-8 XDG_CONFIG_HOME="$work/config" TMPDIR="$work"
unset NO_COLOR CLICOLOR CLICOLOR_FORCE FORCE_COLOR

fail() { # WHAT: and what the command wrote
	n_failed=$((n_failed + 1))
	echo "FAIL $1"
	sed 's/^/     /' "$work/out" "$work/err" | head -20
}

# expect NAME STATUS OUT-PATTERN ERR-PATTERN COMMAND...; "" = must be empty, "*" = anything
expect() {
	local name=$1 status=$2 out=$3 err=$4 got
	shift 4
	timeout 60 "$@" >"$work/out" 2>"$work/err" </dev/null
	got=$?
	compare "$name" "$status" "$got" "$out" "$err"
}

compare() {
	local problem=
	[ "$2" = "$3" ] || problem="status $3, not $2"
	matches "$work/out" "$4" || problem="$problem; stdout is not /$4/"
	matches "$work/err" "$5" || problem="$problem; stderr is not /$5/"
	if [ -n "$problem" ]; then fail "$1: $problem"; else pass; fi
}

matches() {
	case $2 in
	'*') return 0 ;;
	'') [ ! -s "$1" ] ;;
	*) grep -Eq -- "$2" "$1" ;;
	esac
}

one_line() {
	if [ "$(wc -l <"$work/err")" -eq 1 ]; then pass; else fail "$1: not one line"; fi
}

# burns about half a second of one CPU
burn='i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done'

# ---- help and usage
for topic in config keys screen; do
	expect "help $topic" 0 "map|:write" "" "$stoke" help $topic
done
expect "a topic mistyped" 2 "" "did you mean config" "$stoke" help confg
mkdir -p config/stoke && printf 'rate = 50\nnonsense\n' >config/stoke/config
expect "the configured rate" 0 "" "at 50 Hz" "$stoke" record -o rate.stoke -- sh -c "$burn"
expect "a wrong line does not stop it" 0 "*" "*" "$stoke" report rate.stoke
rm -r config
expect "no arguments off a terminal" 2 "" "^Usage: stoke" "$stoke"
expect "--help" 0 "^Commands:" "" "$stoke" --help
expect "-h" 0 "^Commands:" "" "$stoke" -h
expect "help" 0 "^Commands:" "" "$stoke" help
expect "help CMD" 0 "^Usage: stoke record" "" "$stoke" help record
expect "CMD --help" 0 "^Usage: stoke record" "" "$stoke" record --help
expect "--version" 0 "^stoke [0-9]" "" "$stoke" --version
expect "record -V" 0 "^stoke [0-9]" "" "$stoke" record -V
expect "man page" 0 "^\.TH STOKE 1" "" "$stoke" help --man
for command in $("$stoke" list commands | awk '/^[a-z]/{print $1}'); do
	expect "$command --help" 0 "^Usage: stoke $command" "" "$stoke" "$command" --help
	[ "$(awk '{ if (length($0) > 80) n++ } END { print n + 0 }' "$work/out")" = 0 ] ||
		fail "$command --help: wider than 80 columns"
done
expect "unknown command" 2 "" "^stoke: There is no command recrod; did you mean record\?$" "$stoke" recrod
expect "unknown option" 2 "" "did you mean --freq\?$" "$stoke" record --frq 5 -- true
one_line "unknown option"
expect "unknown list" 2 "" "did you mean events\?$" "$stoke" list evnts
expect "unknown event" 2 "" "did you mean cycles\?$" "$stoke" record -e cyclse -- true
expect "unknown format" 2 "" "did you mean folded\?$" "$stoke" record --format foldd -- true
expect "unknown workload" 2 "" "There is no workload nonsense" "$stoke" run nonsense
expect "frequency and count" 2 "" "exclude each other" "$stoke" record -F 99 -c 9 -- true
expect "nothing to record" 2 "" "A command is missing" "$stoke" record
expect "nothing after --" 2 "" "A command is missing" "$stoke" record --
expect "a recording on stdout" 2 "" "needs a file" "$stoke" record --format stoke -- true

# ---- the program's own status
expect "status 0" 0 "*" "*" "$stoke" record -- true
expect "status 7" 7 "*" "*" "$stoke" record -- sh -c 'exit 7'
expect "status of run off a terminal" 7 "*" "*" "$stoke" run -- sh -c 'exit 7'
expect "killed program" 137 "*" "*" "$stoke" record -- sh -c 'kill -9 $$'
expect "terminated program" 143 "*" "*" "$stoke" record -- sh -c 'kill -15 $$'
expect "command not found" 127 "" "nosuchcommand: command not found" "$stoke" record -- nosuchcommand
one_line "command not found"
expect "escapes in a name are not echoed" 127 "" "a.\[31mb: command not found" "$stoke" record -- $'a\033[31mb'
grep -q $'\033' err && fail "an escape on stderr"
touch plain
expect "not executable" 126 "" "Cannot run ./plain" "$stoke" record -- ./plain
expect "a directory as command" 126 "" "Cannot run /tmp" "$stoke" record -- /tmp
expect "options after the command are its own" 3 "*" "*" "$stoke" record -q sh -c 'exit 3'
expect "assignment before the command" 9 "*" "*" "$stoke" record -- STATUS=9 sh -c 'exit $STATUS'
expect "--require of an unknown thing" 2 "" "does not know" "$stoke" record --require magic -- true
if [ -e /dev/nvidiactl ]; then
	skip "--require gpu without one: this machine has one"
else
	expect "--require gpu" 3 "" "GPU work cannot be recorded here" "$stoke" record --require gpu -- touch ran
	[ ! -e ran ] || fail "--require gpu: the program ran"
fi
expect "--require callgraph" 3 "" "callers cannot" "$stoke" record --require callgraph --call-graph none -- true

# ---- streams
expect "folded stacks on stdout" 0 "^sh;.* [0-9]+$" "samples of" "$stoke" record -- sh -c "$burn"
grep -Ev '^[^ ].* [0-9]+$' out >bad
[ ! -s bad ] || fail "a line that is not folded: $(head -1 bad)"
expect "the program's stdout goes to stderr" 0 "*" "^from the program$" "$stoke" record -- sh -c 'echo from the program'
grep -q 'from the program' out && fail "the program's stdout is in the data"
expect "-q" 0 "*" "" "$stoke" record -q -- sh -c "$burn"
expect "-o leaves stdout alone" 0 "^from the program$" "*" "$stoke" record -o a.folded -- sh -c "echo from the program; $burn"
expect "-o wrote" 0 "^sh;" "" cat a.folded
expect "-o -" 0 "^sh;" "" "$stoke" record -qo - -- sh -c "$burn"
expect "-o a directory" 125 "" "Cannot write /tmp" "$stoke" record -o /tmp -- touch ran
expect "-o in no directory" 125 "" "No such file" "$stoke" record -o none/a.folded -- touch ran
expect "-o .stoke in no directory" 125 "" "No such file" "$stoke" record -o none/a.stoke -- touch ran
[ ! -e ran ] || fail "a wrong -o: the program ran"
printf old >old.stoke
expect "failed start keeps the old recording" 127 "" "*" "$stoke" record -f -o old.stoke -- nosuchcommand
expect "and leaves nothing beside it" 0 "^old old.stoke$" "" sh -c 'echo "$(cat old.stoke)" old.stoke*'
expect "failed start leaves no file" 127 "" "*" "$stoke" record -o left.folded -- nosuchcommand
[ ! -e left.folded ] || fail "a failed start left a file"
"$stoke" record -q -- sh -c "$burn; exit 5" 2>err | head -c 1 >out
compare "a reader that leaves" 5 "${PIPESTATUS[0]}" "*" ""
"$stoke" record -q -- sh -c "$burn" >/dev/full 2>err; status=$?
: >out
compare "a full disk" 125 $status "*" "No space left"
"$stoke" help >/dev/full 2>err; status=$?
compare "help on a full disk" 1 $status "*" "No space left"
"$stoke" help >&- 2>err; status=$?
compare "help on a closed stdout" 1 $status "*" "Bad file descriptor"
"$stoke" record -q -- sh -c "$burn" >&- 2>err; status=$?
compare "record on a closed stdout" 125 $status "*" "Bad file descriptor"
"$stoke" list events 2>err | head -1 >out
compare "list into head" 0 0 "^cpu-clock" ""
"$stoke" record -q -o c.folded -- sh -c 'exit 4' <&- >&- 2>&-
[ $? = 4 ] && pass || fail "all descriptors closed"

# ---- workloads
expect "run a workload off a terminal" 0 "^gbdt.*build_histogram" "checks passed" "$stoke" run gbdt rows=20k seconds=1
expect "run the main job" 0 "gbdt_" "samples of" "$stoke" run --duration 1s
expect "record a workload" 0 "^triad" "checks passed" "$stoke" record triad seconds=0.5
expect "a workload's own checks" 0 "^xor: 1 passed, 0 failed" "" "$stoke" run xor --selftest
expect "no library of CUDA kernels" 3 "" "^stoke: device=cuda needs libstoke-cuda.so.*or use device=cpu\.$" \
	env STOKE_CUDA_LIBRARY=/nowhere "$stoke" workload gemm device=cuda n=8
one_line "no library of CUDA kernels"
expect "doctor without CUDA kernels" 0 "device=cuda +device=cuda needs" "" \
	env STOKE_CUDA_LIBRARY=/nowhere "$stoke" doctor
grep -q 'GPU ceilings  *never measured here' out && pass || fail "doctor: no word of the GPU's ceilings"
mock=$(dirname "$stoke")/tests/mock_nvml.so
if [ -e "$mock" ]; then # two devices that are not there
	mkdir driver && ln -s "$mock" driver/libnvidia-ml.so.1
	expect "doctor with two GPUs" 0 "GPU 1 +Mock H201; power: it works" "" env LD_LIBRARY_PATH=driver "$stoke" doctor
	grep -q 'GPU 0 processes  *[0-9][0-9]* [a-z]*: 118 MiB\|GPU 0 processes  *the driver numbers' out &&
		pass || fail "doctor: no word of who is on the GPU"
	expect "doctor with a broken driver" 0 "NVML does not start \(code 18\)" "" \
		env LD_LIBRARY_PATH=driver MOCK_SCRIPT=nvmlInit_v2=18 "$stoke" doctor
else
	skip "doctor with two GPUs: mock_nvml.so is not built"
fi
expect "checks of what is not there" 2 "" "no workload soup" "$stoke" run soup --selftest
expect "checks behind an option" 2 "" "selftest takes no options of run" "$stoke" run --headless xor --selftest
expect "an unknown setting" 2 "" "did you mean rows" "$stoke" run gbdt row=4
expect "a setting out of range" 2 "" "depth" "$stoke" run gbdt depth=9999
expect "list a workload" 0 "build_histogram" "" "$stoke" list workloads gbdt
expect "list events of a pattern" 0 "^L1-dcache-load-misses " "" "$stoke" list events dcache
foreign=RETIRED_SSE_AVX_FLOPS
grep -q GenuineIntel /proc/cpuinfo || foreign=MEM_LOAD_RETIRED:L3_MISS
expect "an event of another processor" 2 "" "another has it: [a-z0-9_]*::$foreign" "$stoke" stat -e "$foreign" -- true
expect "metric groups over time" 0 "checks passed" "" "$stoke" record -q -M faults -o groups.stoke gemm size=S seconds=1
"$stoke" export --format csv groups.stoke >groups.csv
grep -q '^reading,.*,page faults,.*,software,' groups.csv || fail "metric groups over time: no reading"
expect "a metric group that is none, over time" 2 "" "did you mean ipc" "$stoke" record -M ipd -o groups.stoke gemm
expect "list events of no such pattern" 2 "" "did you mean page-faults" "$stoke" list events page-fualts
expect "an event of a missing PMU" 2 "" "no PMU .nosuch." "$stoke" record -e nosuch/event=1/ -- touch ran
# Libraries that are opened late may be gone by then.
mkdir -p late && for library in libpfm.so.4 libcapstone.so.4 libcapstone.so.5; do echo none >"late/$library"; done
expect "an event without libpfm4" 2 "" "libpfm4 .libpfm.so.4. is not installed; install the package libpfm4" \
	env LD_LIBRARY_PATH="$work/late" "$stoke" stat -e MEM_LOAD_RETIRED:L3_MISS -- true
expect "the kernel's events without libpfm4" 0 "" "*" \
	env LD_LIBRARY_PATH="$work/late" "$stoke" stat -o late.txt -e task-clock -- true
expect "doctor without them" 0 "– libpfm4 .*libpfm4 .libpfm.so.4" "" env LD_LIBRARY_PATH="$work/late" "$stoke" doctor
grep -q '– capstone ' out && pass || fail "doctor: capstone is there"

# ---- the machine
expect "info" 0 "^Processor" "" "$stoke" info
expect "info in ASCII" 0 "^Processor" "" "$stoke" info --ascii
grep -q '[^ -~]' out && fail "info --ascii: a character that is not ASCII"
expect "info of a folder that holds nothing" 0 "CPUs +.*/online cannot be read" "" "$stoke" info --root "$work/none"
expect "info --json" 0 '^\{"cpus":"0' "" "$stoke" info --json
export XDG_CACHE_HOME=$work/cache
expect "no ceilings yet" 1 "" "are not known .*stoke bench" "$stoke" bench --cached
expect "a short bench" 0 '"name":"clock"' "" env STOKE_CUDA_LIBRARY=/nowhere "$stoke" bench -q --threads 1 -r 1 --json
grep -q '"devices":\[\],"devices_reason":"No ceilings of a GPU were measured\. .*build stoke where nvcc is found (CUDA 13)\."' out &&
	pass || fail "a short bench: it does not say why there is no GPU"
expect "a part of it is not kept" 1 "" "are not known" "$stoke" bench --cached
expect "bench with no threads" 2 "" "--threads takes numbers" "$stoke" bench -q --threads 0
expect "bench of something" 2 "" "takes no arguments" "$stoke" bench here
expect "all of it is kept" 0 "^Memory" "*" env STOKE_CUDA_LIBRARY=/nowhere "$stoke" bench -q -r 1 --no-gpu
if [ "$(nproc)" -gt 1 ] && command -v taskset >/dev/null; then
	one=$(sed -n 's/^Cpus_allowed_list:\t*\([0-9]*\).*/\1/p' /proc/self/status)
	expect "bound to one CPU it takes no other's place" 0 "^Memory" "This is not kept" taskset -c "$one" "$stoke" bench -q -r 1 --no-gpu
	grep -E "^ +(clock|f32|f64)" out | grep -q "%" && fail "bench -r 1: a difference of one value"
else
	skip "bench on one of the CPUs: there is one, or no taskset"
fi
"$stoke" run triad size=64 repeats=200 -q -o "$work/share.stoke" >out 2>err
expect "traffic is shown as a share of it" 0 "memory\\.of_ceiling +[^–]*[1-9][0-9.]* %" "" "$stoke" render --view counters --size 100x20 "$work/share.stoke"
"$stoke" record -q -e page-faults,cpu-clock -o faulty.stoke triad size=64 repeats=100 >out 2>err
expect "lost time is the clock's, also behind another event" 0 "lost [0-9.]+ m?s of" "" "$stoke" render --view lost --size 100x20 faulty.stoke
"$stoke" record -q -f -e page-faults -o faulty.stoke triad size=64 repeats=100 >out 2>err
expect "events are no time that is lost" 0 "not of time" "" "$stoke" render --view lost --size 100x20 faulty.stoke
expect "what has learned well passes its check" 0 "checks passed" "" "$stoke" run mlp epochs=6 -q -o "$work/mlp.folded"
expect "info of something" 2 "" "takes no arguments" "$stoke" info here

# ---- counting
expect "stat prints its table on stderr" 0 "^from the program$" " page-faults$" "$stoke" stat -- echo from the program
expect "stat passes the status on" 7 "" "elapsed" "$stoke" stat -- sh -c 'exit 7'
for command in stat "record -qf -o ignored.stoke"; do
	# shellcheck disable=SC2086
	expect "$command where ends of children are ignored" 7 "*" "*" \
		timeout -s KILL 20 env --ignore-signal=CHLD "$stoke" $command -- sh -c 'exit 7'
done
expect "stat passes a signal on" 137 "" "elapsed" "$stoke" stat -- sh -c 'kill -9 $$'
expect "stat says what signal it was" 137 "" "^note: The program was ended by signal 9" "$stoke" stat -e page-faults -- sh -c 'kill -9 $$'
expect "stat -x, too" 143 "^event" "^stoke stat: note: The program was ended by signal 15" "$stoke" stat -x, -e page-faults -- sh -c 'kill -TERM $$'
expect "stat -I, too" 137 "" "ended by signal 9" "$stoke" stat -I 100 -e page-faults -- sh -c 'kill -9 $$'
expect "stat of a status that is no signal" 137 "" "!" "$stoke" stat -e page-faults -- sh -c 'echo !>&2; exit 137'
grep -q "ended by" err && fail "stat: a status of 137 is no signal"
expect "stat -r counts what failed" 3 "" "^note: 2 of 2 runs failed; the first ended with status 3" "$stoke" stat -r 2 -e page-faults -- sh -c 'exit 3'
expect "stat of a clock's user part" 0 "^event,,,task-clock:u,,ns,,0,unavailable,.*a clock counts user code and the kernel" "*" "$stoke" stat -x, -e task-clock:u -- true
expect "stat of a part that a flag leaves out" 0 "^event,,,page-faults:u,,events,,0,unavailable,.*left out" "*" "$stoke" stat -x, --all-kernel -e page-faults:u -- true
expect "stat of a group with a modifier" 0 "^event,,,minor-faults:u,[0-9]+,events,,1,software" "*" "$stoke" stat -x, -e '{page-faults, minor-faults}:u, cs' -- true
expect "stat -e" 0 "" " task-clock$" "$stoke" stat -e 'task-clock,{page-faults,minor-faults:u}' -- true
expect "stat -e, twice" 0 "" " minor-faults$" "$stoke" stat -e minor-faults -e page-faults -- true
expect "stat -r" 0 "" "3 runs: mean and standard deviation" "$stoke" stat -r 3 -e page-faults -- true
expect "stat -r keeps the first failure" 3 "" "2 runs" "$stoke" stat -r 2 -- sh -c '[ -e failed ] || { touch failed; exit 3; }'
rm -f failed
expect "stat -x" 0 "^event,,,page-faults,[0-9]+,events,,1,software,1,,$" "^from the program$" "$stoke" stat -x, -e page-faults -- echo from the program
expect "stat -x has a header" 0 "^kind,group,core,name,value,unit,deviation,runs,provenance,running_ratio,reason,trust$" "*" "$stoke" stat -x, -e page-faults -- true
expect "stat --json" 0 '"name":"page-faults","value":[0-9]+,"unit":"events"' "" "$stoke" stat --json -e page-faults -- true
expect "stat --json with a group" 0 '"group":"faults","name":"page faults","value":[0-9.]+,"unit":"/s"' "" "$stoke" stat --json -g faults -- true
grep -qE '\b(nan|inf)\b' out && fail "stat --json: nan or inf"
expect "stat -I" 0 "" "^to 0.1" "$stoke" stat -I 100 -e task-clock -- sleep 1
[ "$(grep -c '^to ' err)" -ge 3 ] && pass || fail "stat -I: fewer than three intervals"
expect "stat -o" 0 "^from the program$" "" "$stoke" stat -o stat.txt -e page-faults -- echo from the program
expect "stat -o wrote" 0 " page-faults$" "" cat stat.txt
expect "stat -o in no directory" 125 "" "Cannot write" "$stoke" stat -o none/stat -- touch ran
expect "stat of all groups" 0 "^metric,switches,,migrations," "*" "$stoke" stat -x, -g all -- true
awk -F, '$1 == "metric" && $5 == "" && $0 !~ /unavailable/' out >bad
[ ! -s bad ] || fail "stat: a missing value that is not called unavailable: $(head -1 bad)"
expect "stat of a workload" 0 "*" "elapsed" "$stoke" stat -e task-clock triad seconds=0.2
expect "events read together" 0 "" "samples of page-faults" "$stoke" record -e '{cpu-clock,page-faults}:S' --no-gpu -o together.folded -- sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done'
expect "a group without S" 2 "" "a,b.:S" "$stoke" record -e '{cpu-clock,page-faults}' -o together.folded -- touch ran
expect "stat of memory traffic" 0 '^metric,bandwidth,,memory traffic,[0-9.e+]+,B/s,,1,(measured|modelled|scaled),' "*" "$stoke" stat -x, -g bandwidth triad size=30 seconds=0.3
expect "stat of traffic that nobody tells" 0 '^metric,bandwidth,,memory traffic,' "*" "$stoke" stat -x, -g bandwidth -- true
# What a program tells as its last act is in the traffic too: that is made of what the probe has told.
cat >tells.c <<'C'
#include "sampler/base/probe.h"
int main(void)
{
	probe_work((struct probe_work){ 0, 1e9, 0 });
	_exit(0);
}
C
# shellcheck disable=SC2086
expect "a program that tells its work compiles" 0 "" "" ${CC:-cc} -std=gnu17 -I "$sources" -o tells tells.c
expect "work told once, at the end" 0 "" "" "$stoke" record -q -o tells.stoke -- ./tells
expect "is traffic" 0 '^reading,[0-9.]+,,memory\.bandwidth,,[0-9.e+]+,B/s,modelled,' "" "$stoke" export tells.stoke --format csv
expect "stat of an unknown event" 2 "" "did you mean page-faults" "$stoke" stat -e page-fault -- touch ran
expect "stat of an unknown group" 2 "" "did you mean faults" "$stoke" stat -g fault -- touch ran
expect "stat with an open brace" 2 "" "brace" "$stoke" stat -e '{cycles' -- touch ran
expect "stat of a missing command" 127 "" "command not found" "$stoke" stat -- nosuchcommand
expect "stat of nothing" 2 "" "A command is missing" "$stoke" stat
expect "stat --require hw of software events" 3 "" "only software" "$stoke" stat --require hw -e page-faults -- touch ran
expect "stat --require of an unknown thing" 2 "" "takes hw and kernel" "$stoke" stat --require magic -- touch ran
expect "stat --require kernel" 3 "" "require kernel" "$stoke" stat --require kernel --all-user -- touch ran
for separator in 1 . - E '"' $'\n'; do
	expect "stat -x with part of a number" 2 "" "nothing of a number" "$stoke" stat -x "$separator" -e page-faults -- touch ran
done
expect "stat of the user part of what is the kernel's" 2 "" "cs:u would always be 0" "$stoke" stat -e page-faults,cs:u -- touch ran
expect "record of the same" 2 "" "cs:u would always be 0" "$stoke" record -e cs:u -o none.folded -- touch ran
expect "record of what a flag leaves out" 2 "" "cpu-clock:k happens in the kernel, which is left out" "$stoke" record --all-user -e cpu-clock:k -o none.folded -- touch ran
expect "record of what the other leaves out" 2 "" "page-faults:u is of user code, which is left out" "$stoke" record --all-kernel -e page-faults:u -o none.folded -- touch ran
expect "stat -I with -r" 2 "" "exclude" "$stoke" stat -I 100 -r 2 -- touch ran
[ ! -e ran ] || fail "stat: a wrong option, but the program ran"
# ---- stat of what runs already
sh -c 'while :; do :; done' &
busy=$!
expect "stat -p says what it counts" 0 "" "^process $busy .sh., during: sleep 0.2$" "$stoke" stat -e page-faults -p $busy -- sleep 0.2
expect "stat -p ends after --duration" 0 "" "^process $busy .sh.$" "$stoke" stat -e page-faults -p $busy --duration 200ms
expect "stat -t, perf's --timeout" 0 "" "^thread $busy .sh.$" "$stoke" stat -e page-faults -t $busy --timeout 200
expect "stat of two processes" 0 "" "^processes $busy .sh., $$ .[a-z.]+.$" "$stoke" stat -e page-faults -p $busy,$$ --duration 100ms
expect "stat -p: the command's status" 7 "" "elapsed" "$stoke" stat -e page-faults -p $busy -- sh -c 'exit 7'
expect "stat -p -r" 3 "" "2 runs" "$stoke" stat -e page-faults -p $busy -r 2 -- sh -c 'exit 3'
expect "stat -p -x" 0 "^time,,,user,[0-9.]+,s,,1,software,1,,$" "^stoke stat: note: user and system are in the kernel's steps" "$stoke" stat -x, -e page-faults -p $busy --duration 200ms
expect "stat -p --json" 0 '^."counted":"process [0-9]+ .sh.","command":\[\],"runs":1,' "" "$stoke" stat -j -e page-faults -p $busy --duration 100ms
expect "stat -p -I" 0 "" "^to 0.3" "$stoke" stat -I 100 -e task-clock -p $busy --duration 350ms
[ "$(grep -c '^to ' err)" -ge 3 ] && pass || fail "stat -p -I: fewer than three intervals"
expect "stat -p -I has times" 0 "^0[.][0-9]+,time,,,user,[0-9.]+,s," "*" "$stoke" stat -x, -I 100 -e page-faults -p $busy --duration 250ms
expect "stat -p of a missing command" 127 "" "command not found" "$stoke" stat -e page-faults -p $busy -- nosuchcommand
expect "stat -p of a workload's time" 0 "*" "during: triad" "$stoke" stat -e page-faults -p $busy triad seconds=0.1
expect "stat of no process" 125 "" "does not exist" "$stoke" stat -p 4194304
expect "stat of a word" 2 "" "takes numbers" "$stoke" stat -p busy
expect "stat -p with -a" 2 "" "exclude" "$stoke" stat -p $busy -a
expect "stat -p with -r alone" 2 "" "give one behind --" "$stoke" stat -p $busy -r 2
expect "stat --timeout of a word" 2 "" "takes milliseconds" "$stoke" stat --timeout soon -p $busy
expect "--duration ends a program that is counted" 0 "" "elapsed" "$stoke" stat -e page-faults --duration 200ms -- sleep 30
if "$stoke" stat -a -e page-faults -- true >out 2>err; then
	expect "stat -a" 0 "" "^the whole machine, during: sleep 0.2$" "$stoke" stat -a -e page-faults,task-clock -- sleep 0.2
	expect "stat -a: clocks say nothing of how busy" 0 '^metric,switches,,time between switches,,ns,.*,unavailable,.*idle' "*" \
		"$stoke" stat -a -x, -g switches --duration 100ms
else
	compare "stat -a, forbidden" 125 $? "" "(perf_event_paranoid|seccomp|forbidden)"
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -ge 1 ]; then
	chmod 755 "$work"
	cp "$stoke" public-stoke
	expect "stat -a as nobody" 125 "" "kernel.perf_event_paranoid=0" setpriv --reuid=65534 --regid=65534 --clear-groups \
		./public-stoke stat -a -e page-faults -- touch ran
	expect "stat -p of another's as nobody" 125 "" "belongs to user 0" setpriv --reuid=65534 --regid=65534 --clear-groups \
		./public-stoke stat -e page-faults -p $busy -- touch ran
	[ ! -e ran ] || fail "stat: nothing may be counted, but the program ran"
	rm public-stoke
else
	skip "stat as nobody: there is no setpriv, or everybody may"
fi
{ kill $busy; wait $busy; } 2>/dev/null
"$stoke" stat -x, -- true >/dev/full 2>err; status=$?
: >out
compare "stat on a full disk" 125 $status "*" "No space left"
LC_ALL=C expect "stat in ASCII" 0 "" "^o .* elapsed$" "$stoke" stat -- true
LC_ALL=C grep -q '[^ -~]' err && fail "stat: not ASCII"
expect "list metrics" 0 "^ipc +Instructions a cycle" "" "$stoke" list metrics
expect "list a metric group" 0 "= instructions / cycles$" "" "$stoke" list metrics ipc
expect "list an unknown metric group" 2 "" "did you mean ipc" "$stoke" list metrics ipd

# ---- recordings
expect "record a .stoke" 0 "" "samples of" "$stoke" record -o a.stoke -- sh -c "$burn"
expect "report it" 0 "^command +sh -c" "" "$stoke" report a.stoke
expect "its machine" 0 "Processor" "" "$stoke" render --view machine --size 80x99 a.stoke
expect "export it" 0 "^sh;.* [0-9]+$" "" "$stoke" export a.stoke
expect "export -i -o" 0 "" "" "$stoke" export -i a.stoke --format folded -o b.folded
expect "exported" 0 "^sh;" "" cat b.folded
expect "an ending that tells no format" 0 "" "no format is told by the ending of x.xyz: it gets folded stacks" "$stoke" export a.stoke -o x.xyz
expect "it gets folded stacks" 0 "^sh;" "" cat x.xyz
expect "an ending that tells no format, -q" 0 "" "" "$stoke" export -q -f a.stoke -o x.xyz
expect "no ending" 0 "" "" "$stoke" export a.stoke -o x
# what each format begins with; pprof is gzip
for format in "folded ^sh;" "speedscope speedscope.app" "chrome traceEvents" "firefox preprocessedProfileVersion" \
	"svg <svg" "html <!DOCTYPE" "csv ^kind,time_s" "lines ^module,function" "jsonl ^.\"kind\":\"series\"" "markdown ^##.Profile"; do
	expect "export --format ${format%% *}" 0 "${format#* }" "" "$stoke" export a.stoke --format "${format%% *}"
	"$stoke" export a.stoke --format "${format%% *}" >/dev/full 2>err; status=$?
	: >out
	compare "export --format ${format%% *} to a full disk" 1 $status "" "^stoke export: Cannot write .*No space left"
	one_line "export --format ${format%% *} to a full disk"
	"$stoke" export a.stoke --format "${format%% *}" 2>err | head -c 1 >out
	compare "export --format ${format%% *} into head" 0 "${PIPESTATUS[0]}" "*" ""
done
if "$stoke" list exporters | tr -d '\n' | grep -q 'pprof .*not usable'; then
	skip "export --format pprof: stoke was built without protobuf-c"
else
	expect "export -o x.pb.gz" 0 "" "" "$stoke" export a.stoke -o x.pb.gz
	[ "$(head -c 2 x.pb.gz | od -An -tx1 | tr -d ' ')" = 1f8b ] && pass || fail "x.pb.gz is no gzip"
	expect "export --format pprof to stdout" 0 "*" "" "$stoke" export a.stoke --format pprof
	cmp -s out x.pb.gz && pass || fail "pprof on stdout is not what -o writes"
fi
"$stoke" export a.stoke >whole.folded
"$stoke" export a.stoke --to 60ms >first.folded
"$stoke" export a.stoke --from 60ms >rest.folded
echo "main;work 3" >folded.text
echo "just words" >words.text
echo '[{"ph":' >broken.trace.json
sum() { awk '{ n += $NF } END { print n + 0 }' "$@"; }
if [ "$(sum whole.folded)" = "$(sum first.folded rest.folded)" ] && [ "$(sum first.folded)" -gt 0 ] &&
	[ "$(sum rest.folded)" -gt 0 ]; then pass; else fail "two windows are not the whole"; fi
expect "export --per-thread" 0 "^sh-[0-9]+/[0-9]+;" "" "$stoke" export a.stoke --per-thread
pid=$("$stoke" export a.stoke --per-thread | sed -n '1s|^sh-\([0-9]*\)/.*|\1|p')
expect "export --pid" 0 "^sh-$pid/$pid;" "" "$stoke" export a.stoke --pid "$pid" --per-thread
"$stoke" export a.stoke --pid "$pid" >alone.folded
if [ "$(sum alone.folded)" = "$("$stoke" export a.stoke --per-process | grep -E "^[^;]*-$pid;" | sum)" ]; then pass; else fail "export --pid is not what is of it"; fi
expect "export --pid of nobody" 2 "" "There is no process 4194305 in it" "$stoke" export a.stoke --pid 4194305
expect "render --pid" 0 "process $pid .* only" "" "$stoke" render --view flame --pid "$pid" a.stoke
expect "render --pid of nobody" 2 "" "There is no process 4194305 in it" "$stoke" render --pid 4194305 a.stoke
"$stoke" record -q -o told.stoke -- "$stoke" workload triad size=4 threads=2 repeats=2000 >/dev/null 2>&1
expect "export --per-phase: threads of the process too" 0 "^triad;.*[0-9]+$" "" "$stoke" export told.stoke --per-phase
expect "export --per-phase without phases" 0 "^\[no phase\];" "" "$stoke" export a.stoke --per-phase
"$stoke" record -q -o kernel.stoke -- dd if=/dev/zero of=/dev/null bs=1 count=300000 2>/dev/null
expect "export --annotate" 0 "_\[k\]" "" "$stoke" export kernel.stoke --annotate
expect "export of no window" 2 "" "nothing between" "$stoke" export a.stoke --from 2s --to 1s
expect "export of a part as a recording" 0 "" "" "$stoke" export a.stoke --from 60ms -o part.stoke
"$stoke" export part.stoke >out 2>err
if cmp -s out rest.folded; then pass; else fail "a part as a recording is not that part"; fi
expect "one event as a recording" 2 "" "holds every event" "$stoke" export a.stoke -e cpu-clock -o event.stoke
[ ! -e event.stoke ] || fail "one event as a recording: a file was left"
expect "export by extension" 0 "" "" "$stoke" export a.stoke -o x.speedscope.json
expect "exported by extension" 0 "speedscope.app" "" cat x.speedscope.json
expect "an extension of several formats" 2 "" "json does not say which format is meant: .*speedscope" "$stoke" export a.stoke -o x.json
one_line "an extension of several formats"
expect "record -o of several formats" 2 "" "does not say which" "$stoke" record -o x.json -- touch ran
[ ! -e ran ] || fail "record -o of several formats: the program ran"
expect "record in another format" 0 "" "*" "$stoke" record -o y.svg -- sh -c "$burn"
expect "recorded in another format" 0 "<title>all: .* samples, 100.0 %</title>" "" cat y.svg
expect "import by content" 0 "" "import: f.stoke holds 3 samples" "$stoke" import folded.text -o f.stoke
expect "imported" 0 "^main;work 3$" "" "$stoke" export f.stoke
expect "import without -o" 0 "" "folded.text.stoke holds" "$stoke" import folded.text
expect "import quietly" 0 "" "" "$stoke" import -f -q folded.text -o f.stoke
expect "export of an event" 0 "^main;work 3$" "" "$stoke" export folded.text -e samples
expect "export of an event that is not there" 2 "" "no samples of an event cycles; there are samples" "$stoke" export folded.text -e cycles
expect "import of a recording" 0 "" "" "$stoke" import -q f.stoke -o g.stoke
expect "import of no format" 4 "" "is not a stoke recording" "$stoke" import words.text
expect "import of a broken file" 4 "" "no JSON: .* at byte" "$stoke" import broken.trace.json
one_line "import of a broken file"
expect "import to nowhere" 1 "" "Cannot write" "$stoke" import folded.text -o none/f.stoke
"$stoke" export - <folded.text >out 2>err
compare "export -" 0 $? "^main;work 3$" ""
"$stoke" export --format speedscope f.stoke | "$stoke" report - >out 2>err
compare "report -" 0 $? "work" ""
"$stoke" export -i - <a.stoke >out 2>err
compare "a recording from standard input" 0 $? "^sh;" ""
"$stoke" import -q - <folded.text >out 2>err && "$stoke" export stdin.stoke >out 2>err
compare "import -" 0 $? "^main;work 3$" ""
"$stoke" diff <(cat folded.text) <(cat folded.text) >out 2>err
compare "diff of two pipes" 0 $? "work" ""
"$stoke" export - <words.text >out 2>err
compare "noise from standard input" 4 $? "" "^stoke export: standard input is not a stoke recording"
expect "nothing from standard input" 4 "" "standard input: there is nothing" "$stoke" export -
"$stoke" export - <&- >out 2>err
compare "a closed standard input" 4 $? "" "^stoke export: Cannot read standard input"
expect "list importers" 0 "^perf-data +perf record" "" "$stoke" list importers
expect "report of nothing" 2 "" "Name one" "$stoke" report
expect "report of a missing file" 4 "" "No such file" "$stoke" report none.stoke
expect "report of a directory" 4 "" "is a directory" "$stoke" report /tmp
head -c 20000 /dev/urandom >random
expect "report of noise" 4 "" "^stoke report: .*not a stoke recording" "$stoke" report random
one_line "report of noise"
: >empty
expect "report of an empty file" 4 "" "^stoke report: " "$stoke" report empty
head -c "$(($(stat -c %s a.stoke) * 9 / 10))" a.stoke >cut.stoke
timeout 20 "$stoke" report cut.stoke >out 2>err; status=$?
case $status in 0 | 4) pass ;; *) fail "a cut recording: status $status" ;; esac
expect "an unwritable export" 1 "" "Cannot write" "$stoke" export a.stoke -o none/b.folded

# ---- nothing is overwritten unless -f
echo mine >mine.folded
cp mine.folded mine.stoke
cp mine.folded mine.md
for how in "125 record -o mine.folded -- touch ran" "125 record -o mine.stoke -- touch ran" \
	"125 stat -o mine.md -- touch ran" "1 export a.stoke -o mine.folded" "1 export a.stoke -o mine.stoke" \
	"1 import folded.text -o mine.stoke" "1 merge -o mine.stoke folded.text a.stoke" \
	"1 diff folded.text folded.text -o mine.md"; do
	# shellcheck disable=SC2086
	expect "${how#* }" "${how%% *}" "" "mine\.[a-z]+ is there already: give -f" "$stoke" ${how#* }
done
[ ! -e ran ] || fail "a file that is there: the program ran"
[ "$(cat mine.folded mine.stoke mine.md | sort -u)" = mine ] || fail "a file was overwritten"
expect "export -f" 0 "" "" "$stoke" export -f a.stoke -o mine.folded
expect "replaced" 0 "^sh;" "" cat mine.folded

# ---- recording over time
loop='while :; do :; done'
controlled() { # ORDER: written, and its answer
	echo "$1" >orders
	IFS= read -r -t 10 answer <&5
	echo "$answer"
}
mkfifo answers
exec 5<>answers
"$stoke" record -o over.stoke --control orders,answers --paused --snapshot -- sh -c "$loop" >out 2>err &
pid=$!
for _ in $(seq 100); do [ -p orders ] && break; sleep 0.1; done
sleep 0.3
{ controlled ping && controlled snapshot && controlled enable; } >answered
sleep 1
controlled snapshot >>answered
controlled disable >>answered
controlled nonsense >>answered
kill -USR2 $pid
for _ in $(seq 200); do [ -e over.3.stoke ] && break; sleep 0.1; done
controlled stop >>answered
wait $pid
compare "--control" 0 $? "" "snapshot over.3.stoke"
[ "$(tr '\n' ' ' <answered)" = "ack ack ack ack ack no order: nonsense ack " ] && pass ||
	fail "--control: answered $(tr '\n' ' ' <answered)"
[ ! -e orders ] || fail "--control: the FIFO we made was left"
exec 5>&-
for n in 1 2 3; do "$stoke" export over.$n.stoke >over.$n.folded 2>/dev/null; done
"$stoke" export over.stoke >over.folded
if [ "$(sum over.1.folded)" = 0 ] && [ "$(sum over.2.folded)" -gt 0 ] &&
	[ "$(sum over.3.folded)" -le "$(sum over.folded)" ]; then pass; else
	fail "snapshots hold $(sum over.1.folded), $(sum over.2.folded), $(sum over.3.folded) of $(sum over.folded)"
fi
expect "pauses are noted" 0 "Sampling was paused for" "" "$stoke" report over.stoke
expect "--ring" 0 "" "samples of" "$stoke" record -F 499 -o ring.stoke --ring 500ms --duration 2s -- sh -c "$loop"
expect "its time" 0 "samples of .* in ([1-5][0-9][0-9]|[1-9][0-9]) ms" "" "$stoke" report ring.stoke
expect "a ring of nothing" 2 "" "^stoke record: --ring takes a time above 0, such as 5s, not 0s.$" "$stoke" record -o ring.stoke -f --ring 0s -- true
expect "--snapshot-when" 0 "" "snapshot when.1.svg" "$stoke" record -o when.svg --snapshot-when 'cpu-clock>0.05' \
	--duration 2s -- sh -c "$loop"
expect "a snapshot in a format" 0 "^<svg|<svg" "" cat when.1.svg
expect "--snapshot-when of nothing" 0 "" "nothing called nonsense" "$stoke" record -o never.folded \
	--snapshot-when 'nonsense>1' -- sh -c "$burn"
expect "--max-size" 0 "*" "has reached its size" "$stoke" record -F 19999 -o most.stoke --max-size 256k -- \
	"$stoke" workload gbdt rows=20k seconds=4
[ "$(stat -c %s most.stoke)" -le 262144 ] || fail "--max-size: $(stat -c %s most.stoke) bytes"
expect "--max-size of little" 2 "" "256 KiB or more" "$stoke" record -o x.stoke --max-size 10k -- touch ran
expect "--max-size of text" 2 "" "a .stoke file" "$stoke" record --max-size 10M -- touch ran
expect "--paused for ever" 2 "" "--control" "$stoke" record --paused -- touch ran
expect "--snapshot of no file" 2 "" "-o FILE" "$stoke" record --snapshot -- touch ran
expect "--snapshot-when of no condition" 125 "" "takes METRIC>VALUE" "$stoke" record -o x.svg --snapshot-when loss -- touch ran
expect "--control of no FIFO" 125 "" "is no FIFO" "$stoke" record --control folded.text -- touch ran
[ ! -e ran ] || fail "recording over time: a wrong option, but the program ran"
mkdir gone; rm -f stoke-*.stoke
"$stoke" record -q -o gone/a.stoke -- sh -c "rm -r $work/gone; $burn" >out 2>err
compare "a folder that goes" 125 $? "" "what was recorded is in $work/stoke-[0-9]+.stoke"
expect "rescued" 0 "^sh;" "" sh -c "$stoke export $work/stoke-*.stoke"
rm -f stoke-*.stoke

# ---- comparisons
printf 'main;work 3000\nmain;rest 5000\nmain;gone 100\n' >old.folded
printf 'main;work 4000\nmain;rest 5000\nmain;fresh 70\n' >new.folded
expect "diff" 0 "▲  \+19.1 % .* work$" "" "$stoke" diff old.folded new.folded
[ "$(awk '{ if (length($0) > 80) n++ } END { print n + 0 }' out)" = 0 ] || fail "diff: wider than 80 columns"
expect "diff keeps what is gone" 0 "× +gone .* gone$" "" "$stoke" diff old.folded new.folded
expect "diff keeps what is new" 0 "\+ +new .* fresh$" "" "$stoke" diff old.folded new.folded
expect "diff --fail-on" 1 "^Regression: more than 5.0 % slower beyond chance: work\.$" "" "$stoke" diff old.folded new.folded --fail-on +5%
expect "diff --fail-on of nothing" 0 "^No regression" "" "$stoke" diff old.folded old.folded --fail-on +5%
expect "diff --fail-on of less" 0 "^No regression" "" "$stoke" diff new.folded old.folded --fail-on 30%
expect "diff --format json" 1 "\"regressions\":1," "" "$stoke" diff old.folded new.folded --fail-on 5 --format json
expect "diff --format markdown" 1 "\*\*\`work\`\*\* \(regression\)" "" "$stoke" diff old.folded new.folded --fail-on 5 --format markdown
expect "diff --format folded" 0 "^work 3000 4000$" "" "$stoke" diff old.folded new.folded --format folded
expect "diff -o" 0 "" "" "$stoke" diff old.folded new.folded -o d.json
expect "diff -o by extension" 0 "^.\"a\":" "" cat d.json
expect "diff to nowhere" 1 "" "^stoke diff: Cannot write none/d" "$stoke" diff old.folded new.folded -o none/d.json
"$stoke" diff old.folded new.folded >/dev/full 2>err; status=$?
: >out
compare "diff to a full disk" 1 $status "" "^stoke diff: Cannot write .*No space left"
LC_ALL=C expect "diff in ASCII" 0 "\^ +\+19.1 % " "" "$stoke" diff old.folded new.folded
LC_ALL=C grep -q '[^ -~]' out && fail "diff: not ASCII"
expect "diff of one" 2 "" "Two recordings" "$stoke" diff old.folded
expect "diff of a missing file" 4 "" "No such file" "$stoke" diff old.folded none.stoke
expect "diff of a wrong limit" 2 "" "such as \+5%" "$stoke" diff old.folded new.folded --fail-on much
expect "diff of a wrong format" 2 "" "not svg" "$stoke" diff old.folded new.folded --format svg
expect "diff by an extension of another format" 2 "" "not svg" "$stoke" diff old.folded new.folded -o d.svg
expect "a window of what has no times" 2 "" "holds no times" "$stoke" export old.folded --from 1s
expect "diff per work" 4 "" "exact work" "$stoke" diff old.folded new.folded --per work
expect "diff of another event" 4 "" "no samples of cycles" "$stoke" diff old.folded new.folded -e cycles
expect "diff -r" 1 "^Regression: " "run 5 of 5, B" "$stoke" diff -r 5 --fail-on +5% -- sh -c "$burn" -- sh -c "$burn; $burn; $burn"
expect "diff -r, its output" 0 "*" "^from A$" "$stoke" diff -r 1 -- sh -c "echo from A; $burn" -- sh -c "$burn"
grep -q '^from A' out && fail "diff -r: the program's output is in the data"
expect "diff -r of a failing command" 125 "" "Run 1 of B ended with status 7" "$stoke" diff -r 2 -- sh -c "$burn" -- sh -c 'exit 7'
expect "diff -r of no command" 127 "" "nosuchcommand: command not found" "$stoke" diff -r 2 -- nosuchcommand -- true
expect "diff -r of one command" 2 "" "Two commands" "$stoke" diff -r 2 -- true

# ---- merged recordings
for rank in 0 1 2; do
	OMPI_COMM_WORLD_RANK=$rank "$stoke" record -q -o "job.%r.stoke" -- sh -c "$burn" 2>err || fail "record of rank $rank"
done
expect "%r in -o" 0 "^rank|samples" "" "$stoke" report job.2.stoke
expect "%h and %p in -o" 0 "" "" "$stoke" record -q -o "at-%h-%p.stoke" -- true
ls at-*-[0-9]*.stoke >out 2>err
compare "%h and %p in -o" 0 $? "^at-$(uname -n)-[0-9]+.stoke$" ""
expect "%r without a rank" 2 "" "There is no rank" env -u OMPI_COMM_WORLD_RANK -u PMIX_RANK -u PMI_RANK \
	-u SLURM_PROCID "$stoke" record -q -o "job.%r.stoke" -- touch ran
[ ! -e ran ] || fail "%r without a rank: the program ran"
expect "merge" 0 "" "merge: 3 recordings: [0-9,]+ samples of" "$stoke" merge -o job.stoke job.0.stoke job.1.stoke job.2.stoke
expect "merged, each rank" 0 "^r2:sh-[0-9]+;" "" "$stoke" export job.stoke --per-process
for rank in 0 1 2; do "$stoke" export "job.$rank.stoke" >"job.$rank.folded"; done
expect "merged, together" 0 "^sh;" "" "$stoke" export job.stoke
if [ "$(sum out)" = "$(sum job.[012].folded)" ]; then pass; else fail "merge lost samples"; fi
expect "merge of text" 0 "^main;work 7000$" "*" "$stoke" merge old.folded new.folded
expect "merge of nothing" 2 "" "Which recordings" "$stoke" merge -o m.stoke
expect "merge of a missing file" 4 "" "No such file" "$stoke" merge -o m.stoke job.0.stoke none.stoke
expect "merge to nowhere" 1 "" "Cannot write" "$stoke" merge -o none/m.stoke job.0.stoke job.1.stoke
[ ! -e m.stoke ] || fail "a merge that failed left a file"

# ---- time and signals
start=$(date +%s)
expect "--duration ends a program that goes on" 0 "*" "*" "$stoke" record --duration 500ms -- sh -c 'while :; do :; done'
[ $(($(date +%s) - start)) -lt 10 ] || fail "--duration took too long"
expect "--delay" 0 "*" "*" "$stoke" record --delay 100ms -- sh -c "$burn"

# Programs of which one ends by itself only when it may: nobody is to be in time for anything.
endless='while :; do :; done'
waits() { echo "until [ -e go ]; do sleep 0.05; done; rm go; exit $1"; } # STATUS
is_running() { # PID OF STOKE: until its program is there, and for some samples more
	for _ in $(seq 100); do
		[ -n "$(pgrep -P "$1")" ] && break
		sleep 0.1
	done
	sleep 0.5
}
says() { # PATTERN: until it stands in err, 10 s at most
	for _ in $(seq 100); do
		grep -q "$1" err && break
		sleep 0.1
	done
}
interrupt() { # SIGNAL ANSWER COMMAND...: send it while it runs; status in $status
	local signal=$1 answer=$2
	shift 2
	# a shell makes background programs ignore SIGINT
	env --default-signal=INT,HUP "$@" >out 2>err &
	local pid=$!
	is_running $pid
	kill -"$signal" "$pid"
	[ -z "$answer" ] || { says "$answer"; touch go; }
	wait $pid
	status=$?
}
interrupt TERM "" "$stoke" record -o term.folded -- sh -c "$endless"
compare "SIGTERM" 143 $status "*" "samples of"
expect "SIGTERM finishes the file" 0 "^sh" "" cat term.folded
interrupt HUP "" "$stoke" record -o hup.stoke -- sh -c "$endless"
compare "SIGHUP" 129 $status "*" "samples of"
expect "SIGHUP finishes the file" 0 "^command" "" "$stoke" report hup.stoke
interrupt INT "waiting for the program" "$stoke" record -o int.folded -- sh -c "$(waits 6)"
compare "SIGINT to us alone lets the program end" 6 $status "*" "waiting for the program"

env --default-signal=INT "$stoke" record -o twice.folded -- sh -c "$endless" >out 2>err &
pid=$!
is_running $pid
kill -INT $pid
says "waiting for the program"
kill -INT $pid
wait $pid
compare "a second SIGINT stops at once" 130 $? "*" "samples of"
expect "a second SIGINT finishes the file" 0 "^sh" "" cat twice.folded
env --default-signal=INT "$stoke" workload hadamard variant=definition size=16 steps=20 >out 2>err & # a unit of many minutes
pid=$!
for _ in $(seq 200); do # its data take far less CPU time than two seconds
	[ "$(awk '{ print $14 + $15 }' /proc/$pid/stat)" -gt $((2 * $(getconf CLK_TCK))) ] && break
	sleep 0.1
done
for signal in INT INT KILL; do
	kill -$signal $pid 2>/dev/null
	sleep 0.5
done
wait $pid
compare "a second SIGINT ends a workload in a long unit" 130 $? "" ""
env --ignore-signal=HUP "$stoke" record -q -o nohup.folded -- sh -c "$(waits 8)" >out 2>err &
pid=$!
is_running $pid
kill -HUP $pid
sleep 0.2 # in which one that does not ignore it would end
touch go
wait $pid
compare "nohup" 8 $? "*" ""
rm -f go

interrupt TERM "" "$stoke" stat -- sh -c "$endless"
compare "SIGTERM to stat" 143 $status "*" " elapsed$"
env --default-signal=INT "$stoke" stat -- sh -c "$(waits 6)" >out 2>err &
pid=$!
is_running $pid
kill -INT $pid
sleep 0.2 # likewise
touch go
wait $pid
compare "SIGINT to stat alone lets the program end" 6 $? "*" " elapsed$"
rm -f go
sh -c 'while :; do :; done' &
busy=$!
interrupt_alone() { # SIGNAL COMMAND...: as interrupt, of one that has no child
	local signal=$1
	shift
	env --default-signal=INT,TERM "$@" >out 2>err &
	local pid=$!
	# It waits when it has blocked them.
	for _ in $(seq 100); do
		grep -qs 'SigBlk:.*[^0]' /proc/$pid/status && break
		sleep 0.1
	done
	sleep 0.3
	kill -"$signal" "$pid"
	wait $pid
	status=$?
}
interrupt_alone INT "$stoke" stat -e page-faults -p $busy
compare "SIGINT ends stat -p, which is its end" 0 $status "*" " elapsed$"
interrupt_alone TERM "$stoke" stat -e page-faults -p $busy
compare "SIGTERM to stat -p" 0 $status "*" " elapsed$"
[ -d /proc/$busy ] && pass || fail "stat -p: its end was the program's"
{ kill $busy; wait $busy; } 2>/dev/null

# ---- environment
TERM=dumb expect "run on TERM=dumb" 0 "^sh" "*" "$stoke" run -q -- sh -c "$burn"
expect "doctor" 0 "^Kernel settings" "" "$stoke" doctor
if [ ! -x "$(dirname "$stoke")/stoke-model" ]; then skip "doctor of the cache model: sanitizer builds have none"; else
	grep -q "workloads  *stoke-model is here" out && grep -q "modelled caches  *l1=" out && pass || fail "doctor: the cache model"
fi
mkdir -p alone && cp "$stoke" alone/
expect "doctor without a cache model" 0 "workloads +There is no stoke-model" "" alone/stoke doctor
expect "doctor --grade" 0 "page-faults:u +A " "" "$stoke" doctor --grade
[ "$(awk '{ if (length($0) > 82) n++ } END { print n + 0 }' out)" = 0 ] || fail "doctor --grade: too wide"
expect "doctor --grade makes the folders it needs" 0 "^Kept for this machine" "" env XDG_CACHE_HOME="$work/not/yet/there" "$stoke" doctor --grade
expect "doctor --grade where nothing can be kept" 1 "page-faults:u +A " "^stoke doctor: Cannot make the folder /proc/stoke .*set XDG_CACHE_HOME" env XDG_CACHE_HOME=/proc "$stoke" doctor --grade
grep -q "^Kept" out && fail "doctor --grade: kept what could not be kept"
expect "marks on later numbers" 0 "" "page-faults .trust A" "$stoke" stat -e page-faults -- true
expect "lessons" 0 "waiting +Waiting for memory" "" "$stoke" learn
expect "a lesson" 0 "A is [0-9.]+ times as fast as B here: your guess of 5 is" "" "$stoke" learn --guess 5 guessing
expect "no lesson" 2 "" "There is no lesson gessing; did you mean guessing" "$stoke" learn gessing
expect "no guess" 2 "" "guess takes a number above 0" "$stoke" learn --guess much guessing
expect "doctor --cost" 0 "of its CPU time; with 95 % confidence" "*" "$stoke" doctor --cost
LC_ALL=C expect "doctor in ASCII" 0 "not available" "" "$stoke" doctor
LC_ALL=C grep -q '[^ -~]' out && fail "doctor: not ASCII"
# A path has a line to itself, and cannot be broken.
[ "$(awk '{ if (length($0) > 80 && NF > 1) n++ } END { print n + 0 }' out)" = 0 ] || fail "doctor: wider than 80 columns"

if command -v script >/dev/null; then
	# What is typed ends when the screen is there.
	expect "no arguments on a terminal" 0 "gbdt" "" sh -c "touch seen
		for i in \$(seq 100); do grep -aq gbdt seen && break; sleep 0.1; done | TERM=xterm script -qefc '$stoke' seen"
	expect "no arguments on a dumb one" 0 "Workloads, for" "" env TERM=dumb script -qec "$stoke" /dev/null
else
	skip "no arguments on a terminal: there is no script(1)"
fi

# ---- what runs already
expect "a process that is no number" 2 "" '"gzip" is none' "$stoke" record -p gzip
expect "a process that is none" 125 "" "Process 99999999 does not exist" "$stoke" record -p 99999999
expect "two ways to attach" 2 "" "exclude each other" "$stoke" record -a -p 1
expect "a model of what runs already" 2 "" "cannot attach" "$stoke" record --model -a
expect "top of a command" 2 "" "stoke run -- ls" "$stoke" top ls
expect "top of a bare number" 2 "" "stoke top -p 123" "$stoke" top 123
sh -c "while :; do $burn; done" &
busy=$!
expect "attached for a while" 0 "^sh;.* [0-9]+$" "recording sh -c .*\($busy\); Ctrl-C ends it" "$stoke" record -p $busy --duration 300ms
expect "attached while a command runs" 7 "^sh;" "^stoke: recording sh -c .* while sh runs$" "$stoke" record -p $busy -- sh -c 'sleep 0.3; exit 7'
expect "the command beside it cannot run" 127 "" "command not found" "$stoke" record -p $busy -- nosuchcommand
expect "one thread, late, into a ring" 0 "" "samples of" "$stoke" record -t $busy --delay 100ms --duration 500ms --ring 200ms -o t.stoke
expect "what was attached to" 0 "^command +sh -c .*\($busy\)$" "" "$stoke" report t.stoke
grep -q '^status' out && fail "a status of a process that runs"
expect "top off a terminal" 0 "^sh;" "*" "$stoke" top -p $busy --duration 300ms
timeout --preserve-status -s INT 0.6 "$stoke" record -p $busy -o i.stoke >out 2>err </dev/null
compare "Ctrl-C ends it with status 0" 0 $? "" "samples of"
timeout --preserve-status -s TERM 0.6 "$stoke" record -q -p $busy -o i.svg >out 2>err </dev/null
compare "SIGTERM is told" 143 $? "" ""
expect "and the picture is there" 0 "</svg>" "" cat i.svg
"$stoke" record -p $busy --control orders --paused --snapshot -o o.stoke >out 2>err </dev/null &
recorder=$!
while [ ! -p orders ]; do sleep 0.05; done
for order in enable snapshot stop; do sleep 0.3; echo $order >orders; done
wait $recorder
compare "orders to a recording of what runs" 0 $? "" "snapshot o.1.stoke"
expect "paused, then enabled" 0 "samples +[0-9]+" "" "$stoke" report o.stoke
expect "a file of some size" 0 "" "*" "$stoke" record -p $busy -F 4999 --max-size 256K --duration 10s -o m.stoke
[ "$(stat -c %s m.stoke)" -le 262144 ] || fail "attached: --max-size was passed"
kill -0 $busy && pass || fail "what was attached to has been ended"
"$stoke" record -p $busy -q -o e.folded 2>err </dev/null &
recorder=$!
sleep 0.4
kill $busy
wait $busy 2>/dev/null
wait $recorder
compare "its end ends the recording" 0 $? "*" ""
expect "which is kept" 0 "^sh;" "" cat e.folded
expect "ended already" 125 "" "Process $busy does not exist" "$stoke" record -p $busy
if "$stoke" doctor 2>/dev/null | grep -q 'whole machine  *not permitted'; then
	skip "the whole machine may not be watched here"
else
	sh -c "$burn; $burn" & # beside it
	expect "the whole machine, as long as a command" 3 "^sh;" "everything on all [0-9]+ CPUs while sh runs" \
		"$stoke" record -a -- sh -c "$burn; exit 3"
	wait
fi

# ---- without privileges
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$stoke" nobody-stoke
	chmod 755 . nobody-stoke
	expect "as nobody" 0 "^sh" "*" setpriv --reuid=65534 --regid=65534 --clear-groups \
		./nobody-stoke record -v -- sh -c "$burn"
	if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -ge 2 ]; then
		grep -q 'cpu-clock:u' err && pass || fail "as nobody: no note of cpu-clock:u"
	else
		skip "the note of cpu-clock:u: kernel.perf_event_paranoid is below 2"
	fi
	as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups ./nobody-stoke"
	sleep 20 &
	expect "attached as nobody to root's" 125 "" "belongs to user 0: attach to it as that user" $as_nobody record -p $!
	kill $!
	expect "top as nobody who runs nothing" 125 "" "No other process of this user runs here" \
		$as_nobody top --headless --duration 300ms
	as_its_own() { # PID: until it is nobody's
		until [ "$(stat -c %u "/proc/$1")" = 65534 ]; do sleep 0.05; done
	}
	setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "$endless" &
	as_its_own $!
	expect "attached as nobody to its own" 0 "^sh;" "*" $as_nobody record -p $! --duration 2s
	{ kill $!; wait $!; } 2>/dev/null
	if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 0 ]; then
		expect "the machine as nobody" 125 "" "Watching the whole machine is not permitted" $as_nobody record -a --duration 300ms
		setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "$endless" &
		as_its_own $!
		expect "top as nobody" 0 "^sh;" "so only processes of this user are" $as_nobody top --headless --duration 2s
		{ kill $!; wait $!; } 2>/dev/null
	else
		skip "the machine as nobody: kernel.perf_event_paranoid is $(cat /proc/sys/kernel/perf_event_paranoid)"
	fi
	expect "stat as nobody" 0 "" "^. +[0-9,]+ +context-switches$" setpriv --reuid=65534 --regid=65534 --clear-groups \
		./nobody-stoke stat -- true
else
	skip "as nobody: not root, or no setpriv"
fi

finish
