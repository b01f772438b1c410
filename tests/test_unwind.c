/*
 * ELF images, unwind rules and stacks: every rule of the C library and of this test against
 * elfutils, live stacks of this process against libunwind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "sampler/address_space.h"
#include "sampler/cfi.h"
#include "sampler/elf_image.h"
#include "sampler/recording.h"
#include "sampler/symbols.h"
#include "sampler/symbols_elf.h"
#include "sampler/target.h"
#include "sampler/unwind.h"

static const char *path_of(void *function)
{
	Dl_info info;
	assert_true(dladdr(function, &info));
	return info.dli_fname;
}

static void broken_files_are_refused_in_a_sentence(void **state)
{
	struct why why;
	static const unsigned char text[64] = "no ELF";
	(void)state;
	assert_null(elf_image_open("/nonexistent", &why));
	assert_non_null(strstr(why.text, "/nonexistent cannot be read"));
	assert_null(elf_image_open("/tmp", &why));
	assert_null(elf_image_open_bytes(text, 10, "x", &why));
	assert_null(elf_image_open_bytes(text, 64, "x", &why));
	assert_non_null(strstr(why.text, "is not an ELF file"));
}

/* Every prefix of a real file opens or is refused; nothing reads past its end (ASan watches). */
static void files_cut_anywhere_do_no_harm(void **state)
{
	static unsigned char bytes[1 << 20];
	int fd = open("/proc/self/exe", O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof bytes);
	(void)state;
	close(fd);
	for (ssize_t cut = 0; cut < n; cut += cut < 4096 ? 17 : 40009) {
		struct elf_image *image = elf_image_open_bytes(bytes, (size_t)cut, "cut", NULL);
		struct elf_bytes section;
		struct cfi_rule rule;
		if (!image)
			continue;
		elf_image_section(image, ".symtab", &section);
		elf_image_build_id(image);
		struct cfi_table *table = cfi_table_new(image);
		for (uint64_t at = 0; table && at < 0x40000; at += 0x777)
			cfi_find(table, at, &rule);
		cfi_table_free(table);
		elf_image_close(image);
	}
}

/* The CFA as "register + offset", if elfutils says it is that. */
static bool oracle_cfa(Dwarf_Frame *frame, int *number, int64_t *offset)
{
	Dwarf_Op *ops;
	size_t n;
	if (dwarf_frame_cfa(frame, &ops, &n) != 0 || n != 1)
		return false;
	if (ops[0].atom == DW_OP_bregx) {
		*number = (int)ops[0].number;
		*offset = (int64_t)ops[0].number2;
		return true;
	}
	if (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31) {
		*number = ops[0].atom - DW_OP_breg0;
		*offset = (int64_t)ops[0].number;
		return true;
	}
	return false;
}

struct comparison {
	uint64_t n_same, n_different, n_unsupported;
};

static void compare_rule(struct cfi_table *table, Dwarf_CFI *oracle, uint64_t address,
			 struct comparison *counts)
{
	struct cfi_rule rule;
	Dwarf_Frame *frame;
	int number;
	int64_t offset;
	if (dwarf_cfi_addrframe(oracle, address, &frame) != 0)
		return;
	bool is_plain = oracle_cfa(frame, &number, &offset);
	bool is_found = cfi_find(table, address, &rule);
	if (!is_found)
		counts->n_different++;
	else if (rule.cfa == CFI_END || rule.cfa == CFI_SIGNAL)
		counts->n_same++;
	else if (rule.cfa == CFI_UNSUPPORTED)
		counts->n_unsupported++;
	else if (is_plain)
		*(rule.cfa == CFI_REGISTER && rule.cfa_register == number &&
				  rule.cfa_offset == offset
			  ? &counts->n_same
			  : &counts->n_different) += 1;
	else
		*(rule.cfa == CFI_PLT || rule.cfa == CFI_DEREFERENCE ? &counts->n_same
								     : &counts->n_different) += 1;
	free(frame);
}

/* All executable addresses in steps, where a function covers them. */
static struct comparison compare_file(const char *path, uint64_t step)
{
	struct comparison counts = { 0 };
	struct elf_image *image = elf_image_open(path, NULL);
	assert_non_null(image);
	struct cfi_table *table = cfi_table_new(image);
	assert_non_null(table);
	int fd = open(path, O_RDONLY);
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Dwarf_CFI *oracle = dwarf_getcfi_elf(elf);
	assert_non_null(oracle);
	size_t n;
	const struct elf_segment *segments = elf_image_segments(image, &n);
	for (size_t i = 0; i < n; i++)
		for (uint64_t at = 0; segments[i].flags & PF_X && at < segments[i].file_bytes;
		     at += step)
			compare_rule(table, oracle, segments[i].vaddr + at, &counts);
	dwarf_cfi_end(oracle);
	elf_end(elf);
	close(fd);
	cfi_table_free(table);
	elf_image_close(image);
	return counts;
}

/* The decoder knows both machines, so the other one's C library can be read here too. */
static void rules_of_aarch64_equal_those_of_elfutils(void **state)
{
	static const char path[] = "/usr/aarch64-linux-gnu/lib/libc.so.6";
	(void)state;
	if (access(path, R_OK) != 0) {
		print_message("SKIP: no %s (libc6-dev-arm64-cross)\n", path);
		skip();
	}
	struct comparison counts = compare_file(path, 4);
	print_message("%s: %lu same, %lu different, %lu for libunwind\n", path,
		      (unsigned long)counts.n_same, (unsigned long)counts.n_different,
		      (unsigned long)counts.n_unsupported);
	assert_true(counts.n_same > 5000);
	assert_int_equal(counts.n_different, 0);
}

static void rules_equal_those_of_elfutils(void **state)
{
	const char *const paths[] = { path_of((void *)qsort), "/proc/self/exe" };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct comparison counts = compare_file(paths[i], i ? 3 : 13);
		print_message("%s: %lu same, %lu different, %lu for libunwind\n", paths[i],
			      (unsigned long)counts.n_same, (unsigned long)counts.n_different,
			      (unsigned long)counts.n_unsupported);
		assert_true(counts.n_same > 5000);
		assert_int_equal(counts.n_different, 0);
		assert_true(counts.n_unsupported * 1000 < counts.n_same);
	}
}

/* ---- live stacks: a deep call with registers and the stack's top copied, as perf does it */

enum { COPY_BYTES = 64 << 10 };

static struct {
	uint64_t registers[UNWIND_N_REGISTERS];
	uint8_t stack[COPY_BYTES];
	size_t n_bytes;
	uint64_t return_address; /* of take(), as the compiler knows it */
} snapshot;

#if defined(__x86_64__)
static void take_registers(const ucontext_t *context)
{
	static const int order[UNWIND_N_REGISTERS] = {
		REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP,
		REG_RSP, REG_RIP, -1,      -1,      -1,      REG_R8,  REG_R9,
		REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15
	};
	for (int i = 0; i < UNWIND_N_REGISTERS; i++)
		snapshot.registers[i] =
			order[i] < 0 ? 0 : (uint64_t)context->uc_mcontext.gregs[order[i]];
}
enum { STACK_POINTER = 7 };
#else
static void take_registers(const ucontext_t *context)
{
	for (int i = 0; i < 31; i++)
		snapshot.registers[i] = context->uc_mcontext.regs[i];
	snapshot.registers[31] = context->uc_mcontext.sp;
	snapshot.registers[32] = context->uc_mcontext.pc;
}
enum { STACK_POINTER = 31 };
#endif

static uintptr_t stack_end(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned long from, to, here = (unsigned long)__builtin_frame_address(0);
	while (fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && here >= from && here < to)
			break;
	fclose(maps);
	return to;
}

static uintptr_t end_of_stack;

__attribute__((no_sanitize("address"))) static void copy_stack(uint64_t from)
{
	snapshot.n_bytes = end_of_stack - from < COPY_BYTES ? end_of_stack - from : COPY_BYTES;
	for (size_t i = 0; i < snapshot.n_bytes; i++)
		snapshot.stack[i] = ((const volatile uint8_t *)from)[i];
}

/* The signal interrupts the code under test: its context is what perf would have sampled. */
static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	take_registers(context);
	copy_stack(snapshot.registers[STACK_POINTER]);
}

/* This one samples inside the handler, so the stack holds a signal frame. */
static void on_nested_signal(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	raise(SIGUSR1);
}

/* _init has no size, stands before the linkage table, and must not name what is in that. */
static void labels_end_with_their_section(void **state)
{
	struct symbol_table table = { 0 };
	struct elf_bytes plt;
	(void)state;
	struct elf_image *image = elf_image_open("/proc/self/exe", NULL);
	assert_non_null(image);
	symbol_table_add(&table, image, ".symtab", ".strtab");
	symbol_table_sort(&table);
	if (elf_image_section(image, ".plt", &plt) && plt.n_bytes > 16)
		assert_null(symbol_table_find(&table, plt.vaddr + 16));
	symbol_table_free(&table);
	elf_image_close(image);
}

int main(void);

static volatile int sink;

__attribute__((noinline)) static int deep(int n, int signal_number)
{
	volatile char room[64];
	room[n % 64] = (char)n;
	if (n == 0)
		raise(signal_number);
	else
		sink += deep(n - 1, signal_number);
	return room[n % 64];
}

static int signal_in_use;

static int compare(const void *a, const void *b)
{
	static int n;
	if (n++ == 5)
		deep(3, signal_in_use);
	return *(const int *)a - *(const int *)b;
}

/* A frame of variable size: its CFA hangs on the frame pointer. */
__attribute__((noinline)) static int through_alloca(int n, int signal_number)
{
	volatile char *room = __builtin_alloca((size_t)n * 16);
	room[0] = 1;
	return deep(4, signal_number) + room[0];
}

static struct process *own_process(struct address_space *space)
{
	address_space_read_proc(space, getpid(), getpid());
	return address_space_process(space, getpid());
}

static size_t unwind(struct unwinder *unwinder, struct process *process, uint64_t *addresses,
		     enum unwind_end *end)
{
	uint64_t after[UNWIND_MAX_FRAMES / 64] = { 0 };
	struct unwind_input input = { .process = process,
				      .registers = snapshot.registers,
				      .stack = snapshot.stack,
				      .stack_bytes = snapshot.n_bytes };
	return unwind_stack(unwinder, &input, addresses, UNWIND_MAX_FRAMES, after, end);
}

static void expect_both_agree(const char *what)
{
	struct recording *recording = recording_new();
	struct address_space *space = address_space_new(recording);
	struct process *process = own_process(space);
	struct unwinder *fast = unwinder_new(UNWINDER_FAST),
			*slow = unwinder_new(UNWINDER_LIBUNWIND);
	uint64_t a[UNWIND_MAX_FRAMES], b[UNWIND_MAX_FRAMES];
	enum unwind_end end_a, end_b;
	size_t n_a = unwind(fast, process, a, &end_a), n_b = unwind(slow, process, b, &end_b);
	print_message("%s: %zu frames, libunwind %zu\n", what, n_a, n_b);
	assert_true(n_a > 8);
	assert_int_equal(end_a, UNWIND_COMPLETE);
	assert_int_equal(n_a, n_b);
	assert_memory_equal(a, b, n_a * sizeof a[0]);
	bool has_main = false; /* within a page of its start */
	for (size_t i = 0; i < n_a; i++)
		has_main |= a[i] - (uint64_t)(uintptr_t)main < 4096;
	assert_true(has_main);
	unwinder_free(fast);
	unwinder_free(slow);
	address_space_free(space);
	recording_free(recording);
}

static void stacks_equal_those_of_libunwind(void **state)
{
	int numbers[16] = { 9, 4, 7, 1, 8, 2, 6, 3, 5, 0, 11, 15, 12, 14, 13, 10 };
	(void)state;
	deep(20, SIGUSR1);
	expect_both_agree("recursion");
	through_alloca(9, SIGUSR1);
	expect_both_agree("alloca");
	signal_in_use = SIGUSR1;
	qsort(numbers, 16, sizeof numbers[0], compare);
	expect_both_agree("qsort's call-back");
	deep(5, SIGUSR2);
	expect_both_agree("signal frame");
}

static void cut_stacks_say_so(void **state)
{
	struct recording *recording = recording_new();
	struct address_space *space = address_space_new(recording);
	struct process *process = own_process(space);
	struct unwinder *unwinder = unwinder_new(UNWINDER_FAST);
	uint64_t whole[UNWIND_MAX_FRAMES], cut[UNWIND_MAX_FRAMES];
	enum unwind_end end;
	(void)state;
	deep(20, SIGUSR1);
	size_t n_whole = unwind(unwinder, process, whole, &end), n_bytes = snapshot.n_bytes;
	for (size_t bytes = 0; bytes < n_bytes; bytes += 104) {
		snapshot.n_bytes = bytes;
		size_t n = unwind(unwinder, process, cut, &end);
		assert_true(n <= n_whole);
		assert_memory_equal(cut, whole, n * sizeof cut[0]); /* always a prefix */
		if (n < n_whole)
			assert_int_equal(end, UNWIND_TRUNCATED);
	}
	unwinder_free(unwinder);
	address_space_free(space);
	recording_free(recording);
}

/* Below a cut copy the kernel's chain goes on, but only as long as it names code. */
static void chains_continue_cut_stacks_as_far_as_there_is_code(void **state)
{
	struct recording *recording = recording_new();
	struct address_space *space = address_space_new(recording);
	struct unwinder *unwinder = unwinder_new(UNWINDER_FAST);
	uint64_t whole[UNWIND_MAX_FRAMES], got[UNWIND_MAX_FRAMES];
	enum unwind_end end;
	(void)state;
	deep(20, SIGUSR1);
	struct process *process = own_process(space);
	size_t n_whole = unwind(unwinder, process, whole, &end);
	struct unwind_input input = { .process = process,
				      .registers = snapshot.registers,
				      .stack = snapshot.stack,
				      .stack_bytes = snapshot.n_bytes / 2,
				      .chain = whole,
				      .n_chain = n_whole };
	assert_int_equal(unwind_stack(unwinder, &input, got, UNWIND_MAX_FRAMES, NULL, &end),
			 n_whole);
	assert_memory_equal(got, whole, n_whole * sizeof got[0]);
	assert_int_equal(end, UNWIND_COMPLETE);
	uint64_t kept = whole[n_whole - 1];
	whole[n_whole - 1] = (uint64_t)(uintptr_t)&sink; /* mapped, but data: no return address */
	assert_int_equal(unwind_stack(unwinder, &input, got, UNWIND_MAX_FRAMES, NULL, &end),
			 n_whole - 1);
	assert_int_equal(end, UNWIND_TRUNCATED);
	whole[n_whole - 1] = kept;
	whole[n_whole - 2] = 0x7ff; /* nothing there, nor is what comes behind to be believed */
	assert_int_equal(unwind_stack(unwinder, &input, got, UNWIND_MAX_FRAMES, NULL, &end),
			 n_whole - 2);
	unwinder_free(unwinder);
	address_space_free(space);
	recording_free(recording);
}

static void random_registers_and_stacks_do_no_harm(void **state)
{
	struct recording *recording = recording_new();
	struct address_space *space = address_space_new(recording);
	struct process *process = own_process(space);
	struct unwinder *unwinder = unwinder_new(UNWINDER_FAST);
	uint64_t addresses[UNWIND_MAX_FRAMES], text = (uint64_t)(uintptr_t)qsort;
	enum unwind_end end;
	(void)state;
	srandom(1);
	for (int i = 0; i < 3000; i++) {
		for (int r = 0; r < UNWIND_N_REGISTERS; r++)
			snapshot.registers[r] = text + (uint64_t)random() % 100000;
		for (size_t at = 0; at < 4096; at += 8) {
			uint64_t word = text + (uint64_t)random() % 1000000 - 500000;
			memcpy(snapshot.stack + at, &word, 8);
		}
		snapshot.n_bytes = (size_t)random() % 4096;
		assert_true(unwind(unwinder, process, addresses, &end) >= 1);
	}
	unwinder_free(unwinder);
	address_space_free(space);
	recording_free(recording);
}

/* ---- names */

static const char *name_of(struct recording *recording, uint32_t frame)
{
	uint32_t function = recording_location(recording, frame)->function;
	return recording_string_at(recording, recording_function(recording, function)->name);
}

/* How names are looked up: here; by a worker; by a worker, a moment at a time; given up at once. */
enum naming { NAMED_HERE, NAMED_BY_WORKER, NAMED_IN_PASSES, NAMED_NEVER, N_NAMINGS };

static void resolve(struct symbols *symbols, enum naming naming)
{
	symbols_use_worker(symbols, naming != NAMED_HERE);
	if (naming == NAMED_NEVER) {
		symbols_resolve(symbols, 1);
		return;
	}
	for (int i = 0; naming == NAMED_IN_PASSES && i < 20; i++)
		symbols_resolve(symbols, 1); /* a time long ago */
	if (naming == NAMED_IN_PASSES)
		symbols_use_worker(symbols, false);
	assert_true(symbols_resolve(symbols, UINT64_MAX));
}

static void check_names(enum naming naming)
{
	struct recording *recording = recording_new();
	struct address_space *space = address_space_new(recording);
	struct process *process = own_process(space);
	struct symbols *symbols = symbols_new(recording, space, false);
	uint32_t own =
		address_space_frame(space, process, (uint64_t)(uintptr_t)deep + 1, true, false);
	uint32_t library = address_space_frame(
		space, process, (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "qsort") + 4, true, false);
	uint32_t nowhere = address_space_frame(space, process, 0x10, true, false);
	uint32_t special = recording_add_special_frame(recording, "[lost]", 0);
	resolve(symbols, naming);
	recording_publish(recording);
	if (naming == NAMED_NEVER) {
		symbols_free(symbols);
		address_space_free(space); /* while its files are being loaded */
		recording_free(recording);
		return;
	}
	assert_string_equal(name_of(recording, own), "deep");
	assert_non_null(strstr(name_of(recording, library), "qsort"));
	assert_string_equal(name_of(recording, nowhere), "[unknown: not mapped]");
	assert_string_equal(name_of(recording, special), "[lost]");
	const struct location_row *location = recording_location(recording, own);
	assert_non_null(strstr(recording_string_at(recording, location->file), "test_unwind.c"));
	assert_true(location->line > 0);
	symbols_free(symbols);
	address_space_free(space);
	recording_free(recording);
}

static void addresses_have_names(void **state)
{
	(void)state;
	for (enum naming naming = NAMED_HERE; naming < N_NAMINGS; naming++)
		check_names(naming);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_files_are_refused_in_a_sentence),
		cmocka_unit_test(files_cut_anywhere_do_no_harm),
		cmocka_unit_test(rules_equal_those_of_elfutils),
		cmocka_unit_test(rules_of_aarch64_equal_those_of_elfutils),
		cmocka_unit_test(stacks_equal_those_of_libunwind),
		cmocka_unit_test(cut_stacks_say_so),
		cmocka_unit_test(chains_continue_cut_stacks_as_far_as_there_is_code),
		cmocka_unit_test(random_registers_and_stacks_do_no_harm),
		cmocka_unit_test(addresses_have_names),
		cmocka_unit_test(labels_end_with_their_section),
	};
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	end_of_stack = stack_end();
	sigaction(SIGUSR1, &action, NULL);
	action.sa_sigaction = on_nested_signal;
	sigaction(SIGUSR2, &action, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
