#!/bin/bash
# Screens as text against tests/golden/. Usage: tests/golden.sh [STOKE]; --update rewrites them.
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/tally.sh
update=
[ "${1:-}" != --update ] || { update=1; shift; }
stoke=${1:-build/release/stoke}
known=$(mktemp --suffix .stoke)
timed=$(mktemp --suffix .stoke)
gpu=$(mktemp --suffix .stoke)
phases=$(mktemp --suffix .stoke)
model=$(mktemp --suffix .stoke)
processes=$(mktemp --suffix .stoke)
got=$(mktemp)
trap 'rm -f "$known" "$timed" "$gpu" "$phases" "$model" "$processes" "$got"' EXIT
make --no-print-directory MODE="$(basename "$(dirname "$stoke")")" "$(dirname "$stoke")/tests/test_face" >/dev/null 2>&1
{ "$(dirname "$stoke")/tests/test_face" --save "$known" &&
	"$(dirname "$stoke")/tests/test_face" --save-timed "$timed" &&
	"$(dirname "$stoke")/tests/test_face" --save-gpu "$gpu" &&
	"$(dirname "$stoke")/tests/test_face" --save-phases "$phases" &&
	"$(dirname "$stoke")/tests/test_face" --save-model "$model" &&
	"$(dirname "$stoke")/tests/test_face" --save-processes "$processes"; } || { echo "no fixture"; exit 1; }
export XDG_CONFIG_HOME=/nonexistent # not the settings of whoever runs this
unset NO_COLOR CLICOLOR CLICOLOR_FORCE FORCE_COLOR
screen() { # NAME OPTIONS...
	local name=tests/golden/$1.txt file=$known
	case $1 in
	annotate-rates*) file=$phases ;;
	processes-single-*) file=$known ;;
	processes-* | *-one-process-*) file=$processes ;;
	*-model-*) file=$model ;;
	timeline* | counters* | *-window-* | annotate-* | output*) file=$timed ;;
	gpu-traced*) file=$gpu ;;
	diff*) file=$timed ;;
	flame-change-window*) file=$timed ;;
	flame-phases*) file=$phases ;;
	roofline-nothing* | lost-nothing*) file=$known ;;
	roofline* | lost* | *-rates-*) file=$phases ;;
	esac
	shift
	LC_ALL=C.UTF-8 "$stoke" render "$@" "$file" >"$got" 2>&1
	if [ -n "$update" ]; then
		mkdir -p tests/golden
		cp "$got" "$name"
	elif diff -u "$name" "$got"; then
		pass
	else
		n_failed=$((n_failed + 1))
	fi
}
for view in $("$stoke" list views | awk '/^[a-z]/ {print $1}'); do
	for size in 80x24 120x40 200x60; do
		screen "$view-$size" --view "$view" --size "$size" --color never
	done
	screen "$view-80x24-ascii" --view "$view" --size 80x24 --ascii --color never
	screen "$view-80x24-dark" --view "$view" --size 80x24 --color always --theme dark
	screen "$view-80x24-light" --view "$view" --size 80x24 --color always --theme light
	screen "$view-80x24-mono" --view "$view" --size 80x24 --color always --theme mono
done
screen help-80x24 --view flame --size 80x24 --color never --keys '?'
screen flame-commands-80x24 --view flame --size 80x24 --color never --keys ':help\r'
screen flame-config-80x24 --view flame --size 80x24 --color never --keys ':help config\r'
screen flame-completion-80x24-ascii --view flame --size 80x24 --ascii --color never --keys ':set glyphs \t'
screen flame-mapped-80x24 --view flame --size 80x24 --color never --keys ':unmap z\r:map Enter flame.freeze-and-go-on\r?G'
screen callers-moved-80x24 --view callers --size 80x24 --color never --keys 'j\r'
screen functions-sorted-80x24 --view functions --size 80x24 --color never --keys ':sort name\rjj'
screen functions-sorted-80x24-ascii --view functions --size 80x24 --ascii --color never --keys '>I'
screen functions-sorted-80x24-mono --view functions --size 80x24 --color always --theme mono --keys '>>G'
screen functions-columns-120x40 --view functions --size 120x40 --color never --keys ':columns name,time,total,self\r'
screen functions-columns-40x10 --view functions --size 40x10 --color never
screen functions-chooser-80x24 --view functions --size 80x24 --color never --keys 'O'
screen functions-chooser-80x24-ascii --view functions --size 80x24 --ascii --color never --keys 'Ojj <'
screen functions-chooser-80x24-mono --view functions --size 80x24 --color always --theme mono --keys '>I:columns\r'
screen functions-tree-80x24 --view functions --size 80x24 --color never --keys 'tjjj'
screen functions-tree-120x40 --view functions --size 120x40 --color never --keys 'tE:sort name\r'
screen functions-tree-80x24-ascii --view functions --size 80x24 --ascii --color never --keys 'ppC'
screen functions-tree-80x24-mono --view functions --size 80x24 --color always --theme mono --keys 't/hist\r'
screen functions-tree-rates-120x40 --view functions --size 120x40 --color never --keys 'ppp'
screen functions-help-120x40 --view functions --size 120x40 --color never --keys '?'
screen functions-rates-sorted-120x40 --view functions --size 120x40 --color never --keys ':sort ipc\rI'
screen callers-sorted-120x40 --view callers --size 120x40 --color never --keys 'j\r:sort name\r:columns name,time,bar,share\r'
screen diff-sorted-120x40 --view diff --size 120x40 --color never --keys ':columns name,difference,change,samples-a,samples-b\r:sort samples-b\r'
screen counters-sorted-80x24 --view counters --size 80x24 --color never --keys ':sort most\rjj'
screen notes-sorted-80x24 --view notes --size 80x24 --color never --keys ':sort! severity\rj'
screen flame-inverted-80x24 --view flame --size 80x24 --color never --keys 'i'
screen flame-search-80x24 --view flame --size 80x24 --color never --keys '/hist\rn'
screen flame-zoom-80x24 --view flame --size 80x24 --color never --keys 'H\r'
screen flame-sandwich-80x24 --view flame --size 80x24 --color never --keys 'Hks'
screen flame-sandwich-120x40 --view flame --size 120x40 --color never --keys 'Hks'
screen flame-modules-80x24 --view flame --size 80x24 --color never --keys 'C%'
screen flame-modules-80x24-dark --view flame --size 80x24 --color always --theme dark --keys 'C%%%'
for size in 80x24 120x40 200x60; do
	screen "flame-phases-$size" --view flame --size "$size" --color never --keys 'pppj'
	screen "flame-change-$size" --view flame --size "$size" --color never --against tests/data/known-before.folded --keys 'CCjj'
done
for look in dark light contrast mono; do
	screen "flame-change-80x24-$look" --view flame --size 80x24 --color always --theme "$look" --against tests/data/known-before.folded --keys 'CCjj'
done
screen flame-phases-80x24-ascii --view flame --size 80x24 --ascii --color never --keys 'pppCC'
screen flame-phases-80x24-mono --view flame --size 80x24 --color always --theme mono --keys 'ppp'
screen flame-phases-explained-80x24 --view flame --size 80x24 --color never --keys 'pppje'
screen flame-no-phases-80x24 --view flame --size 80x24 --color never --keys 'ppp'
screen flame-change-80x24-ascii --view flame --size 80x24 --ascii --color never --against tests/data/known-before.folded --keys 'CCjjj'
screen flame-change-nothing-80x24 --view flame --size 80x24 --color never --keys 'CC'
screen flame-change-sandwich-80x24 --view flame --size 80x24 --color never --against tests/data/known-before.folded --keys 'HksCC'
screen flame-change-explained-80x24 --view flame --size 80x24 --color never --against tests/data/known-before.folded --keys 'CCHe'
screen flame-change-window-120x40 --view timeline --size 120x40 --color never --keys 'ff fff\r2CCj'
screen flame-upwards-80x24 --view flame --size 80x24 --color never --keys 'op'
screen flame-filter-80x24 --view flame --size 80x24 --color never --keys '/sigmoid\r\'
screen flame-kernel-80x24-ascii --view flame --size 80x24 --ascii --color never --keys 'U'
screen timeline-marked-120x40 --view timeline --size 120x40 --color never --keys 'ffm ljj'
screen timeline-window-80x24 --view timeline --size 80x24 --color never --keys 'ff fff\r'
screen timeline-zoomed-80x24-ascii --view timeline --size 80x24 --ascii --color never --keys 'ff fff\rz'
screen flame-window-decaying-80x24 --view flame --size 80x24 --color never --keys 'd%'
screen flame-window-80x24 --view timeline --size 80x24 --color never --keys 'ff f\r2'
screen counters-unavailable-80x24 --view counters --size 80x24 --color never --keys 'G'
screen counters-bandwidth-80x24-ascii --view counters --size 80x24 --ascii --color never --keys 'j'
screen counters-window-80x24 --view timeline --size 80x24 --color never --keys 'ff f\r6y'
screen annotate-chosen-80x24 --view functions --size 80x24 --color never --keys 'a'
screen annotate-next-120x40 --view functions --size 120x40 --color never --keys 'jaj'
screen annotate-chosen-80x24-ascii --view functions --size 80x24 --ascii --color never --keys 'a'
screen annotate-assembly-80x24 --view functions --size 80x24 --color never --keys 'am'
screen annotate-rates-80x24 --view functions --size 80x24 --color never --keys 'a'
screen annotate-rates-120x40 --view functions --size 120x40 --color never --keys 'jaxiw%'
screen annotate-rates-sorted-120x40 --view functions --size 120x40 --color never --keys 'ja:sort self\r'
screen annotate-found-80x24-mono --view functions --size 80x24 --color always --theme mono --keys 'a/sum\rn'
screen annotate-model-80x24-ascii --view functions --size 80x24 --ascii --color never --keys 'a'
screen annotate-model-120x40 --view functions --size 120x40 --color never --keys 'a'
screen functions-model-120x40 --view functions --size 120x40 --color never
screen functions-model-arrays-120x40 --view functions --size 120x40 --color never --keys 'wwww'
screen functions-model-arrays-80x24 --view functions --size 80x24 --color never --keys 'wwwww'
screen flame-model-120x40 --view flame --size 120x40 --color never --keys 'wwwwCCw%'
screen functions-explained-80x24 --view functions --size 80x24 --color never --keys 'e'
screen functions-explained-80x24-ascii --view functions --size 80x24 --ascii --color never --keys 'jje'
screen functions-explained-80x24-mono --view functions --size 80x24 --color always --theme mono --keys 'e'
screen counters-explained-80x24 --view counters --size 80x24 --color never --keys 'je'
screen counters-explained-80x24-dark --view counters --size 80x24 --color always --theme dark --keys 'e'
screen notes-explained-80x24 --view notes --size 80x24 --color never --keys 'e'
screen roofline-explained-120x40 --view roofline --size 120x40 --color never --keys 'e'
screen timeline-explained-80x24 --view timeline --size 80x24 --color never --keys 'me'
screen machine-explained-80x24 --view machine --size 80x24 --color never --keys 'fje'
screen machine-moved-80x24-mono --view machine --size 80x24 --color always --theme mono --keys 'fj'
screen output-explained-80x24-ascii --view output --size 80x24 --ascii --color never --keys 'e'
screen gpu-traced-explained-80x24 --view gpu --size 80x24 --color never --keys 'je'
for size in 80x24 120x40 200x60; do
	screen "gpu-traced-$size" --view gpu --size "$size" --color never
done
for size in 80x24 120x40; do
	screen "gpu-traced-plots-$size" --view gpu --size "$size" --color never --keys 'p'
	screen "gpu-traced-roofline-$size" --view roofline --size "$size" --color never --keys 'j'
done
screen gpu-traced-plots-80x24-ascii --view gpu --size 80x24 --ascii --color never --keys 'p'
screen gpu-traced-plots-80x24-mono --view gpu --size 80x24 --color always --theme mono --keys 'pj'
screen gpu-traced-plots-last-80x24 --view gpu --size 80x24 --color never --keys 'pGy'
screen gpu-traced-plots-explained-80x24 --view gpu --size 80x24 --color never --keys 'pe'
screen gpu-traced-roofline-explained-80x24 --view roofline --size 80x24 --color never --keys 'e'
screen gpu-traced-roofline-80x24-ascii --view roofline --size 80x24 --ascii --color never --keys 'j'
screen gpu-traced-machine-120x40 --view machine --size 120x40 --color never --keys 'f'
screen gpu-traced-sorted-80x24 --view gpu --size 80x24 --color never --keys ':sort name\rj'
screen gpu-traced-columns-120x40 --view gpu --size 120x40 --color never --keys ':columns name,total,least,each,most,device\r'
screen gpu-traced-80x24-ascii --view gpu --size 80x24 --ascii --color never
screen gpu-traced-80x24-dark --view gpu --size 80x24 --color always --theme dark
screen gpu-traced-flame-120x40 --view flame --size 120x40 --color never
screen gpu-traced-idle-120x40 --view flame --size 120x40 --color never --keys 'w'
screen roofline-second-80x24 --view roofline --size 80x24 --color never --keys 'j'
screen roofline-sorted-120x40 --view roofline --size 120x40 --color never --keys ':columns mark,name,time,lost,attained,bound\r:sort lost\rj'
screen roofline-nothing-80x24 --view roofline --size 80x24 --color never
screen lost-nothing-80x24 --view lost --size 80x24 --color never
screen flame-rates-80x24 --view flame --size 80x24 --color never --keys 'CCjj'
screen flame-rates-80x24-ascii --view flame --size 80x24 --ascii --color never --keys 'CCCw'
screen flame-rates-80x24-dark --view flame --size 80x24 --color always --theme dark --keys 'CCjj'
screen overview-rates-80x24 --view overview --size 80x24 --color never
screen functions-rates-80x24 --view functions --size 80x24 --color never
screen functions-rates-120x40 --view functions --size 120x40 --color never
screen diff-window-80x24 --view timeline --size 80x24 --color never --keys 'ff fff\rD'
screen diff-kept-120x40 --view timeline --size 120x40 --color never --keys ' ff\rDA5\eG bb\rD'
screen diff-against-80x24 --view diff --size 80x24 --color never --against tests/data/diff-a.folded
screen diff-against-80x24-dark --view diff --size 80x24 --color always --theme dark --against tests/data/diff-a.folded --keys 'j'
screen output-search-80x24 --view output --size 80x24 --color never --keys '/turns\rg'
screen processes-tree-80x24 --view processes --size 80x24 --color never --keys 'tjj'
screen processes-tree-120x40 --view processes --size 120x40 --color never --keys 'tE:sort name\r'
screen processes-tree-80x24-ascii --view processes --size 80x24 --ascii --color never --keys 'tC+'
screen processes-tree-80x24-mono --view processes --size 80x24 --color always --theme mono --keys 't/cc1\rj'
screen processes-threads-120x40 --view processes --size 120x40 --color never --keys 'E'
screen processes-event-80x24 --view processes --size 80x24 --color never --keys 'w'
screen processes-sorted-120x40 --view processes --size 120x40 --color never --keys ':columns pid,parent,samples,user,kernel,name\r:sort pid\r'
screen processes-chosen-80x24 --view processes --size 80x24 --color never --keys 'j\r'
screen processes-chosen-80x24-dark --view processes --size 80x24 --color always --theme dark --keys 'j\r'
screen processes-chosen-80x24-light --view processes --size 80x24 --color always --theme light --keys 'j\r'
screen processes-chosen-80x24-mono --view processes --size 80x24 --color always --theme mono --keys 'j+j\r'
screen processes-chosen-40x10 --view processes --size 40x10 --color never --keys '\r'
screen processes-chosen-40x4 --view processes --size 40x4 --color never --keys '\r'
screen processes-single-80x24 --view processes --size 80x24 --color never
screen processes-help-120x40 --view processes --size 120x40 --color never --keys '?'
screen processes-explained-80x24 --view processes --size 80x24 --color never --keys 'e'
for view in overview flame functions callers annotate timeline counters notes gpu; do
	screen "$view-one-process-80x24" --view processes --size 80x24 --color never --keys "\\r:view $view\\r"
done
screen flame-one-process-120x40 --view processes --size 120x40 --color never --keys 'js'
screen flame-one-process-thread-80x24-ascii --view processes --size 80x24 --ascii --color never --keys '/112\r+js'
for name in tests/golden/*.txt; do # none may be left over
	[ -n "$update" ] || [ -n "$("$stoke" list views | awk '/^[a-z]/ {print $1}' | grep -x "$(basename "$name" | sed 's/-.*//')")" ] ||
		[ "$(basename "$name")" = help-80x24.txt ] || { echo "$name belongs to no view"; n_failed=$((n_failed + 1)); }
done
finish
