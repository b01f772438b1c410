/*
 * help: --help, the overview and the man page, all printed from the commands' own structs.
 */
#ifndef TUI_HELP_H
#define TUI_HELP_H

#include <stdio.h>

struct command;

/* The version of this program, as `stoke --version` says it. */
#define STOKE_VERSION "0.1.0"

void help_print_version(FILE *out);
void help_print_usage(FILE *out); /* two lines, for stderr */
void help_print_overview(FILE *out);
void help_print_workloads(FILE *out);
void help_print_command(FILE *out, const struct command *command);

/* help_print_manual: stoke(1) in man macros. */
void help_print_manual(FILE *out);

/* command_find: NULL if there is none of that name. */
const struct command *command_find(const char *name);

/* print_wrapped: text in lines of at most 80 columns; the first line goes on at `column`, the
 * others start at `indent`. */
void print_wrapped(FILE *out, const char *text, int column, int indent);

#endif
