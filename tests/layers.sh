#!/bin/sh
# Includes go one way, and each library is included by the file that owns it.
# Usage: tests/layers.sh [FOLDER]
cd "${1:-$(dirname "$0")/..}" || exit 1
files=$(git ls-files '*.[ch]' 2>/dev/null)
[ -n "$files" ] || files=$(find . -name '*.[ch]' | sed 's|^\./||')
# shellcheck disable=SC2086
bad=$(grep -Eo '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*' /dev/null $files |
	grep -v '^tests/' | awk '
	# Folders that files of a folder may include; "any" = all.
	function may(folder) {
		if (folder == "sampler/base") return "sampler/base"
		if (folder ~ /^kernels(\/|$)/) return "kernels kernels/support kernels/cuda sampler/base"
		if (folder ~ /^workloads(\/|$)/)
			return "workloads workloads/support kernels kernels/support kernels/cuda sampler/base"
		if (folder == "sampler") return "sampler sampler/base"
		if (folder == "counters") return "counters counters/model sampler sampler/base"
		if (folder == "counters/model") return "counters/model ."
		if (folder == "gpu") return "gpu sampler sampler/base"
		if (folder == "tui") return "tui gpu counters workloads workloads/support kernels sampler sampler/base"
		return "any"
	}
	# Files that may include a system header; empty = every file.
	function owner(header) {
		if (header ~ /ncurses\.h$|^curses\.h$|^term\.h$/) return "tui/screen.c"
		if (header ~ /^vterm.*\.h$/) return "tui/output_terminal.c"
		if (header ~ /^capstone\//) return "tui/disassemble.c"
		if (header ~ /^perfmon\//) return "counters/events_libpfm.c"
		if (header ~ /^libunwind/) return "sampler/unwind_libunwind.c gpu/inject_cupti.c"
		if (header == "hwloc.h") return "counters/machine_hwloc.c"
		if (header == "dwarf.h")
			return "sampler/cfi.c sampler/cfi_entry.c sampler/symbols_dwarf.c sampler/unwind_libunwind.c"
		if (header ~ /^elfutils\/|^libelf\.h$|^gelf\.h$/) return "sampler/symbols_dwarf.c"
		if (header ~ /^libiberty\//) return "sampler/demangle.c"
		if (header ~ /^json-c\//) return "sampler/import_json.c"
		if (header == "zstd.h")
			return "sampler/recording_file.c sampler/recording_read.c sampler/elf_compressed.c sampler/perf_data_reader.c"
		if (header == "zlib.h")
			return "sampler/recording_file.c sampler/recording_read.c sampler/elf_compressed.c sampler/symbols_debugfile.c sampler/import_bytes.c sampler/pprof_stream.c"
		if (header == "stdatomic.h")
			return "sampler/base/table.h sampler/base/shared_ring.h sampler/collector.c gpu/inject_cupti.c gpu/inject_listen.c gpu/inject_nvtx.c gpu/inject_ring.c workloads/support/crew.c"
		return ""
	}
	function folder_of(path) { return sub(/\/[^\/]*$/, "", path) ? path : "." }
	{
		file = substr($0, 1, index($0, ":") - 1)
		quote = $0 ~ /"/
		header = $0
		sub(/^.*["<]/, "", header)
		if (quote) {
			allowed = may(folder_of(file))
			if (allowed != "any" && !index(" " allowed " ", " " folder_of(header) " "))
				print file " may not include " header
		} else {
			own = owner(header)
			if (own != "" && !index(" " own " ", " " file " "))
				print file ": only " own " may include <" header ">"
		}
	}')
[ -z "$bad" ] || { echo "$bad"; exit 1; }
