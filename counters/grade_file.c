/* One line a counter: mark, origin, expected, counted, event. */
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
#include "counters/grade.h"

enum { VERSION = 1, MOST_FILE_BYTES = 16384 };

char *grades_write_text(const struct grades *grades)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	if (!out)
		die("out of memory writing grades");
	fprintf(out, "grades %d %016" PRIx64 "\n", VERSION, grades->machine);
	for (uint32_t i = 0; i < grades->n; i++) {
		const struct grade *grade = &grades->rows[i];
		fprintf(out, "%c %d %.17g %.17g %s\n", grade->mark, (int)grade->origin,
			grade->expected, grade->counted, grade->event);
	}
	fclose(out);
	return text;
}

static bool read_row(const char *line, struct grade *grade)
{
	int origin = 0;
	*grade = (struct grade){ .what = "" };
	if (sscanf(line, "%c %d %lf %lf %63[^\n]", &grade->mark, &origin, &grade->expected,
		   &grade->counted, grade->event) != 5 ||
	    origin < 0 || origin >= N_ORIGINS || !strchr("ABCF-", grade->mark) || !grade->mark)
		return false;
	grade->origin = (enum origin)origin;
	/* A mark is only as good as its numbers. */
	return grade->mark == GRADE_UNKNOWN ||
	       grade->mark == grade_mark(grade->expected, grade->counted);
}

bool grades_read_text(struct grades *grades, const char *text)
{
	int version = 0;
	*grades = (struct grades){ 0 };
	if (sscanf(text, "grades %d %" SCNx64, &version, &grades->machine) != 2 ||
	    version != VERSION)
		return false;
	for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
		if (grades->n == MOST_GRADES || !read_row(line + 1, &grades->rows[grades->n++]))
			return false;
	return true;
}

static bool find_path(char *path, size_t bytes, uint64_t machine, bool may_make, struct why *why)
{
	if (!ceilings_folder(path, bytes, may_make, why))
		return false;
	size_t n = strlen(path);
	snprintf(path + n, bytes - n, "/grades-%016" PRIx64, machine);
	return true;
}

/* The name appears whole or not at all; mkostemp makes it 0600. */
bool grades_save(const struct grades *grades, struct why *why)
{
	char path[PATH_MAX], temporary[PATH_MAX + 8];
	if (!find_path(path, sizeof path, grades->machine, true, why))
		return false;
	snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
	char *text = grades_write_text(grades);
	size_t n = strlen(text);
	int fd = mkostemp(temporary, O_CLOEXEC);
	bool is_good = fd >= 0 && write(fd, text, n) == (ssize_t)n;
	if (fd >= 0)
		is_good = close(fd) == 0 && is_good && rename(temporary, path) == 0;
	if (!is_good) {
		why_fail(why, "Cannot keep grades in %s: %s.", path, strerror(errno));
		if (fd >= 0)
			unlink(temporary);
	}
	free(text);
	return is_good;
}

bool grades_cached(struct grades *grades, uint64_t machine, struct why *why)
{
	char path[PATH_MAX], text[MOST_FILE_BYTES + 1];
	struct stat status;
	ssize_t n = -1;
	*grades = (struct grades){ 0 };
	if (!find_path(path, sizeof path, machine, false, why))
		return false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_uid == geteuid())
		n = read(fd, text, MOST_FILE_BYTES);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (n > 0 && grades_read_text(grades, text) && grades->machine == machine)
		return true;
	*grades = (struct grades){ 0 };
	return why_fail(why, "This machine's counters have not been graded; `stoke doctor --grade` "
			     "does it.");
}
