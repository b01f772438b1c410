/* stoke run: a built-in workload or any command, live on the terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/command.h"
#include "tui/program_words.h"
#include "tui/session.h"
#include "tui/settings.h"
#include "workloads/support/runner.h"

extern const struct command command_run;

static const struct option_group *const options[] = { &options_terminal, &options_sampling,
						      &options_output,   &options_messages,
						      &options_general,  NULL };

/* A workload's own checks need no profiler: it runs here and now. */
static bool wants_selftest(char **argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++)
		if (strcmp(*argv, "--selftest") == 0)
			return true;
	return false;
}

static int run(int argc, char **argv)
{
	struct settings settings = { 0 };
	struct session_request request = { .name = "run",
					   .settings = &settings,
					   .wants_screen = true };
	int status;
	if (argc > 2 && wants_selftest(argv)) {
		if (argv[1][0] != '-')
			return workload_main(argc - 1, argv + 1);
		fprintf(stderr, "stoke run: --selftest takes no options of run; write `stoke run "
				"WORKLOAD [KEY=VALUE...] --selftest`.\n");
		return STATUS_USAGE;
	}
	char **typed = allocate((size_t)argc + 1, sizeof *typed); /* the parser moves words */
	memcpy(typed, argv, (size_t)argc * sizeof *typed);
	request.argv = typed;
	if (program_words_parse(&command_run, argv, &settings, &request, &status))
		status = session_run(&request);
	free(typed);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "Profile a built-in workload, or a command, live on the terminal.",
	.usage = "[options] [WORKLOAD [KEY=VALUE...] | -- COMMAND [ARG...]]",
	.help = "Without a workload the main job runs. `stoke list workloads` shows them all. Off "
		"a terminal, or with --headless, it does the work of `stoke record`. "
		"WORKLOAD --selftest runs one for a second, unprofiled, and checks its results.\n"
		"--model counts, for every load and store, what the caches of this machine (or of "
		"--caches) would do: misses by function, line, array and time, marked as modelled. "
		"Any program will do that is compiled with -g -fsanitize=thread and "
		"-I PREFIX/lib/stoke/model, and linked, without -fsanitize, with "
		"PREFIX/lib/stoke/libstoke-model.a -lm -lpthread -ldl (or with -L PREFIX/lib/stoke "
		"-lstoke-model -Wl,-rpath,PREFIX/lib/stoke). With Clang add -fno-vectorize "
		"-fno-slp-vectorize: it does not report vectors of more than 16 bytes. Run by "
		"itself with STOKE_MODEL set to a list of caches, or to nothing, it prints sums. "
		"What an access costs here, and how many times as long the "
		"program takes, `stoke doctor --cost` measures (and tests/bench/model.sh in the "
		"sources for ten kernels, beside cachegrind). A list is words with commas between: "
		"l1=SIZE/WAYS to l4, "
		"each with any of /lru /plru /inclusive /exclusive /shared /forCORES, line=BYTES, "
		"cores=N, tlb=ENTRIES/WAYS, tlb2, page=SIZE, prefetch=none or next, write=allocate "
		"or around, policy=lru or plru.",
	.options = options,
	.run = run,
};
