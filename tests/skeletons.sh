#!/bin/bash
# The skeletons of CONTRIBUTING.md compile without a warning under their file names.
# Usage: tests/skeletons.sh [CC]
set -eu
cc=${1:-cc}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
awk -v work="$work" '
	/^### .*`.*\.c`$/ { split($0, part, "`"); name = part[2]; gsub("/", "_", name) }
	/^```c$/ && name { file = work "/" name; next }
	/^```$/ { file = name = file ? "" : name; next }
	file { print > file }
' "$root/CONTRIBUTING.md"
n=0
for file in "$work"/*.c; do
	"$cc" -std=c17 -D_GNU_SOURCE -I"$root" -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror \
		-c "$file" -o "$file.o"
	symbol=$(basename "$file" .c)
	symbol=${symbol#*_}
	case $file in */workloads_*) symbol=workload_$symbol ;; esac
	nm "$file.o" | grep -q " [RD] $symbol\$" || { echo "$file does not define $symbol"; exit 1; }
	n=$((n + 1))
done
[ "$n" -ge 3 ] || { echo "only $n skeletons found in CONTRIBUTING.md"; exit 1; }
echo "$n skeletons built"
