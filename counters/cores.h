/*
 * cores: the CPU's own PMUs: one, or one for each kind of core (hybrid Intel, big.LITTLE), with
 * the name under which libpfm4 and the metric groups know them.
 */
#ifndef COUNTERS_CORES_H
#define COUNTERS_CORES_H

#include <stdbool.h>
#include <stdint.h>

enum { MAX_CORE_PMUS = 4 };

struct core_pmu {
	char model[40]; /* "skx", "adl_grt", "arm_n1"; "" = unknown */
	char sysfs[40]; /* "cpu", "cpu_core", "armv8_pmuv3_0"; "" = the kernel has none */
	uint32_t type;  /* for perf_event_attr.type; PERF_TYPE_RAW if the kernel has none */
	bool is_hybrid; /* one of several: generic events must name it */
};

/* core_pmus: at least one, even where the kernel offers no PMU. Returns how many. */
uint32_t core_pmus(struct core_pmu *cores);

/*
 * core_pmu_lacks: does the PMU itself say that it does not implement a raw event? Arm's do
 * (PMCEID, shown by the kernel as the list of events): such events open and stay 0.
 */
bool core_pmu_lacks(const struct core_pmu *core, uint64_t config);

/* core_model_of_midr: an Arm core's name from its MIDR_EL1; "" = unknown. */
const char *core_model_of_midr(uint64_t midr);

/* core_models_of_x86: names for an Intel family-6 hybrid model number; false = not hybrid. */
bool core_models_of_x86(unsigned model, const char **large, const char **small);

#endif
