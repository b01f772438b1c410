/* Processes and their threads in a list. See processes_state.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sampler/base/text.h"
#include "sampler/recording.h"
#include "tui/processes_state.h"

enum {
	HEADER_ROWS = 2,   /* what is summed, and the list's own */
	MOST_ROWS = 20000, /* of which people see a hundred */
	PID_CELLS = 8,     /* 4194304 is Linux's last, and a blank */
	NAME_CELLS = 20,   /* 15 are all that Linux keeps of one */
	LEAST_HOTTEST = 15,
	DEEPEST_LEVEL = 12, /* deeper ones are not moved further to the right */
};

/* Live: the share of the last second, as in the overview. */
static const double RECENT_NS = 1e9;

enum {
	COLUMN_PID,
	COLUMN_PARENT,
	COLUMN_THREADS,
	COLUMN_STATE,
	COLUMN_RECENT,
	COLUMN_CPU,
	COLUMN_TIME,
	COLUMN_WEIGHT,
	COLUMN_SHARE,
	COLUMN_WITH,
	COLUMN_KERNEL,
	COLUMN_USER,
	COLUMN_SAMPLES,
	COLUMN_NAME,
	COLUMN_HOTTEST,
};

/* What the list is lent. */
struct lent {
	const struct processes_state *state;
	const struct view_context *context;
};

const struct processes_line *processes_selected(const struct processes_state *state)
{
	return state->list.n ? &state->lines.rows[list_row(&state->list)] : NULL;
}

/* ---- values */

static const struct process_row *process_of(const struct lent *lent,
					    const struct processes_line *line)
{
	return &lent->state->processes.rows[line->process];
}

static const struct process_thread *thread_of(const struct lent *lent,
					      const struct processes_line *line)
{
	return line->thread ? &lent->state->processes.threads[line->thread - 1] : NULL;
}

static const struct process_sum *sum_of(const struct lent *lent, const struct processes_line *line)
{
	const struct process_thread *thread = thread_of(lent, line);
	return thread ? &thread->sum : &process_of(lent, line)->sum;
}

static double time_ns(const struct processes_state *state, const struct process_sum *sum)
{
	switch (state->clock) {
	case PROCESSES_IS_CLOCK:
		return (double)sum->weight;
	case PROCESSES_ESTIMATED:
		return (double)sum->n_samples * state->sample_ns;
	default:
		return NAN;
	}
}

static double ratio_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : NAN;
}

/* What belongs to a process is told on its own row, not on those of its threads. */
static double own_value(const struct process_row *process, int column)
{
	if (column == COLUMN_THREADS)
		return process->n_threads;
	return process->parent_pid ? process->parent_pid : NAN;
}

static double sum_value(const struct processes_state *state, const struct process_sum *sum,
			int column)
{
	const struct process_sum *all = &state->processes.all;
	switch (column) {
	case COLUMN_RECENT:
		return (double)sum->recent / RECENT_NS;
	case COLUMN_CPU:
		return time_ns(state, sum) / state->window_ns;
	case COLUMN_TIME:
		return time_ns(state, sum);
	case COLUMN_WEIGHT:
		return (double)sum->weight;
	case COLUMN_SHARE:
		return ratio_of(sum->weight, all->weight);
	case COLUMN_KERNEL:
		return state->has_kernel ? ratio_of(sum->kernel, sum->weight) : NAN;
	case COLUMN_USER:
		return state->has_kernel ? ratio_of(sum->weight - sum->kernel, sum->weight) : NAN;
	default:
		return (double)sum->n_samples;
	}
}

static double line_value(const struct lent *lent, const struct processes_line *line, int column)
{
	const struct process_thread *thread = thread_of(lent, line);
	const struct process_row *process = process_of(lent, line);
	uint32_t pid = thread ? thread->tid : process->pid;
	if (column == COLUMN_PID)
		return pid ? pid : NAN;
	if (column == COLUMN_THREADS || column == COLUMN_PARENT)
		return thread ? NAN : own_value(process, column);
	if (column == COLUMN_WITH)
		return thread ? NAN
			      : ratio_of(lent->state->lines.with[line->process],
					 lent->state->processes.all.weight);
	return sum_value(lent->state, sum_of(lent, line), column);
}

static const char *string_of(const struct lent *lent, uint32_t id)
{
	return recording_string_at(lent->context->recording, id);
}

static const char *name_of(const struct lent *lent, const struct processes_line *line)
{
	const struct process_thread *thread = thread_of(lent, line);
	const struct process_row *process = process_of(lent, line);
	if (thread)
		return thread->name ? string_of(lent, thread->name) : "[no thread]";
	return process->name  ? string_of(lent, process->name)
	       : process->pid ? "[unnamed]"
			      : "[no process]";
}

static const char *state_of(const struct process_row *process)
{
	return process->state == PROCESS_RUNNING ? "running"
	       : process->state == PROCESS_ENDED ? "ended"
						 : TEXT_UNKNOWN;
}

static const char *line_text(const struct lent *lent, const struct processes_line *line, int column)
{
	const struct recording *recording = lent->context->recording;
	uint32_t hottest = sum_of(lent, line)->hottest;
	if (column == COLUMN_NAME)
		return name_of(lent, line);
	if (column == COLUMN_STATE)
		return line->thread ? "" : state_of(process_of(lent, line));
	return hottest ? recording_string_at(recording,
					     recording_function(recording, hottest)->name)
		       : "";
}

static const struct processes_line *line_at(const void *of, size_t row)
{
	return &((const struct lent *)of)->state->lines.rows[row];
}

static uint64_t identity_of(const void *of, size_t row)
{
	const struct processes_line *line = line_at(of, row);
	return line->thread ? (uint64_t)line->thread * 2 + 1 : (uint64_t)line->process * 2;
}

static double value_of(const void *of, size_t row, int column)
{
	return line_value(of, line_at(of, row), column);
}

static const char *text_of(const void *of, size_t row, int column)
{
	return line_text(of, line_at(of, row), column);
}

/* Siblings have been sorted already, and threads stay below their process. */
static unsigned group_of(const void *of, size_t row)
{
	(void)of;
	return (unsigned)row;
}

/* ---- columns */

/* CPU time has the mark of where it comes from. */
static void mark_origin(const struct processes_state *state, const struct view_context *context,
			struct list_column *column)
{
	const struct series_row *series =
		recording_series(context->recording, state->processes.series);
	enum origin origin =
		state->clock == PROCESSES_ESTIMATED ? ORIGIN_MODELLED : (enum origin)series->origin;
	char title[LIST_TITLE_BYTES];
	if (!state->processes.series)
		return;
	snprintf(title, sizeof title, "%s %.60s", origin_glyph(origin), column->title);
	memcpy(column->title, title, sizeof title);
}

static const struct list_column usual[] = {
	{ "pid", "PID", "number of the process; of its threads, theirs", COLUMN_PID, PID_CELLS, 0,
	  0 },
	{ "parent", "parent", "number of the process that made it", COLUMN_PARENT, PID_CELLS, 8,
	  LIST_EXTRA },
	{ "threads", "thr", "threads of it that were seen", COLUMN_THREADS, 3, 6, 0 },
	{ "state", "state", "running or ended, where the recording tells", COLUMN_STATE, 7, 7,
	  LIST_TEXT },
	{ "now", "now", "CPU time in the last second: 100 % is one CPU", COLUMN_RECENT, 8, 2, 0 },
	{ "cpu", "CPU", "CPU time over the time that is shown: 100 % is one CPU", COLUMN_CPU, 8, 3,
	  0 },
	{ "time", "CPU time", "CPU time in the time that is shown", COLUMN_TIME, 10, 3, 0 },
	{ "weight", "weight", "what the event counted", COLUMN_WEIGHT, 9, 3, 0 },
	{ "share", "share", "its part of all that was sampled", COLUMN_SHARE, 8, 0, 0 },
	{ "with", "with", "with all processes that it made, and theirs", COLUMN_WITH, 8, 1, 0 },
	{ "kernel", "kernel", "part of its own that ended in the kernel", COLUMN_KERNEL, 8, 5, 0 },
	{ "user", "user", "part of its own that did not end in the kernel", COLUMN_USER, 8, 8,
	  LIST_EXTRA },
	{ "samples", "samples", "samples in it", COLUMN_SAMPLES, 9, 8, LIST_EXTRA },
	{ "name", "name", "the program, and what it was before", COLUMN_NAME, NAME_CELLS, 0,
	  LIST_TEXT },
	{ "hottest", "hottest function", "where most of its own ended", COLUMN_HOTTEST,
	  LEAST_HOTTEST, 4, LIST_TEXT | LIST_FILLS },
};

/* What nothing is known for is shown only where it is chosen. */
static bool is_usual(const struct processes_state *state, int column)
{
	switch (column) {
	case COLUMN_STATE:
		return state->processes.knows_ends;
	case COLUMN_RECENT:
		return state->has_recent;
	case COLUMN_CPU:
		return state->clock != PROCESSES_NO_CLOCK && !isnan(state->window_ns);
	case COLUMN_TIME:
		return state->clock != PROCESSES_NO_CLOCK;
	case COLUMN_WEIGHT:
		return state->clock != PROCESSES_IS_CLOCK;
	case COLUMN_WITH:
		return state->is_tree;
	case COLUMN_KERNEL:
		return state->has_kernel;
	default:
		return true;
	}
}

static int find_columns(const struct processes_state *state, const struct view_context *context,
			struct list_column *columns)
{
	int n = (int)(sizeof usual / sizeof usual[0]);
	memcpy(columns, usual, sizeof usual);
	for (int i = 0; i < n; i++) {
		struct list_column *column = &columns[i];
		if (!is_usual(state, column->id))
			column->flags |= LIST_EXTRA;
		if (column->id == COLUMN_RECENT || column->id == COLUMN_CPU ||
		    column->id == COLUMN_TIME)
			mark_origin(state, context, column);
		if (column->id == COLUMN_NAME && (state->is_tree || context->width >= 120))
			column->cells += NAME_CELLS / 2;
	}
	return n;
}

static const char *first_sort(const struct processes_state *state)
{
	return state->is_tree ? "with" : state->has_recent ? "now" : "share";
}

/* ---- the order of siblings: by the column that the list is to be sorted by */

struct order {
	struct lent lent;
	int column;
	bool is_text, is_inverted;
};

static int compare_lines(const void *of, const struct processes_line *a,
			 const struct processes_line *b)
{
	const struct order *order = of;
	int sign = order->is_inverted ? -1 : 1;
	if (order->is_text) {
		int difference = strcasecmp(line_text(&order->lent, a, order->column),
					    line_text(&order->lent, b, order->column));
		return difference < 0 ? -sign : difference > 0 ? sign : 0;
	}
	double one = line_value(&order->lent, a, order->column);
	double other = line_value(&order->lent, b, order->column);
	if (isnan(one) || isnan(other))
		return isnan(one) - isnan(other);
	return one == other ? 0 : one > other ? -sign : sign;
}

/* By its number, its name, or that of a thread. */
static bool is_found(const void *of, const struct processes_line *line)
{
	const struct lent *lent = &((const struct order *)of)->lent;
	const struct processes *processes = &lent->state->processes;
	const regex_t *pattern = lent->context->pattern;
	const struct process_row *process = process_of(lent, line);
	char pid[16];
	snprintf(pid, sizeof pid, "%u", process->pid);
	if (regexec(pattern, name_of(lent, line), 0, NULL, 0) == 0 ||
	    (process->pid && regexec(pattern, pid, 0, NULL, 0) == 0))
		return true;
	for (uint32_t at = process->first_thread; at; at = processes->threads[at - 1].next)
		if (regexec(pattern, string_of(lent, processes->threads[at - 1].name), 0, NULL,
			    0) == 0)
			return true;
	return false;
}

static void find_lines(struct processes_state *state, const struct view_context *context,
		       const struct list_column *columns, int n_columns)
{
	struct order order = { { state, context }, COLUMN_SHARE, false, state->list.is_inverted };
	const char *sort = state->list.sort[0] ? state->list.sort : first_sort(state);
	for (int i = 0; i < n_columns; i++)
		if (strcmp(columns[i].name, sort) == 0) {
			order.column = columns[i].id;
			order.is_text = columns[i].flags & LIST_TEXT;
		}
	struct processes_order by = { compare_lines, context->pattern ? is_found : NULL, &order };
	processes_lines_find(&state->lines, &state->processes, state->is_tree, &by, MOST_ROWS);
}

void processes_show(struct processes_state *state, const struct view_context *context)
{
	struct list_column columns[LIST_MOST_COLUMNS];
	int n_columns = find_columns(state, context, columns);
	find_lines(state, context, columns, n_columns);
	struct lent lent = { state, context };
	struct list_rows rows = { .of = &lent,
				  .n = state->lines.n,
				  .sort = first_sort(state),
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of,
				  .group = group_of };
	struct list_frame frame = { context->width, HEADER_ROWS - 1, HEADER_ROWS,
				    context->height - HEADER_ROWS };
	list_update(&state->list, &rows, columns, n_columns, &frame);
}

/* ---- drawing */

static bool is_chosen(const struct lent *lent, const struct processes_line *line)
{
	struct thread_choice choice;
	const struct processes *processes = &lent->state->processes;
	bool is_any = line->thread
			      ? processes_choice_of_thread(processes, line->thread - 1, &choice)
			      : processes_choice(processes, line->process, &choice);
	return is_any && thread_choice_is_same(&choice, &lent->context->focus->only);
}

/* Behind the mark of what can be opened: the name, and what it was before an exec. */
static void draw_name(const struct lent *lent, const struct processes_line *line,
		      const struct canvas *cell)
{
	const struct process_row *process = process_of(lent, line);
	int x = line->level < DEEPEST_LEVEL ? line->level : DEEPEST_LEVEL;
	enum meaning meaning = is_chosen(lent, line) ? MEANING_GOOD
			       : line->thread        ? MEANING_DIM
						     : MEANING_TEXT;
	if (line->can_open || line->can_close)
		canvas_text(cell, x, 0, 1, MEANING_KEY, line->can_open ? "+" : "-");
	x += 2;
	if (is_chosen(lent, line))
		x += canvas_text(cell, x, 0, 2, MEANING_GOOD, "* ");
	x += canvas_text(cell, x, 0, cell->width - x, meaning, name_of(lent, line));
	if (!line->thread && process->name_before)
		canvas_print(cell, x, 0, MEANING_DIM, " (was %s)",
			     string_of(lent, process->name_before));
}

static void draw_weight(const struct lent *lent, double value, const struct canvas *cell)
{
	char text[TEXT_BYTES];
	const struct recording *recording = lent->context->recording;
	const char *unit = recording_string_at(
		recording, recording_series(recording, lent->state->processes.series)->unit);
	list_put_right(cell, MEANING_TEXT,
		       strcmp(unit, "ns") == 0 ? text_value(text, sizeof text, value, unit)
					       : text_rate(text, sizeof text, value, ""));
}

static void draw_count(double value, const struct canvas *cell)
{
	char text[TEXT_BYTES];
	list_put_right(
		cell, MEANING_TEXT,
		isnan(value) ? TEXT_UNKNOWN
			     : text_count_within(text, sizeof text, cell->width, (uint64_t)value));
}

static void draw_pid(double value, const struct canvas *cell, enum meaning meaning)
{
	char text[16];
	snprintf(text, sizeof text, "%.0f", value);
	list_put_right(cell, meaning, isnan(value) ? TEXT_UNKNOWN : text);
}

static void draw_cell(const void *of, size_t row, int column, const struct canvas *cell)
{
	const struct lent *lent = of;
	const struct processes_line *line = line_at(of, row);
	double value = line_value(lent, line, column);
	char text[TEXT_BYTES];
	if (column == COLUMN_NAME)
		draw_name(lent, line, cell);
	else if (column == COLUMN_HOTTEST || column == COLUMN_STATE)
		list_put(cell, MEANING_DIM, line_text(lent, line, column));
	else if (column == COLUMN_PID || (column == COLUMN_PARENT && !line->thread))
		draw_pid(value, cell, line->thread ? MEANING_DIM : MEANING_TEXT);
	else if (column == COLUMN_SAMPLES || (column == COLUMN_THREADS && !line->thread))
		draw_count(value, cell);
	else if (column == COLUMN_WEIGHT)
		draw_weight(lent, value, cell);
	else if (column == COLUMN_TIME)
		list_put_right(cell, MEANING_TEXT, text_value(text, sizeof text, value, "ns"));
	else if (!line->thread ||
		 (column != COLUMN_PARENT && column != COLUMN_THREADS && column != COLUMN_WITH))
		list_put_right(cell, MEANING_TEXT, text_ratio(text, sizeof text, value));
}

static size_t count_ended(const struct processes *processes)
{
	size_t n = 0;
	for (size_t i = 0; i < processes->n_rows; i++)
		n += processes->rows[i].state == PROCESS_ENDED;
	return n;
}

/* What is counted, of which time, and what 100 % is. */
static void draw_summary(const struct processes_state *state, const struct view_context *context,
			 const struct canvas *canvas)
{
	const struct processes *processes = &state->processes;
	const struct series_row *series = recording_series(context->recording, processes->series);
	char count[TEXT_BYTES], window[TEXT_BYTES];
	int x = canvas_print(canvas, 0, 0, MEANING_HEADER, "%s process%s",
			     text_count(count, sizeof count, processes->n_rows),
			     processes->n_rows == 1 ? "" : "es");
	if (processes->knows_ends)
		x += canvas_print(canvas, x, 0, MEANING_TEXT, ", %zu ended",
				  count_ended(processes));
	x += canvas_print(canvas, x, 0, MEANING_TEXT, "  %s %s",
			  origin_glyph((enum origin)series->origin),
			  recording_string_at(context->recording, series->name));
	if (!isnan(state->window_ns))
		x += canvas_print(canvas, x, 0, MEANING_TEXT, " of %s",
				  text_duration(window, sizeof window, state->window_ns));
	if (state->clock != PROCESSES_NO_CLOCK)
		x += canvas_print(canvas, x, 0, MEANING_DIM, "  CPU: 100 %% is one CPU");
	if (state->clock == PROCESSES_ESTIMATED)
		canvas_print(canvas, x, 0, MEANING_DIM, ", by the number of samples");
}

void processes_draw(const void *opaque, const struct view_context *context,
		    const struct canvas *canvas)
{
	const struct processes_state *state = opaque;
	struct lent lent = { state, context };
	struct list_drawing drawing = { &state->list, canvas, &lent, draw_cell };
	if (state->processes.series)
		draw_summary(state, context, canvas);
	list_draw(&drawing);
	if (state->list.n == 0)
		canvas_text(canvas, 0, HEADER_ROWS, canvas->width, MEANING_DIM,
			    context->pattern ? "Nothing matches the search; / and Enter clears it."
					     : "No sample yet.");
}
