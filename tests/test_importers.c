/* Files of other tools, made by hand and by our own exporters, read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/importer.h"
#include "sampler/perf_script_line.h"
#include "sampler/recording.h"
#include "tests/fixture.h"
#include "tests/fixture_files.h"
#include "tests/fixture_gpu.h"
#include "tests/fixture_stride.h"

static struct recording *import_text(const char *importer, const char *text)
{
	char why[512];
	struct recording *recording = fixture_import(importer, text, strlen(text), why);
	if (!recording)
		fail_msg("%s", why);
	return recording;
}

static void assert_folded(const struct recording *recording, const char *wanted)
{
	char *text = fixture_export(recording, "folded", 0, NULL);
	assert_string_equal(text, wanted);
	free(text);
}

static const struct series_row *series_named(const struct recording *recording, const char *name,
					     uint32_t *id)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SERIES]; i++) {
		const struct series_row *row = recording_series(recording, i);
		*id = (uint32_t)i;
		if (strcmp(recording_string_at(recording, row->name), name) == 0)
			return row;
	}
	fail_msg("there is no series %s", name);
	return NULL;
}

static uint64_t weight_of(const struct recording *recording, uint32_t series)
{
	uint64_t sum = 0;
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SAMPLES]; i++)
		if (recording_sample(recording, i)->series == series)
			sum += recording_sample(recording, i)->weight;
	return sum;
}

/* ---- perf script */

static void heads_are_told_from_names(void **state)
{
	static const struct {
		const char *line, *comm, *event;
		uint32_t pid, tid;
		int64_t cpu; /* -1 = none */
		uint64_t time_ns, period;
	} rows[] = {
		{ "xz 23827 11749.940483:    1001001 cpu-clock: ", "xz", "cpu-clock", 0, 23827, -1,
		  11749940483000, 1001001 },
		{ "             seq  7002 [001] 12.539205123:    5 cycles:ppp:   7fea handle+0xa "
		  "(/x)",
		  "seq", "cycles:ppp", 0, 7002, 1, 12539205123, 5 },
		{ "Web Content 12/13 [003] 1.000001: 2 page-faults:u:", "Web Content",
		  "page-faults:u", 12, 13, 3, 1000001000, 2 },
		{ "kworker/1:2 4 1.5 77 3.000000: 1 instructions: ", "kworker/1:2 4 1.5",
		  "instructions", 0, 77, -1, 3000000000, 1 },
		{ "a 1 2.000000: sched:sched_switch: prev_comm=x prev_pid=3", "a",
		  "sched:sched_switch", 0, 1, -1, 2000000000, 0 },
		{ "deep 5 cycles:", "deep", "cycles", 0, 5, -1, 0, 0 },
		{ "deep cycles:", "deep", "cycles", 0, 0, -1, 0, 0 },
		{ ":-1    -1 [001] 44886.789225:          1 cpu-clock: ", ":-1", "cpu-clock", 0,
		  UINT32_MAX, 1, 44886789225000, 1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char line[256];
		struct perf_script_head head;
		snprintf(line, sizeof line, "%s", rows[i].line);
		assert_true(perf_script_head(line, &head));
		assert_string_equal(head.comm, rows[i].comm);
		assert_string_equal(head.event, rows[i].event);
		assert_int_equal(head.pid, rows[i].pid);
		assert_int_equal(head.tid, rows[i].tid);
		assert_int_equal(head.has_cpu ? (int64_t)head.cpu : -1, rows[i].cpu);
		assert_int_equal(head.time_ns, rows[i].time_ns);
		assert_int_equal(head.has_period ? head.period : 0, rows[i].period);
	}
	static const char *const others[] = { "", "just words", "a;b;c 12", "# comment : x" };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		char line[64];
		struct perf_script_head head;
		snprintf(line, sizeof line, "%s", others[i]);
		assert_false(perf_script_head(line, &head));
	}
}

static void frames_are_cut_at_the_right_places(void **state)
{
	static const struct {
		const char *line, *symbol, *module;
		bool is_inlined;
	} rows[] = {
		{ "\t    1219 step+0x89 (inlined)", "step", "inlined", true },
		{ "\tffffffff82 clear_page+0x7 ([kernel.kallsyms])", "clear_page",
		  "[kernel.kallsyms]", false },
		{ "    55d4 std::map<int, (anonymous namespace)::X>::find(int const&) const+0x1f "
		  "(/a b/p)",
		  "std::map<int, (anonymous namespace)::X>::find(int const&) const", "/a b/p",
		  false },
		{ "\t  12 f+0x1 (/tmp/x (deleted))", "f", "/tmp/x (deleted)", false },
		{ "\t  12 [unknown] (/usr/bin/dash)", "", "/usr/bin/dash", false },
		{ "\t   0 [unknown] ([unknown])", "", "", false },
		{ "\t  12 operator+ (/x)", "operator+", "/x", false },
		{ "\t  12", "", "", false },
		{ "\t  12 alone", "alone", "", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char line[256];
		struct perf_script_frame frame;
		snprintf(line, sizeof line, "%s", rows[i].line);
		assert_true(perf_script_is_frame(line));
		perf_script_frame(line, &frame);
		assert_string_equal(frame.symbol, rows[i].symbol);
		assert_string_equal(frame.module, rows[i].module);
		assert_int_equal(frame.is_inlined, rows[i].is_inlined);
	}
}

static const char script[] =
	"# ========\n"
	"# hostname : box\n"
	"# cmdline : /usr/bin/perf record x\n"
	"#\n"
	"prog 10/11 [001] 5.000000: 1000 cpu-clock: \n"
	"\t    1219 step+0x89 (inlined)\n"
	"  prog.c:7\n"
	"\t    1219 outer+0x89 (/bin/prog)\n"
	"  prog.c:20\n"
	"\t    1086 main+0x26 (/bin/prog)\n"
	"\n"
	"prog 10/12 [000] 5.001000: 3 page-faults: \n"
	"\tffffffff81000000 fault+0x1 ([kernel.kallsyms])\n"
	"\t    1086 main+0x26 (/bin/prog)\n"
	"\n"
	"two words 20/20 [000] 5.002000: 1000 cpu-clock: \n"
	"\n"
	"prog 10/11 [001] 5.003000: 1000 cpu-clock:   12 [unknown] (/lib/x.so)\n"
	"nonsense\n";

static void text_of_perf_script_is_read(void **state)
{
	struct recording *recording = import_text("perf-script", script);
	uint32_t id;
	(void)state;
	assert_folded(recording, "prog;[unknown: no symbol in x.so] 1\n"
				 "prog;main;outer;step 1\n"
				 "two words 1\n");
	const struct series_row *clock = series_named(recording, "cpu-clock", &id);
	assert_string_equal(recording_string_at(recording, clock->unit), "ns");
	assert_int_equal(weight_of(recording, id), 3000);
	assert_int_equal(clock->origin, ORIGIN_SOFTWARE);
	series_named(recording, "page-faults", &id);
	char *text = fixture_export(recording, "folded", id, NULL);
	assert_string_equal(text, "prog;main;fault 1\n");
	free(text);
	assert_int_equal(recording->start_ns, 5000000000);
	/* The innermost place and the call around it. */
	const struct stack_row *stack =
		recording_stack(recording, recording_sample(recording, 1)->stack);
	const struct location_row *location = recording_location(recording, stack->frame);
	assert_string_equal(recording_string_at(recording, location->file), "prog.c");
	assert_int_equal(location->line, 7);
	assert_int_equal(recording_inline(recording, location->inlined_into)->line, 20);
	recording_free(recording);
}

/* ---- speedscope */

static void speedscope_profiles_are_read(void **state)
{
	static const char text[] =
		"{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\","
		"\"shared\":{\"frames\":[{\"name\":\"main\",\"file\":\"a.c\",\"line\":3},"
		"{\"name\":\"work\"},{\"name\":\"idle\"}]},\"profiles\":["
		"{\"type\":\"sampled\",\"name\":\"first-7/8\",\"unit\":\"milliseconds\","
		"\"startValue\":0,\"endValue\":6,\"samples\":[[0,1],[0],[9]],"
		"\"weights\":[1.5,2,1]},"
		"{\"type\":\"evented\",\"name\":\"second\",\"unit\":\"microseconds\","
		"\"startValue\":100,\"endValue\":200,\"events\":["
		"{\"type\":\"O\",\"frame\":0,\"at\":100},{\"type\":\"O\",\"frame\":2,\"at\":110},"
		"{\"type\":\"C\",\"frame\":2,\"at\":150},{\"type\":\"C\",\"frame\":1,\"at\":160},"
		"{\"type\":\"C\",\"frame\":0,\"at\":200}]}]}";
	uint32_t id;
	(void)state;
	if (importer_find("speedscope")->unusable()) {
		print_message("SKIP speedscope: %s\n", importer_find("speedscope")->unusable());
		skip();
	}
	struct recording *recording = import_text("speedscope", text);
	/* Three stretches of time of the second: main, idle, main up to 160 and up to 200. */
	assert_folded(recording, "first;main 2000000\nfirst;main;work 1500000\nsecond;main 60000\n"
				 "second;main;idle 40000\n");
	series_named(recording, "time", &id);
	assert_int_equal(weight_of(recording, id), 3500000 + 100000);
	assert_int_equal(recording_thread(recording, 1)->pid, 7);
	assert_int_equal(recording_thread(recording, 1)->tid, 8);
	recording_free(recording);
}

/* ---- Chrome's traces */

static const char trace[] =
	"[{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":7,\"args\":{\"name\":\"app\"}},"
	"{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":7,\"tid\":8,\"args\":{\"name\":\"worker\"}}"
	","
	"{\"name\":\"inner\",\"ph\":\"X\",\"ts\":20,\"dur\":30,\"pid\":7,\"tid\":8},"
	"{\"name\":\"outer\",\"ph\":\"X\",\"ts\":10,\"dur\":100,\"pid\":7,\"tid\":8},"
	"{\"name\":\"pair\",\"ph\":\"B\",\"ts\":60,\"pid\":7,\"tid\":8},"
	"{\"ph\":\"E\",\"ts\":80,\"pid\":7,\"tid\":8},"
	"{\"name\":\"memory\",\"ph\":\"C\",\"ts\":50,\"pid\":7,\"args\":{\"value\":12.5}},"
	"{\"name\":\"step\",\"cat\":\"phases\",\"id\":1,\"ph\":\"b\",\"ts\":5,\"pid\":7,\"tid\":8,"
	"\"args\":{\"flops\":4}},"
	"{\"name\":\"step\",\"cat\":\"phases\",\"id\":1,\"ph\":\"e\",\"ts\":200,\"pid\":7,\"tid\":"
	"8},"
	"{\"name\":\"other\",\"ph\":\"X\",\"ts\":1,\"dur\":1,\"pid\":\"GPU\",\"tid\":\"stream "
	"1\"}]";

static void traces_are_read(void **state)
{
	uint32_t id;
	(void)state;
	if (importer_find("chrome")->unusable())
		skip();
	struct recording *recording = import_text("chrome", trace);
	assert_folded(recording,
		      "stream 1;other 1000\nworker;outer 50000\nworker;outer;inner 30000\n"
		      "worker;outer;pair 20000\n");
	series_named(recording, "time", &id);
	assert_int_equal(weight_of(recording, id), 101000);
	series_named(recording, "memory", &id);
	assert_int_equal(recording_reading(recording, 1)->series, id);
	assert_true(recording_reading(recording, 1)->value == 12.5);
	const struct span_row *span = recording_span(recording, 1);
	assert_int_equal(span->start_ns, 5000);
	assert_int_equal(span->duration_ns, 195000);
	assert_true(span->flops == 4 && isnan(span->bytes));
	assert_int_equal(recording->start_ns, 1000);
	recording_free(recording);
}

/* Cut anywhere, what is whole stays; a file without a whole event is refused. */
static void cut_traces_are_closed(void **state)
{
	size_t n_read = 0;
	char why[512];
	(void)state;
	if (importer_find("chrome")->unusable())
		skip();
	for (size_t n = 0; n < sizeof trace - 1; n += FIXTURE_STRIDE) {
		struct recording *recording = fixture_import("chrome", trace, n, why);
		n_read += recording != NULL;
		if (!recording)
			assert_non_null(strstr(why, "at byte"));
		recording_free(recording);
	}
	/* The first event is 67 bytes long. */
	assert_true((n_read + 1) * FIXTURE_STRIDE > sizeof trace - 100);
}

/* ---- pprof */

static void put_varint(struct fixture_bytes *out, uint64_t value)
{
	do {
		uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		fixture_put(out, &byte, 1);
		value >>= 7;
	} while (value);
}

static void put_number(struct fixture_bytes *out, uint32_t field, uint64_t value)
{
	put_varint(out, field << 3);
	put_varint(out, value);
}

static void put_message(struct fixture_bytes *out, uint32_t field, struct fixture_bytes *message)
{
	put_varint(out, field << 3 | 2);
	put_varint(out, message->n);
	fixture_put(out, message->bytes, message->n);
	free(message->bytes);
	*message = (struct fixture_bytes){ 0 };
}

static void put_pair(struct fixture_bytes *out, uint32_t field, uint64_t first, uint64_t second)
{
	struct fixture_bytes message = { 0 };
	put_number(&message, 1, first);
	put_number(&message, 2, second);
	put_message(out, field, &message);
}

static void put_function(struct fixture_bytes *out, uint64_t id, uint64_t name)
{
	struct fixture_bytes message = { 0 };
	put_number(&message, 1, id);
	put_number(&message, 2, name);
	put_message(out, 5, &message);
}

/* lines: functions, the last 0 */
static void put_location(struct fixture_bytes *out, uint64_t id, uint64_t address,
			 const uint64_t *lines)
{
	struct fixture_bytes message = { 0 };
	put_number(&message, 1, id);
	put_number(&message, 2, 1);
	put_number(&message, 3, address);
	for (; *lines; lines++)
		put_pair(&message, 4, *lines, 40 + *lines);
	put_message(out, 4, &message);
}

static void put_sample(struct fixture_bytes *out, bool is_packed, uint64_t leaf, uint64_t caller,
		       uint64_t count, uint64_t weight)
{
	struct fixture_bytes message = { 0 }, packed = { 0 };
	if (is_packed) {
		put_varint(&packed, leaf);
		put_varint(&packed, caller);
		put_message(&message, 1, &packed);
		put_varint(&packed, count);
		put_varint(&packed, weight);
		put_message(&message, 2, &packed);
	} else {
		put_number(&message, 1, leaf);
		put_number(&message, 1, caller);
		put_number(&message, 2, count);
		put_number(&message, 2, weight);
	}
	put_pair(&message, 3, 7, 8); /* thread = worker */
	put_message(out, 2, &message);
}

static struct fixture_bytes make_pprof(void)
{
	static const char *const texts[] = { "",       "samples", "count",  "cpu",    "nanoseconds",
					     "main",   "work",    "thread", "worker", "/bin/prog",
					     "inlined" };
	struct fixture_bytes out = { 0 }, mapping = { 0 };
	put_pair(&out, 1, 1, 2);
	put_pair(&out, 1, 3, 4);
	put_sample(&out, true, 1, 2, 3, 300);
	put_sample(&out, false, 2, 2, 1, 1000);
	put_number(&mapping, 1, 1);
	put_number(&mapping, 2, 0x400000);
	put_number(&mapping, 3, 0x500000);
	put_number(&mapping, 4, 0x1000);
	put_number(&mapping, 5, 9);
	put_message(&out, 3, &mapping);
	put_location(&out, 1, 0x400100, (const uint64_t[]){ 3, 2, 0 });
	put_location(&out, 2, 0x400200, (const uint64_t[]){ 1, 0 });
	put_function(&out, 1, 5);
	put_function(&out, 2, 6);
	put_function(&out, 3, 10);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct fixture_bytes text = { 0 };
		fixture_put(&text, texts[i], strlen(texts[i]));
		put_message(&out, 6, &text);
	}
	return out;
}

static void pprof_profiles_are_read(void **state)
{
	struct fixture_bytes file = make_pprof();
	uint32_t id;
	(void)state;
	struct recording *recording = fixture_import("pprof", file.bytes, file.n, NULL);
	assert_non_null(recording);
	assert_folded(recording, "worker;main;main 1\nworker;main;work;inlined 3\n");
	series_named(recording, "cpu", &id);
	assert_int_equal(weight_of(recording, id), 1300);
	/* The count of its samples is no series of its own. */
	assert_int_equal(recording_moment(recording).n[TABLE_SERIES], 2);
	/* Addresses are the file's own. */
	assert_int_equal(recording_frame(recording, 1)->address, 0x1100);
	const struct location_row *location = recording_location(recording, 1);
	assert_int_equal(location->line, 43);
	recording_free(recording);
	free(file.bytes);
}

static void changed_profiles_do_no_harm(void **state)
{
	struct fixture_bytes file = make_pprof();
	char why[512];
	(void)state;
	for (size_t n = 0; n < file.n; n += FIXTURE_STRIDE) {
		struct recording *recording = fixture_import("pprof", file.bytes, n, why);
		if (!recording)
			assert_non_null(strstr(why, "no pprof file"));
		recording_free(recording);
	}
	for (size_t at = 0; at < file.n; at += FIXTURE_STRIDE)
		for (int bit = 0; bit < 8; bit++) {
			file.bytes[at] ^= (uint8_t)(1 << bit);
			recording_free(fixture_import("pprof", file.bytes, file.n, why));
			file.bytes[at] ^= (uint8_t)(1 << bit);
		}
	free(file.bytes);
}

/* ---- all of them */

/* What an exporter writes and an importer reads again, stack by stack. */
static void assert_goes_round(const struct recording *recording, const char *format)
{
	size_t n;
	char why[512];
	const struct importer *importer = importer_find(format);
	if (importer->unusable && importer->unusable())
		return;
	char *before = fixture_export(recording, "folded", 0, NULL);
	char *file = fixture_export(recording, format, 0, &n);
	struct recording *again = fixture_import(format, file, n, why);
	if (!again)
		fail_msg("%s: %s", format, why);
	char *after = fixture_export(again, "folded", 0, NULL);
	assert_string_equal(after, before);
	recording_free(again);
	free(before);
	free(file);
	free(after);
}

static void exports_come_back(void **state)
{
	static const char *const formats[] = { "folded", "pprof", "chrome" };
	(void)state;
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		struct recording *recording = fixture_known();
		assert_goes_round(recording, formats[i]);
		recording_free(recording);
	}
}

/* A trace holds work of GPUs, the streams it was on and when it was launched by whom. */
static void work_of_gpus_comes_back(void **state)
{
	(void)state;
	char why[512];
	size_t n, n_works = 0, n_launched = 0;
	const struct importer *importer = importer_find("chrome");
	if (importer->unusable && importer->unusable())
		return;
	struct recording *recording = fixture_gpu();
	char *file = fixture_export(recording, "chrome", 0, &n);
	struct recording *again = fixture_import("chrome", file, n, why);
	assert_non_null(again);
	/* What is not of a device is written first, and so comes first: by start and name. */
	uint64_t n_spans = recording_moment(recording).n[TABLE_SPANS];
	assert_int_equal(recording_moment(again).n[TABLE_SPANS], n_spans);
	for (uint64_t i = 1; i < n_spans; i++) {
		const struct span_row *held = recording_span(recording, i), *found = NULL;
		const char *name = recording_string_at(recording, held->name);
		uint64_t at_ns = held->start_ns - recording->start_ns;
		for (uint64_t k = 1; k < n_spans && !found; k++) {
			const struct span_row *row = recording_span(again, k);
			if (row->start_ns == at_ns && row->duration_ns == held->duration_ns &&
			    strcmp(recording_string_at(again, row->name), name) == 0)
				found = row;
		}
		assert_non_null(found);
		const struct series_row *lane = recording_series(recording, held->series);
		const struct series_row *other = recording_series(again, found->series);
		if (!lane->device)
			continue;
		n_works++;
		n_launched += found->launch_ns != 0;
		assert_string_equal(recording_string_at(again, other->name),
				    recording_string_at(recording, lane->name));
		assert_string_equal(recording_string_at(again, other->device), "GPU 0");
		assert_int_equal(other->origin, lane->origin);
		assert_int_equal(recording_thread(again, found->thread)->pid,
				 recording_thread(recording, held->thread)->pid);
		if (held->launch_ns > recording->start_ns)
			assert_int_equal(found->launch_ns, held->launch_ns - recording->start_ns);
		assert_int_equal(found->launch_duration_ns, held->launch_duration_ns);
	}
	assert_true(n_works == 91 && n_launched == 85); /* the copy's launch is at time 0 */
	recording_free(recording);
	recording_free(again);
	free(file);
}

static void formats_are_told_by_their_content(void **state)
{
	struct fixture_bytes pprof = make_pprof();
	const struct {
		const char *name, *bytes;
		size_t n;
	} files[] = {
		{ "perf-script", script, sizeof script - 1 },
		{ "chrome", trace, sizeof trace - 1 },
		{ "pprof", (const char *)pprof.bytes, pprof.n },
		{ "folded", "# comment\nmain;work 12\n", 23 },
		{ "perf-data", "PERFILE2\x68\0\0\0\0\0\0\0", 16 },
		{ "speedscope", "{\"shared\":{\"frames\":[]},\"profiles\":[]}", 38 },
		{ NULL, "{\"neither\":1}", 13 },
		{ NULL, "just a text\nof lines\n", 21 },
		{ NULL, "", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[32];
		int fd = fixture_file(files[i].bytes, files[i].n, path);
		const struct importer *found = importer_for_content(path);
		close(fd);
		assert_string_equal(found ? found->name : "none",
				    files[i].name ? files[i].name : "none");
		/* Whatever the order that they are asked in. */
		int n = 0;
		for (const struct importer *const *at = importers; *at && files[i].n; at++)
			n += (*at)->looks_like((const unsigned char *)files[i].bytes, files[i].n);
		assert_int_equal(n, files[i].name ? 1 : 0);
	}
	free(pprof.bytes);
}

static void extensions_decide_first(void **state)
{
	(void)state;
	assert_string_equal(importer_for_path("a/b.folded")->name, "folded");
	assert_string_equal(importer_for_path("perf.data")->name, "perf-data");
	assert_string_equal(importer_for_path("x.speedscope.json")->name, "speedscope");
	assert_string_equal(importer_for_path("x.trace.json")->name, "chrome");
	assert_string_equal(importer_for_path("x.pb.gz")->name, "pprof");
	assert_null(importer_for_path("x.json"));
	assert_null(importer_for_path("x.stoke"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_told_from_names),
		cmocka_unit_test(frames_are_cut_at_the_right_places),
		cmocka_unit_test(text_of_perf_script_is_read),
		cmocka_unit_test(speedscope_profiles_are_read),
		cmocka_unit_test(traces_are_read),
		cmocka_unit_test(cut_traces_are_closed),
		cmocka_unit_test(pprof_profiles_are_read),
		cmocka_unit_test(changed_profiles_do_no_harm),
		cmocka_unit_test(exports_come_back),
		cmocka_unit_test(work_of_gpus_comes_back),
		cmocka_unit_test(formats_are_told_by_their_content),
		cmocka_unit_test(extensions_decide_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
