#!/bin/sh
# Write a C file that holds text files as strings: counters/groups/*.txt for counters/groups.h.
# Usage: tests/embed.sh FILE...
set -eu
echo '#include "counters/groups.h"'
echo 'const struct group_text group_texts[] = {'
for file; do
	[ -e "$file" ] || continue
	echo "	{ \"$(basename "$file" .txt)\","
	sed 's/\\/\\\\/g; s/"/\\"/g; s/^/	  "/; s/$/\\n"/' "$file"
	echo "	},"
done
echo '	{ 0, 0 },'
echo '};'
