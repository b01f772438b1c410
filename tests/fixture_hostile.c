/* A recording that means harm. See fixture.h. */
#include <math.h>

#include "sampler/recording.h"
#include "tests/fixture.h"

static const uint64_t START_NS = 5000000000;

const char *const fixture_hostile_names[] = {
	"plain",
	"\"quoted\"",
	"back\\slash\\",
	"</script><script>alert(1)</script>",
	"]]>",
	"<!-- --",
	"a & b < c > d",
	"comma, and \"quote\"",
	"line\nbreak\r\nand\ttab",
	"bell\a escape\033[31m delete\x7f",
	"\xff\xfe invalid \xc3",
	"\xed\xa0\x80 surrogate \xc0\x80 overlong",
	"\xef\xbf\xbf not a character",
	"\xe2\x80\xa8 line separator",
	"=1+1",
	"@everyone | `code` ``` **bold** [link](javascript:alert(1))",
	"${x} {{y}} %s%n%d",
	"\xf0\x9f\x94\xa5",
	"",
	NULL,
};

static uint32_t text(struct recording *recording, const char *words)
{
	return recording_add_string(recording, words);
}

static uint32_t series(struct recording *recording, const char *name, const char *unit,
		       uint32_t origin, uint32_t flags)
{
	struct series_row row = { .name = text(recording, name),
				  .unit = text(recording, unit),
				  .source = text(recording, "fix\"ture"),
				  .device = text(recording, "<dev>"),
				  .origin = origin,
				  .reason = text(recording, "because, \"so\"\n</script>"),
				  .remedy = text(recording, "do | nothing"),
				  .flags = flags };
	return recording_add_series(recording, &row);
}

static uint32_t add_thread(struct recording *recording, uint32_t tid, const char *name)
{
	struct thread_row row = { .pid = 7,
				  .tid = tid,
				  .name = text(recording, name),
				  .process_name = text(recording, "<pro|cess>"),
				  .start_ns = START_NS };
	return recording_add_thread(recording, &row);
}

static uint32_t add_frame(struct recording *recording, const char *name, uint32_t module,
			  uint64_t address)
{
	struct function_row function = { .name = text(recording, name),
					 .linkage_name = text(recording, name),
					 .module = module,
					 .address = address };
	struct frame_row frame = { .address = address, .module = module };
	uint32_t id = recording_add_frame(recording, &frame);
	struct location_row location = { .function = recording_add_function(recording, &function),
					 .file = text(recording, "/src/\"<a>\"\xff.c"),
					 .line = 17 };
	recording_add_location(recording, &location);
	return id;
}

static void add_samples(struct recording *recording, const uint32_t *threads,
			const uint32_t *of_series)
{
	struct module_row row = { .path = text(recording, "/bin/<\"x\">&\xfe,y"),
				  .build_id = text(recording, "00ff12"),
				  .kind = MODULE_FILE };
	uint32_t module = recording_add_module(recording, &row), stack = 0;
	for (uint32_t i = 0; fixture_hostile_names[i]; i++) {
		uint32_t frame =
			add_frame(recording, fixture_hostile_names[i], module, 0x1000 + i * 16);
		stack = recording_add_stack(recording, i % 5 ? stack : 0, frame);
		for (uint32_t k = 0; k < 4; k++) {
			struct sample_row sample = {
				.time_ns = START_NS + k * 30000000 + i,
				.weight = k % 2 ? 1000 * (i + 1) : 1000000 * (i + 1),
				.stack = stack,
				.thread = threads[(i + k / 2) % 2],
				.count = i + 1,
				.series = (uint16_t)of_series[k % 2],
			};
			recording_add_sample(recording, &sample);
		}
	}
}

/* A frame that is a sentence, of no module. */
static void add_special(struct recording *recording, uint32_t thread, uint32_t of_series)
{
	uint32_t frame = recording_add_special_frame(recording, "[unknown: \"<why>\"]", 0);
	struct function_row function = { .name = text(recording, "[unknown: \"<why>\"]"),
					 .flags = FUNCTION_SPECIAL };
	struct location_row location = { .function = recording_add_function(recording, &function) };
	recording_add_location(recording, &location);
	struct sample_row sample = { .time_ns = START_NS + 200000000,
				     .weight = 3000000,
				     .stack = recording_add_stack(recording, 0, frame),
				     .thread = thread,
				     .count = 3,
				     .series = (uint16_t)of_series };
	recording_add_sample(recording, &sample);
}

static void add_readings(struct recording *recording, uint32_t loss, uint32_t missing)
{
	const double values[] = { 0.5, NAN, INFINITY, -INFINITY, 1e300, 0, 123456789.25 };
	for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct reading_row row = { .time_ns = START_NS + i * 10000000,
					   .value = values[i],
					   .series = loss,
					   .running_ratio = i == 4 ? 0.25f : 1,
					   .origin = i == 4 ? ORIGIN_SCALED : ORIGIN_SOFTWARE };
		recording_add_reading(recording, &row);
	}
	/* Not measured is never a zero, whatever the row holds. */
	struct reading_row row = { .time_ns = START_NS + 1,
				   .series = missing,
				   .origin = ORIGIN_UNAVAILABLE };
	recording_add_reading(recording, &row);
}

static void add_spans(struct recording *recording, uint32_t phases, uint32_t thread)
{
	const char *const names[] = { "load, \"it\"", "</script>", "inner" };
	for (uint32_t i = 0; i < 3; i++) {
		struct span_row row = { .start_ns = START_NS + (i == 2 ? 5000000 : i * 40000000),
					.duration_ns = i == 2 ? 10000000 : 40000000,
					.flops = i ? NAN : 12,
					.bytes = NAN,
					.items = INFINITY,
					.series = phases,
					.name = text(recording, names[i]),
					.thread = i == 2 ? thread : 0 };
		recording_add_span(recording, &row);
	}
}

struct recording *fixture_hostile(void)
{
	struct recording *recording = recording_new();
	recording->start_ns = START_NS;
	recording->start_epoch_ns = 1700000000000000000;
	uint32_t of_series[] = {
		series(recording, "cpu-clock", "ns", ORIGIN_SOFTWARE, SERIES_SAMPLES),
		series(recording, "cache \"misses\",", "", ORIGIN_SCALED, SERIES_SAMPLES),
	};
	uint32_t loss = series(recording, "lo<ss>", "", ORIGIN_SOFTWARE, SERIES_QUALITY);
	uint32_t missing = series(recording, "power", "W", ORIGIN_UNAVAILABLE, 0);
	uint32_t phases = series(recording, "phases", "ns", ORIGIN_SOFTWARE, SERIES_SPANS);
	uint32_t threads[] = { add_thread(recording, 7, "ma\"in</title>"),
			       add_thread(recording, 8, "\xff pool|1,") };
	add_samples(recording, threads, of_series);
	add_special(recording, threads[0], of_series[0]);
	recording_flush_samples(recording, UINT64_MAX);
	add_readings(recording, loss, missing);
	add_spans(recording, phases, threads[0]);
	recording_add_fact(recording, "command_line", "x </script> \"y\" \xff | `z` --> ]]>");
	recording_add_fact(recording, "sampling.frequency_hz", "1000");
	recording_note(recording, SEVERITY_WARNING, "st\"acks", "A | note </script> \033[31m.",
		       "`rm` <b>it</b>");
	recording_publish(recording);
	return recording;
}
