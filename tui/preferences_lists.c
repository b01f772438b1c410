/* Lines of the configuration that are about lists: "columns VIEW NAMES" and "sort VIEW COLUMN". */
#include <stdio.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/preferences.h"

/* Names are looked up when the view knows its columns: rates come with the recording. */
static bool check_names(const char *names, size_t most_bytes, struct why *why)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-,";
	char clean[64];
	if (strlen(names) >= most_bytes)
		return why_fail(why, "the names are longer than %zu bytes.", most_bytes - 1);
	return (*names && strspn(names, allowed) == strlen(names)) ||
	       why_fail(why, "columns are written name,name,name, not %s.",
			*names ? text_clean(clean, sizeof clean, names) : "nothing");
}

static struct preference_list *find_row(struct preferences *preferences, const struct view *view)
{
	for (int i = 0; i < preferences->n_lists; i++)
		if (preferences->lists[i].view == view)
			return &preferences->lists[i];
	if (preferences->n_lists == PREFERENCE_MOST_LISTS)
		return NULL;
	struct preference_list *row = &preferences->lists[preferences->n_lists++];
	*row = (struct preference_list){ .view = view };
	return row;
}

/* Takes the view's name; NULL and a sentence if it has no list. */
static const struct view *take_view(const char **words, struct why *why)
{
	char name[32], clean[64];
	size_t n = strcspn(*words, " \t");
	snprintf(name, sizeof name, "%.*s", (int)n, *words);
	const struct view *view = n < sizeof name ? view_find(name) : NULL;
	*words += n + strspn(*words + n, " \t");
	if (view && view->list)
		return view;
	why_fail(why, "there is no list in a view %s; see `stoke list views`.",
		 text_clean(clean, sizeof clean, name));
	return NULL;
}

bool preferences_set_columns(struct preferences *preferences, const struct view *view,
			     const char *names)
{
	struct preference_list *row = find_row(preferences, view);
	if (row)
		snprintf(row->columns, sizeof row->columns, "%s", names);
	return row != NULL;
}

bool preferences_list_line(struct preferences *preferences, const char *words, bool is_sort,
			   struct why *why)
{
	const struct view *view = take_view(&words, why);
	bool is_inverted = is_sort && *words == '-';
	words += is_inverted;
	if (!view || !check_names(words, is_sort ? LIST_NAME_BYTES : LIST_CHOICE_BYTES, why))
		return false;
	struct preference_list *row = find_row(preferences, view);
	if (!row)
		return why_fail(why, "there are more lists than %d.", PREFERENCE_MOST_LISTS);
	if (is_sort) {
		snprintf(row->sort, sizeof row->sort, "%s", words);
		row->is_inverted = is_inverted;
	} else {
		snprintf(row->columns, sizeof row->columns, "%s", words);
	}
	return true;
}
