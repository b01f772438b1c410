/*
 * The box round the processor: name, maker, hypervisor, container.
 * Source: CPUID leaf 0x40000000 (the hypervisor's name), Linux
 * Documentation/virt/kvm/x86/cpuid.rst.
 */
#include <stdio.h>
#include <string.h>

#include "counters/machine_parts.h"
#include "sampler/base/text.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

struct hypervisor {
	const char *signature, *name;
};

static const struct hypervisor hypervisors[] = {
	{ "KVMKVMKVM", "KVM" },
	{ "Microsoft Hv", "Hyper-V" },
	{ "VMwareVMware", "VMware" },
	{ "XenVMMXenVMM", "Xen" },
	{ "TCGTCGTCGTCG", "QEMU without KVM" },
	{ "VBoxVBoxVBox", "VirtualBox" },
	{ "bhyve bhyve", "bhyve" },
	{ "ACRNACRNACRN", "ACRN" },
};

/* Only the machine itself can be asked. */
static bool ask_cpuid(char *out, size_t bytes)
{
	unsigned eax, ebx, ecx, edx;
	char signature[13] = "", clean[16];
	__cpuid(0x40000000, eax, ebx, ecx, edx);
	if (eax < 0x40000000 || eax > 0x4000ffff)
		return false;
	memcpy(signature, &ebx, 4);
	memcpy(signature + 4, &ecx, 4);
	memcpy(signature + 8, &edx, 4);
	for (size_t i = 0; i < sizeof hypervisors / sizeof hypervisors[0]; i++)
		if (strcmp(hypervisors[i].signature, signature) == 0) {
			snprintf(out, bytes, "%s", hypervisors[i].name);
			return true;
		}
	snprintf(out, bytes, "yes, called \"%s\"", text_clean(clean, sizeof clean, signature));
	return true;
}
#else
static bool ask_cpuid(char *out, size_t bytes)
{
	(void)out;
	(void)bytes;
	return false;
}
#endif

static void read_hypervisor(struct machine *machine, const struct machine_root *root)
{
	char text[8192], flags[4096], name[64];
	file_head(root, text, sizeof text, "/proc/cpuinfo");
	bool has_flag =
		line_value(text, "flags", flags, sizeof flags) && word_is_in(flags, "hypervisor");
	if ((has_flag && root->is_live && ask_cpuid(name, sizeof name)) ||
	    file_text(root, name, sizeof name, "/sys/hypervisor/type") ||
	    file_text(root, name, sizeof name, "/proc/device-tree/hypervisor/compatible"))
		machine_know(machine, "system.hypervisor", "%s", name);
	else if (has_flag)
		machine_know(machine, "system.hypervisor", "yes, of unknown kind");
	else if (flags[0])
		machine_know(machine, "system.hypervisor", "none that shows itself");
	else
		machine_wonder(machine, "system.hypervisor",
			       "this processor has no flag for it, and neither /sys/hypervisor nor "
			       "the device tree speaks of one");
}

static void read_product(struct machine *machine, const struct machine_root *root)
{
	char vendor[96] = "", product[128] = "";
	file_text(root, vendor, sizeof vendor, "/sys/class/dmi/id/sys_vendor");
	file_text(root, product, sizeof product, "/sys/class/dmi/id/product_name");
	if (!product[0])
		file_text(root, product, sizeof product, "/proc/device-tree/model");
	if (vendor[0] || product[0])
		machine_know(machine, "system.product", "%s%s%s", vendor,
			     vendor[0] && product[0] ? " " : "", product);
	else
		machine_wonder(machine, "system.product",
			       "no firmware tables in /sys/class/dmi and no device tree");
}

static void read_container(struct machine *machine, const struct machine_root *root)
{
	char text[1024] = "";
	file_head(root, text, sizeof text, "/proc/1/cgroup");
	const char *kind = file_exists(root, "/.dockerenv")          ? "Docker"
			   : file_exists(root, "/run/.containerenv") ? "Podman"
			   : strstr(text, "kubepods")                ? "Kubernetes"
			   : strstr(text, "docker")                  ? "Docker"
			   : strstr(text, "lxc")                     ? "LXC"
								     : NULL;
	machine_know(machine, "system.container", "%s", kind ? kind : "none that shows itself");
}

void machine_read_system(struct machine *machine, const struct machine_root *root)
{
	char host[256];
	if (file_text(root, host, sizeof host, "/proc/sys/kernel/hostname"))
		machine_know(machine, "system.host", "%s", host);
	else
		machine_wonder(machine, "system.host", "/proc/sys/kernel/hostname cannot be read");
	read_product(machine, root);
	read_hypervisor(machine, root);
	read_container(machine, root);
}
