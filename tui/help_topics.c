/* Topics. See help_topics.h. */
#include "tui/help_topics.h"

#include <string.h>

#include "sampler/base/text.h"
#include "tui/face_state.h"
#include "tui/help.h"

enum { KEY_COLUMNS = 12, ACTION_COLUMNS = 40 };

static void print_key(FILE *out, const struct binding *binding, const char *action)
{
	int blank = KEY_COLUMNS - text_width(binding->name);
	fprintf(out, "  %s%*s %-*s", binding->name, blank > 0 ? blank : 0, "", ACTION_COLUMNS - 1,
		action);
	fputc(' ', out);
	print_wrapped(out, binding->help, KEY_COLUMNS + ACTION_COLUMNS + 3,
		      KEY_COLUMNS + ACTION_COLUMNS + 3);
}

struct place {
	FILE *out;
	const struct view *view;
	int n;
};

static void print_action(void *into, const struct view *view, const struct binding *binding,
			 const char *action)
{
	struct place *place = into;
	if (place->n++ == 0)
		fputs("In every view:\n", place->out);
	if (view != place->view)
		fprintf(place->out, "\nIn the view %s:\n", view->name);
	place->view = view;
	print_key(place->out, binding, action);
}

static void print_keys(FILE *out)
{
	struct place place = { .out = out };
	fputs("The key, the action's name for `map` (see `stoke help config`), what it does.\n\n",
	      out);
	keymap_offer_actions(print_action, &place);
}

static void print_commands(FILE *out)
{
	fputs("Typed behind a colon on the screen; Tab completes, Up and Down bring back lines.\n"
	      "A beginning that only one command has is enough.\n\n",
	      out);
	for (const struct face_command *at = face_commands; at->name; at++) {
		fprintf(out, "  :%s %s", at->name, at->arguments);
		if (at->letters[0])
			fprintf(out, "%s(or :%s)", at->arguments[0] ? " " : "", at->letters);
		fputs("\n      ", out);
		print_wrapped(out, at->help, 6, 6);
	}
}

const struct help_topic help_topics[] = {
	{ "config", "the file of settings, and keys with other meanings", preferences_help },
	{ "keys", "the keys of all views, with the names of what they do", print_keys },
	{ "screen", "the commands behind a colon", print_commands },
	{ 0 },
};

const struct help_topic *help_topic_find(const char *name)
{
	for (const struct help_topic *at = help_topics; at->name; at++)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}
