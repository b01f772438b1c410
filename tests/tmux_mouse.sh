#!/bin/bash
# Lists and the mouse in a real terminal: clicks as xterm reports them (SGR 1006), typed by tmux; and
# through a tmux inside, which turns them into what the program has asked for.
# Usage: tests/tmux_mouse.sh [STOKE]
set -u
cd "$(dirname "$0")/.." || exit 1
stoke=$(realpath "${1:-build/release/stoke}")
export LC_ALL=C.UTF-8 # characters are counted
. tests/terminal.sh
send() { # BYTES
	# shellcheck disable=SC2046 # one word a byte
	t send-keys -t 0 -H $(printf '%s' "$1" | od -An -v -tx1)
}
place() { # TEXT: column and row of its first character, from 1
	local line row=0
	while IFS= read -r line; do
		row=$((row + 1))
		[[ $line == *"$1"* ]] || continue
		line=${line%%"$1"*}
		echo "$((${#line} + 1));$row"
		return 0
	done < <(screen)
	return 1
}
press() { send $'\033'"[<$1;$2M"; send $'\033'"[<$1;$2m"; } # BUTTON PLACE
click() { # TEXT
	local at
	at=$(place "$1") || { fail_screen "nothing to click: $1"; return; }
	press 0 "$at"
	sleep 0.35 # so that no second click makes it a double one
}
double_click() { # TEXT
	local at
	at=$(place "$1") || { fail_screen "nothing to click: $1"; return; }
	press 0 "$at"
	press 0 "$at"
	sleep 0.35
}
flags() { t display-message -p -t 0 '#{mouse_any_flag}#{mouse_sgr_flag}'; }

"$stoke" record -q -o "$work/a.stoke" -- "$stoke" workload gbdt rows=20k rounds=60 >/dev/null 2>&1

go_through() { # NAME: from the overview on
	click "3 Fun"
	shows "$1: a tab is clicked" '\[3 Functions\]'
	shows "$1: sorted by self" 'self ▼ +with +samples'
	click "with"
	shows "$1: a header sorts" 'self +with ▼ +samples'
	click "with ▼"
	shows "$1: again inverts" 'self +with ▲ +samples'
	click "self"
	shows "$1: back" 'self ▼'
	keys t
	shows "$1: calls as a tree" '[-+] +_?[a-z]+'
	keys C
	shows "$1: all closed" '[+] stoke'
	click "t tree"
	shows "$1: flat again by a hint" 'self ▼ +with +samples function'
	click "F6 sort"
	shows "$1: a hint is clicked" '\[x\] self +▼'
	click "[x] samples"
	shows "$1: a column is hidden" '\[ \] samples'
	click "Esc back"
	shows "$1: it is kept" 'kept in the configuration'
	keys :columns Space default Enter
	shows "$1: and forgotten" 'with +samples'
	keys :sort Space with Enter
	shows "$1: sorted by a command" 'with ▼'
	double_click "gbdt_run"
	shows "$1: a double click opens" '\[2 Flame\]'
	keys Escape ; keys 3
	click "workload_main"
	keys c
	shows "$1: callers of what was clicked" 'itself, . +workload_main'
	click "of all"
	shows "$1: sorted by another column" 'of all ▼ +.*called by'
	keys 4
	shows "$1: notes" '\[4 Notes\]'
	click "q quit"
	shows "$1: the hint quits" '^\$ '
}

begin xterm-256color C.UTF-8 100x30 "$stoke report $work/a.stoke"
shows "report" 'saved'
if [ "$(flags)" = 11 ]; then pass; else fail_screen "the mouse is not asked for as SGR: $(flags)"; fi
go_through "xterm"
if [ "$(flags)" = 00 ]; then pass; else fail_screen "the mouse is not given back: $(flags)"; fi

# The same by a person inside tmux with its own mouse on; the program sees a TERM of tmux.
for term in screen-256color tmux-256color; do
	infocmp "$term" >/dev/null 2>&1 || { echo "SKIP no terminfo of $term"; continue; }
	tmux -L "$socket-inner" kill-server 2>/dev/null
	begin xterm-256color C.UTF-8 100x31 "tmux -L $socket-inner -f /dev/null new-session 'PS1=\"\$ \" TERM=$term bash --norc --noprofile' \\; set -g mouse on \\; set -g status-right ''"
	sleep 0.5
	keys "$stoke report $work/a.stoke" Enter
	shows "$term: report" 'saved'
	go_through "$term in tmux"
done
tmux -L "$socket-inner" kill-server 2>/dev/null

# Live: the cursor stays on its function while samples come in and the order changes.
begin xterm-256color C.UTF-8 100x30 "$stoke run gbdt rows=20k rounds=20000"
shows "live" 'live'
keys 3 ; keys '>'
shows "live: functions" 'workload_main'
# Between reading a place and the click on it rows may change theirs: until the right one is the cursor's.
for _ in 1 2 3 4 5; do
	click "workload_main"
	t capture-pane -e -p -t 0 | grep -q '48;5;18m[^[:cntrl:]]*workload_main' && break # the cursor's colour
done
keys '<' ; sleep 0.5 ; keys '>' ; sleep 0.5 ; keys I ; sleep 0.5
keys I
keys c
shows "live: it stays selected" 'itself, . +workload_main'
keys q

# Without a mouse: nothing is asked for, and keys do all of it.
for how in "vt100 $stoke report" "linux $stoke report" "xterm-256color $stoke report --no-mouse"; do
	begin "${how%% *}" C.UTF-8 80x24 "${how#* } $work/a.stoke"
	keys 3
	shows "${how%% *} without a mouse: functions" 'self . +with +samples'
	# The Linux console may have one, but knows nothing of SGR.
	case "${how%% *} $(flags)" in
	*" 00" | "linux 10") pass ;;
	*) fail_screen "${how%% *}: a mouse is asked for: $(flags)" ;;
	esac
	keys '>'
	shows "${how%% *}: sorted by a key" 'with [▼v]'
	keys I
	shows "${how%% *}: inverted by a key" 'with [▲^]'
	keys O ; keys Down ; keys Enter
	shows "${how%% *}: sorted by the chooser" 'samples [▼v]'
	keys :sort Space na Tab Enter
	shows "${how%% *}: sorted by a command" 'function .*[▲^]'
	keys q
	shows "${how%% *}: the end" "^[\$]( |\$)"
done

# Several processes: one of them alone, and all again.
cat >"$work/several.sh" <<-EOF
	awk 'BEGIN { for (i = 0; i < 1e7; i++) s += i * i; print s }' &
	"$stoke" workload triad size=1 threads=1 repeats=3000
	wait
EOF
"$stoke" record -q -o "$work/several.stoke" -- sh "$work/several.sh" >/dev/null 2>&1
begin xterm-256color C.UTF-8 120x30 "$stoke report $work/several.stoke"
shows "processes: report" 'saved'
click "T Pro"
shows "processes: a tab of several is clicked" '^[0-9]+ processes, [0-9]+ ended'
shows "processes: sorted by share" 'share ▼'
shows "processes: awk, ended" ' ended .* % .* awk'
click "PID"
shows "processes: a header sorts" 'PID ▼'
click "PID ▼"
shows "processes: again inverts" 'PID ▲'
click "share"
double_click " awk"
shows "processes: one is chosen" '^ process [0-9]+ awk only \(Esc: all\)'
keys 2
shows "processes: the flame graph is of it" '^▏+awk *$' # before it, what the process was until its exec
if screen | grep -q 'triad\|stoke  '; then fail_screen "processes: others are in the flame graph"; else pass; fi
keys 3
shows "processes: so are functions" '^ process [0-9]+ awk only'
keys 4
shows "processes: notes are of all, and say so" 'but here: all of them'
keys Escape ; keys 2
shows "processes: all again" '▏stoke'
keys T ; keys t
shows "processes: below what made them" '- sh( |$)'
keys g ; keys s
shows "processes: on to the flame graph" '\[2 Flame\]'
shows "processes: of sh" '^ process [0-9]+ sh only'
keys q
begin xterm-256color C.UTF-8 120x30 "$stoke run -- sh -c 'sh $work/several.sh; sleep 30; true'"
shows "live processes: started" 'live'
keys T
shows "live processes: sorted by the last second" 'now ▼'
shows "live processes: one has ended, its parent has not" ' ended .* awk'
shows "live processes: one goes on" ' running .* sh'
keys q

# The start screen.
begin xterm-256color C.UTF-8 80x24 "$stoke"
shows "start screen" 'Enter run'
click "? help"
shows "its help by a click" 'Ctrl-C +quit'
keys Escape
click "p settings"
shows "settings by a click" 'Enter takes'
keys Escape
click "what it is"
shows "start: a header sorts" 'what it is ▲'
keys / boost
shows "start: a search" '/boost_ +[0-9]+ of'
keys Enter
shows "start: it stays" 'boost.*Esc: all again'
keys Escape
click "q quit"
shows "leave by a click" "^[\$]( |\$)"

finish
