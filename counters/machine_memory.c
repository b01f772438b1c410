/* Main memory: how much, on which nodes, in pages of which size. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters/machine_parts.h"
#include "sampler/base/text.h"

enum { MOST_NODES = 1024 };

/* "MemTotal:  24610268 kB" in meminfo, "Node 0 MemTotal: ..." in a node's; 0 = unknown. */
static uint64_t find_total(const char *text)
{
	const char *at = strstr(text, "MemTotal:");
	if (!at)
		return 0;
	at += strlen("MemTotal:");
	at += strspn(at, " \t");
	char *end;
	uint64_t kib = strtoull(at, &end, 10);
	bool is_good =
		*at >= '0' && *at <= '9' && kib < UINT64_MAX / 1024 && strncmp(end, " kB", 3) == 0;
	return is_good ? kib * 1024 : 0;
}

static void read_node(struct machine *machine, const struct machine_root *root, unsigned node)
{
	char text[512], list[512];
	struct cpu_mask cpus = { 0 };
	if (!file_exists(root, "/sys/devices/system/node/node%u", node))
		return;
	/* Memory without CPUs (CXL, HBM) has an empty list. */
	if (file_text(root, list, sizeof list, "/sys/devices/system/node/node%u/cpulist", node) &&
	    !cpu_mask_parse(&cpus, list))
		return;
	struct machine_group *group = machine_add_group(&machine->nodes, node, &cpus);
	if (group &&
	    file_head(root, text, sizeof text, "/sys/devices/system/node/node%u/meminfo", node))
		group->memory_bytes = find_total(text);
}

static void describe_nodes(struct machine *machine, const struct machine_root *root)
{
	char distance[160], text[200] = "";
	if (machine->nodes.n == 0) {
		machine_wonder(machine, "memory.nodes",
			       "/sys/devices/system/node is not there: a kernel without NUMA, so "
			       "all memory counts as one node");
		return;
	}
	uint32_t first = machine->nodes.rows[0].id;
	if (machine->nodes.n > 1 &&
	    file_text(root, distance, sizeof distance,
		      "/sys/devices/system/node/node%" PRIu32 "/distance", first))
		snprintf(text, sizeof text, ", distances from node %" PRIu32 ": %s", first,
			 distance);
	machine_know(machine, "memory.nodes", "%zu%s", machine->nodes.n, text);
}

static uint64_t read_total(struct machine *machine, const struct machine_root *root)
{
	char text[2048], size[TEXT_BYTES];
	uint64_t total = 0;
	if (file_head(root, text, sizeof text, "/proc/meminfo"))
		total = find_total(text);
	if (total)
		machine_know(machine, "memory.total", "%s",
			     text_memory(size, sizeof size, (double)total));
	else
		machine_wonder(machine, "memory.total", "/proc/meminfo cannot be read");
	return total;
}

/* Folders named hugepages-2048kB. */
static void read_pages(struct machine *machine, const struct machine_root *root)
{
	enum { MOST_SIZES = 16 };
	char(*names)[FOLDER_NAME_BYTES], text[200], size[TEXT_BYTES];
	size_t n = folder_names(root, &names, MOST_SIZES, "/sys/kernel/mm/hugepages"), used;
	long page = sysconf(_SC_PAGESIZE);
	snprintf(text, sizeof text, "%s",
		 root->is_live && page > 0 ? machine_print_size(size, sizeof size, (uint64_t)page)
					   : "");
	for (size_t i = 0; i < n; i++) {
		unsigned long long kib;
		if (sscanf(names[i], "hugepages-%15llukB", &kib) != 1)
			continue;
		used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "",
			 machine_print_size(size, sizeof size, kib * 1024));
	}
	free(names);
	if (text[0])
		machine_know(machine, "memory.pages", "%s", text);
	else
		machine_wonder(machine, "memory.pages", "/sys/kernel/mm/hugepages is not there");
	if (file_text(root, text, sizeof text, "/sys/kernel/mm/transparent_hugepage/enabled"))
		machine_know(machine, "memory.huge", "%s", text);
	else
		machine_wonder(machine, "memory.huge",
			       "the kernel has none: /sys/kernel/mm/transparent_hugepage is not "
			       "there");
}

void machine_read_memory(struct machine *machine, const struct machine_root *root)
{
	struct cpu_mask nodes;
	uint64_t total = read_total(machine, root);
	if (file_list(root, &nodes, "/sys/devices/system/node/online"))
		for (unsigned node = cpu_mask_next(&nodes, 0); node < MOST_NODES;
		     node = cpu_mask_next(&nodes, node + 1))
			read_node(machine, root, node);
	/* Where memory is added later, the node's own number may lag behind. */
	if (machine->nodes.n == 1 && total)
		machine->nodes.rows[0].memory_bytes = total;
	describe_nodes(machine, root);
	read_pages(machine, root);
}
