/*
 * disassemble: machine code as text, by capstone.
 */
#ifndef TUI_DISASSEMBLE_H
#define TUI_DISASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct instruction {
	uint64_t address;
	uint32_t size_bytes;
	bool is_jump; /* to an address that the instruction itself says; no call */
	uint64_t target;
	char text[128];
};

struct disassembly {
	struct instruction *rows; /* allocated; the caller frees it */
	size_t n;
};

/* disassemble_unusable: NULL, or why there is no assembly at all. Opens capstone. */
const char *disassemble_unusable(void);

/*
 * disassemble: every byte is in one instruction; bytes that are none are shown as such, one by one.
 *
 * machine  EM_X86_64 or EM_AARCH64
 * Errors   false and a sentence: another machine, capstone is not installed, or built without it
 * Thread   the screen's
 */
bool disassemble(const uint8_t *bytes, size_t n_bytes, uint64_t address, unsigned machine,
		 struct disassembly *out, struct why *why);

#endif
