#!/bin/bash
# The README's pictures: screens of real recordings, made here and now, as `stoke render` prints them.
# Usage: tests/pictures.sh [STOKE]   writes tests/pictures/NAME.svg
set -u
cd "$(dirname "$0")/.." || exit 1
stoke=${1:-build/release/stoke}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p tests/pictures

picture() { # NAME RECORDING TITLE render's options...
	local name=$1 recording=$2 title=$3
	shift 3
	"$stoke" render --color always "$@" "$work/$recording.stoke" | tests/picture.py "$title" >"tests/pictures/$name.svg" ||
		{ echo "no picture $name"; exit 1; }
}
# The ceilings of this machine, so that a recording carries them; kept where they are usually kept.
"$stoke" bench --cached >/dev/null 2>&1 || "$stoke" bench >/dev/null || exit 1
"$stoke" record -q -o "$work/gbdt.stoke" gbdt seconds=4 2>/dev/null >/dev/null
"$stoke" record -q -o "$work/gemm.stoke" gemm seconds=4 2>/dev/null >/dev/null
picture flame gbdt "a flame graph of the built-in booster" --view flame --size 110x30
picture roofline gemm "the roofline of a matrix product" --view roofline --size 110x28
