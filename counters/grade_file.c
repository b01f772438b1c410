/* One line a counter: mark, origin, expected, counted, event. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/grade.h"
#include "counters/kept_file.h"

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

bool grades_save(const struct grades *grades, struct why *why)
{
	char *text = grades_write_text(grades);
	bool is_good = kept_file_save("grades", "grades", grades->machine, text, why);
	free(text);
	return is_good;
}

bool grades_cached(struct grades *grades, uint64_t machine, struct why *why)
{
	char path[PATH_MAX];
	*grades = (struct grades){ 0 };
	if (!kept_file_path(path, sizeof path, "grades", machine, why))
		return false;
	char *text = kept_file_read(path, MOST_FILE_BYTES + 1);
	bool is_good = text && grades_read_text(grades, text) && grades->machine == machine;
	free(text);
	if (is_good)
		return true;
	*grades = (struct grades){ 0 };
	return why_fail(why, "This machine's counters have not been graded; `stoke doctor --grade` "
			     "does it.");
}
