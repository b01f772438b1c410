/*
 * What is chosen runs as a process of its own (`stoke run`, `stoke report`), so that it is exactly
 * what the same words on the command line do; the start screen waits and then shows itself again.
 */
#include "tui/start.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "counters/events.h"
#include "counters/machine.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/perf_event.h"
#include "sampler/recording.h"
#include "tui/command.h"
#include "tui/preferences.h"
#include "tui/screen.h"
#include "tui/session_timer.h"
#include "tui/settings.h"
#include "tui/start_list.h"
#include "tui/words.h"
#include "workloads/support/steer.h"
#include "workloads/workload.h"

enum {
	MOST_WORDS = 40, /* of a line of settings */
	LOOK_MS = 250,   /* how soon a new size of the terminal is seen */
};

/* Which item to begin with, and its settings, handed to the process that follows this one. */
static const char SELECTED[] = "STOKE_START_ITEM", CHOSEN[] = "STOKE_START_SETTINGS";

static void describe_machine(struct start_list *list)
{
	struct machine *machine = machine_read("");
	const struct machine_fact *model = machine_fact(machine, "cpu.model");
	const struct machine_cache *last =
		machine_cache_of(machine, machine_last_level(machine), 0);
	char size[TEXT_BYTES];
	int n = snprintf(list->machine, sizeof list->machine, "%.100s, %zu core%s",
			 model && model->value[0] ? model->value : "a processor of no known name",
			 machine->cores.n, machine->cores.n == 1 ? "" : "s");
	if (last && last->size_bytes && n > 0 && (size_t)n < sizeof list->machine)
		snprintf(list->machine + n, sizeof list->machine - (size_t)n, ", L%u %s",
			 last->level, machine_print_size(size, sizeof size, last->size_bytes));
	machine_free(machine);
}

/* Opens the event on this process, as recording would. */
static bool can_open(const char *name, struct why *why)
{
	struct sampled_event event;
	if (!event_resolve(name, &event, why))
		return false;
	event.attribute.disabled = 1;
	event.attribute.exclude_hv = 1;
	int fd = perf_event_open_fd(&event.attribute, 0, -1);
	if (fd < 0)
		return perf_event_explain(name, -fd, why);
	close(fd);
	return true;
}

/* Where perf_event_open is forbidden. */
static bool has_timer(void)
{
	struct why why;
	char *library = perf_event_refusal() ? session_timer_library(&why) : NULL;
	free(library);
	return library != NULL;
}

static void describe_events(struct start_list *list)
{
	struct why why;
	if (can_open("cycles", &why)) {
		snprintf(list->able[0], sizeof list->able[0],
			 "%s time, cache misses and more by the CPU's counters",
			 origin_glyph(ORIGIN_MEASURED));
		return;
	}
	snprintf(list->able[1], sizeof list->able[1], "%s no hardware counters: %.200s",
		 origin_glyph(ORIGIN_UNAVAILABLE), why.text);
	bool has_clock = can_open("cpu-clock", &why) || can_open("cpu-clock:u", &why);
	if (!has_clock && has_timer()) {
		snprintf(list->able[0], sizeof list->able[0],
			 "%s time by a timer in the program, with stacks: perf_event_open is "
			 "forbidden",
			 origin_glyph(ORIGIN_SOFTWARE));
		return;
	}
	snprintf(list->able[0], sizeof list->able[0], "%s %.240s",
		 origin_glyph(has_clock ? ORIGIN_SOFTWARE : ORIGIN_UNAVAILABLE),
		 has_clock ? "time by the kernel's clock, with stacks; work of the built-in "
			     "workloads is known exactly"
			   : why.text);
}

/* ---- running what was chosen */

static void run_child(const struct start_item *item)
{
	static char self[] = "stoke", run[] = "run", report[] = "report";
	char name[START_TEXT_BYTES + 2];
	char *words[MOST_WORDS + 8] = { self, item->workload ? run : report, name };
	if (item->workload) {
		snprintf(name, sizeof name, "%s", item->workload->name);
		for (size_t i = 0; item->words && item->words[i] && i < MOST_WORDS; i++)
			words[3 + i] = item->words[i];
	} else {
		snprintf(name, sizeof name, "./%s", item->path); /* may begin with a dash */
	}
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	execv("/proc/self/exe", words);
	_exit(STATUS_PROFILER_FAILED);
}

/* False: the user has had enough. */
static bool wait_for_enter(void)
{
	char answer[16] = "";
	fputs("stoke: Enter for the start screen, q and Enter to leave ", stderr);
	return fgets(answer, sizeof answer, stdin) && answer[0] != 'q';
}

/* Ctrl-C is for the child, as in a shell. */
static bool run_item(const struct start_item *item)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	pid_t pid = fork();
	if (pid == 0)
		run_child(item);
	int status;
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		continue;
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	return wait_for_enter();
}

/* ---- the screen */

static enum start_outcome look(struct start_list *list, struct canvas *canvas)
{
	int columns, rows;
	struct pollfd keys = { .fd = screen_descriptor(), .events = POLLIN };
	struct input input;
	enum start_outcome outcome = START_GOES_ON;
	screen_size(&columns, &rows);
	if (columns != canvas->width || rows != canvas->height) {
		canvas_free(canvas);
		*canvas = canvas_new(columns, rows);
	}
	start_list_draw(list, canvas);
	screen_show(canvas);
	if (poll(&keys, 1, LOOK_MS) > 0 && keys.revents & (POLLHUP | POLLERR))
		return START_QUITS; /* the terminal has gone */
	while (outcome == START_GOES_ON && screen_key(&input)) {
		if (input.key == KEY_CONTROL_Z)
			screen_suspend();
		else if (input.key == KEY_CONTROL_L)
			screen_repaint();
		else
			outcome = start_list_key(list, input);
	}
	return outcome;
}

/* One screen of ncurses a process: the next one begins by starting this program anew. */
static int start_again(const struct start_item *item)
{
	char self[] = "stoke";
	setenv(SELECTED, item->workload ? item->workload->name : item->path, 1);
	char chosen[STEER_BYTES]; /* as much as a workload takes */
	setenv(CHOSEN, words_join(chosen, sizeof chosen, '\n', item->words), 1);
	execv("/proc/self/exe", (char *[]){ self, NULL });
	return STATUS_PROFILER_FAILED;
}

int start_screen(void)
{
	struct settings settings = { 0 };
	const struct preferences *preferences = preferences_get();
	int glyphs = preferences->glyphs;
	struct screen_settings screen = {
		.theme = preferences->theme,
		.is_ascii = glyphs == GLYPHS_AUTO ? settings_glyphs_are_ascii(&settings)
						  : glyphs == GLYPHS_ASCII,
		.has_color =
			settings_screen_has_color(&settings) && preferences->colors != COLORS_NONE,
		.has_mouse = !preferences->no_mouse,
	};
	struct start_list list = { .keymap = &preferences->keymap };
	struct canvas canvas = canvas_new(1, 1);
	struct why why;
	start_list_fill(&list, ".", getenv(SELECTED));
	const char *chosen = getenv(CHOSEN);
	if (chosen && start_list_selected(&list))
		start_list_selected(&list)->words = words_split(chosen, '\n');
	unsetenv(SELECTED);
	unsetenv(CHOSEN);
	describe_machine(&list);
	describe_events(&list);
	if (!screen_open(&screen, &why)) {
		canvas_free(&canvas);
		start_list_free(&list);
		return fail_with(STATUS_FAILED, NULL, &why);
	}
	enum start_outcome outcome = START_GOES_ON;
	while (outcome == START_GOES_ON)
		outcome = look(&list, &canvas);
	screen_close();
	canvas_free(&canvas);
	int status = STATUS_OK;
	if (outcome == START_OPENS && run_item(start_list_selected(&list)))
		status = start_again(start_list_selected(&list));
	start_list_free(&list);
	return status;
}
