/*
 * GPUs by their PCI class, so that one without a driver shows too. Names come from the pci.ids
 * file of the system, if it has one.
 * Source: PCI Code and ID Assignment, base class 03 (display) and 12 (accelerator).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/machine_parts.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"

#define PCI_FOLDER "/sys/bus/pci/devices"

/* pci.ids is 1.4 MiB in 2026. */
enum { MOST_DEVICES = 4096, IDS_BYTES = 4 << 20 };

struct vendor {
	uint64_t id;
	const char *name;
};

static const struct vendor vendors[] = {
	{ 0x10de, "NVIDIA" }, { 0x1002, "AMD" },    { 0x8086, "Intel" },  { 0x1af4, "virtio" },
	{ 0x1a03, "ASPEED" }, { 0x15ad, "VMware" }, { 0x1234, "QEMU" },   { 0x102b, "Matrox" },
	{ 0x1013, "Cirrus" }, { 0x1d0f, "Amazon" }, { 0x1ae0, "Google" }, { 0x1da3, "Habana" },
};

static const char *vendor_name(uint64_t id)
{
	for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++)
		if (vendors[i].id == id)
			return vendors[i].name;
	return "vendor";
}

/* Lines "10de  NVIDIA Corporation", below them "\t2335  GH100 [H200 SXM 141GB]". */
static bool find_device(const char *ids, uint64_t vendor, uint64_t device, char *out, size_t bytes)
{
	char vendor_line[16], device_line[16];
	snprintf(vendor_line, sizeof vendor_line, "\n%04" PRIx64 "  ", vendor & 0xffff);
	snprintf(device_line, sizeof device_line, "\n\t%04" PRIx64 "  ", device & 0xffff);
	const char *at = strstr(ids, vendor_line);
	if (!at)
		return false;
	at += strcspn(at + 1, "\n") + 1;
	for (; at[0] == '\n' && (at[1] == '\t' || at[1] == '#'); at += strcspn(at + 1, "\n") + 1) {
		if (strncmp(at, device_line, strlen(device_line)) != 0)
			continue;
		char line[128];
		const char *name = at + strlen(device_line);
		snprintf(line, sizeof line, "%.*s", (int)strcspn(name, "\n"), name);
		text_clean(out, bytes, line);
		return out[0] != '\0';
	}
	return false;
}

/* NVIDIA's driver knows the name where the list of ids is old or missing. */
static bool ask_driver(const struct machine_root *root, const char *device, char *out, size_t bytes)
{
	char text[1024];
	return file_head(root, text, sizeof text, "/proc/driver/nvidia/gpus/%s/information",
			 device) &&
	       line_value(text, "Model", out, bytes);
}

static char *read_ids(const struct machine_root *root)
{
	static const char *const places[] = { "/usr/share/misc/pci.ids",
					      "/usr/share/hwdata/pci.ids", "/usr/share/pci.ids" };
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		if (!file_exists(root, "%s", places[i]))
			continue;
		char *ids = allocate(IDS_BYTES, 1);
		if (file_head(root, ids, IDS_BYTES, "%s", places[i]))
			return ids;
		free(ids);
	}
	return NULL;
}

static void add_gpu(struct machine *machine, const struct machine_root *root, const char *device,
		    char **ids)
{
	uint64_t vendor = 0, number = 0;
	int64_t node;
	char key[FOLDER_NAME_BYTES + 8], name[128] = "", driver[64] = "", place[32] = "";
	file_hex(root, &vendor, PCI_FOLDER "/%s/vendor", device);
	file_hex(root, &number, PCI_FOLDER "/%s/device", device);
	bool has_name = ask_driver(root, device, name, sizeof name);
	if (!has_name && !*ids)
		*ids = read_ids(root);
	if (!has_name && (!*ids || !find_device(*ids, vendor, number, name, sizeof name)))
		snprintf(name, sizeof name, "%04" PRIx64 ":%04" PRIx64, vendor & 0xffff,
			 number & 0xffff);
	bool has_driver = file_link(root, driver, sizeof driver, PCI_FOLDER "/%s/driver", device);
	if (file_number(root, &node, PCI_FOLDER "/%s/numa_node", device) && node >= 0)
		snprintf(place, sizeof place, ", node %" PRId64, node);
	snprintf(key, sizeof key, "gpu.%s", device);
	const char *maker = vendor_name(vendor);
	bool is_named = strncmp(name, maker, strlen(maker)) == 0;
	machine_know(machine, key, "%s%s%s, %s%s%s", is_named ? "" : maker, is_named ? "" : " ",
		     name, has_driver ? "driver " : "no driver", driver, place);
}

void machine_read_gpus(struct machine *machine, const struct machine_root *root)
{
	char(*names)[FOLDER_NAME_BYTES], *ids = NULL;
	size_t n = folder_names(root, &names, MOST_DEVICES, PCI_FOLDER), n_gpus = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t class;
		if (!file_hex(root, &class, PCI_FOLDER "/%s/class", names[i]) ||
		    (class >> 16 != 0x03 && class >> 16 != 0x12))
			continue;
		add_gpu(machine, root, names[i], &ids);
		n_gpus++;
	}
	free(ids);
	free(names);
	if (n == 0)
		machine_wonder(machine, "gpu.none",
			       PCI_FOLDER " shows no device at all: a machine without PCI, or a "
					  "container that hides it");
	else if (n_gpus == 0)
		machine_know(machine, "gpu.none", "none among %zu PCI devices", n);
}
