/*
 * What the cores are: name, kinds on hybrid machines, vector and matrix units. Only the head of
 * /proc/cpuinfo is read: asked for all of it, the kernel interrupts each CPU for its clock.
 * Sources: Linux arch/x86/include/asm/cpufeatures.h and arch/arm64/include/uapi/asm/hwcap.h for
 * the words of flags; Arm's and their licensees' part numbers (MIDR_EL1) from the cores' technical
 * reference manuals.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/machine_parts.h"

#define CPU_FOLDER "/sys/devices/system/cpu"

/* One processor's part takes up to 5 KiB, of which the x86 flags are three. */
enum { CPUINFO_BYTES = 12288 };

struct part {
	uint32_t implementer, part;
	const char *name;
};

static const struct part parts[] = {
	{ 0x41, 0xd03, "Cortex-A53" },  { 0x41, 0xd04, "Cortex-A35" },
	{ 0x41, 0xd05, "Cortex-A55" },  { 0x41, 0xd07, "Cortex-A57" },
	{ 0x41, 0xd08, "Cortex-A72" },  { 0x41, 0xd09, "Cortex-A73" },
	{ 0x41, 0xd0a, "Cortex-A75" },  { 0x41, 0xd0b, "Cortex-A76" },
	{ 0x41, 0xd0c, "Neoverse N1" }, { 0x41, 0xd0d, "Cortex-A77" },
	{ 0x41, 0xd40, "Neoverse V1" }, { 0x41, 0xd41, "Cortex-A78" },
	{ 0x41, 0xd44, "Cortex-X1" },   { 0x41, 0xd46, "Cortex-A510" },
	{ 0x41, 0xd47, "Cortex-A710" }, { 0x41, 0xd48, "Cortex-X2" },
	{ 0x41, 0xd49, "Neoverse N2" }, { 0x41, 0xd4d, "Cortex-A715" },
	{ 0x41, 0xd4e, "Cortex-X3" },   { 0x41, 0xd4f, "Neoverse V2" },
	{ 0x41, 0xd80, "Cortex-A520" }, { 0x41, 0xd81, "Cortex-A720" },
	{ 0x41, 0xd82, "Cortex-X4" },   { 0x41, 0xd84, "Neoverse V3" },
	{ 0x41, 0xd8e, "Neoverse N3" }, { 0xc0, 0xac3, "Ampere-1" },
	{ 0xc0, 0xac4, "Ampere-1a" },
};

/* MIDR_EL1: implementer in bits 24-31, part number in 4-15. */
static void name_part(uint64_t midr, char *out, size_t bytes)
{
	uint32_t implementer = midr >> 24 & 0xff, part = midr >> 4 & 0xfff;
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (parts[i].implementer == implementer && parts[i].part == part) {
			snprintf(out, bytes, "%s", parts[i].name);
			return;
		}
	snprintf(out, bytes, "Arm part %#" PRIx32 " of %#" PRIx32, part, implementer);
}

static void add_kind(struct machine *machine, const char *name, unsigned cpu)
{
	for (size_t i = 0; i < machine->kinds.n; i++)
		if (strcmp(machine->kinds.rows[i].label, name) == 0) {
			cpu_mask_add(&machine->kinds.rows[i].cpus, cpu);
			return;
		}
	struct cpu_mask cpus = { 0 };
	cpu_mask_add(&cpus, cpu);
	struct machine_group *kind =
		machine_add_group(&machine->kinds, (uint32_t)machine->kinds.n, &cpus);
	if (kind)
		snprintf(kind->label, sizeof kind->label, "%s", name);
}

/* Intel's kernels make one PMU for each kind of core, with its CPUs. */
static void read_intel_kinds(struct machine *machine, const struct machine_root *root)
{
	static const struct label {
		const char *pmu, *name;
	} kinds[] = { { "cpu_core", "performance" },
		      { "cpu_atom", "efficiency" },
		      { "cpu_lowpower", "low power" } };
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct cpu_mask cpus;
		if (!file_list(root, &cpus, "/sys/bus/event_source/devices/%s/cpus", kinds[i].pmu))
			continue;
		struct machine_group *kind = machine_add_group(&machine->kinds, (uint32_t)i, &cpus);
		if (kind)
			snprintf(kind->label, sizeof kind->label, "%s", kinds[i].name);
	}
}

static void read_arm_kinds(struct machine *machine, const struct machine_root *root)
{
	for (unsigned cpu = cpu_mask_next(&machine->online, 0); cpu < CPU_MASK_MOST;
	     cpu = cpu_mask_next(&machine->online, cpu + 1)) {
		uint64_t midr;
		char name[40];
		if (!file_hex(root, &midr, CPU_FOLDER "/cpu%u/regs/identification/midr_el1", cpu))
			continue;
		name_part(midr, name, sizeof name);
		add_kind(machine, name, cpu);
	}
}

static void read_capacity_kinds(struct machine *machine, const struct machine_root *root)
{
	for (unsigned cpu = cpu_mask_next(&machine->online, 0); cpu < CPU_MASK_MOST;
	     cpu = cpu_mask_next(&machine->online, cpu + 1)) {
		int64_t capacity;
		char name[40];
		if (!file_number(root, &capacity, CPU_FOLDER "/cpu%u/cpu_capacity", cpu))
			return;
		snprintf(name, sizeof name, "capacity %" PRId64, capacity);
		add_kind(machine, name, cpu);
	}
}

/* All of one kind is no news. */
static void drop_single_kind(struct machine *machine)
{
	if (machine->kinds.n == 1)
		machine->kinds.n = 0;
}

static void describe_kinds(struct machine *machine)
{
	char text[280] = "", list[64];
	for (size_t i = 0; i < machine->kinds.n; i++) {
		const struct machine_group *kind = &machine->kinds.rows[i];
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%s (CPUs %s)", used ? ", " : "",
			 kind->label, cpu_mask_print(list, sizeof list, &kind->cpus));
	}
	if (text[0])
		machine_know(machine, "cpu.kinds", "%s", text);
}

struct unit {
	const char *flag, *name;
};

/* In the order in which they came; those that say nothing of width or type are left out. */
static const struct unit vectors[] = {
	{ "sse2", "SSE2" },
	{ "sse4_2", "SSE4.2" },
	{ "avx", "AVX" },
	{ "f16c", "F16C" },
	{ "fma", "FMA" },
	{ "avx2", "AVX2" },
	{ "avx_vnni", "AVX-VNNI" },
	{ "avx512f", "AVX-512F" },
	{ "avx512bw", "BW" },
	{ "avx512vl", "VL" },
	{ "avx512_vnni", "VNNI" },
	{ "avx512_bf16", "BF16" },
	{ "avx512_fp16", "FP16" },
	{ "asimd", "ASIMD (128 bits)" },
	{ "asimdhp", "FP16" },
	{ "asimddp", "dot product" },
	{ "i8mm", "I8MM" },
	{ "bf16", "BF16" },
	{ "sve", "SVE" },
	{ "sve2", "SVE2" },
	{ NULL, NULL },
};

static const struct unit matrices[] = {
	{ "amx_bf16", "AMX bf16" }, { "amx_int8", "AMX int8" }, { "amx_fp16", "AMX fp16" },
	{ "sme", "SME" },           { "sme2", "SME2" },         { NULL, NULL },
};

static bool list_units(const char *flags, const struct unit *units, char *out, size_t bytes)
{
	out[0] = '\0';
	for (const struct unit *unit = units; unit->flag; unit++) {
		size_t used = strlen(out);
		if (word_is_in(flags, unit->flag))
			snprintf(out + used, bytes - used, "%s%s", used ? " " : "", unit->name);
	}
	return out[0] != '\0';
}

static void describe_units(struct machine *machine, const char *flags)
{
	char text[280];
	if (!flags[0]) {
		machine_wonder(machine, "cpu.vectors",
			       "/proc/cpuinfo lists no features of this processor");
		return;
	}
	if (list_units(flags, vectors, text, sizeof text))
		machine_know(machine, "cpu.vectors", "%s", text);
	else
		machine_know(machine, "cpu.vectors", "none");
	if (list_units(flags, matrices, text, sizeof text))
		machine_know(machine, "cpu.matrix", "%s", text);
	else
		machine_know(machine, "cpu.matrix", "none");
}

/* RISC-V gives one word: rv64imafdcv_zicsr_...; a `v` before the first underscore is the unit. */
static void describe_riscv(struct machine *machine, const char *isa)
{
	size_t n = strcspn(isa, "_");
	const char *v = n > 4 ? memchr(isa + 4, 'v', n - 4) : NULL;
	machine_know(machine, "cpu.vectors", "%s (%.200s)", v ? "V" : "none", isa);
}

static void describe_model(struct machine *machine, const struct machine_root *root,
			   const char *text)
{
	static const char *const keys[] = { "model name", "Model", "cpu model", "uarch", "cpu" };
	char name[256];
	uint64_t midr;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (line_value(text, keys[i], name, sizeof name)) {
			machine_know(machine, "cpu.model", "%s", name);
			return;
		}
	unsigned first = cpu_mask_next(&machine->online, 0);
	if (file_hex(root, &midr, CPU_FOLDER "/cpu%u/regs/identification/midr_el1", first)) {
		name_part(midr, name, sizeof name);
		machine_know(machine, "cpu.model", "%s", name);
		return;
	}
	machine_wonder(machine, "cpu.model", "%s",
		       text[0] ? "/proc/cpuinfo has no name for it"
			       : "/proc/cpuinfo cannot be read");
}

void machine_read_cpu(struct machine *machine, const struct machine_root *root)
{
	char text[CPUINFO_BYTES], flags[4096], isa[512];
	file_head(root, text, sizeof text, "/proc/cpuinfo");
	describe_model(machine, root, text);
	read_intel_kinds(machine, root);
	if (machine->kinds.n == 0)
		read_arm_kinds(machine, root);
	if (machine->kinds.n == 0)
		read_capacity_kinds(machine, root);
	drop_single_kind(machine);
	describe_kinds(machine);
	if (line_value(text, "isa", isa, sizeof isa)) {
		describe_riscv(machine, isa);
		return;
	}
	if (!line_value(text, "flags", flags, sizeof flags))
		line_value(text, "Features", flags, sizeof flags);
	describe_units(machine, flags);
}
