/* Names as perf has them, so that what people know by heart works. */
#include "counters/events_generic.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HARDWARE(config) PERF_TYPE_HARDWARE, PERF_COUNT_HW_##config
#define SOFTWARE(config) PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##config
#define CACHE(unit, operation, result)                                                             \
	PERF_TYPE_HW_CACHE, PERF_COUNT_HW_CACHE_##unit | PERF_COUNT_HW_CACHE_OP_##operation << 8 | \
				    PERF_COUNT_HW_CACHE_RESULT_##result << 16

static const struct event_name names[] = {
	{ "cpu-clock", "time on a CPU, by a timer of each CPU", SOFTWARE(CPU_CLOCK) },
	{ "task-clock", "time on a CPU, by a timer of each thread", SOFTWARE(TASK_CLOCK) },
	{ "page-faults", "pages not mapped when touched", SOFTWARE(PAGE_FAULTS) },
	{ "faults", "page-faults", SOFTWARE(PAGE_FAULTS) },
	{ "minor-faults", "page faults without reading a disk", SOFTWARE(PAGE_FAULTS_MIN) },
	{ "major-faults", "page faults that read a disk", SOFTWARE(PAGE_FAULTS_MAJ) },
	{ "context-switches", "times a thread left its CPU", SOFTWARE(CONTEXT_SWITCHES) },
	{ "cs", "context-switches", SOFTWARE(CONTEXT_SWITCHES) },
	{ "cpu-migrations", "times a thread changed its CPU", SOFTWARE(CPU_MIGRATIONS) },
	{ "migrations", "cpu-migrations", SOFTWARE(CPU_MIGRATIONS) },
	{ "alignment-faults", "unaligned accesses the kernel had to mend",
	  SOFTWARE(ALIGNMENT_FAULTS) },
	{ "emulation-faults", "instructions the kernel had to emulate",
	  SOFTWARE(EMULATION_FAULTS) },
	{ "cycles", "cycles of the core's clock, as fast as it runs", HARDWARE(CPU_CYCLES) },
	{ "cpu-cycles", "cycles", HARDWARE(CPU_CYCLES) },
	{ "ref-cycles", "cycles of a clock of constant rate", HARDWARE(REF_CPU_CYCLES) },
	{ "instructions", "instructions retired", HARDWARE(INSTRUCTIONS) },
	{ "cache-references", "accesses to the last cache, as a rule", HARDWARE(CACHE_REFERENCES) },
	{ "cache-misses", "accesses the last cache could not serve, as a rule",
	  HARDWARE(CACHE_MISSES) },
	{ "branches", "branch instructions retired", HARDWARE(BRANCH_INSTRUCTIONS) },
	{ "branch-instructions", "branches", HARDWARE(BRANCH_INSTRUCTIONS) },
	{ "branch-misses", "branches predicted wrongly", HARDWARE(BRANCH_MISSES) },
	{ "bus-cycles", "cycles of the bus clock", HARDWARE(BUS_CYCLES) },
	{ "stalled-cycles-frontend", "cycles without instructions to issue",
	  HARDWARE(STALLED_CYCLES_FRONTEND) },
	{ "stalled-cycles-backend", "cycles without results to go on with",
	  HARDWARE(STALLED_CYCLES_BACKEND) },
	{ "L1-dcache-loads", "loads from the first data cache", CACHE(L1D, READ, ACCESS) },
	{ "L1-dcache-load-misses", "loads the first data cache missed", CACHE(L1D, READ, MISS) },
	{ "L1-dcache-stores", "stores to the first data cache", CACHE(L1D, WRITE, ACCESS) },
	{ "L1-icache-load-misses", "fetches the instruction cache missed", CACHE(L1I, READ, MISS) },
	{ "LLC-loads", "loads from the last cache", CACHE(LL, READ, ACCESS) },
	{ "LLC-load-misses", "loads the last cache missed", CACHE(LL, READ, MISS) },
	{ "LLC-stores", "stores to the last cache", CACHE(LL, WRITE, ACCESS) },
	{ "LLC-store-misses", "stores the last cache missed", CACHE(LL, WRITE, MISS) },
	{ "dTLB-loads", "address translations of loads", CACHE(DTLB, READ, ACCESS) },
	{ "dTLB-load-misses", "translations of loads the TLB missed", CACHE(DTLB, READ, MISS) },
	{ "iTLB-load-misses", "translations of fetches the TLB missed", CACHE(ITLB, READ, MISS) },
	{ "node-loads", "loads from this NUMA node's memory, as a rule",
	  CACHE(NODE, READ, ACCESS) },
	{ "node-load-misses", "loads from another NUMA node, as a rule", CACHE(NODE, READ, MISS) },
	{ "L1-dcache-store-misses", "stores the first data cache missed", CACHE(L1D, WRITE, MISS) },
	{ "L1-dcache-prefetches", "prefetches into the first data cache",
	  CACHE(L1D, PREFETCH, ACCESS) },
	{ "L1-dcache-prefetch-misses", "prefetches the first data cache missed",
	  CACHE(L1D, PREFETCH, MISS) },
	{ "L1-icache-loads", "fetches from the instruction cache", CACHE(L1I, READ, ACCESS) },
	{ "LLC-prefetches", "prefetches into the last cache", CACHE(LL, PREFETCH, ACCESS) },
	{ "LLC-prefetch-misses", "prefetches the last cache missed", CACHE(LL, PREFETCH, MISS) },
	{ "dTLB-stores", "address translations of stores", CACHE(DTLB, WRITE, ACCESS) },
	{ "dTLB-store-misses", "translations of stores the TLB missed", CACHE(DTLB, WRITE, MISS) },
	{ "iTLB-loads", "address translations of fetches", CACHE(ITLB, READ, ACCESS) },
	{ "branch-loads", "branches looked up in the predictor", CACHE(BPU, READ, ACCESS) },
	{ "branch-load-misses", "branches the predictor did not know", CACHE(BPU, READ, MISS) },
	{ "node-stores", "stores to this NUMA node's memory, as a rule",
	  CACHE(NODE, WRITE, ACCESS) },
	{ "node-store-misses", "stores to another NUMA node, as a rule", CACHE(NODE, WRITE, MISS) },
	{ "cgroup-switches", "times the CPU went on to another control group",
	  SOFTWARE(CGROUP_SWITCHES) },
	{ "bpf-output", "records a BPF program wrote", SOFTWARE(BPF_OUTPUT) },
	{ "dummy", "counts nothing; for side-band records", SOFTWARE(DUMMY) },
};

enum { N_NAMES = sizeof names / sizeof names[0] };

const struct event_name *events_at(size_t place)
{
	return place < N_NAMES ? &names[place] : NULL;
}

/* rNNN: the event's number as in the CPU's manual, hexadecimal. */
static bool resolve_raw(const char *name, struct perf_event_attr *attribute)
{
	size_t length = strlen(name);
	if (name[0] != 'r' || length < 2 || length > 17 ||
	    strspn(name + 1, "0123456789abcdefABCDEF") != length - 1)
		return false;
	attribute->type = PERF_TYPE_RAW;
	attribute->config = strtoull(name + 1, NULL, 16);
	return true;
}

bool generic_resolve(const char *name, struct perf_event_attr *attribute)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		if (strcasecmp(names[i].name, name) != 0)
			continue;
		attribute->type = names[i].type;
		attribute->config = names[i].config;
		return true;
	}
	return resolve_raw(name, attribute);
}
