/* A rank is digits and nothing else: it becomes part of a file's name. */
#include "tui/output_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/base/text.h"

enum { MOST_RANK_DIGITS = 10, HOST_BYTES = 256 };

static bool is_rank(const char *text)
{
	size_t n = text ? strspn(text, "0123456789") : 0;
	return n > 0 && n <= MOST_RANK_DIGITS && text[n] == '\0';
}

const char *output_path_rank(const char **variable)
{
	/* The launcher's own first: a job in a Slurm allocation has SLURM_PROCID as well. */
	static const char *const variables[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
						 "SLURM_PROCID" };
	for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
		const char *value = getenv(variables[i]);
		if (!is_rank(value))
			continue;
		if (variable)
			*variable = variables[i];
		return value;
	}
	return NULL;
}

/* What stands for a letter; NULL = the letter is none of ours, or there is none (*why). */
static const char *value_of(char letter, char *room, size_t bytes, struct why *why)
{
	if (letter == '%')
		return "%";
	if (letter == 'p') {
		snprintf(room, bytes, "%d", (int)getpid());
		return room;
	}
	if (letter == 'h' && gethostname(room, bytes - 1) == 0) {
		for (char *slash = room; (slash = strchr(slash, '/'));)
			*slash = '_';
		return room;
	}
	const char *rank = letter == 'r' ? output_path_rank(NULL) : NULL;
	if (letter == 'r' && !rank)
		why_fail(why, "There is no rank for %%r: none of OMPI_COMM_WORLD_RANK, PMIX_RANK, "
			      "PMI_RANK and SLURM_PROCID is a number; start stoke with mpirun or "
			      "srun.");
	return rank;
}

bool output_path_expand(const char *path, char *out, size_t bytes, struct why *why)
{
	size_t used = 0;
	char room[HOST_BYTES] = "", clean[64];
	for (; *path; path++) {
		const char one[2] = { *path, '\0' };
		const char *text = NULL;
		if (*path == '%')
			text = value_of(path[1], room, sizeof room, why);
		if (!text && path[0] == '%' && path[1] == 'r')
			return false;
		path += text ? 1 : 0;
		text = text ? text : one;
		size_t n = strlen(text);
		if (used + n + 1 > bytes)
			return why_fail(why, "The name %s\u2026 is too long.",
					text_clean(clean, sizeof clean, path));
		memcpy(out + used, text, n);
		used += n;
	}
	out[used] = '\0';
	return true;
}

bool output_path_is_free(const char *path, bool may_replace, struct why *why)
{
	struct stat status;
	char clean[256];
	return may_replace || stat(path, &status) != 0 || !S_ISREG(status.st_mode) ||
	       status.st_size == 0 ||
	       why_fail(why, "%s is there already: give -f to replace it, or another -o.",
			text_clean(clean, sizeof clean, path));
}

void output_path_discard(const char *path)
{
	struct stat status;
	if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
		unlink(path);
}
