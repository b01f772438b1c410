/* Names as perf has them, so that what people know by heart works. */
#include "counters/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"

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
};

enum { N_NAMES = sizeof names / sizeof names[0], MAX_PRECISION = 3 };

const struct event_name *events_at(size_t place)
{
	return place < N_NAMES ? &names[place] : NULL;
}

static bool fail_unknown(const char *name, struct why *why)
{
	struct nearest nearest;
	nearest_start(&nearest, name);
	for (size_t i = 0; i < N_NAMES; i++)
		nearest_offer(&nearest, names[i].name);
	char question[96], clean[64];
	text_clean(clean, sizeof clean, name);
	return why_fail(why, "There is no event \"%s\"%s", clean,
			nearest.best ? nearest_question(&nearest, "", question, sizeof question)
				     : "; `stoke list events` shows all names.");
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

static bool resolve_name(const char *name, struct perf_event_attr *attribute)
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

static bool apply_modifiers(const char *modifiers, struct perf_event_attr *attribute,
			    struct why *why)
{
	unsigned precision = 0;
	bool has_user = false, has_kernel = false, has_hypervisor = false;
	for (const char *letter = modifiers; *letter; letter++) {
		has_user |= *letter == 'u';
		has_kernel |= *letter == 'k';
		has_hypervisor |= *letter == 'h';
		precision += *letter == 'p';
		char clean[16];
		if (!strchr("ukhp", *letter) || precision > MAX_PRECISION)
			return why_fail(why,
					"\":%s\" is no modifier of an event: it takes u (user), "
					"k (kernel), h (hypervisor) and up to three p (precise).",
					text_clean(clean, sizeof clean, modifiers));
	}
	if (has_user || has_kernel || has_hypervisor) {
		attribute->exclude_user = !has_user;
		attribute->exclude_kernel = !has_kernel;
		attribute->exclude_hv = !has_hypervisor;
	}
	attribute->precise_ip = precision & 3;
	return true;
}

static bool is_clock(const struct perf_event_attr *attribute)
{
	return attribute->type == PERF_TYPE_SOFTWARE &&
	       (attribute->config == PERF_COUNT_SW_CPU_CLOCK ||
		attribute->config == PERF_COUNT_SW_TASK_CLOCK);
}

bool event_resolve(const char *text, struct sampled_event *event, struct why *why)
{
	*event = (struct sampled_event){ .attribute.size = sizeof event->attribute };
	size_t length = strcspn(text, ":");
	char name[sizeof event->name], clean[sizeof event->name];
	if (strlen(text) >= sizeof name)
		return why_fail(why, "No event has a name as long as \"%s\"...",
				text_clean(clean, sizeof clean, text));
	if (length == 0)
		return why_fail(why, "An event's name is missing: -e takes names such as "
				     "cycles,cache-misses:u.");
	if (strpbrk(text, "{}/"))
		return why_fail(why,
				"\"%s\" is no plain event: groups {a,b} and pmu/.../ events are "
				"not supported in this version.",
				text_clean(clean, sizeof clean, text));
	memcpy(name, text, length);
	name[length] = '\0';
	if (!resolve_name(name, &event->attribute))
		return fail_unknown(name, why);
	if (text[length] && !apply_modifiers(text + length + 1, &event->attribute, why))
		return false;
	snprintf(event->name, sizeof event->name, "%s", text);
	snprintf(event->unit, sizeof event->unit, "%s",
		 is_clock(&event->attribute) ? "ns" : "events");
	return true;
}

bool events_parse(const char *list, struct sampled_event *events, uint32_t max, uint32_t *n_events,
		  struct why *why)
{
	*n_events = 0;
	for (;;) {
		size_t length = strcspn(list, ",");
		char name[128];
		snprintf(name, sizeof name, "%.*s", (int)(length < 127 ? length : 127), list);
		if (*n_events == max)
			return why_fail(why, "At most %u events can be sampled at once.", max);
		if (!event_resolve(name, &events[*n_events], why))
			return false;
		++*n_events;
		if (!list[length])
			return true;
		list += length + 1;
	}
}
