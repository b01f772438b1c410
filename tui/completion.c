/* Candidates come one by one and are not kept: only what they share, and a list to look at. */
#include "tui/completion.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

void completion_start(struct completion *completion, const char *word)
{
	*completion = (struct completion){ .word = word };
}

/* Cut between characters: what is shared by two may end inside one. */
static void keep_shared(char *common, const char *candidate)
{
	size_t n = 0;
	while (common[n] && common[n] == candidate[n])
		n++;
	while (n > 0 && ((unsigned char)common[n] & 0xc0) == 0x80)
		n--;
	common[n] = '\0';
}

void completion_offer(struct completion *completion, const char *candidate)
{
	size_t used = strlen(completion->list);
	if (strncmp(candidate, completion->word, strlen(completion->word)) != 0 ||
	    strlen(candidate) >= COMPLETION_BYTES)
		return;
	if (completion->n++ == 0)
		snprintf(completion->common, COMPLETION_BYTES, "%s", candidate);
	else
		keep_shared(completion->common, candidate);
	if (used + strlen(candidate) + 2 < COMPLETION_BYTES)
		snprintf(completion->list + used, COMPLETION_BYTES - used, "%s%s", used ? "  " : "",
			 candidate);
}

void completion_offer_each(struct completion *completion, const char *candidates)
{
	char one[COMPLETION_BYTES];
	while (*candidates) {
		size_t n = strcspn(candidates, "|");
		snprintf(one, sizeof one, "%.*s", (int)n, candidates);
		completion_offer(completion, one);
		candidates += n + (candidates[n] == '|');
	}
}

void completion_offer_files(struct completion *completion)
{
	char folder[COMPLETION_BYTES], path[2 * COMPLETION_BYTES];
	const char *slash = strrchr(completion->word, '/');
	int n = slash ? (int)(slash - completion->word) + 1 : 0;
	snprintf(folder, sizeof folder, "%.*s", n ? n : 1, n ? completion->word : ".");
	DIR *directory = opendir(folder);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%.*s%s%s", n, completion->word, entry->d_name,
			 entry->d_type == DT_DIR ? "/" : "");
		completion_offer(completion, path);
	}
	if (directory)
		closedir(directory);
}
