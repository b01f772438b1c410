/*
 * Cores, numbers of threads, and how much of the time was taken away. One thread a core: a second
 * one on the same core shares its units and would only add noise.
 */
#include "tui/bench.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "counters/cgroup.h"
#include "sampler/base/file.h"

static const uint64_t REPEAT_NS = 2 * 1000 * 1000;

unsigned bench_next_count(const struct bench *bench, unsigned n)
{
	unsigned next = cpu_mask_next(&bench->counts, n + 1);
	return next < CPU_MASK_MOST ? next : 0;
}

uint64_t bench_last_cache(const struct bench *bench, unsigned n_threads)
{
	const struct machine *machine = bench->machine;
	unsigned level = machine_last_level(machine);
	uint64_t bytes = 0;
	for (size_t i = 0; i < machine->n_caches; i++) {
		const struct machine_cache *cache = &machine->caches[i];
		bool is_used = false;
		for (unsigned t = 0; t < n_threads && !is_used; t++)
			is_used = cpu_mask_has(&cache->cpus, bench->cpus[t]);
		if (cache->level == level && cache->type != 'i' && is_used)
			bytes += cache->size_bytes;
	}
	return bytes;
}

static bool is_allowed(unsigned cpu)
{
	static cpu_set_t sets[CPU_MASK_MOST / CPU_SETSIZE];
	if (sched_getaffinity(0, sizeof sets, sets) != 0)
		return true;
	return CPU_ISSET_S(cpu, sizeof sets, sets);
}

/* The number behind a word at a line's start; "" = at the start of the file. */
static bool read_number(const char *path, const char *word, unsigned long long *number)
{
	char line[128];
	bool is_found = false;
	FILE *file = fopen(path, "re");
	while (file && !is_found && fgets(line, sizeof line, file))
		is_found = strncmp(line, word, strlen(word)) == 0 &&
			   sscanf(line + strlen(word), "%20llu", number) == 1;
	if (file)
		fclose(file);
	return is_found;
}

/* Of hybrid machines: what the kernel says of a core's speed, as it sees fit; 0 = nothing. */
static uint64_t speed_of(unsigned cpu)
{
	static const char *const files[] = { "cpu_capacity", "cpufreq/cpuinfo_max_freq" };
	unsigned long long speed;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[96];
		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/%s", cpu, files[i]);
		if (read_number(path, "", &speed))
			return speed;
	}
	return 0;
}

/* Faster cores first, so that one thread runs on the best; else as the kernel numbers them. */
static void insert_cpu(struct bench *bench, uint64_t *speeds, unsigned cpu, uint64_t speed)
{
	unsigned at = bench->n_cpus++;
	for (; at > 0 && speeds[at - 1] < speed; at--) {
		speeds[at] = speeds[at - 1];
		bench->cpus[at] = bench->cpus[at - 1];
	}
	speeds[at] = speed;
	bench->cpus[at] = cpu;
}

static void choose_cpus(struct bench *bench)
{
	const struct machine *machine = bench->machine;
	uint64_t speeds[CPU_MASK_MOST];
	for (size_t i = 0; i < machine->cores.n; i++) {
		const struct cpu_mask *cpus = &machine->cores.rows[i].cpus;
		unsigned cpu = cpu_mask_next(cpus, 0);
		while (cpu < CPU_MASK_MOST && !is_allowed(cpu))
			cpu = cpu_mask_next(cpus, cpu + 1);
		if (cpu < CPU_MASK_MOST && bench->n_cpus < CPU_MASK_MOST)
			insert_cpu(bench, speeds, cpu, machine->kinds.n > 1 ? speed_of(cpu) : 0);
	}
}

static bool choose_counts(struct bench *bench, const char *wish, struct why *why)
{
	struct cpu_mask wanted = { 0 };
	if (wish) {
		if (!cpu_mask_parse(&wanted, wish) || cpu_mask_count(&wanted) == 0 ||
		    cpu_mask_has(&wanted, 0))
			return why_fail(why, "--threads takes numbers such as 1-4,8, not %.40s.",
					wish);
		if (cpu_mask_next(&wanted, bench->n_cpus + 1) < CPU_MASK_MOST)
			return why_fail(why,
					"--threads asks for more than the %u core%s that may be "
					"used here.",
					bench->n_cpus, bench->n_cpus == 1 ? "" : "s");
		bench->counts = wanted;
		return true;
	}
	for (unsigned n = 1; n < bench->n_cpus; n *= 2)
		cpu_mask_add(&bench->counts, n);
	cpu_mask_add(&bench->counts, bench->n_cpus);
	return true;
}

/* A quarter of what is free: others need memory too, and a control group that has none left kills.
 */
static uint64_t find_memory(void)
{
	unsigned long long kib;
	struct cgroup_limits groups;
	long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
	if (read_number("/proc/meminfo", "MemAvailable:", &kib))
		bytes = (uint64_t)kib * 1024;
	cgroup_limits_read("", &groups);
	if (groups.memory.is_set && groups.memory.left < (double)bytes)
		bytes = (uint64_t)groups.memory.left;
	return bytes / 4;
}

/* Time the hypervisor took from all CPUs so far, in seconds; NaN = the kernel does not count it. */
static double stolen_s(void)
{
	char line[512];
	unsigned long long steal;
	if (!file_read_line("/proc/stat", line, sizeof line) ||
	    sscanf(line, "cpu %*u %*u %*u %*u %*u %*u %*u %20llu", &steal) != 1)
		return NAN;
	return (double)steal / (double)sysconf(_SC_CLK_TCK);
}

static bool measure(struct bench *bench, struct why *why)
{
	double stolen = stolen_s();
	if (!bench_compute(bench, why) || !bench_memory(bench, why) || !bench_latency(bench, why))
		return false;
	const struct ceiling_crew *crew = &bench->crew;
	bench->ceilings->lost_ratio = fmax(0, 1 - crew->cpu_ns / crew->wall_ns);
	bench->ceilings->stolen_ratio = (stolen_s() - stolen) / (crew->wall_ns * 1e-9);
	bench->ceilings->epoch_s = (int64_t)time(NULL);
	return true;
}

struct ceilings *bench_run(const struct machine *machine, const struct bench_wish *wish,
			   void (*say)(const char *text), struct why *why)
{
	struct bench *bench = allocate(1, sizeof *bench);
	bench->machine = machine;
	bench->say = say;
	bench->memory_bytes = find_memory();
	bench->crew.n_repeats = wish->n_repeats ? wish->n_repeats : BENCH_USUAL_REPEATS;
	bench->crew.repeat_ns = REPEAT_NS;
	bench->crew.cpus = bench->cpus;
	bench->ceilings = ceilings_new(machine_identity(machine));
	choose_cpus(bench);
	struct ceilings *ceilings = bench->ceilings;
	bool is_good = bench->n_cpus > 0
			       ? choose_counts(bench, wish->threads, why) && measure(bench, why)
			       : why_fail(why, "No core may be used: the kernel names none that "
					       "this process is allowed to run on.");
	free(bench);
	if (is_good)
		return ceilings;
	ceilings_free(ceilings);
	return NULL;
}
