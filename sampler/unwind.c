/*
 * The walk: program counter, stack pointer and frame pointer are carried from frame to frame; the
 * rule of each address says where the caller's are. Reads outside the copied bytes end the walk.
 */
#include "sampler/unwind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/address_space.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/cfi.h"
#include "sampler/target.h"
#include "sampler/unwind_cache.h"
#include "sampler/unwind_libunwind.h"

enum {
	CHECK_EVERY = 1000,               /* 10 us in a thousand stacks of 1 us: one percent */
	MOST_STACK_JUMP_BYTES = 64 << 20, /* beyond any thread's stack: the rules are wrong */
#if defined(__x86_64__)
	REGISTER_FRAME = 6, /* places in the kernel's order */
	REGISTER_STACK = 7,
	REGISTER_IP = 8,
	DWARF_FRAME = CFI_X86_FRAME_POINTER,
	DWARF_STACK = CFI_X86_STACK_POINTER,
	/* rt_sigframe: when the restorer runs, sp is at the ucontext; uc_mcontext.gregs at 40. */
	SIGNAL_FRAME = 40 + 10 * 8,
	SIGNAL_STACK = 40 + 15 * 8,
	SIGNAL_IP = 40 + 16 * 8,
	SIGNAL_LINK = 0,
	/* A frame pointer points to the one before; behind it is the return address. */
	CHAIN_FRAME = 0,
	CHAIN_RETURN = 8,
#elif defined(__riscv)
	REGISTER_IP = 0,
	REGISTER_LINK = CFI_RISCV_LINK,
	REGISTER_STACK = CFI_RISCV_STACK_POINTER,
	REGISTER_FRAME = CFI_RISCV_FRAME_POINTER,
	DWARF_FRAME = CFI_RISCV_FRAME_POINTER,
	DWARF_STACK = CFI_RISCV_STACK_POINTER,
	/* rt_sigframe: siginfo of 128 bytes, then ucontext with uc_mcontext at 176: pc, x1…x31. */
	SIGNAL_IP = 128 + 176,
	SIGNAL_LINK = SIGNAL_IP + REGISTER_LINK * 8,
	SIGNAL_STACK = SIGNAL_IP + REGISTER_STACK * 8,
	SIGNAL_FRAME = SIGNAL_IP + REGISTER_FRAME * 8,
	/* A frame pointer is the CFA; both words lie below it. */
	CHAIN_FRAME = -16,
	CHAIN_RETURN = -8,
#else
	REGISTER_FRAME = 29,
	REGISTER_LINK = 30,
	REGISTER_STACK = 31,
	REGISTER_IP = 32,
	DWARF_FRAME = CFI_ARM_FRAME_POINTER,
	DWARF_STACK = CFI_ARM_STACK_POINTER,
	/* rt_sigframe: siginfo of 128 bytes, then ucontext with uc_mcontext at 176. */
	SIGNAL_FRAME = 128 + 176 + 8 + 29 * 8,
	SIGNAL_LINK = 128 + 176 + 8 + 30 * 8,
	SIGNAL_STACK = 128 + 176 + 8 + 31 * 8,
	SIGNAL_IP = 128 + 176 + 8 + 32 * 8,
	CHAIN_FRAME = 0,
	CHAIN_RETURN = 8,
#endif
};

struct unwinder {
	struct unwind_cache *cache;
	struct unwind_libunwind *libunwind;
	bool is_libunwind_only;
	uint64_t check_every;
	struct unwind_statistics statistics;
};

struct walk {
	struct unwinder *unwinder;
	const struct unwind_input *input;
	uint64_t first_sp; /* address of input->stack[0] */
	uint64_t ip, sp, fp, link;
	bool is_exact; /* ip is an instruction that ran, not a return address */
	bool has_link; /* link register still holds the return address */
	bool is_top;   /* input->registers are this frame's */
	bool needs_libunwind;
	bool is_guessed; /* a frame pointer was believed where there are no rules */
};

struct unwinder *unwinder_new(int kind)
{
	struct unwinder *unwinder = allocate(1, sizeof *unwinder);
	unwinder->cache = unwind_cache_new();
	unwinder->libunwind = unwind_libunwind_new();
	unwinder->is_libunwind_only = kind == UNWINDER_LIBUNWIND;
	unwinder->check_every = kind == UNWINDER_CHECK ? 1 : CHECK_EVERY;
	return unwinder;
}

void unwinder_free(struct unwinder *unwinder)
{
	if (!unwinder)
		return;
	unwind_cache_free(unwinder->cache);
	unwind_libunwind_free(unwinder->libunwind);
	free(unwinder);
}

static uint64_t strip_signature(uint64_t address)
{
#if defined(__aarch64__)
	return address & (((uint64_t)1 << 48) - 1); /* pointer authentication uses the rest */
#else
	return address;
#endif
}

static enum unwind_end read_word(const struct walk *walk, uint64_t address, uint64_t *value)
{
	uint64_t offset = address - walk->first_sp;
	if (address < walk->first_sp || offset > MOST_STACK_JUMP_BYTES)
		return UNWIND_BROKEN;
	if (walk->input->stack_bytes < sizeof *value ||
	    offset > walk->input->stack_bytes - sizeof *value)
		return UNWIND_TRUNCATED;
	memcpy(value, walk->input->stack + offset, sizeof *value);
	return UNWIND_COMPLETE;
}

/* UNWIND_COMPLETE here and below means "go on". */
static enum unwind_end step_signal(struct walk *walk)
{
	uint64_t ip, sp, fp, link = 0;
	enum unwind_end end = read_word(walk, walk->sp + SIGNAL_IP, &ip);
	if (end == UNWIND_COMPLETE)
		end = read_word(walk, walk->sp + SIGNAL_STACK, &sp);
	if (end == UNWIND_COMPLETE)
		end = read_word(walk, walk->sp + SIGNAL_FRAME, &fp);
	if (end == UNWIND_COMPLETE && SIGNAL_LINK)
		end = read_word(walk, walk->sp + SIGNAL_LINK, &link);
	if (end != UNWIND_COMPLETE)
		return end;
	walk->ip = ip;
	walk->sp = sp;
	walk->fp = fp;
	walk->link = link;
	walk->has_link = SIGNAL_LINK != 0;
	walk->is_exact = true;
	walk->is_top = false;
	return UNWIND_COMPLETE;
}

#if defined(__x86_64__)
static const signed char places[16] = { 0, 3, 2, 1, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19 };
#endif

/* The value of the register a CFA is based on; false if the walk does not carry it. */
static bool base_of(const struct walk *walk, unsigned number, uint64_t *value)
{
	if (number == DWARF_STACK) {
		*value = walk->sp;
		return true;
	}
	if (number == DWARF_FRAME) {
		*value = walk->fp;
		return true;
	}
	if (!walk->is_top)
		return false;
#if defined(__x86_64__)
	if (number >= 16)
		return false;
	*value = walk->input->registers[places[number]];
#else
	/* The kernel's order is DWARF's; on riscv64 the place of x0 is taken by the pc. */
	if (number > 30 || number == REGISTER_IP)
		return false;
	*value = walk->input->registers[number];
#endif
	return true;
}

static enum unwind_end find_cfa(struct walk *walk, const struct cfi_rule *rule, uint64_t *cfa)
{
	uint64_t base;
	if (rule->cfa == CFI_PLT) {
		bool is_pushed = (walk->ip & 15) >= rule->cfa_register;
		*cfa = walk->sp + (uint64_t)rule->cfa_offset + (is_pushed ? 8 : 0);
		return UNWIND_COMPLETE;
	}
	if (rule->cfa == CFI_UNSUPPORTED || !base_of(walk, rule->cfa_register, &base)) {
		walk->needs_libunwind = true;
		return UNWIND_NO_RULE;
	}
	*cfa = base + (uint64_t)(int64_t)rule->cfa_offset;
	return rule->cfa == CFI_DEREFERENCE ? read_word(walk, *cfa, cfa) : UNWIND_COMPLETE;
}

static enum unwind_end find_return(const struct walk *walk, const struct cfi_rule *rule,
				   uint64_t cfa, uint64_t *address)
{
	if (rule->return_saved == CFI_SAME) {
		*address = walk->link;
		return walk->has_link ? UNWIND_COMPLETE : UNWIND_BROKEN;
	}
	return read_word(walk, cfa + (uint64_t)(int64_t)rule->return_offset, address);
}

static uint64_t find_frame_pointer(const struct walk *walk, const struct cfi_rule *rule,
				   uint64_t cfa)
{
	uint64_t value = 0, offset = (uint64_t)(int64_t)rule->frame_offset;
	switch (rule->frame_saved) {
	case CFI_SAME:
		return walk->fp;
	case CFI_AT_CFA:
		return read_word(walk, cfa + offset, &value) == UNWIND_COMPLETE ? value : 0;
	case CFI_AT_FRAME_POINTER:
		return read_word(walk, walk->fp + offset, &value) == UNWIND_COMPLETE ? value : 0;
	default:
		return 0;
	}
}

static enum unwind_end step_rule(struct walk *walk, const struct cfi_rule *rule)
{
	uint64_t cfa, address;
	enum unwind_end end = find_cfa(walk, rule, &cfa);
	if (end != UNWIND_COMPLETE)
		return end;
	/* Only a leaf that has touched nothing may leave the stack pointer where it is. */
	if (cfa < walk->sp || (cfa == walk->sp && !walk->is_exact))
		return UNWIND_BROKEN;
	end = find_return(walk, rule, cfa, &address);
	if (end != UNWIND_COMPLETE)
		return end;
	walk->fp = find_frame_pointer(walk, rule, cfa);
	walk->sp = cfa;
	walk->ip = strip_signature(address);
	walk->is_exact = walk->is_top = walk->has_link = false;
	return UNWIND_COMPLETE;
}

/* Code without rules, such as a JIT's: most keep frame pointers. */
static enum unwind_end step_frame_pointer(struct walk *walk)
{
	uint64_t address, fp;
	uint64_t frame_at = walk->fp + (uint64_t)(int64_t)CHAIN_FRAME;
	uint64_t return_at = walk->fp + (uint64_t)(int64_t)CHAIN_RETURN;
	if (walk->fp < walk->sp || walk->fp % sizeof fp != 0 ||
	    read_word(walk, frame_at, &fp) != UNWIND_COMPLETE ||
	    read_word(walk, return_at, &address) != UNWIND_COMPLETE)
		return UNWIND_NO_RULE;
	address = strip_signature(address);
	if (!process_find(walk->input->process, address - 1))
		return UNWIND_NO_RULE;
	walk->sp = (frame_at > return_at ? frame_at : return_at) + sizeof fp;
	walk->fp = fp;
	walk->ip = address;
	walk->is_exact = walk->is_top = walk->has_link = false;
	walk->is_guessed = true;
	walk->unwinder->statistics.n_chain_frames++;
	return UNWIND_COMPLETE;
}

/* One frame outwards. *is_outermost: this frame is the thread's first. */
static enum unwind_end step(struct walk *walk, bool *is_outermost)
{
	bool is_mapped;
	uint64_t look_up = walk->is_exact ? walk->ip : walk->ip - 1;
	struct cfi_rule rule =
		unwind_cache_rule(walk->unwinder->cache, walk->input->process, look_up, &is_mapped);
	*is_outermost = false;
	switch (rule.cfa) {
	case CFI_END:
		*is_outermost = true;
		return UNWIND_COMPLETE;
	case CFI_SIGNAL:
		return step_signal(walk);
	case CFI_NONE:
		/* The ABIs mark the outermost frame with a zero frame pointer (the dynamic
		 * linker's entry has no unwind information). */
		*is_outermost = is_mapped && walk->fp == 0 && !walk->is_exact;
		if (*is_outermost)
			return UNWIND_COMPLETE;
		return is_mapped ? step_frame_pointer(walk) : UNWIND_NOT_MAPPED;
	default:
		return step_rule(walk, &rule);
	}
}

static struct walk walk_of(struct unwinder *unwinder, const struct unwind_input *input)
{
	const uint64_t *registers = input->registers;
	struct walk walk = {
		.unwinder = unwinder,
		.input = input,
		.first_sp = registers[REGISTER_STACK],
		.ip = registers[REGISTER_IP],
		.sp = registers[REGISTER_STACK],
		.fp = registers[REGISTER_FRAME],
		.is_exact = true,
		.is_top = true,
	};
#if !defined(__x86_64__)
	walk.link = strip_signature(registers[REGISTER_LINK]);
	walk.has_link = true;
#endif
	return walk;
}

static size_t walk_fast(struct walk *walk, uint64_t *addresses, size_t max, uint64_t *after_signal,
			enum unwind_end *end)
{
	size_t n = 0;
	bool is_outermost;
	*end = UNWIND_TRUNCATED;
	while (n < max) {
		if (n > 0 && walk->is_exact && after_signal)
			after_signal[n / 64] |= (uint64_t)1 << (n % 64);
		addresses[n++] = walk->ip;
		enum unwind_end outcome = step(walk, &is_outermost);
		if (outcome != UNWIND_COMPLETE || is_outermost || walk->ip == 0) {
			*end = outcome;
			break;
		}
	}
	/* An unmapped return address is no frame: the one before it was the last. */
	if (*end == UNWIND_NOT_MAPPED && n > 1)
		n--;
	return n;
}

/*
 * Where the chain goes on behind the last address of the walk. In a recursion that address stands
 * there many times: the right place is the one before which most of the walk is found again, the
 * innermost of equals. 0 = nowhere.
 */
static size_t place_in_chain(const struct unwind_input *input, const uint64_t *addresses, size_t n)
{
	size_t best = 0, best_run = 0;
	for (size_t at = 0; at < input->n_chain; at++) {
		size_t run = 0;
		while (run <= at && run < n &&
		       strip_signature(input->chain[at - run]) == addresses[n - 1 - run])
			run++;
		if (run > best_run) {
			best_run = run;
			best = at + 1;
		}
	}
	return best;
}

/* Below the end of the copy the kernel's frame-pointer chain may know more. */
static size_t continue_by_chain(struct unwinder *unwinder, const struct unwind_input *input,
				uint64_t *addresses, size_t n, size_t max, enum unwind_end *end)
{
	size_t from = place_in_chain(input, addresses, n);
	if (from == 0 || from == input->n_chain)
		return n;
	/* In code that uses the register for something else the kernel followed what was no chain:
	 * that ends, mostly at once, at what is no code. */
	for (; from < input->n_chain && n < max; from++) {
		uint64_t address = strip_signature(input->chain[from]);
		if (!process_find(input->process, address - 1))
			return n;
		addresses[n++] = address;
		unwinder->statistics.n_chain_frames++;
	}
	bool is_mapped;
	struct cfi_rule last = unwind_cache_rule(unwinder->cache, input->process,
						 addresses[n - 1] - 1, &is_mapped);
	if (last.cfa == CFI_END)
		*end = UNWIND_COMPLETE;
	return n;
}

static const char *place_text(const struct unwind_input *input, uint64_t address, char *out,
			      size_t bytes)
{
	const struct mapping *mapping = process_find(input->process, address);
	const char *path = mapping ? mapping->module->path : "no mapping";
	char name[64];
	text_clean(name, sizeof name, text_base_name(path));
	snprintf(out, bytes, "%s+0x%llx", name,
		 (unsigned long long)(address - (mapping ? mapping->bias : 0)));
	return out;
}

/* The address before the first difference is the one whose rule one of them got wrong. */
static void describe_difference(struct unwinder *unwinder, const struct unwind_input *input,
				const uint64_t *ours, const uint64_t *theirs, size_t n)
{
	char *out = unwinder->statistics.difference;
	char leaf[96], before[96], our_place[96], their_place[96];
	size_t at = 0;
	if (out[0] != '\0' || n == 0)
		return;
	while (at + 1 < n && ours[at] == theirs[at])
		at++;
	snprintf(out, sizeof unwinder->statistics.difference,
		 "frame %zu from %s, above %s: %s, libunwind %s", at,
		 place_text(input, ours[0], leaf, sizeof leaf),
		 at ? place_text(input, ours[at - 1], before, sizeof before) : "the registers",
		 place_text(input, ours[at], our_place, sizeof our_place),
		 place_text(input, theirs[at], their_place, sizeof their_place));
}

static void check(struct unwinder *unwinder, const struct unwind_input *input,
		  const uint64_t *addresses, size_t n)
{
	uint64_t others[UNWIND_MAX_FRAMES];
	enum unwind_end end;
	if (!unwinder->libunwind ||
	    (unwinder->statistics.n_stacks - 1) % unwinder->check_every != 0)
		return;
	size_t n_others = unwind_libunwind_stack(unwinder->libunwind, input, others,
						 UNWIND_MAX_FRAMES, NULL, &end);
	unwinder->statistics.n_checked++;
	size_t n_both = n < n_others ? n : n_others;
	if (n_both == 0 || memcmp(addresses, others, n_both * sizeof *addresses) != 0) {
		describe_difference(unwinder, input, addresses, others, n_both);
		return;
	}
	if (n == n_others)
		unwinder->statistics.n_agreed++;
	else
		unwinder->statistics.n_prefix++;
}

static size_t walk_with_libunwind(struct unwinder *unwinder, const struct unwind_input *input,
				  uint64_t *addresses, size_t max, uint64_t *after_signal,
				  enum unwind_end *end)
{
	size_t n = unwind_libunwind_stack(unwinder->libunwind, input, addresses, max, after_signal,
					  end);
	unwinder->statistics.n_libunwind_steps += n;
	return n;
}

/* A rule the fast path cannot express: libunwind's walk stands if it gets further. */
static size_t redo_with_libunwind(struct unwinder *unwinder, const struct unwind_input *input,
				  uint64_t *addresses, size_t n, uint64_t *after_signal,
				  enum unwind_end *end)
{
	uint64_t others[UNWIND_MAX_FRAMES], signals[UNWIND_MAX_FRAMES / 64] = { 0 };
	enum unwind_end others_end;
	if (!unwinder->libunwind)
		return n;
	size_t n_others = walk_with_libunwind(unwinder, input, others, UNWIND_MAX_FRAMES, signals,
					      &others_end);
	if (n_others <= n)
		return n;
	memcpy(addresses, others, n_others * sizeof *others);
	if (after_signal)
		memcpy(after_signal, signals, sizeof signals);
	*end = others_end;
	return n_others;
}

size_t unwind_stack(struct unwinder *unwinder, const struct unwind_input *input,
		    uint64_t *addresses, size_t max, uint64_t *after_signal, enum unwind_end *end)
{
	size_t n;
	unwinder->statistics.n_stacks++;
	if (max > UNWIND_MAX_FRAMES)
		max = UNWIND_MAX_FRAMES;
	if (unwinder->is_libunwind_only && unwinder->libunwind) {
		n = walk_with_libunwind(unwinder, input, addresses, max, after_signal, end);
	} else {
		struct walk walk = walk_of(unwinder, input);
		n = walk_fast(&walk, addresses, max, after_signal, end);
		if (walk.needs_libunwind && max == UNWIND_MAX_FRAMES)
			n = redo_with_libunwind(unwinder, input, addresses, n, after_signal, end);
		/* libunwind guesses too, and loses the stack pointer over it (seen at _fini, which
		 * has no rules): that would compare two guesses. */
		if (!walk.is_guessed)
			check(unwinder, input, addresses, n);
	}
	if (*end == UNWIND_TRUNCATED && n > 0 && n < max)
		n = continue_by_chain(unwinder, input, addresses, n, max, end);
	unwinder->statistics.n_frames += n;
	unwinder->statistics.n_rules_decoded = unwind_cache_decoded(unwinder->cache);
	unwinder->statistics.n_by_end[*end]++;
	return n;
}

uint64_t unwind_repair_leaf(struct unwinder *unwinder, const struct unwind_input *input)
{
	struct walk walk = walk_of(unwinder, input);
	bool is_outermost;
	if (step(&walk, &is_outermost) != UNWIND_COMPLETE || is_outermost || walk.ip == 0)
		return 0;
	if (input->n_chain > 1 && strip_signature(input->chain[1]) == walk.ip)
		return 0;
	if (!process_find(input->process, walk.ip - 1))
		return 0;
	unwinder->statistics.n_leaf_repairs++;
	return walk.ip;
}

const struct unwind_statistics *unwinder_statistics(const struct unwinder *unwinder)
{
	return &unwinder->statistics;
}
