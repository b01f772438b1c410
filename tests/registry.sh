#!/bin/sh
# Write a C file that lists every plug-in, found by file name. One argument a kind:
# KIND:GLOB:HEADER, for example exporter:sampler/exporter_*.c:sampler/exporter.h
set -eu
for entry; do
	kind=${entry%%:*} header=${entry##*:} globs=${entry#*:} globs=${globs%:*}
	[ -e "$header" ] || continue
	names=$(for file in $globs; do
		[ -e "$file" ] || continue
		base=$(basename "$file" .c)
		echo "${base#"${kind}"_}"
	done | sort)
	echo "#include \"$header\""
	for name in $names; do echo "extern const struct $kind ${kind}_$name;"; done
	echo "const struct $kind *const ${kind}s[] = {"
	for name in $names; do echo "	&${kind}_$name,"; done
	echo "	0,"
	echo "};"
done
