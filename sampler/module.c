/*
 * The registry of code files. A file is the same module in all processes if device, inode and path
 * agree; anonymous code belongs to one process. Files are opened as we can reach them: directly in
 * our own mount namespace, else through /proc/PID/root, and deleted ones through map_files.
 */
#include "sampler/module.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/elf_image.h"
#include "sampler/module_store.h"
#include "sampler/recording.h"
#include "sampler/symbols.h"
#include "sampler/unwind.h"

struct modules {
	struct recording *recording;
	struct module **all;
	uint32_t n_all, capacity;
	struct module **by_row; /* index: TABLE_MODULES id */
	uint32_t n_by_row;
	struct module *kernel;
	bool is_offline;
};

struct modules *modules_new(struct recording *recording)
{
	struct modules *modules = allocate(1, sizeof *modules);
	modules->recording = recording;
	return modules;
}

void modules_set_offline(struct modules *modules)
{
	modules->is_offline = true;
}

static void module_free(struct module *module)
{
	unwind_module_free(module->unwind);
	module_symbols_free(module->symbols);
	elf_image_close(module->image);
	free(module->path);
	free(module->open_path);
	free(module);
}

void modules_free(struct modules *modules)
{
	if (!modules)
		return;
	for (uint32_t i = 0; i < modules->n_all; i++)
		module_free(modules->all[i]);
	free(modules->all);
	free(modules->by_row);
	free(modules);
}

static uint32_t kind_of(const char *path)
{
	if (strcmp(path, "[vdso]") == 0)
		return MODULE_VDSO;
	/* Shared memory and memfds hold code that some JIT wrote, never an ELF file. */
	if (path[0] != '/' || path[1] == '/' || strncmp(path, "/memfd:", 7) == 0 ||
	    strncmp(path, "/dev/zero", 9) == 0 || strncmp(path, "/SYSV", 5) == 0)
		return MODULE_JIT;
	return MODULE_FILE;
}

static bool is_in_our_mounts(pid_t pid)
{
	char path[64], ours[64], theirs[64];
	ssize_t n = readlink("/proc/self/ns/mnt", ours, sizeof ours);
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
	ssize_t m = readlink(path, theirs, sizeof theirs);
	/* A process that is gone cannot be asked; ours is the likelier answer. */
	return m < 0 || (n == m && memcmp(ours, theirs, (size_t)n) == 0);
}

/* "/proc/PID/SUFFIX" with the path after it. */
static char *proc_path(pid_t pid, const char *suffix, const char *path)
{
	char text[4352]; /* PATH_MAX and the prefix */
	snprintf(text, sizeof text, "/proc/%d/%s%s", pid, suffix, path);
	return strdup(text);
}

/* The file behind a mapping, whatever has become of its name; needs privileges. */
static char *mapped_path(pid_t pid, uint64_t start, uint64_t length)
{
	char range[64];
	uint64_t end = start + length;
	snprintf(range, sizeof range, "%llx-%llx", (unsigned long long)start,
		 (unsigned long long)end);
	return proc_path(pid, "map_files/", range);
}

static char *open_path_of(const struct mapped_file *file, pid_t pid)
{
	size_t length = strlen(file->path);
	static const char deleted[] = " (deleted)";
	size_t n = sizeof deleted - 1;
	if (length > n && strcmp(file->path + length - n, deleted) == 0)
		return mapped_path(pid, file->start, file->length);
	if (is_in_our_mounts(pid))
		return strdup(file->path);
	return proc_path(pid, "root", file->path);
}

static struct module *add(struct modules *modules, uint32_t kind, const char *path)
{
	struct module *module = allocate(1, sizeof *module);
	module->kind = kind;
	module->path = strdup(path);
	if (!module->path)
		die("out of memory naming a module");
	if (modules->n_all == modules->capacity) {
		modules->capacity = modules->capacity ? modules->capacity * 2 : 64;
		modules->all = reallocate(modules->all, modules->capacity, sizeof(struct module *));
	}
	return modules->all[modules->n_all++] = module;
}

static bool is_same(const struct module *module, uint32_t kind, const struct mapped_file *file,
		    pid_t pid)
{
	if (module->kind != kind)
		return false;
	if (kind == MODULE_JIT)
		return module->pid == pid;
	if (module->is_offline &&
	    strcmp(module->build_id, file->build_id ? file->build_id : "") != 0)
		return false;
	if (kind == MODULE_VDSO)
		return true;
	return module->device == file->device && module->inode == file->inode &&
	       strcmp(module->path, file->path) == 0;
}

struct module *modules_find(struct modules *modules, const struct mapped_file *file, pid_t pid)
{
	uint32_t kind = kind_of(file->path);
	/* Newest first: a process maps the libraries that the one before it has mapped. */
	for (uint32_t i = modules->n_all; i-- > 0;)
		if (is_same(modules->all[i], kind, file, pid))
			return modules->all[i];
	struct module *module =
		add(modules, kind, kind == MODULE_JIT ? "[anonymous code]" : file->path);
	module->pid = pid;
	module->device = file->device;
	module->inode = file->inode;
	module->start = file->start;
	module->length = file->length;
	module->is_offline = modules->is_offline;
	if (file->build_id)
		snprintf(module->build_id, sizeof module->build_id, "%s", file->build_id);
	if (kind == MODULE_FILE && !module->is_offline)
		module->open_path = open_path_of(file, pid);
	return module;
}

struct module *modules_kernel(struct modules *modules)
{
	if (!modules->kernel)
		modules->kernel = add(modules, MODULE_KERNEL, "[kernel]");
	return modules->kernel;
}

static struct elf_image *open_vdso(struct why *why)
{
	/* The kernel maps the same pages into every 64-bit process: ours will do. Its size is in no
	 * auxiliary entry; the section headers are the last thing in the file. */
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel hands an address over */
	const Elf64_Ehdr *vdso = (const void *)getauxval(AT_SYSINFO_EHDR);
	if (!vdso) {
		why_fail(why, "this kernel maps no vdso");
		return NULL;
	}
	size_t n_bytes = vdso->e_shoff + (size_t)vdso->e_shnum * vdso->e_shentsize;
	return elf_image_open_bytes(vdso, n_bytes, "[vdso]", why);
}

/* Our vdso is a recording's only if it is the same build. */
static struct elf_image *same_vdso(const struct module *module, struct why *why)
{
	struct elf_image *image = open_vdso(why);
	if (image && module->build_id[0] &&
	    strcmp(module->build_id, elf_image_build_id(image)) != 0) {
		elf_image_close(image);
		why_fail(why, "the vdso of another kernel");
		return NULL;
	}
	return image;
}

static bool is_program(const struct module *module)
{
	char path[64], link[4352];
	snprintf(path, sizeof path, "/proc/%d/exe", module->pid);
	ssize_t n = readlink(path, link, sizeof link - 1);
	size_t length = strlen(module->path);
	return n >= (ssize_t)length && memcmp(link, module->path, length) == 0;
}

/* Another file than the one at its path: `path` is taken over if it can be opened. */
static struct elf_image *open_instead(struct module *module, char *path)
{
	struct elf_image *image = elf_image_open(path, NULL);
	if (!image || (module->inode && elf_image_inode(image) != module->inode)) {
		elf_image_close(image);
		free(path);
		return NULL;
	}
	free(module->open_path);
	module->open_path = path;
	return image;
}

/*
 * A program may be deleted or compiled anew while it runs; the kernel still has the file it
 * mapped. Where no file has the inode that was mapped, the one at the path stands: overlay file
 * systems give the same file two numbers.
 */
static struct elf_image *open_live(struct module *module, struct why *why)
{
	struct elf_image *image = elf_image_open(module->open_path, why);
	if (image && (!module->inode || elf_image_inode(image) == module->inode))
		return image;
	struct elf_image *mapped =
		open_instead(module, mapped_path(module->pid, module->start, module->length));
	if (!mapped && is_program(module))
		mapped = open_instead(module, proc_path(module->pid, "exe", ""));
	if (mapped)
		elf_image_close(image);
	return mapped ? mapped : image;
}

struct elf_image *module_image(struct module *module)
{
	if (module->is_image_tried)
		return module->image;
	module->is_image_tried = true;
	struct why why = { "it has no file" };
	if (module->kind == MODULE_FILE && module->is_offline)
		module->image =
			module_store_open(module->path, module->build_id, &module->open_path, &why);
	else if (module->kind == MODULE_FILE)
		module->image = open_live(module, &why);
	else if (module->kind == MODULE_VDSO)
		module->image = same_vdso(module, &why);
	if (!module->image)
		snprintf(module->why_no_image, sizeof module->why_no_image, "%.150s", why.text);
	return module->image;
}

uint32_t modules_row(struct modules *modules, struct module *module)
{
	if (module->id)
		return module->id;
	char path[4096];
	struct elf_image *image = module_image(module);
	bool is_private = module->kind == MODULE_JIT;
	struct module_row row = {
		.path = recording_add_string(modules->recording,
					     text_clean(path, sizeof path, module->path)),
		.build_id = recording_add_string(
			modules->recording, image ? elf_image_build_id(image) : module->build_id),
		.kind = module->kind,
		.pid = is_private ? (uint32_t)module->pid : 0,
	};
	module->id = recording_add_module(modules->recording, &row);
	if (module->id >= modules->n_by_row) {
		uint32_t n = module->id + 64;
		modules->by_row = reallocate(modules->by_row, n, sizeof(struct module *));
		memset(modules->by_row + modules->n_by_row, 0,
		       (n - modules->n_by_row) * sizeof(struct module *));
		modules->n_by_row = n;
	}
	modules->by_row[module->id] = module;
	return module->id;
}

struct module *modules_by_row(const struct modules *modules, uint32_t id)
{
	return id < modules->n_by_row ? modules->by_row[id] : NULL;
}
