/* Records, mappings, launching and sampling for real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sampler/address_space.h"
#include "sampler/collector.h"
#include "sampler/exporter.h"
#include "sampler/perf_event.h"
#include "sampler/perf_record.h"
#include "sampler/recording.h"
#include "sampler/target.h"
#include "tests/fixture_perf.h"

/* ---- records */

static const struct perf_layout layout = {
	.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU |
		       PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_REGS_USER |
		       PERF_SAMPLE_STACK_USER,
	.register_mask = 0xff0fff,
};

/* A sample with two chain entries, registers and 64 bytes of stack of which 24 are copied. */
static size_t make_sample(uint64_t *words)
{
	size_t n = 1;
	words[n++] = 0x1234; /* ip */
	words[n++] = 8ULL << 32 | 7;
	words[n++] = 999;     /* time */
	words[n++] = 1;       /* cpu */
	words[n++] = 1003009; /* period */
	words[n++] = 2;
	words[n++] = PERF_CONTEXT_USER;
	words[n++] = 0x1234;
	words[n++] = PERF_SAMPLE_REGS_ABI_64;
	for (int i = 0; i < 20; i++)
		words[n++] = 100 + (uint64_t)i;
	words[n++] = 64;
	for (int i = 0; i < 8; i++)
		words[n++] = (uint64_t)i;
	words[n++] = 24;
	struct perf_event_header header = { PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER,
					    (uint16_t)(n * 8) };
	memcpy(words, &header, sizeof header);
	return n;
}

static void samples_are_read_field_by_field(void **state)
{
	uint64_t words[64], time_ns;
	struct perf_sample sample;
	(void)state;
	make_sample(words);
	const struct perf_event_header *header = (const void *)words;
	assert_true(perf_record_sample(header, &layout, &sample));
	assert_int_equal(sample.ip, 0x1234);
	assert_int_equal(sample.pid, 7);
	assert_int_equal(sample.tid, 8);
	assert_int_equal(sample.period, 1003009);
	assert_int_equal(sample.n_chain, 2);
	assert_int_equal(sample.registers[19], 119);
	assert_int_equal(sample.stack_bytes, 24);
	assert_int_equal(sample.stack_reserved, 64);
	assert_true(perf_record_time(header, &layout, &time_ns));
	assert_int_equal(time_ns, 999);
}

/* A record may lie about anything; the reader stays inside it (ASan watches the exact size). */
static void short_and_bent_records_are_refused(void **state)
{
	uint64_t words[64];
	size_t n = make_sample(words);
	struct perf_sample sample;
	(void)state;
	for (size_t bytes = 8; bytes <= n * 8; bytes += 4) {
		uint64_t *copy = malloc(bytes);
		memcpy(copy, words, bytes);
		((struct perf_event_header *)copy)->size = (uint16_t)bytes;
		bool is_good = perf_record_sample((const void *)copy, &layout, &sample);
		assert_int_equal(is_good, bytes == n * 8);
		free(copy);
	}
	for (size_t at = 1; at < n; at++)
		for (uint64_t value = 1; value; value <<= 7) {
			uint64_t *copy = malloc(n * 8);
			memcpy(copy, words, n * 8);
			copy[at] = value | value << 1;
			if (perf_record_sample((const void *)copy, &layout, &sample) &&
			    sample.stack)
				assert_true(sample.stack_bytes <= sample.stack_reserved);
			free(copy);
		}
}

static void names_end_inside_their_record(void **state)
{
	uint64_t words[16] = { 0 };
	struct perf_comm comm;
	struct perf_event_header header = { PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC,
					    (2 + 2 + 3) * 8 };
	(void)state;
	memcpy(words, &header, sizeof header);
	words[1] = 5ULL << 32 | 4;
	memcpy(&words[2], "name", 5);
	assert_true(perf_record_comm((const void *)words, &layout, &comm));
	assert_string_equal(comm.name, "name");
	assert_true(comm.is_exec);
	memset(&words[2], 'x', 16); /* no NUL before the trailer */
	assert_false(perf_record_comm((const void *)words, &layout, &comm));
}

/* ---- mappings */

static void map(struct address_space *space, pid_t pid, uint64_t start, uint64_t length,
		const char *path)
{
	struct mapped_file file = { .start = start,
				    .length = length,
				    .device = 1,
				    .inode = 2,
				    .prot = PROT_READ | PROT_EXEC,
				    .path = path };
	address_space_map(space, pid, &file);
}

static const char *path_at(struct address_space *space, pid_t pid, uint64_t address)
{
	struct mapping *mapping = process_find(address_space_process(space, pid), address);
	return mapping ? mapping->module->path : "";
}

static void mappings_cut_each_other(void **state)
{
	struct recording *recording = recording_new();
	struct address_space *space = address_space_new(recording);
	(void)state;
	map(space, 1, 0x1000, 0x9000, "/nonexistent/a");
	map(space, 1, 0x3000, 0x1000, "/nonexistent/b");
	assert_string_equal(path_at(space, 1, 0x2fff), "/nonexistent/a");
	assert_string_equal(path_at(space, 1, 0x3000), "/nonexistent/b");
	assert_string_equal(path_at(space, 1, 0x4000), "/nonexistent/a");
	assert_string_equal(path_at(space, 1, 0x9fff), "/nonexistent/a");
	assert_string_equal(path_at(space, 1, 0xa000), "");
	assert_string_equal(path_at(space, 1, 0xfff), "");
	map(space, 1, 0, 0xffff, "/nonexistent/c");
	assert_string_equal(path_at(space, 1, 0x3000), "/nonexistent/c");
	assert_int_equal(address_space_process(space, 1)->n_mappings, 1);
	map(space, 1, UINT64_MAX - 10, 100, "/nonexistent/wraps");
	assert_int_equal(address_space_process(space, 1)->n_mappings, 1);
	address_space_free(space);
	recording_free(recording);
}

static void forks_copy_and_execs_clear(void **state)
{
	struct recording *recording = recording_new();
	struct address_space *space = address_space_new(recording);
	(void)state;
	map(space, 1, 0x1000, 0x1000, "/nonexistent/a");
	address_space_fork(space, 1, 2);
	struct process *one = address_space_process(space, 1);
	struct process *two = address_space_process(space, 2);
	assert_true(one->space_id == two->space_id);
	map(space, 2, 0x8000, 0x1000, "/nonexistent/b");
	assert_true(one->space_id != two->space_id);
	assert_string_equal(path_at(space, 1, 0x8000), "");
	address_space_exec(space, 2);
	assert_string_equal(path_at(space, 2, 0x1000), "");
	assert_string_equal(path_at(space, 1, 0x1000), "/nonexistent/a");
	for (pid_t pid = 100; pid < 5000; pid++) { /* many children must not stay */
		address_space_fork(space, 1, pid);
		address_space_exit(space, pid);
	}
	assert_string_equal(path_at(space, 4999, 0x1000), "/nonexistent/a");
	assert_string_equal(path_at(space, 101, 0x1000), "");
	address_space_free(space);
	recording_free(recording);
}

/* ---- the whole way */

struct run {
	struct recording *recording;
	struct target target;
	struct sampling sampling;
	char *folded;
	int status;
};

static void run(struct run *run, char *const *argv)
{
	struct why why;
	struct launch launch = { .argv = argv, .probe_fd = -1, .output = TARGET_OUTPUT_TO_STDERR };
	size_t n;
	run->recording = recording_new();
	if (!target_launch(&run->target, &launch, &run->sampling, &why))
		fail_msg("%s", why.text);
	struct collector *collector = collector_start(run->recording, &run->target, NULL, &why);
	if (!collector)
		fail_msg("%s", why.text);
	if (!target_release(&run->target, &run->status, &why))
		print_message("%s\n", why.text);
	while (!collector_is_done(collector)) {
		struct pollfd fd = { .fd = collector_event_fd(collector), .events = POLLIN };
		poll(&fd, 1, 100);
		collector_clear_event(collector);
		target_poll(&run->target);
	}
	collector_stop(collector);
	target_close(&run->target);
	FILE *out = open_memstream(&run->folded, &n);
	struct export_options options = { .no_inline = true };
	assert_true(exporter_find("folded")->write(run->recording, &options, out, &why));
	fclose(out);
}

static void finish(struct run *run)
{
	free(run->folded);
	recording_free(run->recording);
}

/* Samples whose line holds `text`, and all. */
static double share_of(const char *folded, const char *text)
{
	double with = 0, all = 0;
	for (const char *line = folded; *line; line = strchr(line, '\n') + 1) {
		size_t n = strcspn(line, "\n");
		const char *space = memrchr(line, ' ', n);
		double count = strtod(space, NULL);
		all += count;
		with += memmem(line, n, text, strlen(text)) ? count : 0;
	}
	return all > 0 ? with / all : 0;
}

static const char program[] =
	"#include <stdlib.h>\n"
	"volatile double x;\n"
	"__attribute__((noinline)) void three_parts(void){for(long i=0;i<90000000;i++)x+=i;}\n"
	"__attribute__((noinline)) void one_part(void){for(long i=0;i<30000000;i++)x+=i;}\n"
	"static int compare(const void*a,const void*b){(void)a;(void)b;three_parts();one_part();"
	"return 0;}\n"
	"int main(void){int a[2]={2,1};qsort(a,2,sizeof a[0],compare);return 7;}\n";

/* 75 : 25 by construction, below a library's call-back, without frame pointers. */
static void shares_and_callers_are_right(void **state)
{
	static const enum call_graph kinds[] = { CALL_GRAPH_AUTO, CALL_GRAPH_FP, CALL_GRAPH_NONE };
	char source[] = "/tmp/stoke-test-XXXXXX.c", binary[64], command[256];
	(void)state;
	if (!fixture_can_sample())
		skip();
	int fd = mkstemps(source, 2);
	assert_int_equal(write(fd, program, sizeof program - 1), sizeof program - 1);
	close(fd);
	snprintf(binary, sizeof binary, "%.*s", (int)strlen(source) - 2, source);
	snprintf(command, sizeof command, "cc -O1 -fomit-frame-pointer -o %s %s", binary, source);
	assert_int_equal(system(command), 0);
	char *const argv[] = { binary, NULL };
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct run it = { 0 };
		sampling_defaults(&it.sampling);
		it.sampling.call_graph = kinds[i];
		run(&it, argv);
		assert_int_equal(target_exit_status(&it.target), 7);
		double three = share_of(it.folded, "three_parts "),
		       one = share_of(it.folded, "one_part ");
		print_message("call graph %d: %.3f of %.3f\n", (int)kinds[i], three, three + one);
		assert_true(three + one > 0.85);
		assert_true(three / (three + one) > 0.70 && three / (three + one) < 0.80);
		if (kinds[i] == CALL_GRAPH_AUTO)
			assert_true(share_of(it.folded, ";main;") > 0.85 &&
				    share_of(it.folded, ";compare;three_parts ") > 0.55);
		if (kinds[i] == CALL_GRAPH_FP) /* the leaf's caller, which the kernel misses */
			assert_true(share_of(it.folded, "compare;three_parts ") > 0.55);
		finish(&it);
	}
	unlink(source);
	unlink(binary);
}

static void exec_failures_have_statuses(void **state)
{
	struct run it = { 0 };
	char *const missing[] = { (char *)"/nonexistent/program", NULL };
	char *const folder[] = { (char *)"/tmp", NULL };
	(void)state;
	if (!fixture_can_sample())
		skip();
	sampling_defaults(&it.sampling);
	run(&it, missing);
	assert_int_equal(it.status, 127);
	finish(&it);
	it.folded = NULL;
	run(&it, folder);
	assert_int_equal(it.status, 126);
	finish(&it);
}

static void children_and_strange_names_are_followed(void **state)
{
	struct run it = { 0 };
	char *const argv[] = { (char *)"sh", (char *)"-c",
			       (char *)"i=0; while [ $i -lt 300 ]; do /bin/true; i=$((i+1)); done; "
				       "exec 0<&- 1>&- 2>&-; kill -9 $$",
			       NULL };
	(void)state;
	if (!fixture_can_sample())
		skip();
	sampling_defaults(&it.sampling);
	it.sampling.frequency_hz = 4999;
	run(&it, argv);
	assert_int_equal(target_exit_status(&it.target), 128 + SIGKILL);
	assert_true(share_of(it.folded, "true;") > 0.3); /* the children, under their own name */
	finish(&it);
}

static void a_duration_ends_the_recording(void **state)
{
	struct run it = { 0 };
	char *const argv[] = { (char *)"sleep", (char *)"100", NULL };
	(void)state;
	if (!fixture_can_sample())
		skip();
	sampling_defaults(&it.sampling);
	it.sampling.duration_ns = 200000000;
	run(&it, argv);
	assert_int_equal(target_exit_status(&it.target), 128 + SIGTERM);
	finish(&it);
}

static void every_errno_is_one_sentence(void **state)
{
	struct why why;
	(void)state;
	for (int error = 1; error < 130; error++) {
		assert_false(perf_event_explain("cycles", error, &why));
		assert_true(strncmp(why.text, "Cannot open cycles: ", 20) == 0);
		assert_null(strchr(why.text, '\n'));
		assert_int_equal(why.text[strlen(why.text) - 1], '.');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_read_field_by_field),
		cmocka_unit_test(short_and_bent_records_are_refused),
		cmocka_unit_test(names_end_inside_their_record),
		cmocka_unit_test(mappings_cut_each_other),
		cmocka_unit_test(forks_copy_and_execs_clear),
		cmocka_unit_test(every_errno_is_one_sentence),
		cmocka_unit_test(exec_failures_have_statuses),
		cmocka_unit_test(shares_and_callers_are_right),
		cmocka_unit_test(children_and_strange_names_are_followed),
		cmocka_unit_test(a_duration_ends_the_recording),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
