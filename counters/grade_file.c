/* One line a counter: mark, steady or not, origin, expected, counted, code, event. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/grade.h"
#include "counters/kept_file.h"

enum { VERSION = 2, MOST_FILE_BYTES = 16384 };

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
		fprintf(out, "%c %d %d %.17g %.17g %" PRIu32 " %" PRIx64 " %" PRIx64 " %s\n",
			grade->mark, (int)grade->is_unsteady, (int)grade->origin, grade->expected,
			grade->counted, grade->code.type, grade->code.config, grade->code.config1,
			grade->event);
	}
	fclose(out);
	return text;
}

static bool read_row(const char *line, struct grade *grade)
{
	int origin = 0, unsteady = 0;
	*grade = (struct grade){ .what = "" };
	if (sscanf(line, "%c %d %d %lf %lf %" SCNu32 " %" SCNx64 " %" SCNx64 " %127[^\n]",
		   &grade->mark, &unsteady, &origin, &grade->expected, &grade->counted,
		   &grade->code.type, &grade->code.config, &grade->code.config1,
		   grade->event) != 9 ||
	    origin < 0 || origin >= N_ORIGINS || !strchr("ABCF-", grade->mark) || !grade->mark)
		return false;
	grade->origin = (enum origin)origin;
	grade->is_unsteady = unsteady != 0;
	/* A mark is only as good as its numbers. */
	char best = grade_mark(grade->expected, grade->counted);
	grade_reason(grade, &grade->reason);
	return grade->mark == GRADE_UNKNOWN || grade->mark == best ||
	       (grade->is_unsteady && grade->mark == 'C' && best != 'F' && best != GRADE_UNKNOWN);
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
