/* Made-up machines, written file by file. See fixture_machine.h. */
#include "tests/fixture_machine.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

#define CPU "/sys/devices/system/cpu"

char *fake_new(void)
{
	const char *folder = getenv("TMPDIR");
	char path[512];
	snprintf(path, sizeof path, "%.400s/stoke-machine-XXXXXX", folder ? folder : "/tmp");
	if (!mkdtemp(path))
		die("cannot make a folder for a made-up machine");
	return strdup(path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)status;
	(void)kind;
	(void)at;
	return remove(path);
}

void fake_free(char *root)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(root);
}

static void make_folders(char *path)
{
	for (char *at = path + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		mkdir(path, 0777);
		*at = '/';
	}
}

void fake_put(const char *root, const char *text, const char *format, ...)
{
	char path[1024];
	int n = snprintf(path, sizeof path, "%s", root);
	va_list list;
	va_start(list, format);
	vsnprintf(path + n, sizeof path - (size_t)n, format, list);
	va_end(list);
	make_folders(path);
	FILE *file = fopen(path, "w");
	if (!file)
		die("cannot write %s", path);
	fputs(text, file);
	fclose(file);
}

static void put_number(const char *root, unsigned value, const char *folder, const char *name)
{
	char text[16];
	snprintf(text, sizeof text, "%u\n", value);
	fake_put(root, text, "%s/%s", folder, name);
}

void fake_cpu(const char *root, unsigned cpu, unsigned core, const char *siblings, unsigned package,
	      const char *package_cpus)
{
	char folder[64];
	snprintf(folder, sizeof folder, CPU "/cpu%u/topology", cpu);
	put_number(root, core, folder, "core_id");
	put_number(root, package, folder, "physical_package_id");
	fake_put(root, siblings, "%s/core_cpus_list", folder);
	fake_put(root, package_cpus, "%s/package_cpus_list", folder);
}

void fake_cache(const char *root, unsigned cpu, const struct fake_cache *cache)
{
	char folder[64];
	snprintf(folder, sizeof folder, CPU "/cpu%u/cache/index%u", cpu, cache->place);
	put_number(root, cache->level, folder, "level");
	put_number(root, 64, folder, "coherency_line_size");
	put_number(root, cache->ways, folder, "ways_of_associativity");
	put_number(root, cache->sets, folder, "number_of_sets");
	fake_put(root, cache->type, "%s/type", folder);
	fake_put(root, cache->size, "%s/size", folder);
	fake_put(root, cache->shared, "%s/shared_cpu_list", folder);
}

static void put_pmu(const char *root, const char *name, const char *cpus)
{
	fake_put(root, "8\n", "/sys/bus/event_source/devices/%s/type", name);
	if (cpus)
		fake_put(root, cpus, "/sys/bus/event_source/devices/%s/cpus", name);
}

static void put_gpu(const char *root, const char *place, const char *class, const char *vendor,
		    const char *device)
{
	fake_put(root, class, "/sys/bus/pci/devices/%s/class", place);
	fake_put(root, vendor, "/sys/bus/pci/devices/%s/vendor", place);
	fake_put(root, device, "/sys/bus/pci/devices/%s/device", place);
	fake_put(root, "1\n", "/sys/bus/pci/devices/%s/numa_node", place);
}

char *fake_hybrid(void)
{
	char *root = fake_new();
	static const char *const siblings[] = { "0-1\n", "0-1\n", "2-3\n", "2-3\n",
						"4\n",   "5\n",   "6\n",   "7\n" };
	fake_put(root, "0-7\n", CPU "/online");
	for (unsigned cpu = 0; cpu < 8; cpu++) {
		bool is_fast = cpu < 4;
		fake_cpu(root, cpu, is_fast ? cpu / 2 * 4 : cpu + 4, siblings[cpu], 0, "0-7\n");
		const struct fake_cache caches[] = {
			{ 0, 1, "Data\n", is_fast ? "48K\n" : "32K\n", siblings[cpu],
			  is_fast ? 12 : 8, 64 },
			{ 1, 1, "Instruction\n", is_fast ? "32K\n" : "64K\n", siblings[cpu], 8,
			  is_fast ? 64 : 128 },
			{ 2, 2, "Unified\n", is_fast ? "1280K\n" : "2048K\n",
			  is_fast ? siblings[cpu] : "4-7\n", 10, 2048 },
			{ 3, 3, "Unified\n", "12288K\n", "0-7\n", 12, 16384 },
		};
		for (size_t i = 0; i < 4; i++)
			fake_cache(root, cpu, &caches[i]);
		fake_put(root, is_fast ? "4700000\n" : "3500000\n",
			 CPU "/cpu%u/cpufreq/cpuinfo_max_freq", cpu);
		fake_put(root, "2100000\n", CPU "/cpu%u/cpufreq/base_frequency", cpu);
		fake_put(root, "1900123\n", CPU "/cpu%u/cpufreq/scaling_cur_freq", cpu);
		fake_put(root, "powersave\n", CPU "/cpu%u/cpufreq/scaling_governor", cpu);
	}
	fake_put(root, "0\n", CPU "/intel_pstate/no_turbo");
	put_pmu(root, "cpu_core", "0-3\n");
	put_pmu(root, "cpu_atom", "4-7\n");
	fake_put(root, "alderlake_hybrid\n",
		 "/sys/bus/event_source/devices/cpu_core/caps/pmu_name");
	put_pmu(root, "uncore_imc_0", "0\n");
	put_pmu(root, "uncore_imc_1", "0\n");
	put_pmu(root, "power", "0\n");
	put_gpu(root, "0000:00:02.0", "0x030000\n", "0x8086\n", "0x46a6\n");
	put_gpu(root, "0000:00:1f.3", "0x040100\n", "0x8086\n", "0x51c8\n");
	fake_put(root,
		 "# c\n1002  Advanced\n\t46a6  Wrong\n8086  Intel Corporation\n\t0001  A\n\t\t1 2 "
		 "sub\n"
		 "\t46a6  Alder Lake-P GT2 [Iris Xe Graphics]\n10de  NVIDIA\n",
		 "/usr/share/misc/pci.ids");
	fake_put(
		root,
		"processor\t: 0\nmodel name\t: 12th Gen Intel(R) Core(TM) i5-1240P\ncpu MHz\t\t: "
		"1900.1\nflags\t\t: fpu sse2 sse4_2 avx f16c fma avx2 avx_vnni\n\nprocessor\t: 1\n",
		"/proc/cpuinfo");
	fake_put(root, "MemTotal:       16777216 kB\nMemFree: 1 kB\n", "/proc/meminfo");
	fake_put(root, "0\n", "/sys/devices/system/node/online");
	fake_put(root, "0-7\n", "/sys/devices/system/node/node0/cpulist");
	fake_put(root, "Node 0 MemTotal:       16777216 kB\n",
		 "/sys/devices/system/node/node0/meminfo");
	fake_put(root, "4\n", "/proc/sys/kernel/perf_event_paranoid");
	return root;
}

char *fake_epyc(void)
{
	char *root = fake_new();
	fake_put(root, "0-127\n", CPU "/online");
	for (unsigned cpu = 0; cpu < 128; cpu++) {
		unsigned core = cpu % 64, package = core / 32, domain = core / 8;
		char siblings[32], sharers[64], whole[64];
		snprintf(siblings, sizeof siblings, "%u,%u\n", core, core + 64);
		snprintf(sharers, sizeof sharers, "%u-%u,%u-%u\n", domain * 8, domain * 8 + 7,
			 domain * 8 + 64, domain * 8 + 71);
		snprintf(whole, sizeof whole, "%u-%u,%u-%u\n", package * 32, package * 32 + 31,
			 package * 32 + 64, package * 32 + 95);
		fake_cpu(root, cpu, core % 32, siblings, package, whole);
		const struct fake_cache caches[] = {
			{ 0, 1, "Data\n", "32K\n", siblings, 8, 64 },
			{ 1, 1, "Instruction\n", "32K\n", siblings, 8, 64 },
			{ 2, 2, "Unified\n", "1024K\n", siblings, 8, 2048 },
			{ 3, 3, "Unified\n", "32768K\n", sharers, 16, 32768 },
		};
		for (size_t i = 0; i < 4; i++)
			fake_cache(root, cpu, &caches[i]);
	}
	fake_put(root, "0-2\n", "/sys/devices/system/node/online");
	for (unsigned node = 0; node < 3; node++) {
		char list[64] = "\n", memory[64];
		if (node < 2)
			snprintf(list, sizeof list, "%u-%u,%u-%u\n", node * 32, node * 32 + 31,
				 node * 32 + 64, node * 32 + 95);
		snprintf(memory, sizeof memory, "Node %u MemTotal: %u kB\n", node,
			 node < 2 ? 134217728u : 67108864u);
		fake_put(root, list, "/sys/devices/system/node/node%u/cpulist", node);
		fake_put(root, memory, "/sys/devices/system/node/node%u/meminfo", node);
		fake_put(root, "10 32 50\n", "/sys/devices/system/node/node%u/distance", node);
	}
	fake_put(root, "MemTotal:      335544320 kB\n", "/proc/meminfo");
	fake_put(root,
		 "model name\t: AMD EPYC 9354\nflags\t\t: sse2 avx avx2 fma avx512f avx512bw "
		 "avx512vl avx512_vnni avx512_bf16\n",
		 "/proc/cpuinfo");
	put_pmu(root, "cpu", NULL);
	for (unsigned i = 0; i < 12; i++) {
		char name[32];
		snprintf(name, sizeof name, "amd_umc_%u", i);
		put_pmu(root, name, "0\n");
	}
	put_gpu(root, "0000:c1:00.0", "0x030200\n", "0x10de\n", "0x2335\n");
	fake_put(root, "Model: \t\t NVIDIA H200\nIRQ:   \t\t 16\n",
		 "/proc/driver/nvidia/gpus/0000:c1:00.0/information");
	put_gpu(root, "0000:c2:00.0", "0x120000\n", "0x1da3\n", "0x1020\n");
	fake_put(root, "Supermicro\n", "/sys/class/dmi/id/sys_vendor");
	fake_put(root, "AS-2125HS-TNR\n", "/sys/class/dmi/id/product_name");
	fake_put(root, "Cpus_allowed_list:\t0-15\n", "/proc/self/status");
	fake_put(root, "0::/user.slice/job\n", "/proc/self/cgroup");
	fake_put(root, "1\n", "/sys/fs/cgroup/cgroup.procs");
	fake_put(root, "max 100000\n", "/sys/fs/cgroup/user.slice/job/cpu.max");
	fake_put(root, "150000 100000\n", "/sys/fs/cgroup/user.slice/cpu.max");
	fake_put(root, "8589934592\n", "/sys/fs/cgroup/user.slice/job/memory.max");
	fake_put(root, "1073741824\n", "/sys/fs/cgroup/user.slice/job/memory.current");
	fake_put(root, "max\n", "/sys/fs/cgroup/user.slice/memory.max");
	return root;
}

char *fake_arm(void)
{
	char *root = fake_new();
	fake_put(root, "0-5\n", CPU "/online");
	for (unsigned cpu = 0; cpu < 6; cpu++) {
		char alone[16];
		snprintf(alone, sizeof alone, "%u\n", cpu);
		fake_cpu(root, cpu, cpu, alone, 0, "0-5\n");
		fake_put(root, cpu < 4 ? "0x00000000412fd050\n" : "0x00000000414fd0b0\n",
			 CPU "/cpu%u/regs/identification/midr_el1", cpu);
		fake_put(root, cpu < 4 ? "446\n" : "1024\n", CPU "/cpu%u/cpu_capacity", cpu);
		fake_put(root, "1800000\n", CPU "/cpu%u/cpufreq/cpuinfo_max_freq", cpu);
		/* Device trees often give levels but no sizes. */
		const struct fake_cache first = { 0, 1, "Data\n", "", alone, 0, 0 };
		const struct fake_cache second = {
			1, 2, "Unified\n", "512K\n", cpu < 4 ? "0-3\n" : "4-5\n", 16, 512
		};
		fake_cache(root, cpu, &first);
		fake_cache(root, cpu, &second);
	}
	fake_put(root,
		 "processor\t: 0\nBogoMIPS\t: 48.00\nFeatures\t: fp asimd evtstrm aes asimdhp "
		 "asimddp\nCPU implementer\t: 0x41\n",
		 "/proc/cpuinfo");
	put_pmu(root, "armv8_cortex_a55", "0-3\n");
	put_pmu(root, "armv8_cortex_a76", "4-5\n");
	fake_put(root, "Radxa ROCK 5", "/proc/device-tree/model");
	/* The first version of control groups, of which a container shows its own as the top. */
	fake_put(root, "4:memory:/docker/x\n2:cpuacct,cpu:/docker/x\n0::/\n", "/proc/self/cgroup");
	fake_put(root, "50000\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
	fake_put(root, "nr_periods 9\nnr_throttled 3\nthrottled_time 5\n",
		 "/sys/fs/cgroup/cpu/cpu.stat");
	fake_put(root, "100000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
	fake_put(root, "9223372036854771712\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes");
	return root;
}

char *fake_tiny(void)
{
	char *root = fake_new();
	fake_put(root, "0\n", CPU "/online");
	fake_put(root,
		 "vendor_id\t: GenuineIntel\nmodel name\t: Common KVM processor\nflags\t\t: "
		 "fpu sse2 hypervisor\n",
		 "/proc/cpuinfo");
	return root;
}

char *fake_hostile(void)
{
	char *root = fake_new(), path[1024];
	fake_put(root, "0-3,99999999999999999999\n", CPU "/present");
	fake_put(root, "0-3\n", CPU "/online");
	fake_put(root, "-7\n", CPU "/cpu0/topology/core_id");
	fake_put(root, "1-2\n", CPU "/cpu0/topology/core_cpus_list");       /* without itself */
	fake_put(root, "0-2000\n", CPU "/cpu0/topology/package_cpus_list"); /* CPUs not there */
	fake_put(root, "3-0\n", CPU "/cpu1/topology/core_cpus_list");
	fake_put(root, "99999999999999999999\n", CPU "/cpu1/topology/physical_package_id");
	fake_put(root, "2,,3\n", CPU "/cpu2/topology/core_cpus_list");
	fake_put(root, "2147483648\n", CPU "/cpu0/cache/index0/level");
	fake_put(root, "1\n", CPU "/cpu1/cache/index0/level");
	fake_put(root, "\033[31mData\n", CPU "/cpu1/cache/index0/type");
	fake_put(root, "99999999999999999999G\n", CPU "/cpu1/cache/index0/size");
	fake_put(root, "0\n", CPU "/cpu1/cache/index0/shared_cpu_list");
	fake_put(root, "-1\n", CPU "/cpu1/cache/index0/ways_of_associativity");
	fake_put(root, "1e9\n", CPU "/cpu0/cpufreq/cpuinfo_max_freq");
	fake_put(root, "model name\t: \033]0;evil\007\xff\xfe name\nflags", "/proc/cpuinfo");
	fake_put(root, "MemTotal: 99999999999999999999 kB\n", "/proc/meminfo");
	fake_put(root, "0-1023\n", "/sys/devices/system/node/online");
	fake_put(root, "x\n", "/sys/devices/system/node/node0/cpulist");
	fake_put(root, "MemTotal:", "/sys/devices/system/node/node5/meminfo");
	fake_put(root, "0xzz\n", "/sys/bus/pci/devices/0000:00:01.0/class");
	fake_put(root, "0x030000\n", "/sys/bus/pci/devices/\033[2J/class");
	fake_put(root, "8\n", "/sys/bus/event_source/devices/cpu\033[2J/type");
	fake_put(root, "9\n", "/sys/bus/event_source/devices/_/type");
	fake_put(root, "0::/../..\n:\n::\n1:cpu\n\n0:x:\n0::/a\n::", "/proc/self/cgroup");
	fake_put(root, "1\n", "/sys/fs/cgroup/cgroup.procs");
	fake_put(root, "1 0\n", "/sys/fs/cgroup/cpu.max");
	fake_put(root, "inf 1\n", "/sys/fs/cgroup/a/cpu.max");
	fake_put(root, "-5\n", "/sys/fs/cgroup/a/memory.max");
	fake_put(root, "nan nan nan\n", "/proc/self/limits");
	/* A pipe that nobody writes to must not stop us, nor a folder where a file should be. */
	snprintf(path, sizeof path, "%s/proc/sys/kernel/perf_event_paranoid", root);
	fake_put(root, "x", "/proc/sys/kernel/hostname/file");
	if (mkfifo(path, 0600) != 0)
		die("cannot make a pipe");
	return root;
}

void fake_add_facts(struct recording *recording)
{
	static const char *const facts[][2] = {
		{ "online", "0-7" },
		{ "packages", "0 0 0-7 " },
		{ "cores", "0 0 0-1 " },
		{ "cores", "4 0 2-3 " },
		{ "cores", "8 0 4 " },
		{ "cores", "9 0 5 " },
		{ "cores", "10 0 6 " },
		{ "cores", "11 0 7 " },
		{ "nodes", "0 17179869184 0-7 " },
		{ "kinds", "0 0 0-3 performance" },
		{ "kinds", "1 0 4-7 efficiency" },
		{ "caches", "1 d 49152 64 12 64 0-1" },
		{ "caches", "1 i 32768 64 8 64 0-1" },
		{ "caches", "1 d 49152 64 12 64 2-3" },
		{ "caches", "1 i 32768 64 8 64 2-3" },
		{ "caches", "1 d 32768 64 8 64 4" },
		{ "caches", "1 d 32768 64 8 64 5" },
		{ "caches", "1 d 32768 64 8 64 6" },
		{ "caches", "1 d 32768 64 8 64 7" },
		{ "caches", "2 u 1310720 64 10 2048 0-1" },
		{ "caches", "2 u 1310720 64 10 2048 2-3" },
		{ "caches", "2 u 2097152 64 16 2048 4-7" },
		{ "caches", "3 u 12582912 64 12 16384 0-7" },
		{ "system.host", "testhost" },
		{ "system.hypervisor", "none that shows itself" },
		{ "cpu.model", "Fixture Core 1240P" },
		{ "cpu.count", "8 online: 1 package, 6 cores, several threads a core" },
		{ "cpu.vectors", "SSE2 SSE4.2 AVX F16C FMA AVX2" },
		{ "clock.most", "performance 4.70 GHz, efficiency 3.50 GHz" },
		{ "clock.boost.unknown",
		  "neither intel_pstate/no_turbo nor cpufreq/boost is in /sys" },
		{ "memory.total", "16.0 GiB" },
		{ "pmu.counters",
		  "8 of one kind on a core, found by opening groups; fixed counters come on top" },
		{ "pmu.cpu_core", "performance cores, CPUs 0-3" },
		{ "limit.paranoid", "2: own programs, user code only, without privileges" },
		{ "gpu.0000:00:02.0", "Intel 8086:46a6, driver i915" },
	};
	for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
		char key[64];
		snprintf(key, sizeof key, "machine%s%s", strchr(facts[i][0], '.') ? "." : ":",
			 facts[i][0]);
		recording_add_fact(recording, key, facts[i][1]);
	}
	static const char *const ceilings[] = {
		"clock\tHz\t1\t25\t0\t4.7e9\t4.69e9\t",
		"fma.f32-scalar\tFLOP/s\t1\t25\t0\t18.8e9\t18.7e9\t",
		"fma.f32-scalar\tFLOP/s\t6\t25\t0\t101e9\t100e9\t",
		"fma.f32-avx2\tFLOP/s\t1\t25\t0\t150e9\t149e9\t",
		"fma.f32-avx2\tFLOP/s\t6\t25\t0\t780e9\t660e9\t",
		"read.L1\tB/s\t1\t25\t36864\t280e9\t279e9\t",
		"write.L1\tB/s\t1\t25\t36864\t140e9\t139e9\t",
		"copy.L1\tB/s\t1\t25\t36864\t260e9\t259e9\t",
		"triad.L1\tB/s\t1\t25\t36864\t270e9\t269e9\t",
		"read.L3\tB/s\t6\t25\t0\tnan\tnan\ta thread's share, 2 MiB, is hardly larger than "
		"its L2, so most would come from there",
		"read.DRAM\tB/s\t6\t25\t44739242\t61e9\t60e9\t",
		"write.DRAM\tB/s\t6\t25\t44739242\t31e9\t30.5e9\t",
		"write-nt.DRAM\tB/s\t6\t25\t44739242\t52e9\t51e9\t",
		"latency.4096\tns\t1\t15\t4096\t1.06\t1.07\t",
		"latency.67108864\tns\t1\t15\t67108864\t88.5\t89\t",
	};
	recording_add_fact(recording, "ceilings:head",
			   "machine 00000000feedf00d time 1700000000 lost 0.012 stolen nan");
	for (size_t i = 0; i < sizeof ceilings / sizeof ceilings[0]; i++)
		recording_add_fact(recording, "ceilings:row", ceilings[i]);
}
