/*
 * The cache file: a header, then the symbols' starts as offsets from the first (32 bits each, in
 * order), then one more than that many offsets of names, then the names. Only the starts are held
 * in memory. The file is the user's own and never changed in place; still every number in it is
 * checked, since a disk may be.
 */
#include "sampler/kernel_symbols.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/file.h"
#include "sampler/base/why.h"
#include "sampler/symbols_text.h"

enum {
	MOST_SYMBOLS = 4 << 20, /* a kernel with all its data symbols has 250,000 */
	PAGE_BYTES = 4096,      /* the last core symbol is no longer than this */
	BOOT_ID_BYTES = 40,     /* 36 and a newline */
	CACHE_VERSION = 1,
};

struct header {
	char magic[8]; /* "stokekas" */
	uint32_t version, n_symbols;
	uint64_t base, name_bytes;
	char boot_id[BOOT_ID_BYTES];
};

static const char MAGIC[8] = "stokekas";

struct kernel_symbols {
	const char *kallsyms;
	int fd; /* the cache; -1: none */
	struct header header;
	uint32_t *starts;
	struct text_symbols all;
	bool is_all_tried, has_all;
};

bool kernel_symbols_cache_path(char *path, size_t bytes)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n = -1;
	if (cache && cache[0] == '/')
		n = snprintf(path, bytes, "%s/stoke/kernel-symbols", cache);
	else if (home && home[0] == '/')
		n = snprintf(path, bytes, "%s/.cache/stoke/kernel-symbols", home);
	return n > 0 && (size_t)n < bytes;
}

static bool read_boot_id(const char *path, char out[BOOT_ID_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	memset(out, 0, BOOT_ID_BYTES);
	ssize_t n = fd >= 0 ? read(fd, out, BOOT_ID_BYTES - 1) : -1;
	if (fd >= 0)
		close(fd);
	return n >= 36; /* a UUID in text */
}

static bool read_all(int fd, uint64_t offset, void *out, uint64_t n_bytes)
{
	for (uint64_t done = 0; done < n_bytes;) {
		ssize_t n = pread(fd, (char *)out + done, n_bytes - done, (off_t)(offset + done));
		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	return true;
}

static uint64_t offsets_at(const struct header *header)
{
	return sizeof *header + header->n_symbols * sizeof(uint32_t);
}

static uint64_t names_at(const struct header *header)
{
	return offsets_at(header) + (header->n_symbols + (uint64_t)1) * sizeof(uint32_t);
}

static bool is_good(const struct header *header, const struct stat *status, const char *boot_id)
{
	return memcmp(header->magic, MAGIC, sizeof MAGIC) == 0 &&
	       header->version == CACHE_VERSION &&
	       memcmp(header->boot_id, boot_id, BOOT_ID_BYTES) == 0 && header->n_symbols > 0 &&
	       header->n_symbols <= MOST_SYMBOLS && header->name_bytes <= UINT32_MAX &&
	       (uint64_t)status->st_size == names_at(header) + header->name_bytes;
}

/* Ours alone: root must not believe a file that a user wrote, nor anyone one that others may. */
static bool is_private(const struct stat *status)
{
	return S_ISREG(status->st_mode) && status->st_uid == geteuid() &&
	       (status->st_mode & 077) == 0;
}

static bool open_cache(struct kernel_symbols *symbols, const char *path, const char *boot_id)
{
	struct stat status;
	symbols->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (symbols->fd < 0)
		return false;
	struct header *header = &symbols->header;
	if (fstat(symbols->fd, &status) == 0 && is_private(&status) &&
	    read_all(symbols->fd, 0, header, sizeof *header) && is_good(header, &status, boot_id)) {
		symbols->starts = allocate(header->n_symbols, sizeof *symbols->starts);
		if (read_all(symbols->fd, sizeof *header, symbols->starts,
			     header->n_symbols * sizeof *symbols->starts))
			return true;
	}
	close(symbols->fd);
	symbols->fd = -1;
	return false;
}

/* The core's symbols come first and in one piece; what is loaded later lies elsewhere. */
static uint32_t count_core(const struct text_symbols *all)
{
	size_t n = 0;
	while (n < all->n_symbols && n < MOST_SYMBOLS && !all->symbols[n].is_module &&
	       all->symbols[n].start - all->symbols[0].start <= UINT32_MAX)
		n++;
	return (uint32_t)n;
}

static void write_body(FILE *file, const struct text_symbols *all, const struct header *header)
{
	uint32_t at = 0;
	fwrite(header, sizeof *header, 1, file);
	for (uint32_t i = 0; i < header->n_symbols; i++) {
		uint32_t offset = (uint32_t)(all->symbols[i].start - header->base);
		fwrite(&offset, sizeof offset, 1, file);
	}
	for (uint32_t i = 0; i < header->n_symbols; i++) {
		fwrite(&at, sizeof at, 1, file);
		at += (uint32_t)strlen(all->symbols[i].name);
	}
	fwrite(&at, sizeof at, 1, file);
	for (uint32_t i = 0; i < header->n_symbols; i++)
		fputs(all->symbols[i].name, file);
}

/* Under another name first, so that nobody reads half a file. */
static void write_cache(const struct text_symbols *all, const char *path, const char *boot_id)
{
	char temporary[4096];
	struct header header = { .version = CACHE_VERSION, .n_symbols = count_core(all) };
	if (header.n_symbols == 0)
		return;
	memcpy(header.magic, MAGIC, sizeof MAGIC);
	memcpy(header.boot_id, boot_id, BOOT_ID_BYTES);
	header.base = all->symbols[0].start;
	for (uint32_t i = 0; i < header.n_symbols; i++)
		header.name_bytes += strlen(all->symbols[i].name);
	file_make_parents(path);
	if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
		return;
	int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file) {
		if (fd >= 0)
			close(fd);
		return;
	}
	write_body(file, all, &header);
	bool is_written = !ferror(file);
	is_written = fclose(file) == 0 && is_written;
	if (!is_written || rename(temporary, path) != 0)
		unlink(temporary);
}

static bool load_all(struct kernel_symbols *symbols)
{
	if (!symbols->is_all_tried) {
		symbols->is_all_tried = true;
		symbols->has_all = text_symbols_kernel(&symbols->all, symbols->kallsyms);
	}
	return symbols->has_all;
}

struct kernel_symbols *kernel_symbols_open(const struct kernel_symbols_files *files)
{
	char boot_id[BOOT_ID_BYTES];
	struct kernel_symbols *symbols = allocate(1, sizeof *symbols);
	bool may_cache = files->cache && read_boot_id(files->boot_id, boot_id);
	symbols->kallsyms = files->kallsyms;
	symbols->fd = -1;
	if (may_cache && open_cache(symbols, files->cache, boot_id))
		return symbols;
	if (!load_all(symbols)) {
		kernel_symbols_close(symbols);
		return NULL;
	}
	if (may_cache)
		write_cache(&symbols->all, files->cache, boot_id);
	return symbols;
}

void kernel_symbols_close(struct kernel_symbols *symbols)
{
	if (!symbols)
		return;
	if (symbols->fd >= 0)
		close(symbols->fd);
	free(symbols->starts);
	text_symbols_free(&symbols->all);
	free(symbols);
}

/* The last symbol that starts at or before an offset from the base; n_symbols if there is none. */
static uint32_t last_before(const struct kernel_symbols *symbols, uint64_t offset)
{
	uint32_t low = 0, high = symbols->header.n_symbols;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (symbols->starts[middle] <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? low - 1 : symbols->header.n_symbols;
}

static bool read_name(const struct kernel_symbols *symbols, uint32_t i, struct kernel_symbol *out)
{
	uint32_t range[2];
	const struct header *header = &symbols->header;
	if (!read_all(symbols->fd, offsets_at(header) + i * (uint64_t)sizeof range[0], range,
		      sizeof range) ||
	    range[0] > range[1] || range[1] > header->name_bytes)
		return false;
	size_t n = range[1] - range[0];
	if (n >= sizeof out->name)
		n = sizeof out->name - 1;
	out->name[n] = '\0';
	return read_all(symbols->fd, names_at(header) + range[0], out->name, n);
}

static bool find_cached(const struct kernel_symbols *symbols, uint64_t address,
			struct kernel_symbol *out)
{
	const struct header *header = &symbols->header;
	if (symbols->fd < 0 || address < header->base)
		return false;
	uint32_t i = last_before(symbols, address - header->base);
	if (i == header->n_symbols)
		return false;
	out->start = header->base + symbols->starts[i];
	out->end = i + 1 < header->n_symbols ? header->base + symbols->starts[i + 1]
					     : out->start + PAGE_BYTES;
	return address < out->end && read_name(symbols, i, out);
}

bool kernel_symbols_find(struct kernel_symbols *symbols, uint64_t address,
			 struct kernel_symbol *out)
{
	/* The kernel's own unwinder guesses in assembly code, and now and then takes data for a
	 * return address; that is no reason to read the whole list. */
	if (address >> 63 == 0)
		return false;
	if (find_cached(symbols, address, out))
		return true;
	const struct text_symbol *symbol =
		load_all(symbols) ? text_symbols_find(&symbols->all, address) : NULL;
	if (!symbol)
		return false;
	out->start = symbol->start;
	out->end = symbol->end;
	snprintf(out->name, sizeof out->name, "%s", symbol->name);
	return true;
}
