/*
 * Help texts. Nothing here names an option or a subcommand: lists come from the registry and the
 * option tables.
 */
#include "tui/help.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/help_topics.h"
#include "tui/options.h"
#include "tui/settings.h"
#include "workloads/workload.h"

enum { LINE_COLUMNS = 80, OPTION_COLUMN = 26 };

const struct command *command_find(const char *name)
{
	for (const struct command *const *command = commands; *command; command++)
		if (strcmp((*command)->name, name) == 0)
			return *command;
	return NULL;
}

static int word_width(const char *text, size_t n_bytes)
{
	char word[256];
	if (n_bytes >= sizeof word) /* it has a line of its own anyway */
		return LINE_COLUMNS;
	memcpy(word, text, n_bytes);
	word[n_bytes] = '\0';
	return text_width(word);
}

void print_wrapped(FILE *out, const char *text, int column, int indent)
{
	bool is_first = true;
	while (*text) {
		size_t n = strcspn(text, " \n");
		int width = word_width(text, n);
		if (!is_first && column + 1 + width > LINE_COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
			is_first = true;
		}
		fprintf(out, "%s%.*s", is_first ? "" : " ", (int)n, text);
		column += width + !is_first;
		is_first = false;
		text += n;
		while (*text == ' ')
			text++;
		if (*text == '\n') { /* a paragraph's end */
			text++;
			fprintf(out, "\n%*s", *text ? indent : 0, "");
			column = indent;
			is_first = true;
		}
	}
	fputc('\n', out);
}

void help_print_version(FILE *out)
{
	fprintf(out, "stoke %s\n", STOKE_VERSION);
}

void help_print_usage(FILE *out)
{
	fputs("Usage: stoke COMMAND [options] [argument...]\n"
	      "`stoke help` lists the commands; `stoke run` shows a built-in workload live.\n",
	      out);
}

static void print_row(FILE *out, const char *name, const char *summary, int indent)
{
	int column = fprintf(out, "  %-*s", indent - 3, name);
	fputc(' ', out);
	if (column + 1 > indent) {
		fprintf(out, "\n%*s", indent, "");
		column = indent - 1;
	}
	print_wrapped(out, summary, column + 1, indent);
}

void help_print_workloads(FILE *out)
{
	for (const struct workload *const *workload = workloads; *workload; workload++)
		print_row(out, (*workload)->name, (*workload)->summary, 14);
}

void help_print_overview(FILE *out)
{
	fputs("stoke shows where a program's time goes, live in a terminal or as text.\n\n"
	      "Usage: stoke COMMAND [options] [argument...]\n\nCommands:\n",
	      out);
	for (const struct command *const *command = commands; *command; command++)
		if (!(*command)->is_hidden)
			print_row(out, (*command)->name, (*command)->summary, 14);
	fputs("\n`stoke help COMMAND` says more about one of them. Topics of help:\n", out);
	for (const struct help_topic *topic = help_topics; topic->name; topic++)
		print_row(out, topic->name, topic->summary, 14);
}

/* "-F, --freq HZ" */
static void spell_option(const struct option_row *row, char *out, size_t bytes)
{
	char letter[8] = "    ";
	if (!row->name[0]) {
		snprintf(out, bytes, "-%c", row->letter);
		return;
	}
	if (row->letter)
		snprintf(letter, sizeof letter, "-%c, ", row->letter);
	snprintf(out, bytes, "%s--%s%s%s", letter, row->name, row->value ? " " : "",
		 row->value ? row->value : "");
}

static void print_group(FILE *out, const struct option_group *group)
{
	fprintf(out, "\n%s:\n", group->title);
	for (const struct option_row *row = group->rows; row->name; row++) {
		if (!row->help)
			continue;
		char spelled[80];
		spell_option(row, spelled, sizeof spelled);
		print_row(out, spelled, row->help, OPTION_COLUMN);
	}
}

void help_print_command(FILE *out, const struct command *command)
{
	fprintf(out, "Usage: stoke %s %s\n\n", command->name, command->usage);
	print_wrapped(out, command->summary, 0, 0);
	if (!command->options)
		print_group(out, &options_general);
	for (const struct option_group *const *group = command->options; group && *group; group++)
		print_group(out, *group);
	if (command->help) {
		fputc('\n', out);
		print_wrapped(out, command->help, 0, 0);
	}
}

/* Text for man: a leading dot or quote would be a request, a backslash an escape; hyphens that are
 * typed must stay hyphens. */
static void print_roff(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
		if (*text == '\n' && (text[1] == '.' || text[1] == '\''))
			fputs("\\&", out);
	}
}

static void print_roff_line(FILE *out, const char *macro, const char *text)
{
	fputs(macro, out);
	print_roff(out, text);
	fputc('\n', out);
}

static void print_roff_command(FILE *out, const struct command *command)
{
	fprintf(out, ".SS stoke %s ", command->name);
	print_roff_line(out, "", command->usage);
	print_roff_line(out, "", command->summary);
	for (const struct option_group *const *group = command->options; group && *group; group++)
		for (const struct option_row *row = (*group)->rows; row->name; row++) {
			if (!row->help)
				continue;
			char spelled[80];
			spell_option(row, spelled, sizeof spelled);
			print_roff_line(out, ".TP\n.B ", spelled + strspn(spelled, " "));
			print_roff_line(out, "", row->help);
		}
	if (command->help)
		print_roff_line(out, ".PP\n", command->help);
}

/* As `stoke help TOPIC` prints it, line by line. */
static void print_roff_topic(FILE *out, const struct help_topic *topic)
{
	char *text = NULL;
	size_t n;
	FILE *stream = open_memstream(&text, &n);
	if (!stream)
		return;
	topic->print(stream);
	fclose(stream);
	fputs(".SH ", out);
	for (const char *at = topic->name; *at; at++)
		fputc(toupper((unsigned char)*at), out);
	fputs("\n.nf\n", out);
	for (char *line = text, *next; line && *line; line = next) {
		size_t length = strcspn(line, "\n");
		next = line + length + (line[length] == '\n');
		line[length] = '\0';
		print_roff_line(out, "", line);
	}
	fputs(".fi\n", out);
	free(text);
}

static const char manual_end[] =
	".SH EXIT STATUS\n"
	"The profiled command's own status, or 128 + N if signal N ended it. Otherwise:\n"
	".TP\n.B 0\nsuccess\n"
	".TP\n.B 1\nfailure\n"
	".TP\n.B 2\nwrong usage\n"
	".TP\n.B 3\nwhat \\-\\-require asked for cannot be had\n"
	".TP\n.B 4\nan input file cannot be read or has an unknown version\n"
	".TP\n.B 125\nthe profiler itself failed\n"
	".TP\n.B 126\nthe command cannot be executed\n"
	".TP\n.B 127\nthe command was not found\n"
	".SH ENVIRONMENT\n"
	".TP\n.B NO_COLOR\nset and not empty: no colour; \\-\\-color=always wins\n"
	".TP\n.B CLICOLOR, CLICOLOR_FORCE, FORCE_COLOR\n0: no colour; else colour; after NO_COLOR\n"
	".TP\n.B TERM\nunset or dumb: no screen, text instead\n"
	".TP\n.B LC_ALL, LC_CTYPE, LANG\nwithout UTF\\-8 everything is drawn in ASCII\n"
	".TP\n.B XDG_CONFIG_HOME\nwhere stoke/config is looked for\n"
	".TP\n.B COLUMNS, LINES\nthe size of \\fBstoke render\\fR\n"
	".TP\n.B STOKE_PUSH_TOKEN, STOKE_PUSH_TENANT\nwhat \\fBstoke push\\fR shows a profile "
	"store; kept off the command line, where others could read it\n"
	".TP\n.B STOKE_CUPTI\nthe path of libcupti.so, where it is not found\n"
	".TP\n.B CUDA_INJECTION64_PATH\nread by CUDA: the path of libstoke\\-cupti.so here makes a "
	"program one whose GPU work \\-p and \\-a can get later (\\fBstoke doctor\\fR says the "
	"path); stoke sets it itself for what it starts\n"
	".TP\n.B STOKE_CUDA_LIBRARY\nthe path of libstoke\\-cuda.so for device=cuda\n"
	".SH SIGNALS\n"
	"SIGINT also reaches the command; recording goes on until it has ended, a second one stops "
	"at once. SIGTERM and SIGHUP finish the file and end both. Of what was attached to (\\-p, "
	"\\-t, \\-a) nothing is ever sent a signal; SIGINT ends the recording with status 0.\n"
	".SH FILES\n"
	"A recording (.stoke) is one self\\-contained file. It is readable up to its last half "
	"second "
	"whatever happens to the recorder.\n"
	".SH SEE ALSO\n.BR perf (1)\n";

void help_print_manual(FILE *out)
{
	fprintf(out,
		".TH STOKE 1 \"\" \"stoke %s\" \"User Commands\"\n"
		".SH NAME\nstoke \\- terminal profiler with built\\-in workloads\n"
		".SH SYNOPSIS\n.B stoke\n.I COMMAND\n[options] [argument...]\n"
		".SH DESCRIPTION\n"
		"stoke shows where a program's time goes: live in the terminal, or as text, folded "
		"stacks or a recording. It brings workloads of its own to look at.\n"
		".SH COMMANDS\n",
		STOKE_VERSION);
	for (const struct command *const *command = commands; *command; command++)
		if (!(*command)->is_hidden)
			print_roff_command(out, *command);
	for (const struct help_topic *topic = help_topics; topic->name; topic++)
		print_roff_topic(out, topic);
	fputs(manual_end, out);
}
