/* The `:` commands: one table for the parser, for Tab and for the help. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "tui/face_state.h"
#include "tui/theme.h"

enum { WORD_BYTES = 24 };

static bool run_quit(struct face *face, const char *argument, bool is_forced)
{
	(void)face;
	(void)argument;
	(void)is_forced;
	return false;
}

static bool run_write(struct face *face, const char *argument, bool is_forced)
{
	if (*argument)
		face_write(face, argument, is_forced);
	else
		face_tell(face, MEANING_WARNING,
			  ":w needs a FILE; its extension says what is written: .stoke .folded "
			  ".svg .txt ...");
	return true;
}

static bool run_view(struct face *face, const char *argument, bool is_forced)
{
	struct nearest nearest;
	char question[96], clean[64];
	(void)is_forced;
	const struct view *view = view_find(argument);
	if (view) {
		face_show_view(face, view);
		return true;
	}
	nearest_start(&nearest, argument);
	for (const struct view *const *at = views; *at; at++)
		nearest_offer(&nearest, (*at)->name);
	face_tell(face, MEANING_WARNING, "There is no view %s%s",
		  text_clean(clean, sizeof clean, argument),
		  nearest.best ? nearest_question(&nearest, "", question, sizeof question)
			       : "; Tab lists them.");
	return true;
}

/* "KEY VALUE", "KEY=VALUE", or "KEY" alone to see it. */
static bool run_set(struct face *face, const char *argument, bool is_forced)
{
	char name[32], shown[128];
	struct why why;
	size_t n = strcspn(argument, " =");
	const char *value = argument + n + strspn(argument + n, " =");
	(void)is_forced;
	snprintf(name, sizeof name, "%.*s", (int)n, argument);
	if (!*argument)
		face_show(face, OVERLAY_CONFIG);
	else if (!*value && *preferences_print(&face->preferences, name, shown, sizeof shown))
		face_tell(face, MEANING_TEXT, "%s", shown);
	else if (!preferences_set(&face->preferences, name, value, &why))
		face_tell(face, MEANING_WARNING, ":set: %s", why.text);
	face->must_redraw = true;
	return true;
}

static bool run_theme(struct face *face, const char *argument, bool is_forced)
{
	char line[LINE_EDIT_BYTES + 8];
	snprintf(line, sizeof line, "theme %s", argument);
	return run_set(face, line, is_forced);
}

static bool run_map(struct face *face, const char *argument, bool is_forced)
{
	struct why why;
	(void)is_forced;
	if (!keymap_map(&face->preferences.keymap, argument, &why))
		face_tell(face, MEANING_WARNING, ":map: %s", why.text);
	return true;
}

static bool run_unmap(struct face *face, const char *argument, bool is_forced)
{
	struct why why;
	(void)is_forced;
	if (!keymap_unmap(&face->preferences.keymap, argument, &why))
		face_tell(face, MEANING_WARNING, ":unmap: %s", why.text);
	return true;
}

static bool run_help(struct face *face, const char *argument, bool is_forced)
{
	(void)is_forced;
	if (strcmp(argument, "config") == 0)
		face_show(face, OVERLAY_CONFIG);
	else if (strcmp(argument, "keys") == 0)
		face_show(face, OVERLAY_HELP);
	else
		face_show(face, OVERLAY_COMMANDS);
	return true;
}

/* ---- completion */

static void complete_file(const struct face *face, const char *argument,
			  struct completion *completion)
{
	(void)face;
	(void)argument;
	completion_offer_files(completion);
}

static void complete_view(const struct face *face, const char *argument,
			  struct completion *completion)
{
	(void)face;
	(void)argument;
	preferences_complete("view", completion);
}

static void complete_theme(const struct face *face, const char *argument,
			   struct completion *completion)
{
	(void)face;
	(void)argument;
	preferences_complete("theme", completion);
}

static void complete_set(const struct face *face, const char *argument,
			 struct completion *completion)
{
	(void)face;
	char name[32];
	size_t n = strcspn(argument, " =");
	snprintf(name, sizeof name, "%.*s", (int)n, argument);
	preferences_complete(argument[n] ? name : NULL, completion);
}

static void offer_action(void *into, const struct view *view, const struct binding *binding,
			 const char *action)
{
	char name[ACTION_BYTES + 32];
	(void)binding;
	snprintf(name, sizeof name, "%s%s%s", view ? view->name : "", view ? "." : "", action);
	completion_offer(into, name);
}

static void complete_map(const struct face *face, const char *argument,
			 struct completion *completion)
{
	(void)face;
	if (strchr(argument, ' '))
		keymap_offer_actions(offer_action, completion);
}

static void complete_help(const struct face *face, const char *argument,
			  struct completion *completion)
{
	(void)face;
	(void)argument;
	completion_offer_each(completion, "commands|config|keys");
}

static void complete_column(const struct face *face, const char *argument,
			    struct completion *completion)
{
	(void)argument;
	face_complete_column(face, completion);
}

const struct face_command face_commands[] = {
	{ "write", "w", "FILE",
	  "write what is recorded, in the format that the extension says (of the window of time, "
	  "if "
	  "there is one); .txt and .ansi are the screen; w! writes over a file",
	  run_write, complete_file },
	{ "view", "v", "NAME", "show a view", run_view, complete_view },
	{ "theme", "t", "NAME", "use other colours", run_theme, complete_theme },
	{ "set", "s", "KEY VALUE", "change a setting until the end; `:help config` lists them",
	  run_set, complete_set },
	{ "map", "", "KEY ACTION", "let a key do something else", run_map, complete_map },
	{ "unmap", "", "KEY [VIEW]", "let a key do nothing", run_unmap, NULL },
	{ "sort", "", "COLUMN", "sort the list by a column; -COLUMN or sort! COLUMN: inverted",
	  face_sort, complete_column },
	{ "columns", "", "NAME,NAME...",
	  "show these columns of the list, in this order, as room allows, and keep that in the "
	  "configuration; `columns default` forgets it; alone: the chooser",
	  face_columns, complete_column },
	{ "help", "h", "[TOPIC]", "of these commands; config: settings; keys: of this view",
	  run_help, complete_help },
	{ "quit", "q", "", "quit", run_quit, NULL },
	{ 0 },
};

/* ---- parsing */

/* Takes the first word; *is_forced: a "!" is behind it. Returns where the argument begins. */
static const char *take_word(const char *line, char *word, bool *is_forced)
{
	line += strspn(line, " :");
	size_t n = 0;
	while (isalpha((unsigned char)line[n]))
		n++;
	snprintf(word, WORD_BYTES, "%.*s", (int)n, line);
	*is_forced = line[n] == '!';
	line += n + *is_forced;
	return line + strspn(line, " ");
}

/* By name, by its letters, or by a beginning that only one command has. */
static const struct face_command *find(const char *word)
{
	const struct face_command *found = NULL;
	int n = 0;
	for (const struct face_command *at = face_commands; at->name; at++) {
		if (strcmp(at->name, word) == 0 || strcmp(at->letters, word) == 0)
			return at;
		if (strncmp(at->name, word, strlen(word)) == 0) {
			found = at;
			n++;
		}
	}
	return n == 1 ? found : NULL;
}

bool face_command(struct face *face, const char *line)
{
	char word[WORD_BYTES], question[96], argument[LINE_EDIT_BYTES];
	bool is_forced;
	const char *rest = take_word(line, word, &is_forced);
	if (!*word && !*rest)
		return true;
	snprintf(argument, sizeof argument, "%s", rest);
	for (size_t n = strlen(argument); n > 0 && argument[n - 1] == ' ';)
		argument[--n] = '\0';
	const struct face_command *command = *word ? find(word) : NULL;
	if (command)
		return command->run(face, argument, is_forced);
	struct nearest nearest;
	nearest_start(&nearest, word);
	for (const struct face_command *at = face_commands; at->name; at++)
		nearest_offer(&nearest, at->name);
	face_tell(face, MEANING_WARNING, "There is no command :%s%s", word,
		  nearest.best ? nearest_question(&nearest, ":", question, sizeof question)
			       : "; `:help` lists them.");
	return true;
}

/* The last word of the line: what the candidates are compared with. */
static const char *last_word(const char *argument, const char *separators)
{
	size_t n = strlen(argument);
	while (n > 0 && !strchr(separators, argument[n - 1]))
		n--;
	return argument + n;
}

void face_complete(struct face *face)
{
	char word[WORD_BYTES];
	bool is_forced;
	struct completion *completion = &face->completion;
	char *line = face->commands.text;
	const char *argument = take_word(line, word, &is_forced);
	bool is_word = !*argument && (!*line || line[strlen(line) - 1] != ' ') && !is_forced;
	const struct face_command *command = is_word ? NULL : find(word);
	bool has_columns = command && command->complete == complete_column;
	completion_start(completion,
			 is_word ? word
				 : last_word(argument + (has_columns && *argument == '-'),
					     has_columns ? " ," : " ="));
	for (const struct face_command *at = face_commands; is_word && at->name; at++)
		completion_offer(completion, at->name);
	if (command && command->complete)
		command->complete(face, argument, completion);
	const char *typed = completion->word;
	completion->word = NULL; /* it is about to change */
	if (completion->n == 0)
		return;
	line_edit_put(&face->commands, completion->common + strlen(typed));
	bool is_folder =
		completion->common[0] && completion->common[strlen(completion->common) - 1] == '/';
	if (completion->n == 1 && !is_folder && !has_columns) /* a comma may follow */
		line_edit_put(&face->commands, " ");
}
