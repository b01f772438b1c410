/* Text of --caches and back. See cache_geometry.h. */
#include "counters/cache_geometry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"

enum { WORD_BYTES = 96, MOST_SETS = 1 << 22 };

static const uint64_t MOST_CACHE_BYTES = 1ull << 32; /* the model needs an eighth of it */

static bool is_power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* A whole number from least to most that ends the text. */
static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	char *end;
	if (*text < '0' || *text > '9')
		return false;
	*number = strtoull(text, &end, 10);
	return *end == '\0' && *number >= least && *number <= most;
}

/* The part up to the next '/', cut off; NULL at the end. */
static char *next_part(char **rest)
{
	char *part = *rest;
	if (!part)
		return NULL;
	char *slash = strchr(part, '/');
	*rest = slash ? slash + 1 : NULL;
	if (slash)
		*slash = '\0';
	return part;
}

static bool read_property(struct cache_level_geometry *level, const char *part)
{
	uint64_t number;
	if (strcmp(part, "lru") == 0)
		level->policy = CACHE_LRU;
	else if (strcmp(part, "plru") == 0)
		level->policy = CACHE_PLRU;
	else if (strcmp(part, "inclusive") == 0)
		level->inclusion = CACHE_INCLUSIVE;
	else if (strcmp(part, "exclusive") == 0)
		level->inclusion = CACHE_EXCLUSIVE;
	else if (strcmp(part, "shared") == 0)
		level->n_cores = 0;
	else if (strncmp(part, "for", 3) == 0 &&
		 read_number(part + 3, 1, CACHE_MOST_CORES, &number))
		level->n_cores = (uint32_t)number;
	else
		return false;
	return true;
}

static bool read_level(struct cache_geometry *geometry, unsigned place, enum cache_policy policy,
		       char *value, struct why *why)
{
	struct cache_level_geometry level = { .n_cores = 1, .policy = policy };
	char *rest = value, *part = next_part(&rest);
	uint64_t ways = 0;
	level.size_bytes = text_parse_bytes(part);
	part = next_part(&rest);
	if (level.size_bytes == UINT64_MAX || !part ||
	    !read_number(part, 1, CACHE_MOST_WAYS, &ways))
		return why_fail(why,
				"A cache of the model is SIZE/WAYS, such as l%u=32K/8, with at "
				"most %d ways.",
				place + 1, CACHE_MOST_WAYS);
	level.ways = (uint32_t)ways;
	while ((part = next_part(&rest)))
		if (!read_property(&level, part))
			return why_fail(why,
					"l%u: a cache of the model is lru, plru, inclusive, "
					"exclusive, shared or forN (cores), not %s.",
					place + 1, part);
	geometry->levels[place] = level;
	return true;
}

static bool read_tlb(struct cache_tlb_geometry *tlb, char *value, struct why *why)
{
	char *rest = value, *entries = next_part(&rest);
	uint64_t n_entries, ways;
	if (!read_number(entries, 0, 1 << 20, &n_entries))
		return why_fail(why, "A TLB of the model is ENTRIES/WAYS, such as tlb=64/4, or 0.");
	ways = n_entries < CACHE_MOST_WAYS ? n_entries : CACHE_MOST_WAYS; /* one set */
	if (rest && !read_number(rest, 1, CACHE_MOST_WAYS, &ways))
		return why_fail(why, "A TLB of the model has 1 to %d ways, not %s.",
				CACHE_MOST_WAYS, rest);
	*tlb = (struct cache_tlb_geometry){ (uint32_t)n_entries, (uint32_t)ways };
	return true;
}

static bool read_choice(const char *key, const char *value, const char *no, const char *yes,
			bool *chosen, struct why *why)
{
	*chosen = strcmp(value, yes) == 0;
	return *chosen || strcmp(value, no) == 0 ||
	       why_fail(why, "%s of the model is %s or %s, not %s.", key, no, yes, value);
}

/* Of all levels there are, and of those that come behind the word. */
static bool read_policy(struct cache_geometry *geometry, enum cache_policy *policy,
			const char *value, struct why *why)
{
	bool is_plru;
	if (!read_choice("policy", value, "lru", "plru", &is_plru, why))
		return false;
	*policy = is_plru ? CACHE_PLRU : CACHE_LRU;
	for (uint32_t i = 0; i < CACHE_MOST_LEVELS; i++)
		geometry->levels[i].policy = *policy;
	return true;
}

static bool read_cores(struct cache_geometry *geometry, const char *value, struct why *why)
{
	uint64_t number;
	if (!read_number(value, 1, CACHE_MOST_CORES, &number))
		return why_fail(why, "cores of the model are 1 to %d, not %s.", CACHE_MOST_CORES,
				value);
	geometry->n_cores = (uint32_t)number;
	return true;
}

/* What no cache can be, cache_geometry_check says. */
static bool read_line(struct cache_geometry *geometry, const char *value, struct why *why)
{
	uint64_t number;
	if (!read_number(value, 0, UINT32_MAX, &number))
		return why_fail(why, "line of the model is a number of bytes, not %s.", value);
	geometry->line_bytes = (uint32_t)number;
	return true;
}

static bool read_page(struct cache_geometry *geometry, const char *value, struct why *why)
{
	uint64_t bytes = text_parse_bytes(value);
	if (bytes == UINT64_MAX)
		return why_fail(why, "page of the model is a size, such as 4K, not %s.", value);
	geometry->page_bytes = bytes;
	return true;
}

static bool read_other(struct cache_geometry *geometry, const char *key, char *value,
		       struct why *why)
{
	if (strcmp(key, "tlb") == 0 || strcmp(key, "tlb2") == 0) {
		bool is_good = read_tlb(&geometry->tlb[key[3] == '2'], value, why);
		if (geometry->tlb[0].n_entries == 0)
			geometry->tlb[1].n_entries = 0;
		return is_good;
	}
	if (strcmp(key, "prefetch") == 0)
		return read_choice(key, value, "none", "next", &geometry->has_next_line, why);
	if (strcmp(key, "write") == 0)
		return read_choice(key, value, "allocate", "around", &geometry->is_write_around,
				   why);
	if (strcmp(key, "cores") == 0)
		return read_cores(geometry, value, why);
	if (strcmp(key, "line") == 0)
		return read_line(geometry, value, why);
	if (strcmp(key, "page") == 0)
		return read_page(geometry, value, why);
	return why_fail(why,
			"The cache model knows no %s=%s; it takes l1 to l4, line, cores, tlb, "
			"tlb2, page, prefetch, write and policy.",
			key, value);
}

/* What words say of later ones. */
struct so_far {
	bool has_levels;
	enum cache_policy policy;
};

static bool read_word(struct cache_geometry *geometry, char *word, struct so_far *so_far,
		      struct why *why)
{
	char *equals = strchr(word, '=');
	if (!equals)
		return why_fail(why, "The cache model takes words such as l1=32K/8, not %s.", word);
	*equals = '\0';
	bool is_level = word[0] == 'l' && word[1] >= '1' && word[1] <= '0' + CACHE_MOST_LEVELS &&
			word[2] == '\0';
	if (strcmp(word, "policy") == 0)
		return read_policy(geometry, &so_far->policy, equals + 1, why);
	if (!is_level)
		return read_other(geometry, word, equals + 1, why);
	unsigned place = (unsigned)(word[1] - '1');
	if (!so_far->has_levels) {
		memset(geometry->levels, 0, sizeof geometry->levels);
		geometry->n_levels = 0;
		so_far->has_levels = true;
	}
	if (place != geometry->n_levels)
		return why_fail(why,
				"The caches of the model come in order, from l1 on: l%u is not "
				"the next after %u of them.",
				place + 1, geometry->n_levels);
	geometry->n_levels++;
	return read_level(geometry, place, so_far->policy, equals + 1, why);
}

bool cache_geometry_parse(struct cache_geometry *geometry, const char *text, struct why *why)
{
	char word[WORD_BYTES];
	struct so_far so_far = { false, CACHE_LRU };
	while (text && *text) {
		size_t n = strcspn(text, ",");
		if (n == 0 || n >= sizeof word)
			return why_fail(why, "The cache model's caches are words with commas "
					     "between them, such as l1=32K/8,l2=1M/8.");
		memcpy(word, text, n);
		word[n] = '\0';
		char clean[WORD_BYTES];
		text_clean(clean, sizeof clean, word);
		if (!read_word(geometry, clean, &so_far, why))
			return false;
		text += n + (text[n] == ',');
	}
	return cache_geometry_check(geometry, why);
}

static bool check_level(const struct cache_geometry *geometry, uint32_t place, struct why *why)
{
	const struct cache_level_geometry *level = &geometry->levels[place];
	uint64_t bytes_a_set = (uint64_t)level->ways * geometry->line_bytes;
	if (level->ways == 0 || level->ways > CACHE_MOST_WAYS || level->size_bytes == 0 ||
	    level->size_bytes > MOST_CACHE_BYTES || level->size_bytes % bytes_a_set != 0 ||
	    level->size_bytes / bytes_a_set > MOST_SETS)
		return why_fail(why,
				"l%u of %llu bytes cannot be cut into sets of %u ways of %u bytes.",
				place + 1, (unsigned long long)level->size_bytes, level->ways,
				geometry->line_bytes);
	if (place == 0 && !is_power_of_two(level->size_bytes / bytes_a_set))
		return why_fail(why, "l1 must have a power of two of sets, not %llu.",
				(unsigned long long)(level->size_bytes / bytes_a_set));
	if (level->policy == CACHE_PLRU && level->ways > 64)
		return why_fail(why, "l%u: plru takes at most 64 ways, not %u.", place + 1,
				level->ways);
	if (place == 0 && (level->n_cores != 1 || level->inclusion != CACHE_NEITHER))
		return why_fail(why, "l1 belongs to one core, and nothing comes before it.");
	return true;
}

bool cache_geometry_check(const struct cache_geometry *geometry, struct why *why)
{
	if (geometry->n_levels == 0 || geometry->n_levels > CACHE_MOST_LEVELS ||
	    geometry->n_cores == 0 || geometry->n_cores > CACHE_MOST_CORES)
		return why_fail(why, "The cache model needs 1 to %d levels and 1 to %d cores.",
				CACHE_MOST_LEVELS, CACHE_MOST_CORES);
	if (!is_power_of_two(geometry->line_bytes) || geometry->line_bytes < 16 ||
	    geometry->line_bytes > 256)
		return why_fail(why, "A line of the model is a power of two of 16 to 256 bytes.");
	if (!is_power_of_two(geometry->page_bytes) || geometry->page_bytes < 1024 ||
	    geometry->page_bytes > 1u << 30)
		return why_fail(why, "A page of the model is a power of two of 1 KiB to 1 GiB.");
	for (uint32_t i = 0; i < geometry->n_levels; i++)
		if (!check_level(geometry, i, why))
			return false;
	for (int i = 0; i < 2; i++) {
		const struct cache_tlb_geometry *tlb = &geometry->tlb[i];
		if (tlb->n_entries > 0 && (tlb->ways == 0 || tlb->ways > CACHE_MOST_WAYS ||
					   tlb->n_entries % tlb->ways != 0))
			return why_fail(why, "%u entries of a TLB cannot be cut into sets of %u.",
					tlb->n_entries, tlb->ways);
	}
	return true;
}

/* ---- and back */

struct writer {
	char *out;
	size_t bytes, used;
};

__attribute__((format(printf, 2, 3))) static void write_part(struct writer *writer,
							     const char *format, ...)
{
	va_list values;
	va_start(values, format);
	int n = vsnprintf(writer->out + writer->used, writer->bytes - writer->used, format, values);
	va_end(values);
	if (n > 0)
		writer->used += (size_t)n;
	if (writer->used >= writer->bytes)
		writer->used = writer->bytes - 1;
}

static void write_size(struct writer *writer, uint64_t bytes)
{
	if (bytes % (1 << 20) == 0)
		write_part(writer, "%lluM", (unsigned long long)(bytes >> 20));
	else if (bytes % 1024 == 0)
		write_part(writer, "%lluK", (unsigned long long)(bytes >> 10));
	else
		write_part(writer, "%llu", (unsigned long long)bytes);
}

char *cache_geometry_print(char *out, size_t bytes, const struct cache_geometry *geometry)
{
	static const char *const inclusions[] = { "", "/inclusive", "/exclusive" };
	struct writer writer = { out, bytes, 0 };
	for (uint32_t i = 0; i < geometry->n_levels; i++) {
		const struct cache_level_geometry *level = &geometry->levels[i];
		write_part(&writer, "%sl%u=", i ? "," : "", i + 1);
		write_size(&writer, level->size_bytes);
		write_part(&writer, "/%u%s%s", level->ways,
			   level->policy == CACHE_PLRU ? "/plru" : "",
			   inclusions[level->inclusion]);
		if (level->n_cores == 0)
			write_part(&writer, "/shared");
		else if (level->n_cores > 1)
			write_part(&writer, "/for%u", level->n_cores);
	}
	write_part(&writer, ",line=%u,cores=%u", geometry->line_bytes, geometry->n_cores);
	for (int i = 0; i < 2; i++)
		if (geometry->tlb[i].n_entries || i == 0)
			write_part(&writer, ",tlb%s=%u/%u", i ? "2" : "",
				   geometry->tlb[i].n_entries,
				   geometry->tlb[i].ways ? geometry->tlb[i].ways : 1);
	write_part(&writer, ",page=");
	write_size(&writer, geometry->page_bytes);
	write_part(&writer, ",prefetch=%s,write=%s", geometry->has_next_line ? "next" : "none",
		   geometry->is_write_around ? "around" : "allocate");
	return out;
}
