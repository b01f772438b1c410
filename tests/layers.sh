#!/bin/sh
# Includes go one way, and each library is included by the file that owns it.
# Usage: tests/layers.sh [FOLDER]
cd "${1:-$(dirname "$0")/..}" || exit 1
may() {
	case $1 in
	sampler/base) echo "sampler/base" ;;
	kernels | kernels/*) echo "kernels kernels/support kernels/cuda sampler/base" ;;
	workloads | workloads/*)
		echo "workloads workloads/support kernels kernels/support kernels/cuda sampler/base" ;;
	sampler) echo "sampler sampler/base" ;;
	counters) echo "counters counters/model sampler sampler/base" ;;
	counters/model) echo "counters/model ." ;;
	gpu) echo "gpu sampler sampler/base" ;;
	tui) echo "tui gpu counters workloads workloads/support kernels sampler sampler/base" ;;
	*) echo "any" ;;
	esac
}
# Files that may include a system header; empty = every file.
owner() {
	case $1 in
	*ncurses.h | curses.h | term.h) echo "tui/screen.c" ;;
	vterm*.h) echo "tui/output_terminal.c" ;;
	capstone/*) echo "tui/disassemble.c" ;;
	perfmon/*) echo "counters/events_libpfm.c" ;;
	libunwind*) echo "sampler/unwind_libunwind.c gpu/inject_cupti.c" ;;
	hwloc.h) echo "counters/machine_hwloc.c" ;;
	dwarf.h) echo "sampler/cfi.c sampler/cfi_entry.c sampler/symbols_dwarf.c sampler/unwind_libunwind.c" ;;
	elfutils/* | libelf.h | gelf.h) echo "sampler/symbols_dwarf.c" ;;
	libiberty/*) echo "sampler/demangle.c" ;;
	json-c/*) echo "sampler/import_json.c" ;;
	zstd.h) echo "sampler/recording_file.c sampler/recording_read.c sampler/elf_compressed.c sampler/perf_data_reader.c" ;;
	zlib.h) echo "sampler/recording_file.c sampler/recording_read.c sampler/elf_compressed.c sampler/symbols_debugfile.c sampler/import_bytes.c sampler/pprof_stream.c" ;;
	stdatomic.h) echo "sampler/base/table.h sampler/base/shared_ring.h sampler/collector.c gpu/inject_cupti.c gpu/inject_listen.c gpu/inject_nvtx.c gpu/inject_ring.c workloads/support/crew.c" ;;
	esac
}
files=$(git ls-files '*.[ch]' 2>/dev/null)
[ -n "$files" ] || files=$(find . -name '*.[ch]' | sed 's|^\./||')
bad=$(grep -Eo '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]*' /dev/null $files |
	grep -v '^tests/' | while IFS=: read -r file line; do
	inc=${line##*[\"<]}
	case $line in
	*\"*)
		allowed=$(may "$(dirname "$file")")
		case " $allowed " in
		*" any "* | *" $(dirname "$inc") "*) ;;
		*) echo "$file may not include $inc" ;;
		esac
		;;
	*)
		own=$(owner "$inc")
		case " $own " in
		"  " | *" $file "*) ;;
		*) echo "$file: only $own may include <$inc>" ;;
		esac
		;;
	esac
done)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
