/*
 * settings: what the options of all subcommands set, and the tables of those options. A subcommand
 * picks the groups it takes.
 */
#ifndef TUI_SETTINGS_H
#define TUI_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/target.h"
#include "tui/options.h"

struct command;

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct settings {
	struct attach_request attach; /* zeroed: nothing that runs already */
	/* sampling */
	const char *events; /* as typed; NULL = the best clock */
	uint64_t frequency_hz, period;
	uint64_t duration_ns, delay_ns; /* 0 = none */
	int call_graph;                 /* enum call_graph */
	uint64_t stack_bytes;           /* 0 = as usual */
	int unwinder;                   /* enum unwinder_kind */
	bool no_inherit, user_only, kernel_only, no_inline, no_gpu;
	uint64_t gpu_hz;     /* of GPUs' counters; 0 = not sampled */
	bool gpu_stalls;     /* what GPUs' kernels wait for is sampled */
	const char *require; /* as typed: "hw,callgraph" */
	bool has_model;      /* the cache model instead of sampling */
	const char *caches;  /* its caches, as typed; NULL = this machine's */
	/* files */
	const char *input, *output, *format;
	const char *against; /* a recording to compare with; NULL = none */
	bool is_forced;      /* a file that is there is replaced */
	/* recording over time */
	bool has_snapshots, is_paused;
	const char *snapshot_when, *control; /* as typed; NULL = none */
	uint64_t ring_ns, most_bytes;        /* 0 = none */
	/* push */
	const char *push_store, *push_name, *push_spool; /* NULL = none */
	const char *push_labels;                         /* as typed, a line each; NULL = none */
	int push_form;                                   /* enum push_form */
	uint64_t push_every_ns, push_timeout_ns, push_tries; /* 0 = as usual */
	/* what part of a recording */
	uint64_t from_ns, to_ns; /* since it began; to_ns 0 = to its end */
	uint64_t only_pid;       /* 0 = every process */
	bool is_per_thread, is_per_process, is_per_phase, is_annotated;
	/* terminal */
	int color; /* enum color */
	bool is_ascii, no_mouse, is_headless, is_grading, is_costing;
	const char *theme;
	/* render */
	const char *view, *size, *keys;
	/* stat */
	const char *groups, *separator; /* NULL = none */
	uint64_t repeat, interval_ms;   /* 0 = none */
	/* diff */
	int by, per;         /* enum compare_by, enum compare_per */
	const char *fail_on; /* as typed: "+5%" */
	/* info, bench, stat */
	const char *root; /* folder above proc and sys; NULL = this machine */
	bool is_json, is_cached;
	const char *threads; /* "1-4,8" */
	const char *guess;   /* of learn, as typed */
	/* everywhere */
	bool is_quiet, wants_help, wants_version, wants_manual;
	int verbosity;
};

extern const struct option_group options_attach, options_sampling, options_over_time, options_push,
	options_output, options_part, options_input, options_against, options_terminal,
	options_render, options_stat, options_diff, options_messages, options_general;

/*
 * settings_parse: options of a subcommand. Prints the sentence on stderr or the help on stdout.
 *
 * Returns  true to go on; on false the subcommand returns *status
 */
bool settings_parse(const struct command *command, enum options_mode mode, char **argv,
		    struct settings *settings, struct arguments *arguments, int *status);

/*
 * settings_sampling: how to profile, from what was typed.
 * Errors  false and a sentence: an unknown event, options that exclude each other
 */
bool settings_sampling(const struct settings *settings, struct sampling *sampling, struct why *why);

/* settings_attach: what runs already is to be profiled (options_attach). */
bool settings_attach(const struct settings *settings);

/* settings_check_attach: do those options go together? False and a sentence if not. */
bool settings_check_attach(const struct settings *settings, struct why *why);

/*
 * settings_size: the screen's size: --size, else COLUMNS and LINES, else 80x24.
 * Errors  false and a sentence: not CxR, or outside 1x1 … 2000x2000
 */
bool settings_size(const struct settings *settings, int *columns, int *rows, struct why *why);

/* settings_wants_text: --headless, or standard output is no terminal: somebody reads the data. */
bool settings_wants_text(const struct settings *settings);

/* settings_screen_has_color: --color, else NO_COLOR; how many colours the terminal says. */
bool settings_screen_has_color(const struct settings *settings);

/* settings_glyphs_are_ascii: --ascii, or the locale is not UTF-8. */
bool settings_glyphs_are_ascii(const struct settings *settings);

/*
 * settings_use_color: --color, else NO_COLOR, CLICOLOR_FORCE, FORCE_COLOR and CLICOLOR, else
 * whether the output is a terminal that is not dumb.
 */
bool settings_use_color(const struct settings *settings, int fd);

/* fail_with: print "stoke COMMAND: sentence" on stderr and return the status. */
int fail_with(int status, const char *command, const struct why *why);

#endif
