#!/bin/bash
# A program with NVIDIA's own NVTX headers, recorded: what inject_nvtx.c knows of their binary
# interface is so. Needs no GPU. Usage: tests/nvtx.sh [BUILD-FOLDER] [INCLUDE-FOLDER]
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build/release}
# shellcheck disable=SC2086 # several folders
header=$(find ${2:-/usr/local/cuda*/ /usr/include} -follow -path '*nvtx3/nvToolsExt.h' 2>/dev/null | sort | tail -1)
if [ -z "$header" ]; then
	echo "SKIP NVTX's own headers: there is no nvtx3/nvToolsExt.h; install the CUDA toolkit or libnvtx3-dev"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/program.c" <<C
#include <nvtx3/nvToolsExt.h>
#include <stddef.h>
#include "gpu/inject_nvtx.h"
_Static_assert(sizeof(struct nvtx_event) == NVTX_EVENT_ATTRIB_STRUCT_SIZE, "size");
_Static_assert(offsetof(struct nvtx_event, message_type) == offsetof(nvtxEventAttributes_t, messageType), "type");
_Static_assert(offsetof(struct nvtx_event, message) == offsetof(nvtxEventAttributes_t, message), "message");
int main(void)
{
	nvtxDomainHandle_t domain = nvtxDomainCreateA("library");
	nvtxEventAttributes_t event = { .version = NVTX_VERSION, .size = NVTX_EVENT_ATTRIB_STRUCT_SIZE,
		.messageType = NVTX_MESSAGE_TYPE_REGISTERED,
		.message.registered = nvtxDomainRegisterStringA(domain, "layer") };
	nvtxRangeId_t whole = nvtxRangeStartA("whole");
	if (nvtxRangePushA("epoch") != 0 || nvtxRangePushW(L"step") != 1)
		return 1;
	if (nvtxDomainRangePushEx(domain, &event) != 0 || nvtxDomainRangePop(domain) != 0)
		return 2;
	event.messageType = NVTX_MESSAGE_TYPE_ASCII;
	event.message.ascii = "by hand";
	nvtxRangeEnd(nvtxRangeStartEx(&event));
	if (nvtxRangePop() != 1 || nvtxRangePop() != 0 || nvtxRangePop() >= 0)
		return 3;
	nvtxRangeEnd(whole);
	return 0;
}
C
folder=$(dirname "$(dirname "$header")")
fail() {
	echo "FAIL NVTX's own headers: $1"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}
cc -std=c17 -D_GNU_SOURCE -I. -isystem "$folder" -o "$work/program" "$work/program.c" -ldl || fail "it does not compile"
"$work/program" && fail "a program without a profiler tracks ranges"
"$build/stoke" record -q -f -o "$work/a.stoke" -- "$work/program" || [ $? = 4 ] || fail "the program ended badly"
"$build/stoke" export -f --format chrome -o "$work/a.json" "$work/a.stoke" || fail "no export"
for name in epoch step layer "by hand" whole; do
	grep -q "\"$name\"" "$work/a.json" || fail "no range $name"
done
echo "ok   NVTX's own headers: pushed, started, registered and wide, of $folder"
echo "1 passed, 0 failed, 0 skipped"
