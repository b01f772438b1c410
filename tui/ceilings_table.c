/* Each value is followed by how far the median of its repeats is from it. See ceilings_table.h. */
#include "tui/ceilings_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "counters/ceilings.h"
#include "counters/machine.h"
#include "sampler/base/text.h"
#include "tui/paragraph.h"

enum {
	LABEL_COLUMNS = 20,
	VALUE_COLUMNS = 15,
	RATE_COLUMNS = 13, /* "1.23 TFLOP/s" */
	SPREAD_COLUMNS = 5,
	BAR_COLUMNS = 30,
	MOST_COUNTS = 4, /* numbers of threads side by side */
};

struct table {
	const struct ceilings *ceilings;
	const struct canvas *canvas;
	int x, columns;
};

/* The number ends `columns` behind x, the spread follows. */
static void draw_value(const struct table *table, int x, int y, int columns,
		       const struct ceiling *row)
{
	char value[TEXT_BYTES], spread[TEXT_BYTES] = "";
	if (!row)
		return;
	double ratio = ceiling_spread(row);
	/* Three digits would touch the number. */
	if (ratio >= 0.995)
		snprintf(spread, sizeof spread, " >1x");
	else if (!isnan(ratio))
		snprintf(spread, sizeof spread, "%3.0f%%", ratio * 100);
	if (strcmp(row->unit, "ns") == 0)
		text_duration(value, sizeof value, row->best);
	else
		text_rate(value, sizeof value, row->best, row->unit);
	if (strcmp(row->unit, "ns") == 0 && row->best < 1000)
		snprintf(value, sizeof value, "%.1f ns", row->best);
	int pad = columns - text_width(value);
	canvas_print(table->canvas, x + (pad > 0 ? pad : 0), y, MEANING_TEXT, "%s", value);
	canvas_print(table->canvas, x + columns, y,
		     ratio > CEILING_NOISY_RATIO ? MEANING_WARNING : MEANING_DIM, "%s", spread);
}

static uint32_t next_count(const struct table *table, const char *prefix, uint32_t above)
{
	uint32_t next = 0;
	for (size_t i = 0; i < table->ceilings->n; i++) {
		const struct ceiling *row = &table->ceilings->rows[i];
		if (strncmp(row->name, prefix, strlen(prefix)) == 0 && row->n_threads > above &&
		    (!next || row->n_threads < next))
			next = row->n_threads;
	}
	return next;
}

static int draw_compute(const struct table *table, int y)
{
	int top = y;
	uint32_t counts[MOST_COUNTS], n_counts = 0;
	for (uint32_t n = 0; n_counts < MOST_COUNTS && (n = next_count(table, "fma.", n));)
		counts[n_counts++] = n;
	canvas_text(table->canvas, table->x, y, table->columns, MEANING_HEADER, "Arithmetic");
	for (uint32_t k = 0; k < n_counts; k++)
		canvas_print(
			table->canvas,
			table->x + LABEL_COLUMNS + (int)k * (RATE_COLUMNS + SPREAD_COLUMNS + 1), y,
			MEANING_HEADER, "%5u thread%s", counts[k], counts[k] == 1 ? "" : "s");
	y++;
	for (size_t i = 0; i < table->ceilings->n; i++) {
		const struct ceiling *row = &table->ceilings->rows[i];
		bool is_fma = strncmp(row->name, "fma.", 4) == 0;
		if ((!is_fma && strcmp(row->name, "clock") != 0) || n_counts == 0 ||
		    row->n_threads != counts[0])
			continue;
		canvas_text(table->canvas, table->x + 2, y, LABEL_COLUMNS - 2, MEANING_DIM,
			    is_fma ? row->name + 4 : row->name);
		for (uint32_t k = 0; k < n_counts; k++)
			draw_value(table,
				   table->x + LABEL_COLUMNS +
					   (int)k * (RATE_COLUMNS + SPREAD_COLUMNS + 1),
				   y, RATE_COLUMNS,
				   ceilings_find(table->ceilings, row->name, counts[k]));
		y++;
	}
	return y - top;
}

static const struct ceiling *find_of(const struct table *table, const char *stream,
				     const char *suffix, const char *level, uint32_t n)
{
	char name[64];
	snprintf(name, sizeof name, "%s%s.%s", stream, suffix, level);
	return ceilings_find(table->ceilings, name, n);
}

static int draw_memory_row(const struct table *table, int y, const char *level, const char *suffix,
			   uint32_t n)
{
	static const char *const streams[] = { "read", "write", "copy", "triad" };
	const struct ceiling *first = NULL;
	char size[TEXT_BYTES] = "";
	for (int i = 0; i < 4; i++) {
		const struct ceiling *row = find_of(table, streams[i], suffix, level, n);
		first = first ? first : row;
		if (row && !isnan(row->best))
			draw_value(table, table->x + LABEL_COLUMNS + i * VALUE_COLUMNS, y,
				   VALUE_COLUMNS - SPREAD_COLUMNS, row);
	}
	if (!first)
		return 0;
	if (*suffix)
		canvas_text(table->canvas, table->x + 2, y, LABEL_COLUMNS - 2, MEANING_DIM,
			    strcmp(suffix, "-nt") == 0 ? "  past the caches" : "  four places");
	else
		canvas_print(table->canvas, table->x + 2, y, MEANING_DIM, "%-4s%3u x %s", level, n,
			     first->set_bytes
				     ? machine_print_size(size, sizeof size, first->set_bytes)
				     : TEXT_UNKNOWN);
	if (!isnan(first->best))
		return 1;
	return paragraph_draw(table->canvas, table->x + LABEL_COLUMNS, y,
			      table->columns - LABEL_COLUMNS, MEANING_DIM, first->reason);
}

static int draw_memory(const struct table *table, int y)
{
	static const char *const levels[] = { "L1", "L2", "L3", "L4", "DRAM" };
	static const char *const titles[] = { "read", "write", "copy", "triad" };
	int top = y;
	canvas_text(table->canvas, table->x, y, table->columns, MEANING_HEADER, "Memory");
	for (int i = 0; i < 4; i++)
		canvas_print(table->canvas, table->x + LABEL_COLUMNS + i * VALUE_COLUMNS, y,
			     MEANING_HEADER, "%10s", titles[i]);
	y++;
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
		for (uint32_t n = 0; (n = next_count(table, "read.", n));) {
			y += draw_memory_row(table, y, levels[i], "", n);
			y += draw_memory_row(table, y, levels[i], "-nt", n);
			y += draw_memory_row(table, y, levels[i], "-4", n);
		}
	return y - top;
}

/* The bar's length goes with the logarithm: each level takes some times as long as the last. */
static int draw_latency(const struct table *table, int y)
{
	int top = y;
	double most = 0;
	for (size_t i = 0; i < table->ceilings->n; i++) {
		const struct ceiling *row = &table->ceilings->rows[i];
		if (strncmp(row->name, "latency.", 8) == 0)
			most = fmax(most, row->best);
	}
	canvas_text(table->canvas, table->x, y++, table->columns, MEANING_HEADER,
		    "Latency  of a load, by the memory it chases through");
	for (size_t i = 0; i < table->ceilings->n; i++) {
		const struct ceiling *row = &table->ceilings->rows[i];
		char size[TEXT_BYTES];
		if (strncmp(row->name, "latency.", 8) != 0)
			continue;
		canvas_print(table->canvas, table->x + 2, y, MEANING_DIM, "%12s",
			     machine_print_size(size, sizeof size, row->set_bytes));
		draw_value(table, table->x + LABEL_COLUMNS, y, VALUE_COLUMNS - SPREAD_COLUMNS, row);
		int columns = table->columns - LABEL_COLUMNS - VALUE_COLUMNS - 1;
		columns = columns > BAR_COLUMNS ? BAR_COLUMNS : columns;
		if (columns > 0)
			canvas_bar(table->canvas, table->x + LABEL_COLUMNS + VALUE_COLUMNS, y,
				   columns, log2(1 + row->best) / log2(1 + most));
		y++;
	}
	return y - top;
}

static int draw_end(const struct table *table, int y)
{
	int top = y;
	char when[64], text[256], lost[TEXT_BYTES], stolen[TEXT_BYTES];
	time_t time = (time_t)table->ceilings->epoch_s;
	struct tm parts;
	struct why why;
	if (!gmtime_r(&time, &parts) || !strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &parts))
		snprintf(when, sizeof when, TEXT_UNKNOWN);
	int n = snprintf(
		text, sizeof text,
		"\u25cb Measured %s; best of the repeats, and how far their median is from it.",
		when);
	if (!table->ceilings->device[0])
		snprintf(text + n, sizeof text - (size_t)n,
			 " Taken by other programs: %s, by the hypervisor: %s.",
			 text_ratio(lost, sizeof lost, table->ceilings->lost_ratio),
			 text_ratio(stolen, sizeof stolen, table->ceilings->stolen_ratio));
	y += paragraph_draw(table->canvas, table->x, y, table->columns, MEANING_DIM, text);
	if (ceilings_are_noisy(table->ceilings, &why))
		y += paragraph_draw(table->canvas, table->x, y, table->columns, MEANING_WARNING,
				    why.text);
	return y - top;
}

/* What a row measures, in words; "" = by its name. */
static const char *words_of(const char *name)
{
	static const char *const words[][2] = {
		{ "copy.DRAM", "memory, copied" },     { "memcpy.DRAM", "by the driver" },
		{ "copy.L2", "L2, copied" },           { "fma.f32-cuda", "f32" },
		{ "fma.bf16-mma", "bf16 tensor mma" }, { "fma.bf16-wgmma", "bf16 tensor wgmma" },
	};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i][0], name) == 0)
			return words[i][1];
	return name;
}

static int draw_device(const struct table *table, int y)
{
	int top = y;
	canvas_print(table->canvas, table->x, y, MEANING_HEADER, "GPU  %s",
		     table->ceilings->device);
	y++;
	for (size_t i = 0; i < table->ceilings->n; i++) {
		const struct ceiling *row = &table->ceilings->rows[i];
		char size[TEXT_BYTES];
		int x = table->x + LABEL_COLUMNS;
		canvas_text(table->canvas, table->x + 2, y, LABEL_COLUMNS - 2, MEANING_DIM,
			    words_of(row->name));
		if (isnan(row->best)) {
			y += paragraph_draw(table->canvas, x, y, table->columns - LABEL_COLUMNS,
					    MEANING_DIM, row->reason);
			continue;
		}
		draw_value(table, x, y, RATE_COLUMNS, row);
		if (row->set_bytes)
			canvas_print(table->canvas, x + RATE_COLUMNS + SPREAD_COLUMNS + 1, y,
				     MEANING_DIM, "of %s, read and written",
				     text_memory(size, sizeof size, (double)row->set_bytes));
		y++;
	}
	return y - top;
}

int ceilings_table_draw_devices(const struct ceilings_devices *devices, const char *reason,
				const struct canvas *canvas, int x, int y, int columns)
{
	const struct canvas part = canvas_part(canvas, 0, 0, x + columns, canvas->height);
	int top = y;
	for (size_t i = 0; i < devices->n; i++) {
		const struct table table = { devices->rows[i], &part, x, columns };
		y += draw_device(&table, y);
		y += draw_end(&table, y);
	}
	if (devices->n > 0 || !reason)
		return y - top;
	canvas_text(&part, x, y, columns, MEANING_HEADER, "GPU");
	canvas_text(&part, x + 2, y + 1, 1, MEANING_DIM, TEXT_UNKNOWN);
	return 1 + paragraph_draw(&part, x + 4, y + 1, columns - 4, MEANING_DIM, reason);
}

int ceilings_table_draw(const struct ceilings *ceilings, const struct canvas *canvas, int x, int y,
			int columns)
{
	/* What is written behind the last column is cut by a canvas of that width. */
	const struct canvas part = canvas_part(canvas, 0, 0, x + columns, canvas->height);
	const struct table table = { ceilings, &part, x, columns };
	int top = y;
	y += draw_compute(&table, y);
	y += draw_memory(&table, y);
	y += draw_latency(&table, y);
	y += draw_end(&table, y);
	return y - top;
}
