/*
 * Where other tools keep files by build-id. Sources: perf-buildid-cache(1), GDB manual "Separate
 * Debug Files", debuginfod_find_debuginfo(3). Nothing is fetched from a network.
 */
#include "sampler/module_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sampler/base/table.h"
#include "sampler/base/text.h"
#include "sampler/elf_image.h"
#include "sampler/hash_map.h"
#include "sampler/interner.h"

struct known_file {
	char build_id[BUILD_ID_TEXT];
};

struct module_store {
	struct table paths;
	struct interner interner;
	struct hash_map by_path; /* id of the path: place in files, from 1 */
	struct known_file *files;
	size_t n_files, capacity;
};

enum {
	MOST_PATH = 4352,
	LEAST_ID_TEXT = 16,      /* eight bytes: lld and Go can make ids that short */
	MOST_NOTES_BYTES = 4096, /* /sys/kernel/notes is some 200 bytes */
	NOTE_BUILD_ID = 3,       /* NT_GNU_BUILD_ID */
};

struct module_store *module_store_new(void)
{
	struct module_store *store = allocate(1, sizeof *store);
	table_open(&store->paths, 1);
	table_append(&store->paths, NULL, 1);
	return store;
}

void module_store_free(struct module_store *store)
{
	if (!store)
		return;
	table_close(&store->paths);
	interner_free(&store->interner);
	hash_map_free(&store->by_path);
	free(store->files);
	free(store);
}

void build_id_text(char out[BUILD_ID_TEXT], const uint8_t *bytes, size_t n_bytes)
{
	if (n_bytes > BUILD_ID_BYTES)
		n_bytes = BUILD_ID_BYTES;
	while (n_bytes > 0 && bytes[n_bytes - 1] == 0)
		n_bytes--;
	for (size_t i = 0; i < n_bytes; i++)
		snprintf(out + i * 2, 3, "%02x", bytes[i]);
	out[n_bytes * 2] = '\0';
}

/* The place of a path's file, 0 if it is new. */
static uint32_t *find(struct module_store *store, const char *path)
{
	uint32_t id = interner_string(&store->interner, &store->paths, path, strlen(path));
	return hash_map_at(&store->by_path, id);
}

void module_store_add(struct module_store *store, const char *path, const uint8_t *build_id,
		      size_t n_bytes)
{
	uint32_t *place = path[0] ? find(store, path) : NULL;
	if (!place || *place)
		return;
	if (store->n_files == store->capacity) {
		store->capacity = store->capacity ? store->capacity * 2 : 64;
		store->files = reallocate(store->files, store->capacity, sizeof *store->files);
	}
	build_id_text(store->files[store->n_files++].build_id, build_id, n_bytes);
	*place = (uint32_t)store->n_files;
}

const char *module_store_build_id(struct module_store *store, const char *path)
{
	uint32_t place = path[0] ? *find(store, path) : 0;
	return place ? store->files[place - 1].build_id : "";
}

/* Equal as far as the shorter one goes: perf cuts long ids and the zeros of short ones. */
static bool is_same_id(const char *wanted, const char *found)
{
	size_t n = strlen(wanted), m = strlen(found), least = n < m ? n : m;
	return least >= LEAST_ID_TEXT && strncmp(wanted, found, least) == 0;
}

static struct elf_image *open_if_same(const char *path, const char *build_id, char **open_path)
{
	struct elf_image *image = elf_image_open(path, NULL);
	if (!image)
		return NULL;
	if (build_id[0] && !is_same_id(build_id, elf_image_build_id(image))) {
		elf_image_close(image);
		return NULL;
	}
	*open_path = strdup(path);
	return image;
}

static const char *home(void)
{
	const char *path = getenv("HOME");
	return path && path[0] == '/' ? path : "";
}

static void debuginfod_folder(char *out, size_t bytes)
{
	const char *cache = getenv("DEBUGINFOD_CACHE_PATH"), *xdg = getenv("XDG_CACHE_HOME");
	if (cache && cache[0])
		snprintf(out, bytes, "%s", cache);
	else if (xdg && xdg[0])
		snprintf(out, bytes, "%s/debuginfod_client", xdg);
	else
		snprintf(out, bytes, "%s/.cache/debuginfod_client", home());
}

static struct elf_image *open_by_id(const char *id, char **open_path)
{
	char path[MOST_PATH], cache[MOST_PATH / 2];
	static const char *const in_cache[] = { "executable", "debuginfo" };
	struct elf_image *image;
	snprintf(path, sizeof path, "%s/.debug/.build-id/%.2s/%s/elf", home(), id, id + 2);
	if ((image = open_if_same(path, id, open_path)))
		return image;
	snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug", id, id + 2);
	if ((image = open_if_same(path, id, open_path)))
		return image;
	debuginfod_folder(cache, sizeof cache);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s/%s", cache, id, in_cache[i]);
		if ((image = open_if_same(path, id, open_path)))
			return image;
	}
	return NULL;
}

struct elf_image *module_store_open(const char *path, const char *build_id, char **open_path,
				    struct why *why)
{
	char clean[256];
	*open_path = NULL;
	struct elf_image *image = open_if_same(path, build_id, open_path);
	if (!image && strlen(build_id) >= LEAST_ID_TEXT)
		image = open_by_id(build_id, open_path);
	if (image)
		return image;
	text_clean(clean, sizeof clean, path);
	why_fail(why, "%s is %s here", clean,
		 access(path, R_OK) == 0 && build_id[0] ? "another build" : "not");
	return NULL;
}

/* ---- the kernel */

/* The build-id among ELF notes: sizes of name and description, type, then both padded to words. */
static bool note_build_id(const uint8_t *notes, size_t n, char out[BUILD_ID_TEXT])
{
	size_t at = 0;
	while (n - at >= 12) {
		uint32_t name_bytes, bytes, type;
		memcpy(&name_bytes, notes + at, 4);
		memcpy(&bytes, notes + at + 4, 4);
		memcpy(&type, notes + at + 8, 4);
		at += 12;
		size_t name_end = ((size_t)name_bytes + 3) / 4 * 4,
		       end = ((size_t)bytes + 3) / 4 * 4;
		if (name_end > n - at || end > n - at - name_end)
			return false;
		if (type == NOTE_BUILD_ID && name_bytes == 4 && bytes > 0 &&
		    memcmp(notes + at, "GNU", 4) == 0) {
			build_id_text(out, notes + at + name_end, bytes);
			return true;
		}
		at += name_end + end;
	}
	return false;
}

static bool running_build_id(char out[BUILD_ID_TEXT])
{
	uint8_t notes[MOST_NOTES_BYTES];
	int fd = open("/sys/kernel/notes", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, notes, sizeof notes);
	close(fd);
	return n > 0 && note_build_id(notes, (size_t)n, out);
}

static bool is_running_kernel(const char *build_id, const char *release)
{
	char running[BUILD_ID_TEXT];
	struct utsname system;
	if (build_id[0])
		return running_build_id(running) && is_same_id(build_id, running);
	return release[0] && uname(&system) == 0 && strcmp(system.release, release) == 0;
}

bool module_store_kernel(const char *build_id, const char *release, char *path, size_t bytes,
			 struct why *why)
{
	if (is_running_kernel(build_id, release)) {
		snprintf(path, bytes, "/proc/kallsyms");
		return true;
	}
	snprintf(path, bytes, "%s/.debug/[kernel.kallsyms]/%s/kallsyms", home(), build_id);
	if (build_id[0] && access(path, R_OK) == 0)
		return true;
	return why_fail(why, build_id[0] || release[0]
				     ? "it ran on another kernel than this and perf's cache has no "
				       "symbols of that one"
				     : "the file does not say which kernel it ran on");
}

uint64_t module_store_kernel_symbol(const char *path, const char *name)
{
	char line[512];
	FILE *file = fopen(path, "re");
	uint64_t found = 0;
	while (file && !found && fgets(line, sizeof line, file)) {
		char *end;
		uint64_t address = strtoull(line, &end, 16);
		/* "ffffffff81000000 T _text" */
		if (end[0] != ' ' || end[1] == '\0' || end[2] != ' ')
			continue;
		end[3 + strcspn(end + 3, "\t\n")] = '\0';
		if (strcmp(end + 3, name) == 0)
			found = address;
	}
	if (file)
		fclose(file);
	return found;
}
