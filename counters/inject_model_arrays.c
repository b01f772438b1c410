/*
 * Which array an address belongs to: blocks of a page or more and globals, sorted by address. What
 * lies between them is array 0: small blocks and everything else. A change makes every slot's range
 * stale, which costs each of them one search.
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "counters/inject_model.h"

enum {
	MOST_RANGES = 1 << 16,
	LINE_BYTES = 64,
	LEAST_GLOBAL_BYTES = 4, /* two counters in one line are what false sharing is about */
	MOST_GLOBALS = MODEL_ARRAYS / 2, /* the rest is for blocks and stacks */
};

/* Globals of these sizes are looked for. */
static uint64_t least_bytes, end_bytes;

static struct hook_range *ranges;
static uint32_t n_ranges;
static int lock;

/* Held for microseconds, by threads that are in the model: is_busy keeps handlers out. */
static void take_lock(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void give_lock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

void hook_arrays_hold(void)
{
	take_lock();
}

void hook_arrays_release(void)
{
	give_lock();
}

/* The first range that ends behind the address. */
static uint32_t place_of(uint64_t address)
{
	uint32_t low = 0, high = n_ranges;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (ranges[middle].high <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct hook_range hook_range_of(uint64_t address)
{
	take_lock();
	uint32_t at = place_of(address);
	struct hook_range range = { at > 0 ? ranges[at - 1].high : 0,
				    at < n_ranges ? ranges[at].low : UINT64_MAX, 0 };
	if (at < n_ranges && ranges[at].low <= address)
		range = ranges[at];
	give_lock();
	/* A thread's own stack lies in a gap and is told apart before this is asked: the gap must
	 * not reach into it. */
	struct hook_thread *thread = hook_thread;
	if (range.array == 0 && thread && thread->stack_high) {
		if (address < thread->stack_low && range.high > thread->stack_low)
			range.high = thread->stack_low;
		if (address >= thread->stack_high && range.low < thread->stack_high)
			range.low = thread->stack_high;
	}
	return range;
}

static void insert(uint64_t low, uint64_t bytes, uint32_t array)
{
	uint32_t at = place_of(low);
	if (n_ranges == MOST_RANGES || (at < n_ranges && ranges[at].low < low + bytes))
		return;
	memmove(&ranges[at + 1], &ranges[at], (n_ranges - at) * sizeof *ranges);
	ranges[at] = (struct hook_range){ low, low + bytes, array };
	n_ranges++;
}

/* 0 = there is no room: it is then one of the other things. */
static uint32_t new_array(const struct model_array *array)
{
	struct model_memory *memory = hooks.memory;
	uint32_t row = memory->n_arrays;
	if (row >= MODEL_ARRAYS)
		return 0;
	memory->arrays[row] = *array;
	__atomic_store_n(&memory->arrays[row].is_whole, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&memory->n_arrays, row + 1, __ATOMIC_RELEASE);
	return row;
}

/* Blocks of one call path are one array, as the elements of a list of lists are. */
static uint32_t heap_array(uint32_t node, uint64_t pc, uint64_t bytes)
{
	struct model_memory *memory = hooks.memory;
	for (uint32_t row = memory->n_arrays; row-- > 1;) {
		struct model_array *array = &memory->arrays[row];
		if (array->kind != MODEL_HEAP || array->node != node || array->pc != pc)
			continue;
		array->n_blocks++;
		if (bytes > array->size_bytes)
			array->size_bytes = bytes;
		return row;
	}
	return new_array(&(struct model_array){
		.pc = pc, .size_bytes = bytes, .n_blocks = 1, .node = node, .kind = MODEL_HEAP });
}

void hook_array_add(struct hook_thread *thread, uint64_t pc, uint64_t low, uint64_t bytes)
{
	if (!ranges || thread->is_busy)
		return;
	thread->is_busy = true;
	take_lock();
	insert(low, bytes, heap_array(thread->node, pc, bytes));
	give_lock();
	hooks_forget_slots();
	thread->is_busy = false;
}

void hook_array_remove(struct hook_thread *thread, uint64_t low)
{
	if (!ranges || thread->is_busy)
		return;
	thread->is_busy = true; /* memmove is ours too */
	take_lock();
	uint32_t at = place_of(low);
	bool is_known = at < n_ranges && ranges[at].low == low;
	if (is_known) {
		n_ranges--;
		memmove(&ranges[at], &ranges[at + 1], (n_ranges - at) * sizeof *ranges);
	}
	give_lock();
	if (is_known)
		hooks_forget_slots();
	thread->is_busy = false;
}

uint32_t hook_array_stack(uint32_t thread_index, uint64_t bytes)
{
	take_lock();
	uint32_t row = new_array(&(struct model_array){
		.size_bytes = bytes, .n_blocks = 1, .kind = MODEL_STACK, .thread = thread_index });
	give_lock();
	return row;
}

/* Ranges are this process's already, by numbers that stay. */
void hook_arrays_adopt(const struct model_memory *before,
		       uint32_t (*node_of)(void *opaque, uint32_t node), void *opaque)
{
	uint32_t n = __atomic_load_n(&before->n_arrays, __ATOMIC_ACQUIRE);
	for (uint32_t row = 1; row < n && row < MODEL_ARRAYS; row++) {
		struct model_array array = before->arrays[row];
		if (array.kind == MODEL_HEAP)
			array.node = node_of(opaque, array.node);
		hooks.memory->arrays[row] = array;
	}
	__atomic_store_n(&hooks.memory->n_arrays, n < MODEL_ARRAYS ? n : MODEL_ARRAYS,
			 __ATOMIC_RELEASE);
}

/* ---- globals, by the symbol tables of the modules */

static void add_global(const ElfW(Sym) * symbol, const char *name, size_t name_bytes, uint64_t bias)
{
	struct model_array array = { .size_bytes = symbol->st_size,
				     .n_blocks = 1,
				     .kind = MODEL_GLOBAL };
	size_t n = strnlen(name,
			   name_bytes < sizeof array.name - 1 ? name_bytes : sizeof array.name - 1);
	memcpy(array.name, name, n);
	uint32_t row = hooks.memory->n_arrays < MOST_GLOBALS ? new_array(&array) : 0;
	if (row)
		insert(bias + symbol->st_value, symbol->st_size, row);
}

static void add_symbols(const unsigned char *file, size_t bytes, const ElfW(Shdr) * table,
			const ElfW(Shdr) * names, uint64_t bias)
{
	if (table->sh_offset > bytes || table->sh_size > bytes - table->sh_offset ||
	    names->sh_offset > bytes || names->sh_size > bytes - names->sh_offset)
		return;
	for (size_t at = 0; at + sizeof(ElfW(Sym)) <= table->sh_size; at += sizeof(ElfW(Sym))) {
		ElfW(Sym) symbol;
		memcpy(&symbol, file + table->sh_offset + at, sizeof symbol);
		if ((symbol.st_info & 15) == STT_OBJECT && symbol.st_shndx != SHN_UNDEF &&
		    symbol.st_size >= least_bytes && symbol.st_size < end_bytes &&
		    symbol.st_name < names->sh_size)
			add_global(&symbol, (const char *)file + names->sh_offset + symbol.st_name,
				   names->sh_size - symbol.st_name, bias);
	}
}

/* Compilers sign in a section of comments. */
static bool has_clang(const unsigned char *file, size_t bytes, const ElfW(Ehdr) * header)
{
	static const char signature[] = "clang version";
	ElfW(Shdr) names, section;
	if (header->e_shstrndx >= header->e_shnum)
		return false;
	memcpy(&names, file + header->e_shoff + header->e_shstrndx * sizeof names, sizeof names);
	for (uint32_t i = 0; i < header->e_shnum; i++) {
		memcpy(&section, file + header->e_shoff + i * sizeof section, sizeof section);
		uint64_t name = names.sh_offset + section.sh_name;
		if (section.sh_type == SHT_PROGBITS && section.sh_offset <= bytes &&
		    section.sh_size <= bytes - section.sh_offset && name < bytes &&
		    strncmp((const char *)file + name, ".comment", bytes - name) == 0)
			return memmem(file + section.sh_offset, section.sh_size, signature,
				      sizeof signature - 1) != NULL;
	}
	return false;
}

static void read_symbols(const unsigned char *file, size_t bytes, uint64_t bias, bool is_program)
{
	ElfW(Ehdr) header;
	if (bytes < sizeof header)
		return;
	memcpy(&header, file, sizeof header);
	uint64_t end = header.e_shoff + (uint64_t)header.e_shnum * sizeof(ElfW(Shdr));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_shoff > bytes || end > bytes ||
	    header.e_shentsize != sizeof(ElfW(Shdr)))
		return;
	if (is_program)
		hooks.memory->has_clang = has_clang(file, bytes, &header);
	for (uint32_t i = 0; i < header.e_shnum; i++) {
		ElfW(Shdr) table, names;
		memcpy(&table, file + header.e_shoff + i * sizeof table, sizeof table);
		if (table.sh_type != SHT_SYMTAB || table.sh_link >= header.e_shnum)
			continue;
		memcpy(&names, file + header.e_shoff + table.sh_link * sizeof names, sizeof names);
		add_symbols(file, bytes, &table, &names, bias);
	}
}

static int visit_module(struct dl_phdr_info *info, size_t bytes, void *opaque)
{
	struct stat status;
	(void)bytes;
	(void)opaque;
	int fd =
		open(info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && status.st_size > 0) {
		size_t n = (size_t)status.st_size;
		void *file = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
		if (file != MAP_FAILED) {
			read_symbols(file, n, info->dlpi_addr, !info->dlpi_name[0]);
			munmap(file, n);
		}
	}
	close(fd);
	return 0;
}

void hook_arrays_open(void)
{
	void *memory = mmap(NULL, MOST_RANGES * sizeof *ranges, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return;
	ranges = memory;
	/* Small ones take the room that arrays leave. */
	least_bytes = LINE_BYTES;
	end_bytes = UINT64_MAX;
	dl_iterate_phdr(visit_module, NULL);
	end_bytes = least_bytes;
	least_bytes = LEAST_GLOBAL_BYTES;
	dl_iterate_phdr(visit_module, NULL);
}
