/* Tables and text: CSV by a parser of RFC 4180, JSON Lines by json-c, Markdown and SVG by the marks
 * they are made of; hostile names change no table's shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "sampler/exporter.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_export.h"
#include "tests/fixture_model.h"
#include "tests/fixture_stacks.h"

struct csv {
	char **cells;
	size_t n_cells, n_columns;
	char *bytes;
};

/* RFC 4180 and nothing else: CR LF, doubled quotes, equal rows. Unquotes in place. */
static struct csv parse_csv(char *text)
{
	struct csv table = { .bytes = text };
	size_t n_in_row = 0;
	table.cells = allocate(strlen(text) + 1, sizeof *table.cells);
	for (char *at = text; *at;) {
		char *to = at;
		table.cells[table.n_cells++] = at;
		n_in_row++;
		if (*at == '"') {
			for (at++; *at != '"' || at[1] == '"'; at += 1 + (*at == '"')) {
				assert_true(*at != '\0');
				*to++ = *at;
			}
			at++;
		} else {
			for (; !strchr(",\r", *at); at++) {
				assert_true(*at != '"' && *at != '\n');
				*to++ = *at;
			}
		}
		bool is_last = *at == '\r';
		assert_true(*at == ',' || (is_last && at[1] == '\n'));
		at += is_last ? 2 : 1;
		*to = '\0';
		if (!is_last)
			continue;
		if (!table.n_columns)
			table.n_columns = n_in_row;
		assert_int_equal(n_in_row, table.n_columns);
		n_in_row = 0;
	}
	assert_int_equal(n_in_row, 0);
	return table;
}

static void free_table(struct csv *table)
{
	free(table->cells);
	free(table->bytes);
}

static const char *cell(const struct csv *table, size_t row, const char *column)
{
	for (size_t i = 0; i < table->n_columns; i++)
		if (strcmp(table->cells[i], column) == 0)
			return table->cells[row * table->n_columns + i];
	fail_msg("there is no column %s", column);
	return NULL;
}

static struct csv export_csv(const struct recording *recording)
{
	size_t n;
	return parse_csv(export_text(recording, "csv", &n));
}

static void csv_has_equal_rows(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		struct csv table = export_csv(recording);
		struct stack_lines held = stack_lines_of(recording, 0);
		uint64_t weight = 0, count = 0;
		for (size_t k = 0; k < held.n; k++) {
			weight += held.lines[k].weight;
			count += held.lines[k].count;
		}
		bool has_found = held.n == 0;
		for (size_t row = 1; row * table.n_columns < table.n_cells; row++) {
			assert_true(cell(&table, row, "provenance")[0] != '\0');
			if (strcmp(cell(&table, row, "kind"), "series") != 0 ||
			    strcmp(cell(&table, row, "series"), "cpu-clock") != 0)
				continue;
			assert_true(strtoull(cell(&table, row, "value"), NULL, 10) == weight);
			assert_true(strtoull(cell(&table, row, "count"), NULL, 10) == count);
			has_found = true;
		}
		assert_true(has_found);
		stack_lines_free(&held);
		free_table(&table);
		recording_free(recording);
	}
}

static void csv_keeps_what_text_is(void **state)
{
	(void)state;
	struct recording *recording = fixture_hostile();
	struct csv table = export_csv(recording);
	size_t n_readings = 0, n_spans = 0, n_unavailable = 0;
	for (size_t row = 1; row * table.n_columns < table.n_cells; row++) {
		const char *kind = cell(&table, row, "kind");
		const char *origin = cell(&table, row, "provenance");
		assert_string_equal(cell(&table, row, "reason"), "because, \"so\"\n</script>");
		assert_string_equal(cell(&table, row, "source"), "fix\"ture");
		n_spans += strcmp(kind, "span") == 0;
		if (strcmp(kind, "reading") != 0)
			continue;
		n_readings++;
		/* Not a number, infinite or not measured: nothing, never 0. */
		bool is_known =
			strcmp(origin, "unavailable") != 0 && cell(&table, row, "value")[0] != '\0';
		n_unavailable += strcmp(origin, "unavailable") == 0;
		assert_true(is_known == (cell(&table, row, "running_ratio")[0] != '\0'));
	}
	assert_int_equal(n_readings, 8);
	assert_int_equal(n_unavailable, 1);
	assert_int_equal(n_spans, 3);
	free_table(&table);
	recording_free(recording);
}

static void assert_equal_cell(struct json_object *value, const char *text)
{
	if (!value)
		assert_string_equal(text, "");
	else if (json_object_is_type(value, json_type_string))
		assert_string_equal(json_object_get_string(value), text);
	else
		assert_true(json_object_get_double(value) == strtod(text, NULL));
}

/* The same records in the same order; null is the empty field. */
static void json_lines_are_the_csv(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		size_t n, row = 0;
		struct csv table = export_csv(recording);
		char *text = export_text(recording, "jsonl", &n);
		for (char *at = text, *end; at && *at; at = end + 1) {
			end = strchr(at, '\n');
			assert_non_null(end);
			struct json_object *object = parse_json(at, (size_t)(end - at));
			assert_int_equal(json_object_object_length(object), table.n_columns);
			row++;
			for (size_t k = 0; k < table.n_columns; k++)
				assert_equal_cell(json_at(object, table.cells[k]),
						  table.cells[row * table.n_columns + k]);
			json_object_put(object);
		}
		assert_int_equal((row + 1) * table.n_columns, table.n_cells);
		free(text);
		free_table(&table);
		recording_free(recording);
	}
}

/* Bars that divide cells, not those that are escaped. */
static size_t count_bars(const char *line, const char *end)
{
	size_t n = 0;
	for (const char *at = line; at < end; at++)
		n += *at == '|' && (at == line || at[-1] != '\\');
	return n;
}

static void markdown_tables_keep_their_shape(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		size_t n, n_bars = 0;
		char *text = export_text(recording, "markdown", &n);
		assert_int_equal(strlen(text), n);
		for (char *at = text, *end; *at; at = end + 1) {
			end = strchr(at, '\n');
			assert_non_null(end);
			size_t bars = count_bars(at, end);
			if (*at != '|') {
				n_bars = 0;
				continue;
			}
			assert_true(bars > 2 && (n_bars == 0 || bars == n_bars));
			n_bars = bars;
			for (const char *byte = at; byte < end; byte++)
				assert_true((unsigned char)*byte >= 0x20);
		}
		free(text);
		recording_free(recording);
	}
}

static void markdown_says_what_is_known(void **state)
{
	(void)state;
	size_t n;
	struct recording *recording = fixture_known();
	char *text = export_text(recording, "markdown", &n);
	assert_non_null(strstr(text, "| samples | 1,000 of `cpu-clock` (\xe2\x97\x8b software) |"));
	assert_non_null(strstr(text, "| 66.0 % | 66.0 % | `build_histogram(unsigned char const*, "
				     "unsigned long)` | `train` |"));
	assert_non_null(strstr(text, "- **Warning:** 10 records were lost"));
	free(text);
	recording_free(recording);
	recording = fixture_hostile();
	text = export_text(recording, "markdown", &n);
	assert_non_null(strstr(text, "| `power` | \xe2\x80\x93 | \xe2\x80\x93 unavailable | "));
	assert_non_null(strstr(text, "````@everyone \\| `code` ``` **bold**"));
	free(text);
	recording_free(recording);
}

static void svg_is_well_formed(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		size_t n;
		char *text = export_text(recording, "svg", &n);
		assert_int_equal(strlen(text), n);
		assert_well_formed(text);
		free(text);
		recording_free(recording);
	}
}

static void svg_titles_are_totals(void **state)
{
	(void)state;
	size_t n;
	struct recording *recording = fixture_known();
	char *text = export_text(recording, "svg", &n);
	assert_non_null(strstr(text, "<title>all: 1.00 s, 1,000 samples, 100.0 %</title>"));
	assert_non_null(strstr(text, "<title>train: 760 ms, 760 samples, 76.0 %</title>"));
	assert_non_null(strstr(text, "<title>gradients: 150 ms, 150 samples, 15.0 %</title>"));
	assert_non_null(strstr(text, "<title>[lost]: 10.0 ms, 10 samples, 1.0 %</title>"));
	free(text);
	recording_free(recording);
}

/* The page's data, from its element; the page around it cannot have been ended by a name. */
static struct json_object *page_data(const char *page)
{
	const char *start = strstr(page, "id=\"data\">\n");
	assert_non_null(start);
	const char *end = strstr(start, "</script>");
	assert_non_null(end);
	assert_null(strstr(end + 9, "alert(1)"));
	assert_null(strstr(page, "<b>"));
	start = strchr(start, '\n') + 1;
	return parse_json(start, (size_t)(end - start));
}

static void page_holds_all(void **state)
{
	(void)state;
	struct recording *recording;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		size_t n;
		char *text = export_text(recording, "html", &n);
		assert_int_equal(strlen(text), n);
		assert_null(strstr(text, "http:"));
		assert_null(strstr(text, "https:"));
		struct json_object *data = page_data(text), *nodes = json_at(data, "nodes");
		struct stack_lines lines = { 0 };
		const char *names[4096];
		for (size_t k = 0; k < json_object_array_length(nodes); k++) {
			struct json_object *node = json_element(nodes, k);
			size_t depth = 0;
			/* The first level is the thread. */
			for (size_t at = k;;) {
				struct json_object *above = json_element(nodes, at);
				size_t parent = (size_t)json_element_number(above, 0);
				if (at == 0 || parent == 0)
					break;
				names[depth++] = json_object_get_string(
					json_element(json_at(data, "names"),
						     (size_t)json_element_number(above, 1)));
				at = parent;
			}
			char *stack = stack_text(names, depth);
			stack_lines_add(&lines, stack, (uint64_t)json_element_number(node, 3),
					(uint64_t)json_element_number(node, 4));
			free(stack);
		}
		assert_same_stacks(recording, &lines, 'b', "html");
		json_object_put(data);
		free(text);
		recording_free(recording);
	}
}

/* A line's value of a metric; *origin gets its provenance. */
static const char *line_value(const struct csv *table, const char *line, const char *metric,
			      const char **origin)
{
	for (size_t row = 1; row * table->n_columns < table->n_cells; row++)
		if (strcmp(cell(table, row, "line"), line) == 0 &&
		    strcmp(cell(table, row, "metric"), metric) == 0) {
			*origin = cell(table, row, "provenance");
			return cell(table, row, "value");
		}
	fail_msg("line %s has no %s", line, metric);
	return NULL;
}

static void lines_have_events_and_rates(void **state)
{
	struct recording *recording = fixture_model();
	const char *origin;
	size_t n;
	(void)state;
	struct csv table = parse_csv(export_text(recording, "lines", &n));
	assert_string_equal(line_value(&table, "7", "memory-accesses", &origin), "80000");
	assert_string_equal(origin, "modelled");
	assert_string_equal(line_value(&table, "7", "L1-misses", &origin), "20000");
	assert_string_equal(line_value(&table, "7", "L1 misses", &origin), "0.25");
	assert_string_equal(origin, "modelled");
	assert_string_equal(line_value(&table, "6", "L1 misses", &origin), "0");
	assert_string_equal(line_value(&table, "6", "L2 misses", &origin), "");
	assert_string_equal(origin, "unavailable");
	assert_string_equal(cell(&table, 1, "function"), "main");
	/* of each of 4 lines its samples, 4 events, and misses of 2 levels and the TLB of accesses
	 */
	assert_int_equal(table.n_cells / table.n_columns, 1 + 4 * 8);
	free_table(&table);
	recording_free(recording);
}

static void lines_are_whole_with_any_names(void **state)
{
	struct recording *recording;
	(void)state;
	for (int i = 0; (recording = fixture_subject(i)); i++) {
		size_t n;
		struct csv table = parse_csv(export_text(recording, "lines", &n));
		for (size_t row = 1; row * table.n_columns < table.n_cells; row++)
			assert_true(cell(&table, row, "provenance")[0] != '\0');
		free_table(&table);
		recording_free(recording);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_have_events_and_rates),
		cmocka_unit_test(lines_are_whole_with_any_names),
		cmocka_unit_test(csv_has_equal_rows),
		cmocka_unit_test(csv_keeps_what_text_is),
		cmocka_unit_test(json_lines_are_the_csv),
		cmocka_unit_test(markdown_tables_keep_their_shape),
		cmocka_unit_test(markdown_says_what_is_known),
		cmocka_unit_test(svg_is_well_formed),
		cmocka_unit_test(svg_titles_are_totals),
		cmocka_unit_test(page_holds_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
