/*
 * Ceilings as text: one line each, words separated by tabs. The file lies in the user's cache, so
 * it may be of another version, cut or damaged: what does not read whole counts as not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counters/ceilings.h"
#include "sampler/base/text.h"
#include "sampler/recording.h"

static const char first_line[] = "stoke ceilings 1", last_line[] = "end";
static const char head_key[] = "ceilings:head", row_key[] = "ceilings:row";

/* A row takes up to 350 bytes, and there are at most 4096. */
enum { MOST_FILE_BYTES = 2 << 20, MOST_THREADS = 1 << 16, MOST_WORDS = 8, ROW_BYTES = 512 };

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

char *ceilings_write_text(const struct ceilings *ceilings)
{
	char *text, line[ROW_BYTES];
	size_t n;
	FILE *out = open_memstream(&text, &n);
	if (!out)
		die("out of memory writing ceilings");
	print_head(line, sizeof line, ceilings);
	fprintf(out, "%s\n%s\n", first_line, line);
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
		is_good = read_row(line, &row);
		if (is_good)
			ceilings_add(ceilings, &row);
	}
	if (is_good && has_end)
		return ceilings;
	ceilings_free(ceilings);
	return NULL;
}

static bool find_folder(char *path, size_t bytes, struct why *why)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;
	if (cache && cache[0] == '/')
		n = snprintf(path, bytes, "%s/stoke", cache);
	else if (home && home[0] == '/')
		n = snprintf(path, bytes, "%s/.cache/stoke", home);
	else
		return why_fail(
			why, "There is no place to keep what was measured: neither XDG_CACHE_HOME "
			     "nor HOME is set.");
	return (n > 0 && (size_t)n + 64 < bytes) ||
	       why_fail(why, "The path of the cache folder is too long.");
}

/* The folder and the one above it; reading makes none. */
static bool make_folder(char *path, struct why *why)
{
	char *slash = strrchr(path, '/');
	*slash = '\0';
	mkdir(path, 0700);
	*slash = '/';
	return mkdir(path, 0700) == 0 || errno == EEXIST ||
	       why_fail(why, "Cannot make the folder %s: %s.", path, strerror(errno));
}

bool ceilings_folder(char *path, size_t bytes, bool may_make, struct why *why)
{
	return find_folder(path, bytes, why) && (!may_make || make_folder(path, why));
}

static void add_file_name(char *path, size_t bytes, uint64_t machine)
{
	size_t n = strlen(path);
	snprintf(path + n, bytes - n, "/ceilings-%016" PRIx64, machine);
}

static bool write_file(int fd, const char *text)
{
	size_t n = strlen(text);
	for (size_t done = 0; done < n;) {
		ssize_t written = write(fd, text + done, n - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		done += (size_t)written;
	}
	return true;
}

/* The name appears whole or not at all; mkostemp makes it 0600. */
bool ceilings_save(const struct ceilings *ceilings, struct why *why)
{
	char path[PATH_MAX], temporary[PATH_MAX + 8];
	if (!find_folder(path, sizeof path, why) || !make_folder(path, why))
		return false;
	add_file_name(path, sizeof path, ceilings->machine);
	snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
	char *text = ceilings_write_text(ceilings);
	int fd = mkostemp(temporary, O_CLOEXEC);
	bool is_good = fd >= 0 && write_file(fd, text) && rename(temporary, path) == 0;
	int error = errno;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !is_good)
		unlink(temporary);
	free(text);
	return is_good ||
	       why_fail(why, "Cannot keep the ceilings in %s: %s.", path, strerror(error));
}

static char *read_file(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char *text = NULL;
	/* Somebody else's file says what they like. */
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_uid == geteuid() && status.st_size < MOST_FILE_BYTES) {
		text = allocate((size_t)status.st_size + 1, 1);
		ssize_t n = read(fd, text, (size_t)status.st_size);
		text[n > 0 ? n : 0] = '\0';
	}
	if (fd >= 0)
		close(fd);
	return text;
}

struct ceilings *ceilings_cached(uint64_t machine, struct why *why)
{
	char path[PATH_MAX];
	if (!find_folder(path, sizeof path, why))
		return NULL;
	add_file_name(path, sizeof path, machine);
	char *text = read_file(path);
	struct ceilings *ceilings = text ? ceilings_read_text(text) : NULL;
	bool is_damaged = text && !ceilings;
	free(text);
	if (ceilings && ceilings->machine == machine)
		return ceilings;
	ceilings_free(ceilings);
	why_fail(why,
		 is_damaged ? "The ceilings in %s cannot be read; `stoke bench` measures them "
			      "anew."
			    : "The ceilings of this machine are not known (%s is not there); "
			      "`stoke bench` measures them.",
		 path);
	return NULL;
}

void ceilings_store(const struct ceilings *ceilings, struct recording *recording)
{
	char line[ROW_BYTES];
	print_head(line, sizeof line, ceilings);
	recording_add_fact(recording, head_key, line);
	for (size_t i = 0; i < ceilings->n; i++) {
		print_row(line, sizeof line, &ceilings->rows[i]);
		recording_add_fact(recording, row_key, line);
	}
}

struct ceilings *ceilings_load(const struct recording *recording)
{
	struct ceilings *ceilings = ceilings_new(0);
	struct moment moment = recording_moment(recording);
	for (uint64_t id = 1; id < moment.n[TABLE_FACTS]; id++) {
		const struct fact_row *fact = recording_fact(recording, id);
		const char *key = recording_string_at(recording, fact->key);
		const char *value = recording_string_at(recording, fact->value);
		char line[ROW_BYTES];
		struct ceiling row;
		if (strcmp(key, head_key) == 0)
			read_head(value, ceilings);
		if (strcmp(key, row_key) != 0 || strlen(value) >= sizeof line)
			continue;
		snprintf(line, sizeof line, "%s", value);
		if (read_row(line, &row))
			ceilings_add(ceilings, &row);
	}
	if (ceilings->n > 0)
		return ceilings;
	ceilings_free(ceilings);
	return NULL;
}
