/* Lists: order, selection, columns; and with keys, clicks and commands in the views that have one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/list.h"
#include "workloads/support/random.h"

enum { NUMBER, NAME, PICTURE };

static const struct list_column columns[] = {
	{ "number", "number", "n", NUMBER, 8, 0, 0 },
	{ "spare", "spare", "s", NUMBER, 10, 2, 0 },
	{ "more", "more", "m", NUMBER, 10, 1, LIST_EXTRA },
	{ "picture", "", "p", PICTURE, 4, 3, LIST_UNSORTED },
	{ "name", "name", "n", NAME, 12, 0, LIST_TEXT | LIST_FILLS },
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

struct item {
	uint64_t id;
	double number;
	const char *name;
	unsigned group;
};

static uint64_t identity_of(const void *of, size_t row)
{
	return ((const struct item *)of)[row].id;
}

static double value_of(const void *of, size_t row, int column)
{
	(void)column;
	return ((const struct item *)of)[row].number;
}

static const char *text_of(const void *of, size_t row, int column)
{
	(void)column;
	return ((const struct item *)of)[row].name;
}

static unsigned group_of(const void *of, size_t row)
{
	return ((const struct item *)of)[row].group;
}

static void update(struct list *list, const struct item *items, size_t n, int width)
{
	struct list_rows rows = { .of = items,
				  .n = n,
				  .sort = "number",
				  .identity = identity_of,
				  .value = value_of,
				  .text = text_of,
				  .group = group_of };
	struct list_frame frame = { width, 0, 1, 4 };
	list_update(list, &rows, columns, N_COLUMNS, &frame);
}

static void check_order(const struct list *list, const char *ids)
{
	char got[64] = "";
	for (size_t i = 0; i < list->n; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%llu",
			 (unsigned long long)list->entries[i].identity);
	assert_string_equal(got, ids);
}

static void rows_are_sorted_by_any_column_and_stay_in_order(void **state)
{
	static const struct item items[] = { { 1, 5, "pear", 0 },  { 2, NAN, "", 0 },
					     { 3, 7, "Apple", 0 }, { 4, 5, "fig", 0 },
					     { 5, -1, "fig", 0 },  { 6, 5, "apple", 0 } };
	struct list list = { 0 };
	(void)state;
	update(&list, items, 6, 80);
	check_order(&list, "314652"); /* equal ones as they came, what is not known last */
	list.is_inverted = true;
	update(&list, items, 6, 80);
	check_order(&list, "514632");
	list_sort(&list, list_find(&list, "name"));
	update(&list, items, 6, 80);
	check_order(&list, "364512");
	list.is_inverted = true;
	update(&list, items, 6, 80);
	check_order(&list, "145632");
	list_sort(&list, list_find(&list, "picture")); /* cannot be */
	assert_string_equal(list.sort, "name");
	assert_int_equal(list_find(&list, "nothing"), -1);
	list_free(&list);
}

static void groups_stay_above_each_other(void **state)
{
	static const struct item items[] = {
		{ 1, 1, "a", 1 }, { 2, 2, "b", 0 }, { 3, 3, "c", 1 }, { 4, 4, "d", 0 }
	};
	struct list list = { 0 };
	(void)state;
	update(&list, items, 4, 80);
	check_order(&list, "4231");
	list.is_inverted = true;
	update(&list, items, 4, 80);
	check_order(&list, "2413");
	list_free(&list);
}

static void the_selected_row_is_known_by_its_identity(void **state)
{
	struct random random = { 5 };
	struct item items[40];
	struct list list = { 0 };
	size_t n = 0;
	(void)state;
	for (int round = 0; round < 400; round++) {
		uint64_t before = list.identity;
		/* Rows come and go and weigh other amounts; number 7 is always there. */
		n = 0;
		for (uint64_t id = 0; id < 40; id++)
			if (id == 7 || random_bits(&random) % 3)
				items[n++] = (struct item){ id, (double)(random_bits(&random) % 9),
							    "x", 0 };
		for (size_t i = n; i-- > 1;) { /* and in any order */
			size_t other = random_bits(&random) % (i + 1);
			struct item item = items[i];
			items[i] = items[other];
			items[other] = item;
		}
		update(&list, items, n, 80);
		if (round == 0) {
			assert_int_equal(list.selected, 0);
			assert_false(list.is_moved);
			while (list.identity != 7)
				list_go(&list, 1);
		} else {
			assert_int_equal(before, 7);
			assert_int_equal(list.identity, 7);
			assert_int_equal(items[list_row(&list)].id, 7);
		}
		assert_true(list.selected >= list.first && list.selected < list.first + 4);
	}
	/* It goes: what took its place is selected. */
	static const struct item three[] = { { 1, 3, "", 0 }, { 2, 2, "", 0 }, { 3, 1, "", 0 } };
	size_t place = list.selected < 2 ? list.selected : 2;
	update(&list, three, 3, 80);
	assert_int_equal(list.selected, place);
	assert_int_equal(list.identity, three[place].id);
	update(&list, three, 0, 80);
	assert_int_equal(list.n, 0);
	list_go(&list, 1);
	list_scroll(&list, 3);
	list_free(&list);
}

/* Until somebody moves, it is the first one that is selected. */
static void nobody_moved_so_the_first_is_selected(void **state)
{
	static const struct item before[] = { { 1, 9, "", 0 }, { 2, 2, "", 0 } };
	static const struct item after[] = { { 1, 1, "", 0 }, { 2, 2, "", 0 } };
	struct list list = { 0 };
	(void)state;
	update(&list, before, 2, 80);
	assert_int_equal(list.identity, 1);
	update(&list, after, 2, 80);
	assert_int_equal(list.identity, 2);
	list_select(&list, 1);
	update(&list, before, 2, 80);
	assert_int_equal(list.identity, 1);
	assert_int_equal(list.selected, 0);
	list_forget(&list);
	update(&list, after, 2, 80);
	assert_int_equal(list.identity, 2);
	list_free(&list);
}

static void check_shown(const struct list *list, const char *names)
{
	char got[256] = "";
	int end = -LIST_GAP;
	for (int i = 0; i < list->n_shown; i++) {
		const struct list_place *place = &list->shown[i];
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? "," : "",
			 list->columns[place->column].name);
		assert_int_equal(place->x, end + LIST_GAP);
		end = place->x + place->cells;
	}
	assert_string_equal(got, names);
}

static void columns_give_way_by_their_rank(void **state)
{
	static const struct item items[] = { { 1, 1, "a", 0 } };
	static const struct {
		int width;
		const char *shown;
	} widths[] = { { 80, "number,spare,picture,name" },
		       { 37, "number,spare,picture,name" },
		       { 36, "number,spare,name" },
		       { 31, "number,name" },
		       { 3, "number,name" } };
	struct list list = { 0 };
	(void)state;
	for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
		update(&list, items, 1, widths[i].width);
		check_shown(&list, widths[i].shown);
		const struct list_place *last = &list.shown[list.n_shown - 1];
		if (widths[i].width > 30)
			assert_int_equal(last->x + last->cells, widths[i].width);
		assert_true(last->cells >= 0);
	}
	snprintf(list.choice, sizeof list.choice, "name,more,nonsense,more,spare");
	update(&list, items, 1, 80);
	check_shown(&list, "name,more,spare");
	snprintf(list.choice, sizeof list.choice, "nonsense");
	update(&list, items, 1, 80);
	check_shown(&list, "number,spare,picture,name");
	/* What rows are to be sorted by is seen. */
	list.choice[0] = '\0';
	list_sort(&list, list_find(&list, "spare"));
	update(&list, items, 1, 34);
	check_shown(&list, "number,spare,name");
	list_free(&list);
}

static void clicks_select_and_sort(void **state)
{
	struct item items[9];
	struct list list = { 0 };
	(void)state;
	for (size_t i = 0; i < 9; i++)
		items[i] = (struct item){ i, (double)i, "x", 0 };
	update(&list, items, 9, 80);
	list_click(&list, 3, 2);
	assert_true(list.has_hit_row);
	assert_int_equal(list.identity, 7);
	list_click(&list, 3, 0); /* sorted by it: the other way round */
	assert_false(list.has_hit_row);
	assert_true(list.is_inverted);
	update(&list, items, 9, 80);
	assert_int_equal(list.identity, 7);
	assert_int_equal(list.selected, 7);
	list_click(&list, 79, 0);
	assert_string_equal(list.sort, "name");
	assert_false(list.is_inverted);
	list_click(&list, 3, 5); /* below the rows */
	assert_false(list.has_hit_row);
	list_click(&list, -4, 0);
	list_click(&list, 4, -3);
	assert_string_equal(list.sort, "name");
	/* The wheel moves what is shown; what is selected stays in it. */
	update(&list, items, 9, 80);
	list_select(&list, 0);
	list_select(&list, 1);
	list_scroll(&list, 3);
	assert_int_equal(list.first, 3);
	assert_int_equal(list.selected, 3);
	list_scroll(&list, 300);
	assert_int_equal(list.first, 5);
	list_scroll(&list, -300);
	assert_int_equal(list.first, 0);
	list_free(&list);
}

static void stepping_through_columns_comes_round(void **state)
{
	static const struct item items[] = { { 1, 1, "a", 0 } };
	static const char *const right[] = { "spare", "name", "number" }, *const left[] = {
		"name", "spare", "number"
	};
	struct list list = { 0 };
	char name[LIST_NAME_BYTES];
	(void)state;
	for (int step = 1; step >= -1; step -= 2)
		for (int i = 0; i < 3; i++) {
			update(&list, items, 1, 80);
			list_sort_step(&list, step);
			assert_string_equal(list.sort, step > 0 ? right[i] : left[i]);
		}
	assert_string_equal(list_name("Bytes by misses/k ", name), "bytes-by-misses-k");
	assert_string_equal(list_name("  ", name), "");
	list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_sorted_by_any_column_and_stay_in_order),
		cmocka_unit_test(groups_stay_above_each_other),
		cmocka_unit_test(the_selected_row_is_known_by_its_identity),
		cmocka_unit_test(nobody_moved_so_the_first_is_selected),
		cmocka_unit_test(columns_give_way_by_their_rank),
		cmocka_unit_test(clicks_select_and_sort),
		cmocka_unit_test(stepping_through_columns_comes_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
