/*
 * address_space: which code is mapped where in each process of the target, from perf's MMAP2,
 * COMM, FORK and EXIT records (and /proc/PID/maps when attaching).
 *
 * A `module` is one file (by device, inode and path, or by content for the vdso) however often it
 * is mapped; its ELF image, unwind rules and symbols are loaded once, on demand.
 * Everything here belongs to the collector's thread.
 */
#ifndef SAMPLER_ADDRESS_SPACE_H
#define SAMPLER_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct elf_image;
struct recording;
struct module_symbols; /* symbols.c */

struct module {
	uint32_t id;     /* row in TABLE_MODULES */
	uint32_t kind;   /* enum module_kind */
	char *path;      /* as the target sees it */
	char *open_path; /* as we can open it (/proc/PID/root/...) */
	pid_t pid;       /* a process that maps it */
	uint64_t device, inode;
	uint64_t start, length; /* of its first mapping in that process */
	char build_id[41];      /* as the recorder saw it, hexadecimal; "" = not said */
	bool is_offline;        /* of another time or machine */

	struct elf_image *image; /* NULL until loaded, or if it cannot be */
	bool is_image_tried;
	char why_no_image[160];

	/* Owned by unwind.c: rules already decoded; NULL until used. */
	struct unwind_module *unwind;
	/* Owned by symbols.c. */
	struct module_symbols *symbols;
};

struct mapping {
	uint64_t start, end;
	uint64_t bias; /* run-time address - bias = module address */
	uint64_t file_offset;
	uint32_t prot;
	bool is_bias_known; /* bias needs the image; set by mapping_module */
	struct module *module;
};

struct process {
	pid_t pid;
	struct mapping *mappings; /* sorted by start, not overlapping */
	size_t n_mappings, capacity;
	size_t last_found; /* where the last look-up ended: frames stay in a file */
	char name[16];     /* main thread's comm */
	/* Changes whenever an address may mean something else than before; never reused. Caches
	 * keyed by (space_id, address) need no invalidation. */
	uint64_t space_id;
	bool is_shared_space; /* a fork still shares space_id */
	bool has_exited;
	pid_t parent_pid; /* that made it; 0 = not known */
	bool is_recorded; /* a row of TABLE_THREADS is of it */
};

struct address_space;

struct address_space *address_space_new(struct recording *recording);
void address_space_free(struct address_space *space);

/* address_space_set_offline: the processes are of another time or machine: files are found by
 * build-id (module_store.h), /proc is not asked. Before anything is mapped. */
void address_space_set_offline(struct address_space *space);

/* The process with this pid; made (empty) if unknown. Never NULL. */
struct process *address_space_process(struct address_space *space, pid_t pid);

/* What perf records say. Paths come from the kernel but name files of the target's choice. */
struct mapped_file {
	uint64_t start, length, file_offset, device, inode;
	uint32_t prot;
	const char *path;     /* "[vdso]", "//anon", "/usr/lib/..." */
	const char *build_id; /* hexadecimal; NULL or "" = not said */
};
void address_space_map(struct address_space *space, pid_t pid, const struct mapped_file *file);
void address_space_fork(struct address_space *space, pid_t parent, pid_t child);
void address_space_exec(struct address_space *space, pid_t pid);
void address_space_exit(struct address_space *space, pid_t pid);

/* address_space_read_proc: fill a running process's mappings from /proc/PID/task/TID/maps, as text:
 * no file is opened before code in it is met. A thread that has ended has none. False if that is
 * not permitted. */
bool address_space_read_proc(struct address_space *space, pid_t pid, pid_t thread);

/* address_space_read_text: the same from lines of such a file; changes the text. */
void address_space_read_text(struct address_space *space, pid_t pid, char *text);

/*
 * process_find: the mapping that holds a run-time address, its bias known and its module's image
 * tried; NULL if none. Cost: binary search, a cached last hit.
 */
struct mapping *process_find(struct process *process, uint64_t address);

/* module_image: the module's ELF image, opened at the first call; NULL with why_no_image set. */
struct elf_image *module_image(struct module *module);

/* address_space_module: module by its row in TABLE_MODULES; NULL if there is none. */
struct module *address_space_module(const struct address_space *space, uint32_t id);

/* address_space_kernel: the module that stands for the kernel. */
struct module *address_space_kernel(struct address_space *space);

/*
 * address_space_frame: the recording's frame for a run-time address. For a return address
 * (is_leaf false) the address less one is looked up, so that a call at a function's end is not
 * given to the next function. Unmapped addresses give a special frame "[unknown: not mapped]".
 * Cost    process_find and one cached hash look-up by (module, address)
 */
uint32_t address_space_frame(struct address_space *space, struct process *process, uint64_t address,
			     bool is_leaf, bool is_kernel);

#endif
