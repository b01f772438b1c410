#!/bin/sh
# Which optional libraries are here, found by linking one tiny program each.
# Usage: tests/features.sh 'CC FLAGS' 'LDFLAGS'
have() { # NAME HEADER LIBRARY
	if printf '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <%s>\nint main(void){return 0;}\n' "$2" |
		$cc -xc - $ldflags "$3" -o /dev/null 2>/dev/null; then
		echo "HAVE_$1 := 1"
	else
		echo "HAVE_$1 := 0"
	fi
}
# The CUDA compiler, if it compiles: on the path, or where NVIDIA's packages put it.
cuda_compiler() {
	for nvcc in nvcc /usr/local/cuda/bin/nvcc; do
		if echo '__global__ void nothing() {}' |
			$nvcc -x cu -arch=sm_90 -c -o /dev/null - 2>/dev/null; then
			echo "NVCC := $nvcc"
			return
		fi
	done
	echo "NVCC :="
}
# The fastest linker here: linking each of some hundred test programs is a third of building them.
fastest_linker() {
	for linker in mold lld gold; do
		if echo 'int main(void){return 0;}' | $cc -fuse-ld=$linker -xc - -o /dev/null 2>/dev/null; then
			echo "LINKER := -fuse-ld=$linker"
			return
		fi
	done
	echo "LINKER :="
}
cc=$1 ldflags=${2:-}
cuda_compiler
fastest_linker
have ZSTD zstd.h -lzstd
have IBERTY libiberty/demangle.h -liberty
have HWLOC hwloc.h -lhwloc
have CMOCKA cmocka.h -lcmocka
have VTERM vterm.h -lvterm
have CAPSTONE capstone/capstone.h -lcapstone
have JSONC json-c/json.h -ljson-c
have CURL curl/curl.h -lcurl
if command -v protoc-c >/dev/null 2>&1; then
	have PROTOBUFC protobuf-c/protobuf-c.h -lprotobuf-c
else
	echo "HAVE_PROTOBUFC := 0"
fi
