/* Assembly with its samples: a recording of this very program, made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "tui/disassemble.h"
#include "tui/editor.h"
#include "tui/face.h"

static volatile int total;
void spin_for_the_test(int n);

__attribute__((noinline)) void spin_for_the_test(int n)
{
	for (int i = 0; i < n; i++)
		total += i;
}

static void (*sampled)(int n) = spin_for_the_test;

static uint64_t file_address(void)
{
	Dl_info information;
	void *address;
	memcpy(&address, &sampled, sizeof address);
	assert_int_not_equal(dladdr(address, &information), 0);
	return (uint64_t)(uintptr_t)address - (uint64_t)(uintptr_t)information.dli_fbase;
}

static struct recording *recording_of(const char *path, const char *build_id, uint32_t bytes)
{
	struct recording *recording = recording_new();
	uint32_t name = recording_add_string(recording, "spin_for_the_test");
	uint32_t source = recording_add_string(recording, "/nonexistent/spin.c");
	struct module_row module = { .path = recording_add_string(recording, path),
				     .build_id = recording_add_string(recording, build_id),
				     .kind = MODULE_FILE };
	struct series_row series = { .name = recording_add_string(recording, "cpu-clock"),
				     .unit = recording_add_string(recording, "ns"),
				     .origin = ORIGIN_SOFTWARE,
				     .flags = SERIES_SAMPLES };
	struct thread_row thread = { .pid = 1, .tid = 1, .name = name, .process_name = name };
	struct function_row function = { .name = name, .linkage_name = name };
	function.module = recording_add_module(recording, &module);
	function.address = file_address();
	function.size_bytes = bytes;
	struct frame_row frame = { .address = function.address,
				   .module = function.module,
				   .flags = FRAME_LEAF };
	uint32_t id = recording_add_frame(recording, &frame);
	struct location_row location = { .function = recording_add_function(recording, &function),
					 .file = source,
					 .line = 7 };
	recording_add_location(recording, &location);
	struct sample_row sample = { .time_ns = recording->start_ns + 1,
				     .weight = 1000,
				     .stack = recording_add_stack(recording, 0, id),
				     .thread = recording_add_thread(recording, &thread),
				     .count = 1,
				     .series = (uint16_t)recording_add_series(recording, &series) };
	recording_add_sample(recording, &sample);
	recording_flush_samples(recording, UINT64_MAX);
	recording_publish(recording);
	return recording;
}

static char *screen_of(struct recording *recording, const char *keys, struct face **face)
{
	struct face_settings settings = { .recording = recording,
					  .command = "x",
					  .view = "functions" };
	struct canvas canvas = canvas_new(120, 40);
	char *text;
	size_t n;
	*face = face_new(&settings);
	face_draw(*face, &canvas, recording->start_ns);
	face_keys(*face, keys);
	face_draw(*face, &canvas, recording->start_ns);
	FILE *out = open_memstream(&text, &n);
	canvas_write(&canvas, out, false, NULL);
	fclose(out);
	canvas_free(&canvas);
	return text;
}

static void shows(const char *path, const char *build_id, uint32_t bytes, const char *keys,
		  const char *expected)
{
	struct recording *recording = recording_of(path, build_id, bytes);
	struct face *face;
	char *text = screen_of(recording, keys, &face);
	if (!strstr(text, expected))
		fail_msg("no \"%s\" on\n%s", expected, text);
	free(text);
	face_free(face);
	recording_free(recording);
}

static void samples_are_at_their_instruction(void **state)
{
	char row[64];
	(void)state;
	snprintf(row, sizeof row, "100.0 %%  100.0 %% %12llx  ",
		 (unsigned long long)file_address());
#if HAVE_CAPSTONE
	shows("/proc/self/exe", "", 24, "am", row);
	shows("/proc/self/exe", "", 24, "amm", "spin.c:7");
#else
	shows("/proc/self/exe", "", 24, "am", "built without");
#endif
}

static void why_there_is_no_assembly_is_said(void **state)
{
	(void)state;
	shows("/nonexistent/program", "", 24, "am", "/nonexistent/program");
	shows("/proc/self/exe", "0123456789", 24, "am", "is not the file that ran");
	shows("/proc/self/exe", "", 0, "am", "no code of its own");
	shows("/proc/self/exe", "", 1 << 30, "am", "longer than 256 KiB");
	shows("/etc/hostname", "", 24, "am", "/etc/hostname");
}

#if HAVE_CAPSTONE
static void every_byte_is_in_one_instruction(void **state)
{
	uint8_t bytes[512];
	struct disassembly out;
	struct why why;
	(void)state;
	for (unsigned seed = 1; seed < 40; seed++) {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)(seed * 2654435761u >> (i % 24)) ^ (uint8_t)(i * seed);
		assert_true(disassemble(bytes, sizeof bytes, 0x1000,
					seed % 2 ? EM_X86_64 : EM_AARCH64, &out, &why));
		uint64_t at = 0x1000;
		for (size_t i = 0; i < out.n; i++) {
			assert_int_equal(out.rows[i].address, at);
			assert_true(out.rows[i].size_bytes > 0);
			at += out.rows[i].size_bytes;
		}
		assert_int_equal(at, 0x1000 + sizeof bytes);
		free(out.rows);
	}
	assert_false(disassemble(bytes, 4, 0, EM_386, &out, &why));
}

static void check_jumps(const uint8_t *bytes, size_t n, unsigned machine, const uint64_t *targets)
{
	struct disassembly out;
	struct why why;
	assert_true(disassemble(bytes, n, 0x1000, machine, &out, &why));
	for (size_t i = 0; i < out.n; i++) {
		if (out.rows[i].is_jump != (targets[i] != 0) ||
		    (targets[i] && out.rows[i].target != targets[i]))
			fail_msg("%s: %d to %llx, not %llx", out.rows[i].text, out.rows[i].is_jump,
				 (unsigned long long)out.rows[i].target,
				 (unsigned long long)targets[i]);
	}
	free(out.rows);
}

/* Direct jumps say where they go; calls, returns and indirect jumps do not. */
static void jumps_say_where_they_go(void **state)
{
	static const uint8_t x86[] = {
		0x31, 0xc0,                         /* xor eax, eax */
		0xff, 0xc0,                         /* inc eax */
		0x39, 0xf8,                         /* cmp eax, edi */
		0x7c, 0xfa,                         /* jl 1002 */
		0xeb, 0x02,                         /* jmp 100c */
		0x90, 0x90,                         /* nop, nop */
		0xe3, 0xf2,                         /* jrcxz 1000 */
		0xe8, 0x00, 0x00, 0x00, 0x00,       /* call 1013 */
		0xff, 0xe0,                         /* jmp rax */
		0x0f, 0x84, 0xe5, 0xff, 0xff, 0xff, /* je 1000 */
		0xc3,                               /* ret */
	};
	static const uint64_t x86_targets[] = { 0, 0,      0, 0x1002, 0x100c, 0,
						0, 0x1000, 0, 0,      0x1000, 0 };
	static const uint32_t arm[] = {
		0x14000002, /* b 1008 */
		0x54ffffe0, /* b.eq 1000 */
		0x34000040, /* cbz w0, 1010 */
		0xb5ffffc0, /* cbnz x0, 1004 */
		0x36180040, /* tbz w0, 3, 1018 */
		0x371fffe0, /* tbnz w0, 3, 1010 */
		0x94000002, /* bl 1020 */
		0xd61f0000, /* br x0 */
		0xd65f03c0, /* ret */
	};
	static const uint64_t arm_targets[] = { 0x1008, 0x1000, 0x1010, 0x1004, 0x1018,
						0x1010, 0,      0,      0 };
	uint8_t bytes[sizeof arm];
	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++) /* little-endian */
		bytes[i] = (uint8_t)(arm[i / 4] >> (i % 4 * 8));
	check_jumps(x86, sizeof x86, EM_X86_64, x86_targets);
	check_jumps(bytes, sizeof bytes, EM_AARCH64, arm_targets);
}

#if defined __x86_64__ || defined __aarch64__
void jumping_for_the_test(int n);
#ifdef __x86_64__
enum { JUMPING_BYTES = 13 };
__asm__(".text\n.globl jumping_for_the_test\njumping_for_the_test:\n"
	"xorl %eax, %eax\n1: incl %eax\ncmpl %edi, %eax\njl 1b\njmp 2f\nnop\nnop\n2: ret\n");
#define ADD  "inc"
#define LESS "jl"
#define GO   "jmp"
#else
enum { JUMPING_BYTES = 32 };
__asm__(".text\n.globl jumping_for_the_test\njumping_for_the_test:\n"
	"mov w1, #0\n1: add w1, w1, #1\ncmp w1, w0\nb.lt 1b\nb 2f\nnop\nnop\n2: ret\n");
#define ADD  "add"
#define LESS "b.lt"
#define GO   "b "
#endif

/* The first instruction is sampled and so selected. */
static void the_selected_jump_has_an_arrow(void **state)
{
	static const struct {
		const char *keys, *expected;
	} screens[] = {
		{ "amjjj", "\u250c\u2500\u25b8 " ADD },  /* backwards: up to its target */
		{ "amjjj", "\u2502   cmp" },             /* past what is between */
		{ "amjjj", "\u2514\u2500\u2191 " LESS }, /* from itself */
		{ "amjjj", "  \u2193 " GO },             /* others say which way only */
		{ "amjjjj", "\u250c\u2500\u2193 " GO },  /* forwards */
		{ "amjjjj", "\u2514\u2500\u25b8 ret" },
		{ "amjjj\\rjj", "\u2514\u2500\u2191 " LESS }, /* followed, and down again */
		{ "amjjj\\ro", "\u2514\u2500\u2191 " LESS },  /* followed, and back */
		{ "amjjj:sort self\\r", "  \u2191 " LESS },   /* out of order: no arrow */
		{ "amjjjI", "  \u2191 " LESS },

		{ "am\\ro", "  \u2191 " LESS }, /* no jump to follow, none followed */
	};
	(void)state;
	sampled = jumping_for_the_test;
	for (size_t i = 0; i < sizeof screens / sizeof screens[0]; i++)
		shows("/proc/self/exe", "", JUMPING_BYTES, screens[i].keys, screens[i].expected);
	sampled = spin_for_the_test;
}
#endif
#endif

static void the_editor_gets_line_and_file(void **state)
{
	char path[] = "/tmp/stoke-edit-XXXXXX", editor[128], got[256] = "";
	struct why why;
	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_false(editor_open("/nonexistent/a b.c", 3, &why));
	assert_non_null(strstr(why.text, "Cannot edit /nonexistent/a b.c: No such file"));
	if (!fopen("/dev/tty", "r")) {
		puts("SKIP the editor itself: there is no terminal here");
		unlink(path);
		skip();
	}
	snprintf(editor, sizeof editor, "sh -c 'echo \"$@\" >%s' x", path);
	setenv("VISUAL", editor, 1);
	assert_true(editor_open(path, 12, &why));
	FILE *file = fopen(path, "r");
	got[fread(got, 1, sizeof got - 1, file)] = '\0';
	fclose(file);
	assert_ptr_equal(strstr(got, "+12 /tmp/stoke-edit-"), got);
	setenv("VISUAL", "/nonexistent/editor", 1);
	assert_false(editor_open(path, 12, &why));
	unlink(path);
}

static void edit_asks_for_the_selected_line(void **state)
{
	struct recording *recording = recording_of("/proc/self/exe", "", 24);
	struct face *face;
	unsigned line;
	(void)state;
	char *text = screen_of(recording, "a", &face);
	assert_int_equal(face_key(face, (struct input){ .key = 'E' }), FACE_EDITS);
	assert_string_equal(face_edited_file(face, &line), "/nonexistent/spin.c");
	assert_int_equal(line, 7);
	free(text);
	face_free(face);
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_at_their_instruction),
		cmocka_unit_test(why_there_is_no_assembly_is_said),
#if HAVE_CAPSTONE
		cmocka_unit_test(every_byte_is_in_one_instruction),
		cmocka_unit_test(jumps_say_where_they_go),
#if defined __x86_64__ || defined __aarch64__
		cmocka_unit_test(the_selected_jump_has_an_arrow),
#endif
#endif
		cmocka_unit_test(the_editor_gets_line_and_file),
		cmocka_unit_test(edit_asks_for_the_selected_line),
	};
	spin_for_the_test(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
