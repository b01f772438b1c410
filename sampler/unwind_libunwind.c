/*
 * libunwind over a sample: its accessors read registers from the sample, memory from the copied
 * stack or else from the file (it follows the personality pointer in .data), and unwind
 * information from the modules' sections. Those are handed over as local copies, so that libunwind
 * reads them through the same accessor.
 *
 * dwarf_search_unwind_table is libunwind's own look-up in .eh_frame_hdr; exported under its
 * mangled name for tools such as perf, but in no header.
 */
#include "sampler/unwind_libunwind.h"

#if defined(__x86_64__)
#include <libunwind-x86_64.h>
#elif defined(__riscv)
#include <libunwind-riscv.h>
#else
#include <libunwind-aarch64.h>
#endif
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/address_space.h"
#include "sampler/base/why.h"
#include "sampler/cfi_entry.h"
#include "sampler/elf_image.h"

int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *info,
				       unw_proc_info_t *out, int need_unwind_info, void *argument);

enum {
	CHUNK_BYTES = 1024, /* .eh_frame is read word by word, here and there a few hundred bytes */
	N_CHUNKS_LOG2 = 7,  /* 128 KiB: the upper half of some tables' binary searches */
};

/* A piece of a file, since libunwind reads one word at a time. */
struct chunk {
	struct elf_image *image;
	uint64_t vaddr;
	uint8_t bytes[CHUNK_BYTES];
};

struct unwind_libunwind {
	unw_addr_space_t space;
	uint64_t space_id; /* whose rules libunwind has cached */
	struct chunk chunks[1 << N_CHUNKS_LOG2];
};

/* What the accessors get. */
struct request {
	struct unwind_libunwind *unwinder;
	const struct unwind_input *input;
	uint64_t stack_pointer;
	bool is_past_copy; /* a read beyond the copied stack */
	size_t last;       /* the mapping whose file was read last */
};

/* The kernel's order of x86-64 registers is not DWARF's; 20 values for mask 0xff0fff. */
static int place_of(int dwarf_register)
{
#if defined(__x86_64__)
	static const signed char places[17] = { 0,  3,  2,  1,  4,  5,  6,  7, 12,
						13, 14, 15, 16, 17, 18, 19, 8 };
	return dwarf_register >= 0 && dwarf_register < 17 ? places[dwarf_register] : -1;
#elif defined(__riscv)
	if (dwarf_register == UNW_RISCV_PC)
		return 0;
	return dwarf_register > 0 && dwarf_register < 32 ? dwarf_register : -1;
#else
	if (dwarf_register == UNW_AARCH64_PC)
		return 32;
	return dwarf_register >= 0 && dwarf_register < 32 ? dwarf_register : -1;
#endif
}

static int read_stack(struct request *request, unw_word_t address, unw_word_t *value)
{
	const struct unwind_input *input = request->input;
	uint64_t offset = address - request->stack_pointer;
	if (address < request->stack_pointer || offset >= (uint64_t)64 << 20)
		return -UNW_EINVAL;
	if (input->stack_bytes < sizeof *value || offset > input->stack_bytes - sizeof *value) {
		request->is_past_copy = true;
		return -UNW_EINVAL;
	}
	memcpy(value, input->stack + offset, sizeof *value);
	return 0;
}

/* NULL where no whole chunk can be read: at a segment's ends. */
static const struct chunk *chunk_at(struct unwind_libunwind *unwinder, struct elf_image *image,
				    uint64_t vaddr)
{
	uint64_t hash = (vaddr / CHUNK_BYTES ^ (uintptr_t)image) * 0x9e3779b97f4a7c15ULL;
	struct chunk *chunk = &unwinder->chunks[hash >> (64 - N_CHUNKS_LOG2)];
	vaddr -= vaddr % CHUNK_BYTES;
	if (chunk->image == image && chunk->vaddr == vaddr)
		return chunk;
	chunk->image = NULL;
	if (!elf_image_read_vaddr(image, vaddr, chunk->bytes, CHUNK_BYTES))
		return NULL;
	chunk->image = image;
	chunk->vaddr = vaddr;
	return chunk;
}

static bool read_mapping(struct unwind_libunwind *unwinder, const struct mapping *mapping,
			 unw_word_t address, unw_word_t *value)
{
	struct elf_image *image = mapping->is_bias_known ? module_image(mapping->module) : NULL;
	uint64_t vaddr = address - mapping->bias, at = vaddr % CHUNK_BYTES;
	if (!image)
		return false;
	const struct chunk *chunk =
		at <= CHUNK_BYTES - sizeof *value ? chunk_at(unwinder, image, vaddr) : NULL;
	if (!chunk)
		return elf_image_read_vaddr(image, vaddr, value, sizeof *value);
	memcpy(value, chunk->bytes + at, sizeof *value);
	return true;
}

/*
 * Only code is known to be mapped; unwind tables and data of the same file lie before or behind it
 * with the same bias. Files do not overlap in memory, so the one that has the address is right.
 */
static int read_file(struct request *request, unw_word_t address, unw_word_t *value)
{
	const struct process *process = request->input->process;
	if (request->last < process->n_mappings &&
	    read_mapping(request->unwinder, &process->mappings[request->last], address, value))
		return 0;
	for (size_t i = 0; i < process->n_mappings; i++)
		if (read_mapping(request->unwinder, &process->mappings[i], address, value)) {
			request->last = i;
			return 0;
		}
	return -UNW_EINVAL;
}

static int access_memory(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write,
			 void *argument)
{
	(void)space;
	if (write)
		return -UNW_EINVAL;
	if (read_stack(argument, address, value) == 0)
		return 0;
	return read_file(argument, address, value);
}

static int access_register(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value,
			   int write, void *argument)
{
	const struct request *request = argument;
	int place = place_of(number);
	(void)space;
	if (write || place < 0)
		return -UNW_EBADREG;
	*value = request->input->registers[place];
	return 0;
}

static bool read_header(const struct elf_bytes *header, uint64_t *table_vaddr, uint64_t *n_entries)
{
	uint32_t count;
	if (header->n_bytes < 12 || header->bytes[0] != 1 || header->bytes[2] != DW_EH_PE_udata4 ||
	    header->bytes[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return false;
	memcpy(&count, header->bytes + 8, sizeof count);
	if (count > (header->n_bytes - 12) / 8)
		return false;
	*table_vaddr = header->vaddr + 12;
	*n_entries = count;
	return true;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *info,
			  int need_unwind_info, void *argument)
{
	struct request *request = argument;
	struct mapping *mapping = process_find(request->input->process, ip);
	struct elf_image *image = mapping ? module_image(mapping->module) : NULL;
	struct elf_bytes header;
	uint64_t table_vaddr, n_entries;
	if (!image || !elf_image_section(image, ".eh_frame_hdr", &header) ||
	    !read_header(&header, &table_vaddr, &n_entries))
		return -UNW_ENOINFO;
	unw_dyn_info_t dynamic = {
		.start_ip = mapping->start,
		.end_ip = mapping->end,
		.format = UNW_INFO_FORMAT_REMOTE_TABLE,
	};
	dynamic.u.rti.segbase = header.vaddr + mapping->bias;
	dynamic.u.rti.table_data = table_vaddr + mapping->bias;
	dynamic.u.rti.table_len = n_entries * 8 / sizeof(unw_word_t);
	return UNW_OBJ(dwarf_search_unwind_table)(space, ip, &dynamic, info, need_unwind_info,
						  argument);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *argument)
{
	(void)space;
	(void)info;
	(void)argument;
}

/* The types of the accessors are libunwind's. NOLINTBEGIN(readability-non-const-parameter) */
static int no_dynamic_list(unw_addr_space_t space, unw_word_t *address, void *argument)
{
	(void)space;
	(void)address;
	(void)argument;
	return -UNW_ENOINFO;
}

static int no_fp_register(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value,
			  int write, void *argument)
{
	(void)space;
	(void)number;
	(void)value;
	(void)write;
	(void)argument;
	return -UNW_EBADREG;
}

static int no_resume(unw_addr_space_t space, unw_cursor_t *cursor, void *argument)
{
	(void)space;
	(void)cursor;
	(void)argument;
	return -UNW_EINVAL;
}

static int no_name(unw_addr_space_t space, unw_word_t address, char *name, size_t n_bytes,
		   unw_word_t *offset, void *argument)
{
	(void)space;
	(void)address;
	(void)name;
	(void)n_bytes;
	(void)offset;
	(void)argument;
	return -UNW_ENOINFO;
}
/* NOLINTEND(readability-non-const-parameter) */

struct unwind_libunwind *unwind_libunwind_new(void)
{
	static unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = no_dynamic_list,
		.access_mem = access_memory,
		.access_reg = access_register,
		.access_fpreg = no_fp_register,
		.resume = no_resume,
		.get_proc_name = no_name,
	};
	unw_addr_space_t space = unw_create_addr_space(&accessors, 0);
	if (!space)
		return NULL;
	unw_set_caching_policy(space, UNW_CACHE_GLOBAL);
	struct unwind_libunwind *unwinder = allocate(1, sizeof *unwinder);
	unwinder->space = space;
	return unwinder;
}

void unwind_libunwind_free(struct unwind_libunwind *unwinder)
{
	if (!unwinder)
		return;
	unw_destroy_addr_space(unwinder->space);
	free(unwinder);
}

static uint64_t stack_pointer_of(const struct unwind_input *input)
{
#if defined(__x86_64__)
	return input->registers[7];
#elif defined(__riscv)
	return input->registers[2];
#else
	return input->registers[31];
#endif
}

/* Rules are cached by address; another space gives addresses another meaning. */
static void flush_if_new(struct unwind_libunwind *unwinder, const struct unwind_input *input)
{
	if (unwinder->space_id == input->process->space_id)
		return;
	unw_flush_cache(unwinder->space, 0, 0);
	unwinder->space_id = input->process->space_id;
}

size_t unwind_libunwind_stack(struct unwind_libunwind *unwinder, const struct unwind_input *input,
			      uint64_t *addresses, size_t max, uint64_t *after_signal,
			      enum unwind_end *end)
{
	struct request request = { unwinder, input, stack_pointer_of(input), false, 0 };
	unw_cursor_t cursor;
	size_t n = 0;
	int more = 1;
	*end = UNWIND_NO_RULE;
	flush_if_new(unwinder, input);
	if (unw_init_remote(&cursor, unwinder->space, &request) != 0)
		return 0;
	while (n < max) {
		unw_word_t ip = 0;
		if (unw_get_reg(&cursor, UNW_REG_IP, &ip) != 0 || ip == 0)
			break;
		addresses[n++] = ip;
		bool is_signal = unw_is_signal_frame(&cursor) > 0;
		more = unw_step(&cursor);
		if (more <= 0)
			break;
		if (is_signal && after_signal && n < max)
			after_signal[n / 64] |= (uint64_t)1 << (n % 64);
	}
	if (more == 0)
		*end = UNWIND_COMPLETE;
	if (request.is_past_copy || n == max)
		*end = UNWIND_TRUNCATED;
	return n;
}
