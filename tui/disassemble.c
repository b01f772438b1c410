/*
 * The one file that knows capstone, which is opened when code is first shown: relocating its tables
 * would cost every run of stoke 3.2 MiB.
 */
#include "tui/disassemble.h"

#include <stdlib.h>

#if HAVE_CAPSTONE
#include <capstone/capstone.h>
#include <elf.h>
#include <stddef.h>
#include <stdio.h>

#include "sampler/base/library.h"

static struct capstone_calls {
	cs_err (*open)(cs_arch, cs_mode, csh *);
	cs_err (*option)(csh, cs_opt_type, size_t);
	cs_insn *(*allocate)(csh);
	bool (*disasm_iter)(csh, const uint8_t **, size_t *, uint64_t *, cs_insn *);
	bool (*insn_group)(csh, const cs_insn *, unsigned);
	void (*free)(cs_insn *, size_t);
	cs_err (*close)(csh *);
} calls;

static const struct library_symbol symbols[] = {
	{ "cs_open", offsetof(struct capstone_calls, open), true },
	{ "cs_option", offsetof(struct capstone_calls, option), true },
	{ "cs_malloc", offsetof(struct capstone_calls, allocate), true },
	{ "cs_disasm_iter", offsetof(struct capstone_calls, disasm_iter), true },
	{ "cs_insn_group", offsetof(struct capstone_calls, insn_group), true },
	{ "cs_free", offsetof(struct capstone_calls, free), true },
	{ "cs_close", offsetof(struct capstone_calls, close), true },
	{ 0 },
};

/* NULL, or why it cannot be used. Its structures differ from one major number to the next, so it
 * has to be the one of the header. */
const char *disassemble_unusable(void)
{
#define AS_TEXT(number)        #number
#define CAPSTONE_MAJOR(number) AS_TEXT(number)
	static const char *const names[] = { "libcapstone.so." CAPSTONE_MAJOR(CS_API_MAJOR), NULL };
	static const char package[] = "package libcapstone" CAPSTONE_MAJOR(CS_API_MAJOR);
	static void *library;
	static struct why why;
	if (!library)
		library = library_open(names, "capstone", package, symbols, &calls, &why);
	return library ? NULL : why.text;
}

static bool open_engine(unsigned machine, csh *engine)
{
	if (machine == EM_X86_64)
		return calls.open(CS_ARCH_X86, CS_MODE_64, engine) == CS_ERR_OK;
	if (machine == EM_AARCH64)
		return calls.open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, engine) == CS_ERR_OK;
	return false;
}

/* The last operand of a direct jump is where it goes, made absolute by capstone. */
static bool find_target(csh engine, unsigned machine, const cs_insn *decoded, uint64_t *target)
{
	if (!calls.insn_group(engine, decoded, CS_GRP_JUMP) ||
	    calls.insn_group(engine, decoded, CS_GRP_CALL))
		return false;
	if (machine == EM_X86_64) {
		const cs_x86 *x86 = &decoded->detail->x86;
		const cs_x86_op *last = &x86->operands[x86->op_count ? x86->op_count - 1 : 0];
		*target = (uint64_t)last->imm;
		return x86->op_count > 0 && last->type == X86_OP_IMM;
	}
	const cs_arm64 *arm = &decoded->detail->arm64;
	const cs_arm64_op *last = &arm->operands[arm->op_count ? arm->op_count - 1 : 0];
	*target = (uint64_t)last->imm;
	return arm->op_count > 0 && last->type == ARM64_OP_IMM &&
	       decoded->id != ARM64_INS_BL; /* some releases call it a jump */
}

static void add_byte(struct instruction *out, uint64_t address, uint8_t byte)
{
	*out = (struct instruction){ .address = address, .size_bytes = 1 };
	snprintf(out->text, sizeof out->text, "(byte %02x)", byte);
}

/* What is to be decoded. */
struct code {
	const uint8_t *bytes;
	size_t n_bytes;
	uint64_t address;
	unsigned machine;
};

static size_t decode(csh engine, struct code code, struct instruction *rows)
{
	size_t n = 0;
	cs_insn *decoded = calls.allocate(engine);
	while (code.n_bytes > 0) {
		struct instruction *row = &rows[n++];
		if (!calls.disasm_iter(engine, &code.bytes, &code.n_bytes, &code.address,
				       decoded)) {
			add_byte(row, code.address++, *code.bytes++);
			code.n_bytes--;
			continue;
		}
		row->address = decoded->address;
		row->size_bytes = decoded->size;
		row->is_jump = find_target(engine, code.machine, decoded, &row->target);
		snprintf(row->text, sizeof row->text, "%-8s %.80s", decoded->mnemonic,
			 decoded->op_str);
	}
	calls.free(decoded, 1);
	return n;
}

bool disassemble(const uint8_t *bytes, size_t n_bytes, uint64_t address, unsigned machine,
		 struct disassembly *out, struct why *why)
{
	csh engine;
	*out = (struct disassembly){ 0 };
	const char *reason = disassemble_unusable();
	if (reason)
		return why_fail(why, "There is no assembly: %s", reason);
	if (!open_engine(machine, &engine))
		return why_fail(why,
				"This machine's code cannot be shown; x86-64 and aarch64 can.");
	out->rows = allocate(n_bytes + 1, sizeof *out->rows);
	calls.option(engine, CS_OPT_DETAIL, CS_OPT_ON);
	out->n = decode(engine, (struct code){ bytes, n_bytes, address, machine }, out->rows);
	calls.close(&engine);
	return true;
}
#else
const char *disassemble_unusable(void)
{
	return "This stoke was built without capstone (libcapstone-dev).";
}

bool disassemble(const uint8_t *bytes, size_t n_bytes, uint64_t address, unsigned machine,
		 struct disassembly *out, struct why *why)
{
	(void)bytes;
	(void)n_bytes;
	(void)address;
	(void)machine;
	*out = (struct disassembly){ 0 };
	return why_fail(why, "There is no assembly: %s", disassemble_unusable());
}
#endif
