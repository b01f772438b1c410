/* The table of settings, and one line at a time. The file is read in preferences_file.c. */
#include "tui/preferences.h"

#include <stdlib.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/completion.h"
#include "tui/options.h"
#include "tui/theme.h"

enum {
	REFRESH_HZ = 10, /* enough for eyes */
	MOST_REFRESH_HZ = 60,
	MOST_RATE_HZ = 20000, /* as --freq */
	LINE_BYTES = 512,
};

static const char colors_values[] = "auto|true|256|8|none", glyphs_values[] = "auto|unicode|ascii",
		  switch_values[] = "on|off";

void preferences_defaults(struct preferences *preferences)
{
	*preferences = (struct preferences){ .theme = themes[0], .refresh_hz = REFRESH_HZ };
}

static bool set_theme(struct preferences *preferences, const char *value)
{
	const struct theme *theme = theme_find(value);
	preferences->theme = theme ? theme : preferences->theme;
	return theme != NULL;
}

static void print_theme(const struct preferences *preferences, char *out, size_t bytes)
{
	snprintf(out, bytes, "%s", preferences->theme->name);
}

static bool set_view(struct preferences *preferences, const char *value)
{
	const struct view *view = view_find(value);
	preferences->view = view ? view : preferences->view;
	return view != NULL;
}

static void print_view(const struct preferences *preferences, char *out, size_t bytes)
{
	const struct view *view = preferences->view ? preferences->view : view_by_order(1);
	snprintf(out, bytes, "%s", view ? view->name : "");
}

static bool set_choice(int *choice, const char *values, const char *value)
{
	int place = choice_find(values, value);
	*choice = place >= 0 ? place : *choice;
	return place >= 0;
}

static void print_choice(int choice, const char *values, char *out, size_t bytes)
{
	for (; choice > 0; choice--)
		values += strcspn(values, "|") + 1;
	snprintf(out, bytes, "%.*s", (int)strcspn(values, "|"), values);
}

static bool set_colors(struct preferences *preferences, const char *value)
{
	return set_choice(&preferences->colors, colors_values, value);
}

static void print_colors(const struct preferences *preferences, char *out, size_t bytes)
{
	print_choice(preferences->colors, colors_values, out, bytes);
}

static bool set_glyphs(struct preferences *preferences, const char *value)
{
	return set_choice(&preferences->glyphs, glyphs_values, value);
}

static void print_glyphs(const struct preferences *preferences, char *out, size_t bytes)
{
	print_choice(preferences->glyphs, glyphs_values, out, bytes);
}

static bool set_mouse(struct preferences *preferences, const char *value)
{
	int is_off = preferences->no_mouse;
	bool is_good = set_choice(&is_off, switch_values, value);
	preferences->no_mouse = is_off;
	return is_good;
}

static void print_mouse(const struct preferences *preferences, char *out, size_t bytes)
{
	print_choice(preferences->no_mouse, switch_values, out, bytes);
}

/* Digits only: strtoull would take signs and blanks. */
static bool set_number(uint64_t *number, uint64_t most, const char *value)
{
	size_t n = strspn(value, "0123456789");
	uint64_t given = n > 0 && n < 10 && !value[n] ? strtoull(value, NULL, 10) : 0;
	if (given < 1 || given > most)
		return false;
	*number = given;
	return true;
}

static bool set_rate(struct preferences *preferences, const char *value)
{
	return set_number(&preferences->rate_hz, MOST_RATE_HZ, value);
}

static void print_rate(const struct preferences *preferences, char *out, size_t bytes)
{
	if (preferences->rate_hz)
		snprintf(out, bytes, "%llu", (unsigned long long)preferences->rate_hz);
	else
		snprintf(out, bytes, "as usual");
}

static bool set_refresh(struct preferences *preferences, const char *value)
{
	return set_number(&preferences->refresh_hz, MOST_REFRESH_HZ, value);
}

static void print_refresh(const struct preferences *preferences, char *out, size_t bytes)
{
	snprintf(out, bytes, "%llu", (unsigned long long)preferences->refresh_hz);
}

const struct preference preference_table[] = {
	{ "theme", "(a theme)", "colours; --theme wins", set_theme, print_theme },
	{ "colors", colors_values,
	  "how many colours; auto is what the terminal says it has; NO_COLOR and --color win",
	  set_colors, print_colors },
	{ "glyphs", glyphs_values,
	  "characters to draw with; auto is what the locale has; --ascii wins", set_glyphs,
	  print_glyphs },
	{ "view", "(a view)", "the one to begin with; --view wins", set_view, print_view },
	{ "rate", "(1 to 20000)", "samples a second and CPU from the next start on; --freq wins",
	  set_rate, print_rate },
	{ "refresh", "(1 to 60)", "pictures a second at most; keys are answered at once",
	  set_refresh, print_refresh },
	{ "mouse", switch_values, "take the mouse, or leave it to the terminal", set_mouse,
	  print_mouse },
	{ 0 },
};

static const struct preference *find(const char *name)
{
	for (const struct preference *at = preference_table; at->name; at++)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

static bool fail_name(const char *name, struct why *why)
{
	struct nearest nearest;
	char question[96], clean[64];
	nearest_start(&nearest, name);
	for (const struct preference *at = preference_table; at->name; at++)
		nearest_offer(&nearest, at->name);
	return why_fail(why, "there is no setting %s%s", text_clean(clean, sizeof clean, name),
			nearest.best ? nearest_question(&nearest, "", question, sizeof question)
				     : "; `stoke help config` lists them.");
}

bool preferences_set(struct preferences *preferences, const char *name, const char *value,
		     struct why *why)
{
	const struct preference *preference = find(name);
	struct completion values;
	char clean[64];
	if (!preference)
		return fail_name(name, why);
	if (preference->set(preferences, value))
		return true;
	completion_start(&values, "");
	preferences_complete(name, &values);
	return why_fail(why, "%s takes %s%s, not %s.", name, values.n ? "one of " : "",
			values.n ? values.list : preference->values,
			*value ? text_clean(clean, sizeof clean, value) : "nothing");
}

const char *preferences_print(const struct preferences *preferences, const char *name, char *out,
			      size_t bytes)
{
	const struct preference *preference = find(name);
	char value[64];
	out[0] = '\0';
	if (preference) {
		preference->print(preferences, value, sizeof value);
		snprintf(out, bytes, "%s = %s", name, value);
	}
	return out;
}

void preferences_complete(const char *name, struct completion *completion)
{
	const struct preference *preference = name ? find(name) : NULL;
	for (const struct preference *at = preference_table; !name && at->name; at++)
		completion_offer(completion, at->name);
	if (!preference)
		return;
	if (preference->set == set_theme)
		for (const struct theme *const *theme = themes; *theme; theme++)
			completion_offer(completion, (*theme)->name);
	else if (preference->set == set_view)
		for (const struct view *const *view = views; *view; view++)
			completion_offer(completion, (*view)->name);
	else if (preference->values[0] != '(')
		completion_offer_each(completion, preference->values);
}

/* The word after `first`, where that is how the line begins; else NULL. */
static const char *after(const char *line, const char *first)
{
	size_t n = strlen(first);
	if (strncmp(line, first, n) != 0 || (line[n] != ' ' && line[n] != '\t'))
		return NULL;
	return line + n + strspn(line + n, " \t");
}

bool preferences_line(struct preferences *preferences, const char *line, struct why *why)
{
	char text[LINE_BYTES];
	line += strspn(line, " \t");
	if (strlen(line) >= sizeof text)
		return why_fail(why, "the line is longer than %d bytes.", LINE_BYTES - 1);
	snprintf(text, sizeof text, "%s", line);
	size_t n = strlen(text);
	while (n > 0 && strchr(" \t\r", text[n - 1]))
		text[--n] = '\0';
	if (!n || text[0] == '#')
		return true;
	if (after(text, "map"))
		return keymap_map(&preferences->keymap, after(text, "map"), why);
	if (after(text, "unmap"))
		return keymap_unmap(&preferences->keymap, after(text, "unmap"), why);
	if (after(text, "columns") || after(text, "sort"))
		return preferences_list_line(preferences,
					     after(text, "sort") ? after(text, "sort")
								 : after(text, "columns"),
					     after(text, "sort") != NULL, why);
	char *equals = strchr(text, '=');
	if (!equals)
		return why_fail(why, "it is neither `key = value` nor `map KEY ACTION` nor "
				     "`unmap KEY` nor `columns VIEW NAMES` nor `sort VIEW "
				     "COLUMN`.");
	const char *value = equals + 1 + strspn(equals + 1, " \t");
	while (equals > text && strchr(" \t", equals[-1]))
		equals--;
	*equals = '\0';
	return preferences_set(preferences, text, value, why);
}
