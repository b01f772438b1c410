#!/bin/bash
# The real screen in a real terminal: tmux types, resizes and reads it back.
# Usage: tests/tmux.sh [STOKE]
set -u
cd "$(dirname "$0")/.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
. tests/terminal.sh
# After the end: the shell is back, echoes, and takes whole lines.
restored() { # NAME
	keys "stty -a | grep -Eo ' (-?icanon|-?echo) ' | tr -d '\\n'; echo =back" Enter
	shows "$1" '^ icanon  echo =back'
}

# Every view on this terminal, of whatever is shown: one session for all of them, each told by its tab
# and by something that no other view says.
look_at_every_view() { # NAME
	local key tab pattern
	while read -r key tab pattern; do
		keys "$key"
		shows "$1: $tab is there" "\\[$key $tab"
		shows "$1: $tab says its own" "$pattern"
	done <<-'VIEWS'
		1 Overview (Sampling|Hottest)
		3 Functions self .*with.*samples
		4 Notes (stacks|phases|counters|No notes)
		5 Timeline Heat map +a column is a second
		6 Counters (counter +last|[Nn]o counters|nothing)
		7 Output Output +(lines|nothing)
		8 Machine (CPU 0|L[123] [0-9])
		9 GPU (stream|GPU work|GPUs?:)
		0 Roofline (FLOP/s by FLOP|No phase)
		L Lost (Lost time is|lost [0-9]|No phase|No sample|Everything runs)
		D Diff ^(B  |.*nothing to compare)
		2 Flame ▏|user.*inlined.*kernel
	VIEWS
	keys 3 ; keys a ; shows "$1: source lines" 'self +with +line|no line information'
	keys Escape
}

for term in xterm-256color screen linux vt100; do
	begin "$term" C.UTF-8 100x30 "$stoke run gbdt rows=20k rounds=20000"
	shows "$term: overview, live" 'live.*\[1 Overview\]'
	shows "$term: the workload reports" 'progress +[0-9.]+ %'
	shows "$term: its hottest functions" 'add_packed|gains|partition_|build_histogram'
	shows "$term: what is held in memory" 'memory: samples .* of 256 MiB'
	keys 2
	shows "$term: flame" '\[2 Flame\]'
	shows "$term: flame boxes" 'gbdt_run'
	look_at_every_view "$term"
	keys q
	shows "$term: summary after the end" 'samples of cpu-clock|samples of cycles'
	restored "$term: terminal restored"
done

begin xterm-256color C.UTF-8 100x30 "$stoke run gbdt rows=20k rounds=20000"
shows "start" 'live'
keys 2
shows "flame has boxes" 'workload_main'
keys / ; keys hist Enter
shows "search" '/hist +[0-9.]+ % of the time'
keys n ; keys Enter
shows "zoom" 'zoomed'
keys Escape ; keys z
shows "freeze" 'frozen'
keys z ; keys d
shows "decay" 'decaying: half each 5 s'
keys d ; keys i
shows "invert" 'bottom-up'
keys r ; keys '?'
shows "help from the tables" 'zoom into the selected box'
keys x ; keys 3
shows "functions" 'self .*with.*samples'
keys e
shows "explained" 'What it is'
shows "with its numbers" 'own time = [0-9.]+ %'
keys Escape
keys c
shows "callers from functions" 'called by'
keys Escape ; keys a
shows "source lines" 'self +with +line|no line information'
keys m
shows "assembly" 'self +with +address|There is no assembly'
keys m m
keys 2 ; keys H ; keys s
shows "sandwich" 'sandwich \(s\): callers of'
keys s ; keys C
shows "colours by module" 'a stoke'
keys C ; keys /
keys hist Enter ; keys '\'
shows "filter" 'only what is found'
keys r ; keys Escape ; keys 5
shows "timeline" 'Heat map  a column is a second'
keys G ; keys Space ; keys PPage ; keys Enter
shows "a window" '[0-9]-[0-9.]+ s'
keys Escape ; keys 6
shows "counters" 'counter +last'
keys Escape ; keys 4
shows "notes" 'stacks|No notes'
keys 1
t resize-window -t 0 -x 40 -y 10 ; sleep 0.5
shows "40x10" 'Sampling'
t resize-window -t 0 -x 20 -y 5 ; sleep 0.5
shows "20x5" 'stoke'
t resize-window -t 0 -x 200 -y 60 ; sleep 0.5
shows "200x60" 'Hottest'
keys : view Space note Tab Enter
shows ":view with Tab" '\[4 Notes\]'
keys : set Space glyphs Space ascii Enter
shows ":set takes effect" 'stoke \| . live \|'
keys : "w $work/live.folded" Enter
shows ":w while it runs" 'live.folded is written'
keys : 'set glyphs unicode' Enter
keys C-z
shows "suspended" 'Stopped'
keys fg Enter
shows "continued" 'live'
keys C-c
shows "Ctrl-C stops recording, keeps the data" 'saved'
keys C-c
shows "again leaves" 'samples of'
restored "restored after Ctrl-C"

begin xterm-256color C.UTF-8 80x24 "$stoke"
shows "start screen" 'gbdt .*boosting'
shows "its keys" 'Enter run'
keys G ; keys g ; keys p
shows "a form of settings" 'Enter takes'
keys Escape
shows "Escape leaves it" 'Enter run'
keys q
restored "restored after the start screen"
begin xterm-256color C.UTF-8 80x24 "STOKE_START_ITEM=triad $stoke"
shows "the item to begin with" 'Enter run  p settings'
keys p ; shows "triad's settings" 'size .*768'
keys 1 ; keys Down ; keys Down ; keys 1 ; keys End ; keys Enter
shows "settings beside the workload" 'triad .*size=1 threads=1'
keys p ; keys Down ; keys Down ; keys Down ; keys 10M ; keys Enter
shows "a workload from the start screen" 'live'
keys q
shows "back from it" 'Enter for the start screen'
keys Enter
shows "the start screen again" 'triad .*size=1 threads=1 repeats=10M'
keys q
restored "restored after the start screen"

begin xterm-256color C.UTF-8 100x30 "$stoke run triad size=1 threads=1 repeats=10M"
shows "a workload to steer" 'live'
keys F2 ; shows "its settings while it runs" 'go on with these'
keys 2 ; keys Enter
shows "it goes on with others" 'triad size=2 threads=1'
keys 7 ; shows "it says so" 'triad: goes on with size=2'
keys S ; keys Down ; keys x ; keys Enter
shows "a wrong one is refused" 'variant=x is unknown'
keys Escape ; keys 3
shows "the view before" '\[3 Functions\]'
keys S ; keys Left ; keys End ; keys Up ; keys Enter
shows "started again, in the view of before" 'live.*\[3 Functions\]'
keys 1 ; shows "with them" 'Running +triad size=1'
keys S ; keys End ; keys Enter
shows "stopped" 'saved'
keys S
shows "ended: only again" 'start again with these'
keys Escape ; keys q
restored "restored after steering"

begin xterm-256color C 80x24 "$stoke run gbdt rows=20k rounds=20000"
shows "ASCII in the C locale" 'stoke \| . live \|'
keys q
restored "restored in the C locale"

"$stoke" record -q -o "$work/a.stoke" -- "$stoke" workload gbdt rows=20k rounds=60 >/dev/null 2>&1
begin xterm-256color C.UTF-8 80x24 "$stoke report $work/a.stoke"
shows "report" 'saved'
keys 3 ; keys Enter
shows "from functions to flame" '\[2 Flame\]'
keys q
restored "restored after report"

printf '#!/bin/sh\necho "$@" >%s\n' "$work/edited" >"$work/editor"
chmod +x "$work/editor"
begin xterm-256color C.UTF-8 80x24 "EDITOR=$work/editor $stoke report $work/a.stoke"
keys 3 a E
shows "back from the editor" '\[Source\]'
if grep -Eq '^\+[0-9]+ [./]' "$work/edited"; then pass; else fail "the editor was not run"; fi
keys q
restored "restored after the editor"

colours() { # NAME PATTERN: of what the screen sends
	for _ in $(seq 120); do
		t capture-pane -e -p -t 0 | grep -Eq -- "$2" && { pass; return; }
		sleep 0.08
	done
	fail_screen "$1: no /$2/"
}
colourless() { # NAME: until nothing on the screen has a colour
	for _ in $(seq 120); do
		t capture-pane -e -p -t 0 | grep -Eq '[;[][34][0-8][;m]' || { pass; return; }
		sleep 0.08
	done
	fail_screen "$1"
}
begin xterm-256color C.UTF-8 80x24 "unset STY; COLORTERM=truecolor $stoke report $work/a.stoke"
keys 2
shows "flame in true colour" '\[2 Flame\]'
colours "true colour" '48;2;'
keys : 'set colors 256' Enter
colours "256 colours" '48;5;'
keys : 'set colors 8' Enter
colours "8 colours" '[;[]4[1-7]m'
keys : 'set colors none' Enter
colours "no colour, but reverse" '7m'
colourless "colours left over"
keys q
restored "restored after colours"
begin xterm-256color C.UTF-8 80x24 "NO_COLOR=1 COLORTERM=truecolor $stoke report $work/a.stoke"
keys 2
shows "flame without colour" '\[2 Flame\]'
colourless "NO_COLOR has colours"
keys q

# A recording with phases that state their work, as a person goes through it, in the light theme: before the
# machine's ceilings are known, and with them.
"$stoke" record -q -o "$work/b.stoke" -- "$stoke" workload triad size=4 threads=1 repeats=300 >/dev/null 2>&1
begin xterm-256color C.UTF-8 100x30 "$stoke report $work/b.stoke"
shows "no ceilings: report" 'saved'
keys 0 ; shows "no ceilings: roofline" 'nobody measured ceilings here; run .stoke bench'
keys L ; shows "no ceilings: lost time" 'that is not known: run .stoke bench'
keys q
"$stoke" bench -q -r 1 --no-gpu >/dev/null 2>&1
"$stoke" record -q -o "$work/p.stoke" -- "$stoke" workload triad size=4 threads=1 repeats=3000 >/dev/null 2>&1
begin xterm-256color C.UTF-8 100x30 "$stoke report --theme light $work/p.stoke"
shows "light: report" 'saved'
keys : 'set colors 256' Enter
colours "light: headers are dark on the terminal's own background" '38;5;24m'
look_at_every_view light
keys 0 ; shows "roofline: the phase and its bound" '^a triad'
shows "roofline: whose bound" 'Bound: |faster than every ceiling'
keys e ; shows "roofline explained" 'triad \(phase\)'
keys Escape ; keys L ; shows "lost time: how much" 'lost [0-9.]+ .* of |Everything runs at its bound'
keys 6 ; keys j ; keys e ; shows "a counter explained" '\(counter\)'
keys Escape ; keys 5 ; keys m ; keys e ; shows "a moment explained" 'a cell of the heat map \(moment\)'
keys Escape ; keys g ; keys Space ; keys j ; keys j ; keys Enter
shows "a window of the heat map" '0\.000-[0-9.]+ s'
keys 2 ; keys C C
shows "colours by change: of two windows" 'points +A from [0-9.]+ s.* B 0\.000-[0-9.]+ s'
keys C ; keys p p p
shows "split by phase" '▏triad *$' # beside it what no phase covers, in as many boxes as there were
keys r ; shows "the flame graph follows it" '0\.000-[0-9.]+ s.*\[2 Flame\]'
keys D ; shows "diff of the window with the time before or after it" "^B  0\\.000-[0-9.]+ s of this"
keys j ; keys Escape ; keys Escape ; shows "diff of both halves" '^A  0\.000-[0-9.]+ s of this'
keys 8 ; keys f ; keys j ; keys e
shows "a fact of the machine explained" '\(machine\)'
keys Escape ; keys 9 ; keys e
shows "nothing of a GPU to explain" 'Nothing is under the cursor|\(gpu\)'
keys 7 ; keys e ; shows "the output explained" "terminal \\(output\\)"
keys Escape ; keys 4 ; keys e ; shows "a note explained" '\(note\)|Nothing is under'
keys Escape ; keys 3 ; keys a ; keys m ; shows "annotate: assembly" 'address|There is no assembly'
keys Escape ; keys q
restored "restored after the light theme"

begin xterm-256color C.UTF-8 100x30 "$stoke report $work/p.stoke --against $work/a.stoke"
keys D ; shows "report --against: both are named" '^A  .*a.stoke'
shows "report --against: what is new, with its sign" '(\+ +new|× +gone)'
keys 2 ; keys C C
shows "report --against: colours, their scale, both sides" '-[0-9.e]+ .*points +A a.stoke +B all of this'
keys j j
shows "report --against: both shares of a box" 'A [0-9.]+ %, B [0-9.]+ %: [+-][0-9.]+ points'
keys e ; shows "report --against: explained" 'share of B - share of A'
keys Escape
keys q
restored "restored after the diff"

# Two recordings side by side: both named, a sign and a glyph besides the colour.
begin xterm-256color C.UTF-8 80x60 "$stoke diff $work/a.stoke $work/p.stoke"
shows "diff: A" '^A  .*a.stoke'
shows "diff: B" '^B  .*p.stoke'
shows "diff: what is new" ' (\+|×) +(new|gone)'

mkdir -p "$work/config/stoke"
printf 'theme = contrast\nview = functions\nspeed = 9\nmap x quit\nunmap q\n' >"$work/config/stoke/config"
begin screen C.UTF-8 80x24 "cd $work; $stoke report a.stoke"
shows "the view that the configuration says" '\[3 Functions\]'
keys q P
shows "q is unmapped, P prints" 'The screen is in stoke-functions-1.txt'
keys 4
shows "a wrong line is a note" 'Line 3: there is'
keys x
restored "a mapped key quits"
if [ "$(wc -l <"$work/stoke-functions-1.txt")" -eq 24 ]; then pass; else fail "P wrote no screen"; fi
rm "$work/config/stoke/config"

for signal in SEGV TERM HUP; do
	begin xterm-256color C.UTF-8 80x24 "$stoke report $work/a.stoke"
	shows "before $signal" 'saved'
	tty=$(t display-message -p -t 0 '#{pane_tty}')
	pkill -"$signal" -x -t "${tty#/dev/}" stoke ; sleep 0.5
	keys '' Enter
	restored "restored after $signal"
done

begin xterm-256color C.UTF-8 100x40 "$stoke learn guessing"
shows "a lesson asks" 'Your guess:'
keys soon Enter
shows "a lesson wants a number" 'A number, please'
keys 5 Enter
shows "a lesson measures and judges" 'times as fast as B here: your guess of 5 is'

begin dumb C.UTF-8 80x24 "$stoke run --duration 1s triad | sed 's|;.* |; |' | tail -1"
shows "TERM=dumb is headless" '[a-z0-9-]+; [0-9]+'
begin xterm-256color C.UTF-8 80x24 "$stoke run -- sh -c 'echo hello from the child; exit 7'; echo status \$?"
shows "a short command ends" 'ended with status 7'
keys 7
shows "its output in a view" 'hello from the child'
keys q
shows "its output follows" 'hello from the child'
shows "its status is kept" 'status 7'

begin xterm-256color C.UTF-8 80x24 "$stoke run -- sh -c 'tput setaf 1; read -r line; echo got \$line; stty size; read -r line; exit 5'; echo status \$?"
keys 7
shows "nothing is typed into it yet" 'Enter type into'
keys Enter
shows "the way out is on the screen" 'Ctrl-. comes back to stoke; all other keys'
keys 'hello q' Enter
shows "what was typed has arrived" 'got hello q'
shows "its terminal is as large as the view" '^20 80$'
colours "its colours" '3[18;]'
keys C-]
shows "back" 'q quit'
t resize-window -t 0 -x 100 -y 30 ; sleep 0.5
keys Enter ; keys C-c
shows "Ctrl-C was for the program" 'saved.*7 Output'
keys q
shows "its output follows, its status is kept" 'status 130'
restored "restored after typing"

# A mouse that the program in the output view has asked for, and one that it has not.
begin xterm-256color C.UTF-8 80x24 "$stoke run -- sh -c 'printf \"\\033[?1000h\\033[?1006hready\\r\\n\"; stty raw -echo; dd bs=1 count=18 2>/dev/null | od -An -c; stty sane; read -r line'"
click() { # COLUMN ROW: pressed and let go, as xterm reports it (SGR 1006)
	# shellcheck disable=SC2046 # one word a byte
	t send-keys -t 0 -H $(printf '\033[<0;%d;%dM' "$1" "$2" | od -An -tx1)
	sleep 0.12
	# shellcheck disable=SC2046 # one word a byte
	t send-keys -t 0 -H $(printf '\033[<0;%d;%dm' "$1" "$2" | od -An -tx1)
	sleep 0.12
}
keys 7 ; shows "the program is ready" 'ready'
keys Enter ; shows "it is typed into" 'Ctrl-. comes back'
click 5 6
shows "it gets the press and the release, in its own cells" '033 +\[ +< +0 +; +5 +; +3 +M'
click 30 1 # a tab
shows "tabs can still be clicked" 'q quit'
keys q
restored "restored after the mouse"

finish
