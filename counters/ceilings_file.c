/*
 * Ceilings as text: one line each, words separated by tabs. The file lies in the user's cache, so
 * it may be of another version, cut or damaged: what does not read whole counts as not there.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/ceilings.h"
#include "counters/kept_file.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"

/* Version 1 told main memory's too high: repeats began where the last one had. */
static const char first_line[] = "stoke ceilings 2", last_line[] = "end";

/* A row takes up to 350 bytes, and there are at most 4096; files: of every GPU that was ever in a
 * machine that shares the folder. */
enum {
	MOST_FILES = 256,
	MOST_FILE_BYTES = 2 << 20,
	MOST_THREADS = 1 << 16,
	MOST_WORDS = 8,
	ROW_BYTES = 512,
	KEY_BYTES = 40
};

static void print_row(char *out, size_t bytes, const struct ceiling *row)
{
	snprintf(out, bytes, "%s\t%s\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu64 "\t%.9g\t%.9g\t%s",
		 row->name, row->unit, row->n_threads, row->n_repeats, row->set_bytes, row->best,
		 row->median, row->reason);
}

/* Cuts at tabs; returns how many words. */
static int split(char *line, char *words[MOST_WORDS])
{
	int n = 0;
	for (char *at = line; at && n < MOST_WORDS; n++) {
		words[n] = at;
		at = strchr(at, '\t');
		if (at)
			*at++ = '\0';
	}
	return n;
}

static bool read_unsigned(const char *word, uint64_t most, uint64_t *value)
{
	char *end;
	errno = 0;
	*value = strtoull(word, &end, 10);
	return !errno && end != word && !*end && *word != '-' && *value <= most;
}

/* "nan" is unknown; anything else must be a number that makes sense. */
static bool read_value(const char *word, double *value)
{
	char *end;
	*value = strtod(word, &end);
	return end != word && !*end && (isnan(*value) || (isfinite(*value) && *value >= 0));
}

static bool read_row(char *line, struct ceiling *row)
{
	char *words[MOST_WORDS];
	uint64_t threads = 0, repeats = 0;
	*row = (struct ceiling){ 0 };
	if (split(line, words) != MOST_WORDS || strlen(words[0]) >= sizeof row->name ||
	    strlen(words[1]) >= sizeof row->unit || strlen(words[7]) >= sizeof row->reason)
		return false;
	text_clean(row->name, sizeof row->name, words[0]);
	text_clean(row->unit, sizeof row->unit, words[1]);
	text_clean(row->reason, sizeof row->reason, words[7]);
	bool is_good = read_unsigned(words[2], MOST_THREADS, &threads) &&
		       read_unsigned(words[3], 1000000, &repeats) &&
		       read_unsigned(words[4], INT64_MAX, &row->set_bytes) &&
		       read_value(words[5], &row->best) && read_value(words[6], &row->median);
	row->n_threads = (uint32_t)threads;
	row->n_repeats = (uint32_t)repeats;
	return is_good && row->name[0] && (isnan(row->best) ? row->reason[0] != '\0' : true);
}

/* "machine ID time S lost R stolen R" */
static bool read_head(const char *line, struct ceilings *ceilings)
{
	char lost[32], stolen[32];
	return sscanf(line, "machine %" SCNx64 " time %" SCNd64 " lost %31s stolen %31s",
		      &ceilings->machine, &ceilings->epoch_s, lost, stolen) == 4 &&
	       read_value(lost, &ceilings->lost_ratio) &&
	       read_value(stolen, &ceilings->stolen_ratio);
}

static void print_head(char *out, size_t bytes, const struct ceilings *ceilings)
{
	snprintf(out, bytes, "machine %016" PRIx64 " time %" PRId64 " lost %.4g stolen %.4g",
		 ceilings->machine, ceilings->epoch_s, ceilings->lost_ratio,
		 ceilings->stolen_ratio);
}

/* "device NAME UUID", with tabs; not of the CPUs. */
static bool read_device(char *line, struct ceilings *ceilings)
{
	char *words[MOST_WORDS];
	if (split(line, words) != 3 || strcmp(words[0], "device") != 0 || !words[1][0] ||
	    strlen(words[1]) >= sizeof ceilings->device ||
	    strlen(words[2]) >= sizeof ceilings->uuid)
		return false;
	text_clean(ceilings->device, sizeof ceilings->device, words[1]);
	text_clean(ceilings->uuid, sizeof ceilings->uuid, words[2]);
	return true;
}

static void print_device(char *out, size_t bytes, const struct ceilings *ceilings)
{
	snprintf(out, bytes, "device\t%s\t%s", ceilings->device, ceilings->uuid);
}

char *ceilings_write_text(const struct ceilings *ceilings)
{
	char *text, line[ROW_BYTES];
	size_t n;
	FILE *out = open_memstream(&text, &n);
	if (!out)
		die("out of memory writing ceilings");
	print_head(line, sizeof line, ceilings);
	fprintf(out, "%s\n%s\n", first_line, line);
	if (ceilings->device[0]) {
		print_device(line, sizeof line, ceilings);
		fprintf(out, "%s\n", line);
	}
	for (size_t i = 0; i < ceilings->n; i++) {
		print_row(line, sizeof line, &ceilings->rows[i]);
		fprintf(out, "%s\n", line);
	}
	fprintf(out, "%s\n", last_line);
	fclose(out);
	return text;
}

static bool next_line(const char **text, char *line, size_t bytes)
{
	size_t n = strcspn(*text, "\n");
	if ((*text)[n] != '\n' || n >= bytes)
		return false;
	memcpy(line, *text, n);
	line[n] = '\0';
	*text += n + 1;
	return true;
}

struct ceilings *ceilings_read_text(const char *text)
{
	char line[ROW_BYTES];
	struct ceiling row;
	struct ceilings *ceilings = ceilings_new(0);
	bool is_good = next_line(&text, line, sizeof line) && strcmp(line, first_line) == 0 &&
		       next_line(&text, line, sizeof line) && read_head(line, ceilings);
	bool has_end = false;
	while (is_good && !has_end) {
		is_good = next_line(&text, line, sizeof line);
		has_end = is_good && strcmp(line, last_line) == 0;
		if (!is_good || has_end)
			break;
		if (ceilings->n == 0 && strncmp(line, "device\t", 7) == 0 && !ceilings->device[0]) {
			is_good = read_device(line, ceilings);
			continue;
		}
		is_good = read_row(line, &row);
		if (is_good)
			ceilings_add(ceilings, &row);
	}
	if (is_good && has_end)
		return ceilings;
	ceilings_free(ceilings);
	return NULL;
}

/* A device's file is under a number made of its name and UUID (FNV-1a). */
static uint64_t number_of(const struct ceilings *ceilings)
{
	uint64_t hash = 0xcbf29ce484222325u;
	const char *const parts[] = { ceilings->device, ceilings->uuid };
	if (!ceilings->device[0])
		return ceilings->machine;
	for (int i = 0; i < 2; i++)
		for (const char *at = parts[i];; at++) {
			hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
			if (!*at)
				break;
		}
	return hash;
}

static const char *kind_of(const struct ceilings *ceilings)
{
	return ceilings->device[0] ? "gpu-ceilings" : "ceilings";
}

bool ceilings_save(const struct ceilings *ceilings, struct why *why)
{
	char *text = ceilings_write_text(ceilings);
	bool is_good =
		kept_file_save(kind_of(ceilings), "the ceilings", number_of(ceilings), text, why);
	free(text);
	return is_good;
}

static struct ceilings *read_file(const char *path, bool *is_damaged)
{
	char *text = kept_file_read(path, MOST_FILE_BYTES);
	struct ceilings *ceilings = text ? ceilings_read_text(text) : NULL;
	*is_damaged = text && !ceilings;
	free(text);
	return ceilings;
}

struct ceilings *ceilings_cached(uint64_t machine, struct why *why)
{
	char path[PATH_MAX];
	bool is_damaged;
	if (!kept_file_path(path, sizeof path, "ceilings", machine, why))
		return NULL;
	struct ceilings *ceilings = read_file(path, &is_damaged);
	if (ceilings && ceilings->machine == machine && !ceilings->device[0])
		return ceilings;
	ceilings_free(ceilings);
	why_fail(why,
		 is_damaged ? "The ceilings in %s cannot be read: they are damaged, or of another "
			      "version; `stoke bench` measures them anew."
			    : "The ceilings of this machine are not known (%s is not there); "
			      "`stoke bench` measures them.",
		 path);
	return NULL;
}

/* Files of other machines lie beside these where the home folder is shared. */
void ceilings_devices_cached(struct ceilings_devices *devices, uint64_t machine)
{
	uint64_t numbers[MOST_FILES];
	size_t n = kept_file_list("gpu-ceilings", numbers, MOST_FILES);
	for (size_t i = 0; i < n; i++) {
		char path[PATH_MAX];
		bool is_damaged;
		if (!kept_file_path(path, sizeof path, "gpu-ceilings", numbers[i], NULL))
			continue;
		struct ceilings *ceilings = read_file(path, &is_damaged);
		if (ceilings && ceilings->machine == machine && ceilings->device[0] &&
		    number_of(ceilings) == numbers[i])
			ceilings_devices_add(devices, ceilings);
		else
			ceilings_free(ceilings);
	}
}

/* ---- in recordings: facts "ceilings:head", "ceilings:row"; of devices "ceilings.gpu0:head" */

static void store(const struct ceilings *ceilings, const char *prefix, struct recording *recording)
{
	char line[ROW_BYTES], key[KEY_BYTES];
	print_head(line, sizeof line, ceilings);
	snprintf(key, sizeof key, "%s:head", prefix);
	recording_add_fact(recording, key, line);
	if (ceilings->device[0]) {
		snprintf(key, sizeof key, "%s:device", prefix);
		print_device(line, sizeof line, ceilings);
		recording_add_fact(recording, key, line);
	}
	snprintf(key, sizeof key, "%s:row", prefix);
	for (size_t i = 0; i < ceilings->n; i++) {
		print_row(line, sizeof line, &ceilings->rows[i]);
		recording_add_fact(recording, key, line);
	}
}

/* What does not read is left out. */
static void read_fact(struct ceilings *ceilings, const char *what, const char *value)
{
	char line[ROW_BYTES];
	struct ceiling row;
	if (strlen(value) >= sizeof line)
		return;
	snprintf(line, sizeof line, "%s", value);
	if (strcmp(what, "head") == 0)
		read_head(line, ceilings);
	else if (strcmp(what, "device") == 0)
		read_device(line, ceilings);
	else if (strcmp(what, "row") == 0 && read_row(line, &row))
		ceilings_add(ceilings, &row);
}

static struct ceilings *load(const struct recording *recording, const char *prefix)
{
	struct ceilings *ceilings = ceilings_new(0);
	struct moment moment = recording_moment(recording);
	size_t n = strlen(prefix);
	for (uint64_t id = 1; id < moment.n[TABLE_FACTS]; id++) {
		const struct fact_row *fact = recording_fact(recording, id);
		const char *key = recording_string_at(recording, fact->key);
		if (strncmp(key, prefix, n) == 0 && key[n] == ':')
			read_fact(ceilings, key + n + 1,
				  recording_string_at(recording, fact->value));
	}
	if (ceilings->n > 0)
		return ceilings;
	ceilings_free(ceilings);
	return NULL;
}

void ceilings_store(const struct ceilings *ceilings, struct recording *recording)
{
	store(ceilings, "ceilings", recording);
}

struct ceilings *ceilings_load(const struct recording *recording)
{
	return load(recording, "ceilings");
}

void ceilings_devices_store(const struct ceilings_devices *devices, struct recording *recording)
{
	char prefix[KEY_BYTES];
	for (size_t i = 0; i < devices->n; i++) {
		snprintf(prefix, sizeof prefix, "ceilings.gpu%zu", i);
		store(devices->rows[i], prefix, recording);
	}
}

void ceilings_devices_load(struct ceilings_devices *devices, const struct recording *recording)
{
	char prefix[KEY_BYTES];
	for (size_t i = 0; i < CEILINGS_MOST_DEVICES; i++) {
		snprintf(prefix, sizeof prefix, "ceilings.gpu%zu", i);
		struct ceilings *ceilings = load(recording, prefix);
		if (ceilings && ceilings->device[0])
			ceilings_devices_add(devices, ceilings);
		else
			ceilings_free(ceilings);
		if (!ceilings)
			break;
	}
}
