/*
 * machine_parts: what the files that make up machine.h share: reading small files below a root,
 * and adding to a machine.
 */
#ifndef COUNTERS_MACHINE_PARTS_H
#define COUNTERS_MACHINE_PARTS_H

#include "counters/machine.h"

/* Where to read. */
struct machine_root {
	const char *path;
	bool is_live;
};

/*
 * file_text: the first bytes of a file as cleaned text, blanks at both ends cut off.
 * Returns  false (and "") if it cannot be read or is empty
 */
bool file_text(const struct machine_root *root, char *out, size_t bytes, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* file_head: the same as it is, with lines and blanks. */
bool file_head(const struct machine_root *root, char *out, size_t bytes, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* file_number: a whole file that is one decimal number, perhaps negative. */
bool file_number(const struct machine_root *root, int64_t *number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* file_hex: one hexadecimal number, with or without 0x. */
bool file_hex(const struct machine_root *root, uint64_t *number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* file_list: a list of CPUs (or nodes) that is not empty. */
bool file_list(const struct machine_root *root, struct cpu_mask *list, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* file_exists: anything of that name. file_link: the last part of what a link points to. */
bool file_exists(const struct machine_root *root, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool file_link(const struct machine_root *root, char *out, size_t bytes, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * folder_names: the names in a folder, sorted, at most `most`.
 * names   set to one allocation that free() gives back; each entry points into it
 * Returns  how many
 */
enum { FOLDER_NAME_BYTES = 64 };
size_t folder_names(const struct machine_root *root, char (**names)[FOLDER_NAME_BYTES], size_t most,
		    const char *path);

/* line_value: the value after "key" and a colon in text of lines, cleaned. */
bool line_value(const char *text, const char *key, char *out, size_t bytes);

/* word_is_in: is `word` one of the words of `text`, separated by blanks? */
bool word_is_in(const char *text, const char *word);

/* Adding. Keys are "section.name"; a second fact of the same key is left out. */
void machine_know(struct machine *machine, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void machine_wonder(struct machine *machine, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
struct machine_group *machine_add_group(struct machine_groups *groups, uint32_t id,
					const struct cpu_mask *cpus);
void machine_add_cache(struct machine *machine, const struct machine_cache *cache);
void machine_sort(struct machine *machine);

/* The parts, each in its own file. */
void machine_read_topology(struct machine *machine, const struct machine_root *root);
void machine_read_memory(struct machine *machine, const struct machine_root *root);
void machine_read_cpu(struct machine *machine, const struct machine_root *root);
void machine_read_clocks(struct machine *machine, const struct machine_root *root);
void machine_read_system(struct machine *machine, const struct machine_root *root);
void machine_read_pmus(struct machine *machine, const struct machine_root *root);
void machine_read_limits(struct machine *machine, const struct machine_root *root);
void machine_read_gpus(struct machine *machine, const struct machine_root *root);

/*
 * machine_ask_hwloc: cores, caches and nodes from libhwloc, which asks CPUID where /sys is silent.
 * Only for this machine. Returns false if it is not built in or knows no more.
 */
bool machine_ask_hwloc(struct machine *machine);

#endif
