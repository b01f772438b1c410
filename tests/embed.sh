#!/bin/sh
# Write a C file that holds text files as strings: counters/groups/*.txt for counters/groups.h,
# tui/explain/*.txt for tui/explain.h, tui/lessons/*.txt for tui/lesson.h.
# Usage: tests/embed.sh HEADER STRUCT NAME FILE...
set -eu
echo "#include \"$1\""
echo "const struct $2 $3[] = {"
shift 3
for file; do
	[ -e "$file" ] || continue
	echo "	{ \"$(basename "$file" .txt)\","
	sed 's/\\/\\\\/g; s/"/\\"/g; s/^/	  "/; s/$/\\n"/' "$file"
	echo "	},"
done
echo '	{ 0, 0 },'
echo '};'
