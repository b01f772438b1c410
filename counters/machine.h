/*
 * machine: what this computer is: CPUs, cores, caches, memory, vector units, clocks, counters,
 * GPUs and the limits that matter to a profiler. It travels inside recordings, so another computer
 * shows the one that was measured.
 *
 * Everything is read below a root folder ("" is this machine), so tests read made-up machines.
 * Files are hostile: sizes are bounded and text is cleaned.
 */
#ifndef COUNTERS_MACHINE_H
#define COUNTERS_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters/cpu_mask.h"

struct recording;

/* CPUs that belong together. */
struct machine_group {
	uint32_t id;           /* the kernel's number of the package, core or node */
	char label[40];        /* kinds: "performance", "Cortex-A53"; else "" */
	uint64_t memory_bytes; /* nodes; 0 = unknown or none */
	struct cpu_mask cpus;
};

struct machine_groups {
	struct machine_group *rows;
	size_t n;
};

struct machine_cache {
	uint32_t level;      /* 1 … */
	char type;           /* 'd' data, 'i' instructions, 'u' both */
	uint64_t size_bytes; /* 0 = unknown; so for the three below */
	uint32_t line_bytes, ways, sets;
	struct cpu_mask cpus; /* who shares it */
};

/* One line of the table: a value, or why there is none. */
struct machine_fact {
	char key[64]; /* "cpu.model"; before the dot the section */
	char label[40];
	char value[320];  /* cleaned; "" = unknown */
	char reason[240]; /* when unknown: why, and what would change that */
};

struct machine {
	struct cpu_mask online;
	struct machine_groups packages, cores, nodes;
	struct machine_groups kinds;  /* of cores, on hybrid machines; else empty */
	struct machine_cache *caches; /* by level, type and first CPU */
	size_t n_caches;
	struct machine_fact *facts; /* by section, in the order of machine_sections */
	size_t n_facts;
	bool is_live; /* root was "": CPUID and system calls may be asked too */
};

struct machine_section {
	const char *name, *title; /* "cpu", "Processor" */
};

/* The sections of the table in order, ended by a NULL name. */
extern const struct machine_section machine_sections[];

/*
 * machine_read: look at the machine below the root `path`.
 * Cost    about 1 ms plus 50 us a core: some files each in /sys
 * Errors  none: what cannot be read is a fact with a reason
 */
struct machine *machine_read(const char *path);
void machine_free(struct machine *machine);

/* machine_fact: by key; NULL if there is none. */
const struct machine_fact *machine_fact(const struct machine *machine, const char *key);

/* machine_in_section: does this fact belong to it? */
bool machine_in_section(const struct machine_fact *fact, const struct machine_section *section);

/* machine_cache_of: the largest cache of a level that holds data and serves a CPU; NULL if it has
 * none. */
const struct machine_cache *machine_cache_of(const struct machine *machine, unsigned level,
					     unsigned cpu);

/* machine_last_level: the highest level of a cache; 0 = no cache is known. */
unsigned machine_last_level(const struct machine *machine);

/*
 * machine_identity: a number that stays the same while processor, caches and hypervisor do; for
 * what is cached per machine. Memory is left out: virtual machines grow and shrink.
 */
uint64_t machine_identity(const struct machine *machine);

/* machine_print_size: caches are whole numbers of KiB or MiB as a rule: "32 KiB", else as
 * text_memory. Returns out. */
char *machine_print_size(char *out, size_t bytes, uint64_t size_bytes);

/* machine_store: as facts named "machine.*" and "machine:*". The recording's writer only. */
void machine_store(const struct machine *machine, struct recording *recording);

/*
 * machine_load: from what machine_store left.
 * Returns  NULL if the recording says nothing of its machine; to be freed
 */
struct machine *machine_load(const struct recording *recording);

#endif
