/* The one file that knows capstone. */
#include "tui/disassemble.h"

#include <stdlib.h>

#if HAVE_CAPSTONE
#include <capstone/capstone.h>
#include <elf.h>
#include <stdio.h>

static bool open_engine(unsigned machine, csh *engine)
{
	if (machine == EM_X86_64)
		return cs_open(CS_ARCH_X86, CS_MODE_64, engine) == CS_ERR_OK;
	if (machine == EM_AARCH64)
		return cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, engine) == CS_ERR_OK;
	return false;
}

static void add_byte(struct instruction *out, uint64_t address, uint8_t byte)
{
	*out = (struct instruction){ .address = address, .size_bytes = 1 };
	snprintf(out->text, sizeof out->text, "(byte %02x)", byte);
}

static size_t decode(csh engine, const uint8_t *bytes, size_t n_bytes, uint64_t address,
		     struct instruction *rows)
{
	size_t n = 0;
	cs_insn *decoded = cs_malloc(engine);
	while (n_bytes > 0) {
		struct instruction *row = &rows[n++];
		if (!cs_disasm_iter(engine, &bytes, &n_bytes, &address, decoded)) {
			add_byte(row, address++, *bytes++);
			n_bytes--;
			continue;
		}
		row->address = decoded->address;
		row->size_bytes = decoded->size;
		snprintf(row->text, sizeof row->text, "%-8s %.80s", decoded->mnemonic,
			 decoded->op_str);
	}
	cs_free(decoded, 1);
	return n;
}

bool disassemble(const uint8_t *bytes, size_t n_bytes, uint64_t address, unsigned machine,
		 struct disassembly *out, struct why *why)
{
	csh engine;
	*out = (struct disassembly){ 0 };
	if (!open_engine(machine, &engine))
		return why_fail(why,
				"This machine's code cannot be shown; x86-64 and aarch64 can.");
	out->rows = allocate(n_bytes + 1, sizeof *out->rows);
	out->n = decode(engine, bytes, n_bytes, address, out->rows);
	cs_close(&engine);
	return true;
}
#else
bool disassemble(const uint8_t *bytes, size_t n_bytes, uint64_t address, unsigned machine,
		 struct disassembly *out, struct why *why)
{
	(void)bytes;
	(void)n_bytes;
	(void)address;
	(void)machine;
	*out = (struct disassembly){ 0 };
	return why_fail(why, "There is no assembly: this stoke was built without capstone "
			     "(libcapstone-dev).");
}
#endif
