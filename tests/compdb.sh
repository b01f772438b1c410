#!/bin/sh
# compile_commands.json for clang-tidy and editors.
# Usage: tests/compdb.sh 'COMPILE COMMAND' FILE...
command=$1
shift
echo "["
comma=
for file; do
	printf '%s{"directory":"%s","file":"%s","command":"%s -c %s"}\n' "$comma" "$PWD" "$file" "$command" "$file"
	comma=,
done
echo "]"
