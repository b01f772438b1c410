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
#include "gpu/cupti_pc.h"
#include "gpu/cupti_pm.h"
#include <cupti_pcsampling.h>
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
SAME(cupti_resource, descriptor, CUpti_ResourceData, resourceDescriptor);
SAME(cupti_module, cubin_bytes, CUpti_ModuleResourceData, cubinSize);
SAME(cupti_module, cubin, CUpti_ModuleResourceData, pCubin);
_Static_assert(CUPTI_RESOURCE == (int)CUPTI_CB_DOMAIN_RESOURCE, "domain");
_Static_assert(CUPTI_CONTEXT_CREATED == (int)CUPTI_CBID_RESOURCE_CONTEXT_CREATED, "created");
_Static_assert(CUPTI_CONTEXT_ENDS == (int)CUPTI_CBID_RESOURCE_CONTEXT_DESTROY_STARTING, "ends");
_Static_assert(CUPTI_MODULE_LOADED == (int)CUPTI_CBID_RESOURCE_MODULE_LOADED, "loaded");
_Static_assert(CUPTI_PC_REASON_BYTES == CUPTI_STALL_REASON_STRING_SIZE, "names of reasons");
_Static_assert(sizeof(struct cupti_pc_stall) == sizeof(CUpti_PCSamplingStallReason), "stalls");
SAME(cupti_pc_stall, n_samples, CUpti_PCSamplingStallReason, samples);
_Static_assert(sizeof(struct cupti_pc) == sizeof(CUpti_PCSamplingPCData), "instructions");
SAME(cupti_pc, cubin, CUpti_PCSamplingPCData, cubinCrc);
SAME(cupti_pc, offset, CUpti_PCSamplingPCData, pcOffset);
SAME(cupti_pc, function, CUpti_PCSamplingPCData, functionName);
SAME(cupti_pc, n_stalls, CUpti_PCSamplingPCData, stallReasonCount);
SAME(cupti_pc, stalls, CUpti_PCSamplingPCData, stallReason);
_Static_assert(sizeof(struct cupti_pc_data) == sizeof(CUpti_PCSamplingData), "data");
SAME(cupti_pc_data, most_pcs, CUpti_PCSamplingData, collectNumPcs);
SAME(cupti_pc_data, n_samples, CUpti_PCSamplingData, totalSamples);
SAME(cupti_pc_data, n_dropped, CUpti_PCSamplingData, droppedSamples);
SAME(cupti_pc_data, n_pcs, CUpti_PCSamplingData, totalNumPcs);
SAME(cupti_pc_data, n_left, CUpti_PCSamplingData, remainingNumPcs);
SAME(cupti_pc_data, pcs, CUpti_PCSamplingData, pPcData);
SAME(cupti_pc_data, n_foreign, CUpti_PCSamplingData, nonUsrKernelsTotalSamples);
SAME(cupti_pc_data, is_full, CUpti_PCSamplingData, hardwareBufferFull);
_Static_assert(sizeof(struct cupti_pc_attribute) == sizeof(CUpti_PCSamplingConfigurationInfo), "attribute");
SAME(cupti_pc_attribute, period, CUpti_PCSamplingConfigurationInfo, attributeData.samplingPeriodData.samplingPeriod);
SAME(cupti_pc_attribute, buffer_bytes, CUpti_PCSamplingConfigurationInfo, attributeData.hardwareBufferSizeData.hardwareBufferSize);
SAME(cupti_pc_attribute, mode, CUpti_PCSamplingConfigurationInfo, attributeData.collectionModeData.collectionMode);
SAME(cupti_pc_attribute, data, CUpti_PCSamplingConfigurationInfo, attributeData.samplingDataBufferData.samplingDataBuffer);
SAME(cupti_pc_attribute, reasons.n, CUpti_PCSamplingConfigurationInfo, attributeData.stallReasonData.stallReasonCount);
SAME(cupti_pc_attribute, reasons.list, CUpti_PCSamplingConfigurationInfo, attributeData.stallReasonData.pStallReasonIndex);
_Static_assert(CUPTI_PC_PERIOD == (int)CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_SAMPLING_PERIOD, "period");
_Static_assert(CUPTI_PC_REASONS == (int)CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_STALL_REASON, "reasons");
_Static_assert(CUPTI_PC_DEVICE_BUFFER == (int)CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_HARDWARE_BUFFER_SIZE, "buffer");
_Static_assert(CUPTI_PC_MODE == (int)CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_COLLECTION_MODE, "mode");
_Static_assert(CUPTI_PC_DATA == (int)CUPTI_PC_SAMPLING_CONFIGURATION_ATTR_TYPE_SAMPLING_DATA_BUFFER, "data");
_Static_assert(CUPTI_PC_CONTINUOUS == (int)CUPTI_PC_SAMPLING_COLLECTION_MODE_CONTINUOUS, "continuous");
_Static_assert(CUPTI_OUT_OF_MEMORY == (int)CUPTI_ERROR_OUT_OF_MEMORY, "code");
#define WHOLE(ours, field, bytes) _Static_assert(CUPTI_PC_BYTES(struct ours, field) == (bytes), "size of " #ours)
WHOLE(cupti_pc_configuration, attributes, CUpti_PCSamplingConfigurationInfoParamsSize);
WHOLE(cupti_pc_context, context, CUpti_PCSamplingEnableParamsSize);
WHOLE(cupti_pc_context, context, CUpti_PCSamplingDisableParamsSize);
WHOLE(cupti_pc_get, data, CUpti_PCSamplingGetDataParamsSize);
WHOLE(cupti_pc_n_reasons, n, CUpti_PCSamplingGetNumStallReasonsParamsSize);
WHOLE(cupti_pc_reasons, names, CUpti_PCSamplingGetStallReasonsParamsSize);
SAME(cupti_pc_reasons, numbers, CUpti_PCSamplingGetStallReasonsParams, stallReasonIndex);
WHOLE(cupti_pc_line, folder, CUpti_GetSassToSourceCorrelationParamsSize);
SAME(cupti_pc_line, function, CUpti_GetSassToSourceCorrelationParams, functionName);
SAME(cupti_pc_line, line, CUpti_GetSassToSourceCorrelationParams, lineNumber);
SAME(cupti_pc_line, offset, CUpti_GetSassToSourceCorrelationParams, pcOffset);
SAME(cupti_pc_line, file, CUpti_GetSassToSourceCorrelationParams, fileName);
WHOLE(cupti_pc_crc, crc, CUpti_GetCubinCrcParamsSize);
SAME(cupti_pc_crc, cubin, CUpti_GetCubinCrcParams, cubin);
C
# what samples counters came with CUDA 12.6
[ -r "$folder/cupti_pmsampling.h" ] && [ -r "$folder/cupti_profiler_host.h" ] && cat >>"$work/layout.c" <<C
#include <cupti_pmsampling.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_target.h>
#define LAST(ours, field, theirs, name) \
	_Static_assert(CUPTI_PM_BYTES(struct ours, field) == theirs##_STRUCT_SIZE, "size of " #ours); \
	SAME(ours, field, theirs, name)
LAST(cupti_pm_plain, reserved, CUpti_Profiler_Initialize_Params, pPriv);
LAST(cupti_chip_name, name, CUpti_Device_GetChipName_Params, pChipName);
LAST(cupti_host_chips, names, CUpti_Profiler_Host_GetSupportedChips_Params, ppChipNames);
LAST(cupti_host_open, host, CUpti_Profiler_Host_Initialize_Params, pHostObject);
SAME(cupti_host_open, chip, CUpti_Profiler_Host_Initialize_Params, pChipName);
SAME(cupti_host_open, availability, CUpti_Profiler_Host_Initialize_Params, pCounterAvailabilityImage);
LAST(cupti_host_close, host, CUpti_Profiler_Host_Deinitialize_Params, pHostObject);
LAST(cupti_host_add, n, CUpti_Profiler_Host_ConfigAddMetrics_Params, numMetrics);
SAME(cupti_host_add, names, CUpti_Profiler_Host_ConfigAddMetrics_Params, ppMetricNames);
LAST(cupti_host_image_size, image_bytes, CUpti_Profiler_Host_GetConfigImageSize_Params, configImageSize);
LAST(cupti_host_image, image, CUpti_Profiler_Host_GetConfigImage_Params, pConfigImage);
LAST(cupti_host_passes, n, CUpti_Profiler_Host_GetNumOfPasses_Params, numOfPasses);
LAST(cupti_host_evaluate, values, CUpti_Profiler_Host_EvaluateToGpuValues_Params, pMetricValues);
SAME(cupti_host_evaluate, sample, CUpti_Profiler_Host_EvaluateToGpuValues_Params, rangeIndex);
SAME(cupti_host_evaluate, names, CUpti_Profiler_Host_EvaluateToGpuValues_Params, ppMetricNames);
LAST(cupti_pm_availability, image, CUpti_PmSampling_GetCounterAvailability_Params, pCounterAvailabilityImage);
LAST(cupti_pm_enable, sampling, CUpti_PmSampling_Enable_Params, pPmSamplingObject);
LAST(cupti_pm_object, sampling, CUpti_PmSampling_Start_Params, pPmSamplingObject);
LAST(cupti_pm_config, append, CUpti_PmSampling_SetConfig_Params, hwBufferAppendMode);
SAME(cupti_pm_config, buffer_bytes, CUpti_PmSampling_SetConfig_Params, hardwareBufferSize);
SAME(cupti_pm_config, interval, CUpti_PmSampling_SetConfig_Params, samplingInterval);
SAME(cupti_pm_config, trigger, CUpti_PmSampling_SetConfig_Params, triggerMode);
LAST(cupti_pm_data_size, data_bytes, CUpti_PmSampling_GetCounterDataSize_Params, counterDataSize);
SAME(cupti_pm_data_size, most_samples, CUpti_PmSampling_GetCounterDataSize_Params, maxSamples);
LAST(cupti_pm_data, data, CUpti_PmSampling_CounterDataImage_Initialize_Params, pCounterData);
LAST(cupti_pm_decode, is_overflown, CUpti_PmSampling_DecodeData_Params, overflow);
SAME(cupti_pm_decode, stop_reason, CUpti_PmSampling_DecodeData_Params, decodeStopReason);
LAST(cupti_pm_info, n_completed, CUpti_PmSampling_GetCounterDataInfo_Params, numCompletedSamples);
LAST(cupti_pm_sample, end_ns, CUpti_PmSampling_CounterData_GetSampleInfo_Params, endTimestamp);
_Static_assert(CUPTI_PM_SAMPLING == (int)CUPTI_PROFILER_TYPE_PM_SAMPLING, "type");
_Static_assert(CUPTI_PM_BY_TIME == (int)CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL, "trigger");
_Static_assert(CUPTI_PM_KEEP_LATEST == (int)CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_LATEST, "append");
_Static_assert(CUPTI_PM_STOPPED_FULL == (int)CUPTI_PM_SAMPLING_DECODE_STOP_REASON_COUNTER_DATA_FULL, "reason");
C
: >"$work/string" # a header of C++ that cupti_profiler_host.h asks for and does not use
if cc -std=c17 -D_GNU_SOURCE -I. -I"$work" -I"$folder" -fsyntax-only "$work/layout.c"; then
	echo "ok   CUPTI's layout: $(grep -cE '^(SAME|LAST|WHOLE)' "$work/layout.c") offsets as in $folder"
	echo "1 passed, 0 failed, 0 skipped"
else
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
