/*
 * unwind: from registers and a copy of the stack's top to return addresses.
 *
 * The fast path decodes .eh_frame (or .debug_frame) one function at a time behind a cache from
 * address to rule. libunwind does what that cannot express, is the oracle of the tests, and
 * checks one live sample in a thousand. Below the end of a cut stack copy the kernel's
 * frame-pointer chain, if there is one, is continued.
 */
#ifndef SAMPLER_UNWIND_H
#define SAMPLER_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct process;
struct unwinder;

/*
 * The user registers asked from the kernel, in the kernel's order (ascending bit number).
 * x86-64: AX BX CX DX SI DI BP SP IP FLAGS CS SS R8…R15 = 0xff0fff (20 values).
 * aarch64: X0…X29 LR SP PC = 0x1ffffffff (33 values).
 * riscv64: PC, then x1…x31 = 0xffffffff (32 values).
 */
#if defined(__x86_64__)
#define UNWIND_REGISTER_MASK 0xff0fffULL
enum { UNWIND_N_REGISTERS = 20 };
#elif defined(__aarch64__)
#define UNWIND_REGISTER_MASK 0x1ffffffffULL
enum { UNWIND_N_REGISTERS = 33 };
#elif defined(__riscv) && __riscv_xlen == 64
#define UNWIND_REGISTER_MASK 0xffffffffULL
enum { UNWIND_N_REGISTERS = 32 };
#else
#error "stoke unwinds x86-64, aarch64 and riscv64"
#endif

/* The kernel's own limit on call chains is 127; deep recursion in copied stacks may go further. */
enum { UNWIND_MAX_FRAMES = 512 };

struct unwind_input {
	struct process *process;
	const uint64_t *registers; /* UNWIND_N_REGISTERS values; NULL = only the chain is there */
	const uint8_t *stack;      /* bytes from the stack pointer upwards; any alignment */
	size_t stack_bytes;        /* really copied (dyn_size) */
	bool is_stack_cut;         /* stack_bytes equals what was asked for */
	const uint64_t *chain;     /* kernel's frame-pointer chain, user part, innermost first */
	size_t n_chain;
};

enum unwind_end {
	UNWIND_COMPLETE,   /* reached the thread's first function */
	UNWIND_TRUNCATED,  /* the stack copy ended first, or UNWIND_MAX_FRAMES */
	UNWIND_NO_RULE,    /* code without unwind information */
	UNWIND_NOT_MAPPED, /* an address outside every mapping */
	UNWIND_BROKEN,     /* rules gave nonsense (CFA did not grow) */
};

struct unwind_statistics {
	uint64_t n_stacks, n_frames, n_by_end[UNWIND_BROKEN + 1];
	uint64_t n_rules_decoded, n_libunwind_steps, n_chain_frames;
	uint64_t n_leaf_repairs;
	/* Live spot checks against libunwind, of stacks that have rules all the way: equal, and one
	 * of them stopping earlier. */
	uint64_t n_checked, n_agreed, n_prefix;
	char difference[384]; /* of the first that differed: where, and what each says; "" = none */
};

/* unwinder_new: kind as in enum unwinder_kind (target.h). */
struct unwinder *unwinder_new(int kind);
void unwinder_free(struct unwinder *unwinder);

/*
 * unwind_stack: run-time addresses, innermost first; the first is the instruction itself, the
 * others return addresses.
 *
 * addresses  [out] at most max
 * after_signal [out] may be NULL; bit i set: addresses[i] is exact (interrupted by a signal), not
 *            a return address. Bits for the first 512 frames: 8 words
 * Returns    how many addresses
 * Cost       about 25 ns a frame warm; 0.8 us for an address never seen
 */
size_t unwind_stack(struct unwinder *unwinder, const struct unwind_input *input,
		    uint64_t *addresses, size_t max, uint64_t *after_signal, enum unwind_end *end);

/*
 * unwind_repair_leaf: the caller that a frame-pointer chain misses when the leaf has set up no
 * frame: one CFI step from the leaf with registers and a little stack. Returns the missing
 * caller's address, or 0 when the chain is right as it is.
 */
uint64_t unwind_repair_leaf(struct unwinder *unwinder, const struct unwind_input *input);

const struct unwind_statistics *unwinder_statistics(const struct unwinder *unwinder);

/* unwind_module_free: called by address_space when a module goes. */
struct unwind_module;
void unwind_module_free(struct unwind_module *module);

#endif
