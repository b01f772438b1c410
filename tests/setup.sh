#!/bin/sh
# Install what building and testing need, with the system's package manager, after saying so.
# Does nothing, quickly, when all is there.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build

# What a package brings, to look for without asking the package manager.
missing=
need() { # PACKAGE, then a test command
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}
header() {
	printf '#include <stdio.h>\n#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <%s>\n' "$1" |
		${CC:-cc} -xc -fsyntax-only - 2>/dev/null
}
cc=${CC:-cc} # it may be two words: ccache gcc
command -v "${cc%% *}" >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
need make command -v make
need libncurses-dev header ncurses.h
need libpfm4-dev header perfmon/pfmlib.h
need libunwind-dev header libunwind.h
need libdw-dev header elfutils/libdw.h
need libelf-dev header libelf.h
need zlib1g-dev header zlib.h
need libzstd-dev header zstd.h
need libiberty-dev header libiberty/demangle.h
need libhwloc-dev header hwloc.h
need libvterm-dev header vterm.h
need libcapstone-dev header capstone/capstone.h
need libcmocka-dev header cmocka.h
need libjson-c-dev header json-c/json.h
need libprotobuf-c-dev header protobuf-c/protobuf-c.h
need libcurl4-openssl-dev header curl/curl.h
need protobuf-c-compiler command -v protoc-c
need tmux command -v tmux
need g++ command -v g++
need procps command -v ps
need binutils command -v strip
if [ "${STOKE_SETUP:-}" = all ]; then # what CI needs beside
	need clang-format command -v clang-format
	need clang-tidy command -v clang-tidy
	need clang command -v clang
	need lld command -v ld.lld
	need libclang-rt-dev sh -c 'echo "int LLVMFuzzerTestOneInput(const char*a,unsigned long b){return 0;}" | clang -xc - -fsanitize=fuzzer -o /dev/null'
	need shellcheck command -v shellcheck
	need groff command -v groff
	need linux-perf command -v perf
	need xz-utils command -v xz
	need python3 command -v python3
	need golang-go command -v go
	need protobuf-compiler command -v protoc
	need libxml2-utils command -v xmllint
	need chromium command -v chromium
	need valgrind command -v valgrind
	need openmpi-bin command -v mpirun
	need libopenmpi-dev command -v mpicc
fi
if [ "${STOKE_SETUP:-}" = pmu ]; then # guests with counters
	need qemu-system-x86 command -v qemu-system-x86_64
	need busybox-static command -v busybox
	need kmod test -x /sbin/insmod -o -x /usr/sbin/insmod
	need cpio command -v cpio
	need qemu-system-arm command -v qemu-system-aarch64
	need gcc-aarch64-linux-gnu command -v aarch64-linux-gnu-gcc
	need libc6-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/stdio.h
	need qemu-system-misc command -v qemu-system-riscv64
	need gcc-riscv64-linux-gnu command -v riscv64-linux-gnu-gcc
	need libc6-dev-riscv64-cross test -e /usr/riscv64-linux-gnu/include/stdio.h
	need debian-archive-keyring test -e /usr/share/keyrings/debian-archive-keyring.gpg
fi
[ -n "$missing" ] || exit 0

echo "stoke needs packages that are not here:$missing"
root=
if [ "$(id -u)" != 0 ]; then
	root=sudo
	command -v sudo >/dev/null 2>&1 || { echo "Run this as root, or install sudo."; exit 1; }
fi
if command -v apt-get >/dev/null 2>&1; then
	echo "Installing them with apt-get."
	export DEBIAN_FRONTEND=noninteractive
	$root apt-get update -qq
	# shellcheck disable=SC2086
	$root apt-get install -y -qq --no-install-recommends $missing
	rm -f build/features.mk # what was not there may be now
else
	echo "This is no Debian or Ubuntu: please install what brings the same with your system's"
	echo "package manager:"
	echo "  dnf install gcc-c++ ncurses-devel libpfm-devel libunwind-devel elfutils-devel zlib-devel libzstd-devel hwloc-devel libvterm-devel capstone-devel binutils-devel libcmocka-devel json-c-devel libcurl-devel protobuf-c-devel protobuf-c-compiler tmux"
	echo "  pacman -S gcc ncurses libpfm libunwind elfutils zlib zstd hwloc libvterm capstone binutils cmocka json-c curl protobuf-c tmux"
	exit 1
fi
