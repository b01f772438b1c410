#!/bin/bash
# gpu/cupti.h declares what of CUPTI we use; here its offsets meet those of the real headers.
# Usage: tests/cupti_layout.sh [INCLUDE-FOLDER]
set -u
cd "$(dirname "$0")/.." || exit 1
header=${1:+$1/cupti.h}
[ -n "$header" ] || header=$(find /usr/local/cuda*/ /usr/include /usr/lib/cuda -follow -name cupti.h 2>/dev/null | sort | tail -1)
if [ -z "$header" ] || [ ! -r "$header" ]; then
	echo "SKIP CUPTI's layout: there is no cupti.h; install the CUDA toolkit"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
folder=$(dirname "$header")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The newest of each record that the header has, in CUDA 12 or 13.
newest() { grep -ohE "^\} $1[0-9]*;" "$folder"/cupti_activity*.h | tr -d '};' | sort -V | tail -1; }
cat >"$work/layout.c" <<C
#include <cuda.h>
#include <cupti.h>
#include <stddef.h>
#include "gpu/cupti.h"
#define SAME(ours, field, theirs, name) \\
	_Static_assert(offsetof(struct ours, field) == offsetof(theirs, name), #ours "." #field)
typedef $(newest CUpti_ActivityKernel) kernel_record;
typedef $(newest CUpti_ActivityMemcpy) memcpy_record;
typedef $(newest CUpti_ActivityMemcpyPtoP) peer_record;
typedef $(newest CUpti_ActivityMemset) memset_record;
typedef $(newest CUpti_ActivitySynchronization) wait_record;
typedef CUpti_ActivityExternalCorrelation external_record;
typedef $(newest CUpti_ActivityDevice) device_record;
SAME(cupti_kernel, registers, kernel_record, registersPerThread);
SAME(cupti_kernel, start_ns, kernel_record, start);
SAME(cupti_kernel, end_ns, kernel_record, end);
SAME(cupti_kernel, device, kernel_record, deviceId);
SAME(cupti_kernel, stream, kernel_record, streamId);
SAME(cupti_kernel, grid, kernel_record, gridX);
SAME(cupti_kernel, block, kernel_record, blockX);
SAME(cupti_kernel, shared_static_bytes, kernel_record, staticSharedMemory);
SAME(cupti_kernel, shared_dynamic_bytes, kernel_record, dynamicSharedMemory);
SAME(cupti_kernel, correlation, kernel_record, correlationId);
SAME(cupti_kernel, name, kernel_record, name);
SAME(cupti_kernel, graph_node, kernel_record, graphNodeId);
SAME(cupti_kernel, graph, kernel_record, graphId);
SAME(cupti_memcpy, copy_kind, memcpy_record, copyKind);
SAME(cupti_memcpy, bytes, memcpy_record, bytes);
SAME(cupti_memcpy, start_ns, memcpy_record, start);
SAME(cupti_memcpy, stream, memcpy_record, streamId);
SAME(cupti_memcpy, correlation, memcpy_record, correlationId);
SAME(cupti_memcpy, graph, memcpy_record, graphId);
SAME(cupti_memcpy_peer, bytes, peer_record, bytes);
SAME(cupti_memcpy_peer, to_device, peer_record, dstDeviceId);
SAME(cupti_memcpy_peer, correlation, peer_record, correlationId);
SAME(cupti_memset, value, memset_record, value);
SAME(cupti_memset, bytes, memset_record, bytes);
SAME(cupti_memset, correlation, memset_record, correlationId);
SAME(cupti_memset, graph, memset_record, graphId);
SAME(cupti_synchronization, type, wait_record, type);
SAME(cupti_synchronization, correlation, wait_record, correlationId);
SAME(cupti_synchronization, event, wait_record, cudaEventId);
SAME(cupti_external, id, external_record, externalId);
SAME(cupti_external, correlation, external_record, correlationId);
SAME(cupti_device, multiprocessors, device_record, numMultiprocessors);
SAME(cupti_device, id, device_record, id);
SAME(cupti_device, name, device_record, name);
SAME(cupti_callback, function, CUpti_CallbackData, functionName);
SAME(cupti_callback, parameters, CUpti_CallbackData, functionParams);
SAME(cupti_callback, symbol, CUpti_CallbackData, symbolName);
SAME(cupti_callback, correlation, CUpti_CallbackData, correlationId);
C
if cc -std=c17 -D_GNU_SOURCE -I. -I"$folder" -fsyntax-only "$work/layout.c"; then
	echo "ok   CUPTI's layout: $(grep -c '^SAME' "$work/layout.c") offsets as in $folder"
	echo "1 passed, 0 failed, 0 skipped"
else
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
