/*
 * NVTX ranges: between the launching stack and the kernel, and as spans. The test plays the part
 * of NVTX's headers in a program (their binary interface; tests/nvtx.sh runs the real ones), and
 * the mock that of CUPTI.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

#include "gpu/cupti.h"
#include "gpu/inject_nvtx.h"
#include "sampler/recording.h"
#include "tests/fixture_cupti.h"
#include "tests/fixture_inject.h"

int InitializeInjection(void);

/* ---- NVTX's side: where it keeps the functions it calls */

static nvtx_function *core[NVTX_CORE_SIZE], *core2[NVTX_CORE2_SIZE];
static unsigned int core_size = NVTX_CORE_SIZE;

static int functions(int module, nvtx_function ****out_table, unsigned int *out_size)
{
	static nvtx_function **core_places[NVTX_CORE_SIZE], **core2_places[NVTX_CORE2_SIZE];
	for (int i = 1; i < NVTX_CORE_SIZE; i++)
		core_places[i] = &core[i];
	for (int i = 1; i < NVTX_CORE2_SIZE; i++)
		core2_places[i] = &core2[i];
	*out_table = module == NVTX_CORE ? core_places : core2_places;
	*out_size = module == NVTX_CORE ? core_size : (unsigned int)NVTX_CORE2_SIZE;
	return module == NVTX_CORE || module == NVTX_CORE2;
}

static const struct nvtx_callbacks callbacks = { sizeof callbacks, functions };

static const void *get_table(uint32_t id)
{
	return id == NVTX_TABLE_CALLBACKS ? &callbacks : NULL;
}

static int push(const char *name)
{
	return ((int (*)(const char *))core[NVTX_RANGE_PUSH_A])(name);
}

static int pop(void)
{
	return ((int (*)(void))core[NVTX_RANGE_POP])();
}

static uint64_t start(const char *name)
{
	return ((uint64_t(*)(const char *))core[NVTX_RANGE_START_A])(name);
}

static void end(uint64_t number)
{
	((void (*)(uint64_t))core[NVTX_RANGE_END])(number);
}

static const void *domain(const char *name)
{
	return ((const void *(*)(const char *))core2[NVTX_DOMAIN_CREATE_A])(name);
}

static int domain_push(const void *domain, int type, const void *message)
{
	struct nvtx_event event = {
		.version = 3, .bytes = sizeof event, .message_type = type, .message = message
	};
	return ((int (*)(const void *, const void *))core2[NVTX_DOMAIN_RANGE_PUSH_EX])(domain,
										       &event);
}

static int domain_pop(const void *domain)
{
	return ((int (*)(const void *))core2[NVTX_DOMAIN_RANGE_POP])(domain);
}

/* ---- programs; what they find wrong they say by how they end */

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

static void set_up(void)
{
	check(InitializeInjection() == 1);
	check(InitializeInjectionNvtx2(get_table) == 1);
}

static void run_nested(void)
{
	set_up();
	check(push("epoch") == 0);
	check(push("step") == 1);
	mock.launch("inner", 7, 1000);
	check(pop() == 1);
	mock.launch("outer", 7, 1000);
	check(pop() == 0);
	mock.launch("bare", 7, 1000);
	check(pop() == NVTX_NO_TRACKING);
}

static void run_domains(void)
{
	set_up();
	const void *library = domain("library"), *again = domain("library");
	check(library && library == again);
	const void *text =
		((const void *(*)(const void *, const char *))core2[NVTX_DOMAIN_REGISTER_STRING_A])(
			library, "layer");
	check(push("step") == 0);
	check(domain_push(library, NVTX_REGISTERED, text) == 0);
	mock.launch("inner", 7, 1000);
	check(pop() == 0); /* of its own domain, though opened before */
	mock.launch("crossed", 7, 1000);
	check(domain_pop(library) == 0);
	check(domain_push(library, NVTX_WIDE_TEXT, L"Schl\u00e4ge \U0001F525") == 0);
	mock.launch("wide", 7, 1000);
	check(domain_pop(library) == 0);
}

static void *end_elsewhere(void *number)
{
	end(*(uint64_t *)number);
	return NULL;
}

static void run_process_ranges(void)
{
	pthread_t thread;
	uint64_t first = start("overlapping"), second = start("elsewhere");
	check(first && second && first != second);
	mock.launch("both", 7, 1000);
	end(first);
	mock.launch("second", 7, 1000);
	check(pthread_create(&thread, NULL, end_elsewhere, &second) == 0);
	pthread_join(thread, NULL);
	mock.launch("none", 7, 1000);
	end(second); /* twice does no harm */
	end(0);
	end(UINT64_MAX);
}

/* The thread sanitizer cannot start threads in a forked child. */
static void run_again(void)
{
	execl("/proc/self/exe", "test_nvtx", "--process-ranges", (char *)NULL);
	_exit(2);
}

static void run_deep(void)
{
	set_up();
	for (int i = 0; i < 100; i++)
		push("deep");
	mock.launch("deepest", 7, 1000);
	for (int i = 0; i < 100; i++)
		pop();
	check(pop() == NVTX_NO_TRACKING);
	mock.launch("bare", 7, 1000);
	for (int i = 0; i < 3000; i++)
		start("never ended");
	mock.launch("held", 7, 1000);
}

static void run_numbered(void)
{
	set_up();
	for (int i = 0; i < 50; i++) {
		char name[64];
		snprintf(name, sizeof name, "aten::mul, %s = %d", i % 2 ? "seq" : "op_id", i);
		push(name);
		mock.launch("mul", 7, 1000);
		pop();
	}
}

/* Handles and attributes that make no sense. */
static void run_hostile(void)
{
	set_up();
	push(NULL);
	mock.launch("nameless", 7, 1000);
	pop();
	domain_push((const char *)domain("odd") + (4 << 20), NVTX_REGISTERED, (const void *)set_up);
	domain_push((const char *)domain("odd") + 1, 99, "type");
	domain_push(NULL, NVTX_TEXT, NULL);
	((int (*)(const void *))core[NVTX_RANGE_PUSH_EX])(NULL);
	struct nvtx_event small = { .bytes = 8, .message_type = NVTX_TEXT, .message = "small" };
	((int (*)(const void *))core[NVTX_RANGE_PUSH_EX])(&small);
	((int (*)(const wchar_t *))core[NVTX_RANGE_PUSH_W])(L"\x7fffffff");
	char long_name[5000];
	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	push(long_name);
	mock.launch("odd", 7, 1000);
}

static void run_short_table(void)
{
	core_size = NVTX_RANGE_POP;
	check(InitializeInjectionNvtx2(get_table) == 1);
	check(core[NVTX_RANGE_PUSH_A] && !core[NVTX_RANGE_POP]);
	check(InitializeInjectionNvtx2(NULL) == 0);
	unsetenv("STOKE_GPU_FD");
}

static void run_without_cuda(void)
{
	check(InitializeInjectionNvtx2(get_table) == 1);
	push("load");
	push("parse");
	pop();
	pop();
}

/* ---- what must be seen */

static uint32_t stack_of(const struct recording *recording, const char *name)
{
	for (uint64_t i = 1; i < recording_moment(recording).n[TABLE_SPANS]; i++) {
		const struct span_row *span = recording_span(recording, i);
		if (span->stack && strcmp(recording_string_at(recording, span->name), name) == 0)
			return span->stack;
	}
	fail_msg("no %s", name);
	return 0;
}

/* "[nvtx]epoch/[nvtx library]layer" of the frames above the kernel. */
static const char *ranges_of(const struct recording *recording, const char *kernel)
{
	static char text[4096];
	text[0] = '\0';
	uint32_t stack = recording_stack(recording, stack_of(recording, kernel))->parent;
	for (; stack; stack = recording_stack(recording, stack)->parent) {
		char rest[4096];
		const struct frame_row *frame =
			recording_frame(recording, recording_stack(recording, stack)->frame);
		const char *path = recording_string_at(
			recording, recording_module(recording, frame->module)->path);
		if (strncmp(path, "[nvtx", 5) != 0)
			break;
		snprintf(rest, sizeof rest, "%s", text);
		snprintf(text, sizeof text, "%s%s%s%.3000s", path,
			 recording_string_at(recording, (uint32_t)frame->address),
			 rest[0] ? "/" : "", rest);
	}
	return text;
}

static void ranges_nest(void **state)
{
	struct recording *recording = fixture_inject("", run_nested);
	(void)state;
	assert_string_equal(ranges_of(recording, "inner"), "[nvtx]epoch/[nvtx]step");
	assert_string_equal(ranges_of(recording, "outer"), "[nvtx]epoch");
	assert_string_equal(ranges_of(recording, "bare"), "");
	assert_int_equal(fixture_fact(recording, "gpu.ranges"), 2);
	assert_int_equal(fixture_fact(recording, "gpu.matched"), 3);
	assert_int_equal(fixture_count_spans(recording, "epoch"), 1);
	const struct span_row *step = recording_span(recording, 1);
	const struct span_row *epoch = recording_span(recording, 2);
	assert_true(step->start_ns >= epoch->start_ns);
	assert_true(step->start_ns + step->duration_ns <= epoch->start_ns + epoch->duration_ns);
	assert_string_equal(
		recording_string_at(recording, recording_series(recording, step->series)->source),
		"nvtx");
	assert_false(fixture_has_note(recording, ""));
	recording_free(recording);
}

static void domains_are_apart(void **state)
{
	struct recording *recording = fixture_inject("", run_domains);
	(void)state;
	assert_string_equal(ranges_of(recording, "inner"), "[nvtx]step/[nvtx library]layer");
	assert_string_equal(ranges_of(recording, "crossed"), "[nvtx library]layer");
	assert_string_equal(ranges_of(recording, "wide"), "[nvtx library]Schl\u00e4ge \U0001F525");
	recording_free(recording);
}

static void process_ranges_overlap(void **state)
{
	struct recording *recording = fixture_inject("", run_again);
	(void)state;
	assert_string_equal(ranges_of(recording, "both"), "[nvtx]overlapping/[nvtx]elsewhere");
	assert_string_equal(ranges_of(recording, "second"), "[nvtx]elsewhere");
	assert_string_equal(ranges_of(recording, "none"), "");
	assert_int_equal(fixture_count_spans(recording, "elsewhere"), 1);
	assert_int_equal(fixture_count_spans(recording, "overlapping"), 1);
	recording_free(recording);
}

static void too_deep_does_no_harm(void **state)
{
	struct recording *recording = fixture_inject("", run_deep);
	(void)state;
	assert_int_equal(fixture_fact(recording, "gpu.matched"), 3);
	assert_int_equal(fixture_count_spans(recording, "deep"), 64);
	assert_string_equal(ranges_of(recording, "bare"), "");
	assert_non_null(strstr(ranges_of(recording, "held"), "never ended"));
	recording_free(recording);
}

/* Numbers in PyTorch's names would make each frame its own. */
static void numbers_are_left_out(void **state)
{
	struct recording *recording = fixture_inject("", run_numbered);
	(void)state;
	assert_string_equal(ranges_of(recording, "mul"), "[nvtx]aten::mul");
	assert_int_equal(fixture_count_spans(recording, "aten::mul"), 50);
	recording_free(recording);
}

static void nonsense_is_survived(void **state)
{
	struct recording *recording = fixture_inject("", run_hostile);
	(void)state;
	assert_string_equal(ranges_of(recording, "nameless"), "[nvtx][range without name]");
	assert_int_equal(fixture_fact(recording, "gpu.matched"), 2);
	recording_free(recording);
}

static void older_headers_have_less(void **state)
{
	struct recording *recording = fixture_inject("", run_short_table);
	(void)state;
	recording_free(recording);
}

static void no_cuda_is_needed(void **state)
{
	struct recording *recording = fixture_inject("", run_without_cuda);
	(void)state;
	assert_int_equal(fixture_count_spans(recording, "parse"), 1);
	assert_int_equal(fixture_fact(recording, "gpu.ranges"), 2);
	assert_int_equal(fixture_fact(recording, "gpu.spans"), UINT64_MAX);
	assert_false(fixture_has_note(recording, ""));
	recording_free(recording);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--process-ranges") == 0) {
		check(fixture_cupti_load(NULL) == 0);
		set_up();
		run_process_ranges();
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_nest),
		cmocka_unit_test(domains_are_apart),
		cmocka_unit_test(process_ranges_overlap),
		cmocka_unit_test(too_deep_does_no_harm),
		cmocka_unit_test(numbers_are_left_out),
		cmocka_unit_test(nonsense_is_survived),
		cmocka_unit_test(older_headers_have_less),
		cmocka_unit_test(no_cuda_is_needed),
	};
	return cmocka_run_group_tests(tests, fixture_cupti_load, NULL);
}
