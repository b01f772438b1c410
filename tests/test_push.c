/* What a profile store is sent, the spool that keeps it, and when a snapshot is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/push.h"
#include "sampler/push_spool.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tui/snapshot_trigger.h"

static char folder[] = "/tmp/stoke-test-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void labels_become_names_of_prometheus(void **state)
{
	(void)state;
	struct push push;
	struct why why;
	push_defaults(&push);
	assert_true(push_add_label(&push, "env=a=b", &why));
	assert_string_equal(push.labels[0].name, "env");
	assert_string_equal(push.labels[0].value, "a=b");
	assert_true(push_add_label(&push, "9 lives-\xc3\xa9=\033[31m", &why));
	assert_string_equal(push.labels[1].name, "__lives___");
	assert_null(strchr(push.labels[1].value, '\033'));
	assert_false(push_add_label(&push, "=x", &why));
	assert_false(push_add_label(&push, "x", &why));
	while (push.n_labels < PUSH_MOST_LABELS)
		assert_true(push_add_label(&push, "a=b", &why));
	assert_false(push_add_label(&push, "a=b", &why));
}

static void only_http_is_an_address(void **state)
{
	(void)state;
	struct push push;
	struct why why;
	push_defaults(&push);
	push.store = "http://here:1";
	if (!push_check(&push, &why)) { /* built without what it needs */
		printf("SKIP %s\n", why.text);
		skip();
	}
	push.store = "file:///etc/passwd";
	assert_false(push_check(&push, &why));
	assert_non_null(strstr(why.text, "http://HOST"));
}

static struct push_request request_for(const char *store, const char *body)
{
	char url[64];
	snprintf(url, sizeof url, "%s/ingest", store);
	return (struct push_request){ .store = strdup(store),
				      .url = strdup(url),
				      .content_type = strdup("application/octet-stream"),
				      .body = strdup(body),
				      .n_bytes = strlen(body) };
}

static void keep(const char *store, const char *body, uint64_t most_bytes, size_t n_expected)
{
	struct push_request request = request_for(store, body);
	struct why why;
	size_t n_dropped;
	assert_true(push_spool_add(folder, &request, most_bytes, &n_dropped, &why));
	assert_int_equal(n_dropped, n_expected);
	push_request_clear(&request);
}

/* Bodies taken so far, one after the other. */
struct taken {
	char text[64];
	size_t n_until_away;
};

static bool take(void *opaque, const struct push_request *request, bool *is_done)
{
	struct taken *taken = opaque;
	if (taken->n_until_away == 0)
		return false;
	taken->n_until_away--;
	strncat(taken->text, request->body, request->n_bytes);
	*is_done = true;
	return true;
}

static void the_spool_keeps_order(void **state)
{
	(void)state;
	struct taken taken = { .n_until_away = 2 };
	for (const char *body = "abcd"; *body; body++) {
		const char text[2] = { *body, '\0' };
		keep("http://one", text, UINT64_MAX, 0);
	}
	keep("http://other", "x", UINT64_MAX, 0);
	assert_int_equal(push_spool_each(folder, "http://one", take, &taken), 2);
	assert_string_equal(taken.text, "ab");
	taken.n_until_away = 9;
	assert_int_equal(push_spool_each(folder, "http://one", take, &taken), 0);
	assert_string_equal(taken.text, "abcd");
	assert_int_equal(push_spool_each(folder, "http://other", take, &taken), 0);
	/* When there is no room the oldest go; the newest always stays. */
	keep("http://one", "e", 1, 0);
	keep("http://one", "f", 1, 1);
	taken.text[0] = '\0';
	assert_int_equal(push_spool_each(folder, "http://one", take, &taken), 0);
	assert_string_equal(taken.text, "f");
}

static void damaged_requests_are_left_alone(void **state)
{
	(void)state;
	static const char *const files[] = {
		"",
		"stoke push 1\n",
		"stoke push 1\ns\ns/u\nt\n-1\nx",
		"stoke push 1\ns\ns/u\nt\n5\nx",
		"stoke push 1\ns\ns/u\nt\n1\nxx",
		"stoke push 2\ns\ns/u\nt\n1\nx",
		/* another host, which would get the token; one that only begins alike */
		"stoke push 1\ns\nhttp://other/u\nt\n1\nx",
		"stoke push 1\ns\ns.other/u\nt\n1\nx",
		/* a line more in the request's head */
		"stoke push 1\ns\ns/u\nt\rX-Evil: 1\n1\nx",
		"stoke push 1\ns\ns/u\n\n1\nx",
		"stoke push 1\ns\ns/u\nt\n18446744073709551615\nx",
	};
	static const char sound[] = "stoke push 1\ns\ns/u\nt\n1\nx";
	char path[64];
	struct taken taken = { .n_until_away = 9 };
	snprintf(path, sizeof path, "%s/a.push", folder);
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		fputs(files[i], file);
		fclose(file);
		assert_int_equal(push_spool_each(folder, "s", take, &taken), 0);
		assert_int_equal(access(path, F_OK), 0);
	}
	assert_string_equal(taken.text, "");
	/* What is wrong with each is what was changed in it. */
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(sound, file);
	fclose(file);
	assert_int_equal(push_spool_each(folder, "s", take, &taken), 0);
	assert_string_equal(taken.text, "x");
	assert_int_equal(access(path, F_OK), -1);
}

/* What could not be read back is not written. */
static void only_sound_requests_are_kept(void **state)
{
	(void)state;
	struct push_request request = request_for("http://one", "x");
	struct why why;
	size_t n_dropped;
	free(request.url);
	request.url = strdup("http://two/ingest");
	assert_false(push_spool_add(folder, &request, UINT64_MAX, &n_dropped, &why));
	free(request.url);
	request.url = strdup("http://one/in\ngest");
	assert_false(push_spool_add(folder, &request, UINT64_MAX, &n_dropped, &why));
	assert_non_null(strstr(why.text, "cannot be kept"));
	push_request_clear(&request);
}

static void triggers_fire_once_on_the_way_up(void **state)
{
	(void)state;
	struct snapshot_trigger trigger;
	struct why why;
	struct recording *recording = recording_new();
	struct series_row row = { .name = recording_add_string(recording, "loss") };
	uint32_t series = recording_add_series(recording, &row);
	static const double values[] = { 1, 3, 4, 1, 5 };
	static const bool fires[] = { false, true, false, false, true };
	assert_true(snapshot_trigger_parse(&trigger, "loss>2.5", &why));
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct reading_row reading = { .time_ns = now_ns(),
					       .value = values[i],
					       .series = series,
					       .origin = ORIGIN_SOFTWARE };
		recording_add_reading(recording, &reading);
		recording_publish(recording);
		assert_int_equal(snapshot_trigger_check(&trigger, recording, now_ns()), fires[i]);
	}
	assert_true(trigger.is_known && trigger.value == 5);
	assert_false(snapshot_trigger_parse(&trigger, "loss", &why));
	assert_false(snapshot_trigger_parse(&trigger, ">1", &why));
	assert_false(snapshot_trigger_parse(&trigger, "loss>", &why));
	assert_false(snapshot_trigger_parse(&trigger, "loss>1x", &why));
	assert_false(snapshot_trigger_parse(&trigger, "loss>inf", &why));
	recording_free(recording);
}

/* Half a CPU over the last second, in nanoseconds of samples. */
static void triggers_know_rates(void **state)
{
	(void)state;
	struct snapshot_trigger over, under;
	struct why why;
	struct recording *recording = recording_new();
	struct series_row row = { .name = recording_add_string(recording, "cpu-clock:u"),
				  .unit = recording_add_string(recording, "ns"),
				  .flags = SERIES_SAMPLES };
	uint16_t series = (uint16_t)recording_add_series(recording, &row);
	uint64_t at_ns = recording->start_ns;
	bool has_over = false, has_under = false;
	assert_true(snapshot_trigger_parse(&over, "cpu-clock>0.4", &why));
	assert_true(snapshot_trigger_parse(&under, "cpu-clock>0.6", &why));
	for (int i = 0; i < 300; i++, at_ns += 10000000) {
		struct sample_row sample = {
			.time_ns = at_ns, .weight = 5000000, .count = 1, .series = series
		};
		recording_add_sample(recording, &sample);
		recording_flush_samples(recording, at_ns);
		recording_publish(recording);
		has_over = snapshot_trigger_check(&over, recording, at_ns) || has_over;
		has_under = snapshot_trigger_check(&under, recording, at_ns) || has_under;
	}
	assert_true(has_over);
	assert_false(has_under);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_become_names_of_prometheus),
		cmocka_unit_test(only_http_is_an_address),
		cmocka_unit_test(the_spool_keeps_order),
		cmocka_unit_test(damaged_requests_are_left_alone),
		cmocka_unit_test(only_sound_requests_are_kept),
		cmocka_unit_test(triggers_fire_once_on_the_way_up),
		cmocka_unit_test(triggers_know_rates),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
