# A program in a real terminal, which tmux is: typed to and read back. Sourced by tests, in the
# repository's root; counts by tests/tally.sh, keeps files in $work. Ends the test, skipped, without tmux.
# shellcheck shell=bash
. tests/tally.sh
socket=stoke-test-$$
if ! command -v tmux >/dev/null; then
	skip "tmux is not here"
	finish
fi
work=$(mktemp -d)
# Not the settings, ceilings and grades of whoever runs this.
export XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache
t() { tmux -L "$socket" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; tmux -L "$socket-inner" kill-server 2>/dev/null; rm -rf "$work"' EXIT
keys() { t send-keys -t 0 "$@"; sleep 0.12; } # so that Escape is no Alt
screen() { t capture-pane -p -t 0; }
fail_screen() { # WHAT
	fail "$1"
	screen | sed 's/^/     /'
}
# Waits until the screen shows the pattern; 10 s at most.
shows() { # NAME PATTERN
	for _ in $(seq 120); do
		screen | grep -Eq -- "$2" && { pass; return 0; }
		sleep 0.08
	done
	fail_screen "$1: no /$2/ on the screen"
}
begin() { # TERM LOCALE COLUMNSxROWS COMMAND
	t kill-server 2>/dev/null
	sleep 0.2
	t new-session -d -x "${3%x*}" -y "${3#*x}" "env TERM=$1 LC_ALL=$2 PS1='\$ ' bash --norc --noprofile"
	t set-option -g remain-on-exit on >/dev/null
	sleep 0.3
	keys "$4" Enter
}
