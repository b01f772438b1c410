#!/bin/sh
# The check of layers names each bad include planted in a copy, and nothing else.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/sampler/base" "$work/kernels" "$work/tui" "$work/tests"
cp tests/layers.sh "$work/tests/"
echo '#include "tui/view.h"' >"$work/sampler/bad1.c"
echo '#include "sampler/recording.h"' >"$work/kernels/bad2.c"
echo '#include <ncurses.h>' >"$work/tui/bad3.c"
echo '#include "sampler/recording.h"' >"$work/tui/good.c"
if found=$(sh "$work/tests/layers.sh" "$work"); then
	echo "bad includes were let through"
	exit 1
fi
[ "$(echo "$found" | wc -l)" = 3 ]
for name in bad1 bad2 bad3; do
	echo "$found" | grep -q "$name.c" || { echo "$name.c was not named"; exit 1; }
done
