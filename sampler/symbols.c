/*
 * Frames become locations in their order, so that the reader knows by one count how far names
 * reach. A module's tables are loaded at its first frame; DWARF is only opened where the file has
 * some, and only within a time budget for the whole recording. With symbols_use_worker another
 * thread loads them, from an open file of its own, so that the unwinder's image has one owner.
 */
#include "sampler/symbols.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "sampler/address_space.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/cfi.h"
#include "sampler/demangle.h"
#include "sampler/elf_image.h"
#include "sampler/hash_map.h"
#include "sampler/kernel_symbols.h"
#include "sampler/recording.h"
#include "sampler/symbols_debugfile.h"
#include "sampler/symbols_dwarf.h"
#include "sampler/symbols_elf.h"
#include "sampler/symbols_text.h"

/* Lines and inlined functions of a recording may take this much of the collector's time; the
 * largest programs met (LLVM with -g) use half a second. */
static const uint64_t DWARF_BUDGET_NS = 3ull * 1000 * 1000 * 1000;
/* A JIT writes its map all the time; once in this time it is read again on a miss. */
static const uint64_t JIT_REREAD_NS = 200 * 1000 * 1000;
static const uint64_t MOST_WAIT_NS = 3600ull * 1000 * 1000 * 1000; /* far, but no overflow */
static const char DEBUG_ROOT[] = "/usr/lib/debug";

enum {
	MOST_NAME_BYTES = 1024, /* longer demangled names are cut: nobody reads them */
	MOST_INLINED = 32,
};

struct module_symbols {
	struct symbol_table table;
	struct elf_image *image; /* the worker's, that the table's names live in; NULL = none */
	struct module *module;   /* of which the worker reads what never changes */
	uint64_t address;        /* whose unit it is to walk */
	pthread_t worker;
	bool is_worker_on, no_inline;
	struct elf_image *debug_image; /* a separate file that the table's names live in */
	struct dwarf_lines *lines;
	struct cfi_table *cfi;   /* names the functions of stripped files by their start */
	struct hash_map unnamed; /* their start + 1 -> row */
	struct text_symbols jit;
	uint64_t jit_bytes, jit_read_ns;
	bool has_jit;
};

struct symbols {
	struct recording *recording;
	struct address_space *space;
	bool no_inline, has_worker;
	uint64_t next_frame; /* the first without a location */
	uint64_t dwarf_ns;   /* spent */
	bool is_dwarf_spent;
	struct kernel_symbols *kernel; /* NULL: hidden */
	char *kernel_path;             /* of another list than this machine's */
	bool is_kernel_tried;
	uint64_t kernel_shift;    /* recorded address - address in the list */
	uint32_t kernel_function; /* [kernel], when its symbols are hidden */
};

struct symbols *symbols_new(struct recording *recording, struct address_space *space,
			    bool no_inline)
{
	struct symbols *symbols = allocate(1, sizeof *symbols);
	symbols->recording = recording;
	symbols->space = space;
	symbols->no_inline = no_inline;
	symbols->next_frame = recording->tables[TABLE_LOCATIONS].n_rows;
	return symbols;
}

void symbols_use_worker(struct symbols *symbols, bool is_on)
{
	symbols->has_worker = is_on;
}

void symbols_free(struct symbols *symbols)
{
	if (!symbols)
		return;
	kernel_symbols_close(symbols->kernel);
	free(symbols->kernel_path);
	free(symbols);
}

void module_symbols_free(struct module_symbols *symbols)
{
	if (!symbols)
		return;
	if (symbols->is_worker_on)
		pthread_join(symbols->worker, NULL);
	symbol_table_free(&symbols->table);
	elf_image_close(symbols->image);
	elf_image_close(symbols->debug_image);
	dwarf_lines_close(symbols->lines);
	cfi_table_free(symbols->cfi);
	hash_map_free(&symbols->unnamed);
	text_symbols_free(&symbols->jit);
	free(symbols);
}

static uint32_t add_function(struct symbols *symbols, const char *linkage_name,
			     struct function_row row)
{
	char name[MOST_NAME_BYTES], raw[MOST_NAME_BYTES];
	demangle(name, sizeof name, linkage_name);
	text_clean(raw, sizeof raw, linkage_name);
	row.name = recording_add_string(symbols->recording, name);
	row.linkage_name = recording_add_string(symbols->recording, raw);
	return recording_add_function(symbols->recording, &row);
}

static uint32_t add_unknown(struct symbols *symbols, const char *reason)
{
	char text[256];
	snprintf(text, sizeof text, "[unknown: %.200s]", reason);
	return add_function(symbols, text, (struct function_row){ .flags = FUNCTION_SPECIAL });
}

/* ---- the kernel */

static const char live_kernel[] = "/proc/kallsyms";

/* The kernel that runs: its list takes 40 ms to read, what is kept of it 1 ms. */
static struct kernel_symbols *open_live_kernel(void)
{
	char cache[4096];
	bool may_cache = kernel_symbols_cache_path(cache, sizeof cache);
	return kernel_symbols_open(&(struct kernel_symbols_files){
		live_kernel, "/proc/sys/kernel/random/boot_id", may_cache ? cache : NULL });
}

void symbols_use_kernel(struct symbols *symbols, const char *path, uint64_t shift,
			const char *why_not)
{
	char text[256];
	symbols->is_kernel_tried = true;
	symbols->kernel_shift = shift;
	symbols->kernel_path = path ? strdup(path) : NULL;
	if (path && strcmp(path, live_kernel) == 0)
		symbols->kernel = open_live_kernel();
	else if (path)
		symbols->kernel = kernel_symbols_open(
			&(struct kernel_symbols_files){ .kallsyms = symbols->kernel_path });
	if (symbols->kernel)
		return;
	snprintf(text, sizeof text,
		 "Kernel functions have no names because %s; their time is shown as [kernel].",
		 path ? "the list of the kernel's symbols hides its addresses" : why_not);
	recording_note(symbols->recording, SEVERITY_INFO, "symbols", text,
		       path ? "Read the file as root." : "Read the file where it was recorded.");
}

static void load_kernel(struct symbols *symbols)
{
	symbols->is_kernel_tried = true;
	symbols->kernel = open_live_kernel();
	if (!symbols->kernel)
		recording_note(symbols->recording, SEVERITY_INFO, "symbols",
			       "Kernel functions have no names here because /proc/kallsyms hides "
			       "their addresses; their time is shown as [kernel].",
			       "Run `sysctl kernel.kptr_restrict=0` and "
			       "`sysctl kernel.perf_event_paranoid=1` as root, or run as root.");
}

static uint32_t kernel_function(struct symbols *symbols, const struct frame_row *frame)
{
	if (!symbols->is_kernel_tried)
		load_kernel(symbols);
	struct kernel_symbol symbol;
	uint64_t shift = symbols->kernel_shift;
	if (symbols->kernel &&
	    kernel_symbols_find(symbols->kernel, frame->address - shift, &symbol)) {
		uint64_t size = symbol.end - symbol.start;
		return add_function(
			symbols, symbol.name,
			(struct function_row){ .address = symbol.start + shift,
					       .size_bytes = size > UINT32_MAX ? 0 : (uint32_t)size,
					       .module = frame->module,
					       .flags = FUNCTION_KERNEL });
	}
	if (!symbols->kernel_function)
		symbols->kernel_function = add_function(
			symbols, "[kernel]",
			(struct function_row){ .module = frame->module, .flags = FUNCTION_KERNEL });
	return symbols->kernel_function;
}

/* ---- code written by the program itself */

/* perf-PID.map lies in the target's /tmp under the pid that it knows itself by. */
static void jit_path(pid_t pid, bool is_running, char *path, size_t bytes)
{
	char line[256], status[64];
	int inner = pid;
	snprintf(status, sizeof status, "/proc/%d/status", pid);
	FILE *file = is_running ? fopen(status, "re") : NULL;
	while (file && fgets(line, sizeof line, file)) {
		const char *last = strncmp(line, "NSpid:", 6) == 0 ? strrchr(line, '\t') : NULL;
		if (last)
			inner = atoi(last + 1);
	}
	if (file)
		fclose(file);
	snprintf(path, bytes, "/proc/%d/root/tmp/perf-%d.map", pid, inner);
	struct stat info;
	if (!is_running ||
	    stat(path, &info) != 0) /* the process is gone: our own /tmp is the best guess */
		snprintf(path, bytes, "/tmp/perf-%d.map", inner);
}

static void read_jit(struct module_symbols *own, const struct module *module)
{
	char path[128];
	struct stat info;
	uint64_t now = now_ns();
	if (own->jit_read_ns && now - own->jit_read_ns < JIT_REREAD_NS)
		return;
	own->jit_read_ns = now;
	jit_path(module->pid, !module->is_offline, path, sizeof path);
	if (stat(path, &info) != 0 || (uint64_t)info.st_size == own->jit_bytes)
		return;
	text_symbols_free(&own->jit);
	own->has_jit = text_symbols_jit(&own->jit, path);
	own->jit_bytes = (uint64_t)info.st_size;
}

static uint32_t jit_function(struct symbols *symbols, struct module *module,
			     const struct frame_row *frame)
{
	struct module_symbols *own = module->symbols;
	const struct text_symbol *symbol = text_symbols_find(&own->jit, frame->address);
	if (!symbol) {
		read_jit(own, module);
		symbol = text_symbols_find(&own->jit, frame->address);
	}
	if (!symbol)
		return add_unknown(symbols, own->has_jit ? "code not in its perf-PID.map"
							 : "code without a file or perf-PID.map");
	return add_function(
		symbols, symbol->name,
		(struct function_row){ .address = symbol->start,
				       .size_bytes = (uint32_t)(symbol->end - symbol->start),
				       .module = frame->module,
				       .flags = FUNCTION_JIT });
}

/* ---- files */

static void root_of(const struct module *module, char *root, size_t bytes)
{
	const char *at = module->open_path ? strstr(module->open_path, "/root/") : NULL;
	root[0] = '\0';
	if (at && strncmp(module->open_path, "/proc/", 6) == 0)
		snprintf(root, bytes, "%.*s", (int)(at - module->open_path) + 5, module->open_path);
}

static void open_debug_file(struct module_symbols *own, const struct module *module,
			    struct elf_image *image, bool has_table)
{
	char path[4352], root[64];
	root_of(module, root, sizeof root);
	if (!symbols_debugfile(image, module->path, root, DEBUG_ROOT, path, sizeof path))
		return;
	if (!has_table) {
		own->debug_image = elf_image_open(path, NULL);
		if (own->debug_image)
			symbol_table_add(&own->table, own->debug_image, ".symtab", ".strtab");
	}
	if (!own->no_inline && !own->lines)
		own->lines = dwarf_lines_open(path);
}

static void open_file(struct module_symbols *own, const struct module *module,
		      struct elf_image *image)
{
	bool has_table = symbol_table_add(&own->table, image, ".symtab", ".strtab") > 0;
	bool is_file = module->kind == MODULE_FILE;
	/* Asked of the section's presence only: a program without debug information costs nothing
	 * here, one with it is read by libdw. */
	if (is_file && !own->no_inline && elf_image_has_section(image, ".debug_info"))
		own->lines = dwarf_lines_open_descriptor(elf_image_descriptor(image));
	if (is_file && (!has_table || (!own->lines && !own->no_inline)))
		open_debug_file(own, module, image, has_table);
	if (own->table.n_symbols == 0)
		symbol_table_add(&own->table, image, ".dynsym", ".dynstr");
	symbol_table_sort(&own->table);
}

static void *load(void *opaque)
{
	struct module_symbols *own = opaque;
	setpriority(PRIO_PROCESS, 0, 0); /* of this thread: the collector may go first */
	open_file(own, own->module, own->image);
	return NULL;
}

static void *walk_unit(void *opaque)
{
	struct module_symbols *own = opaque;
	struct dwarf_place places[MOST_INLINED];
	setpriority(PRIO_PROCESS, 0, 0);
	dwarf_lines_find(own->lines, own->address, places, MOST_INLINED);
	return NULL;
}

/* False: it is to be done here. */
static bool start_worker(struct module_symbols *own, void *(*work)(void *))
{
	own->is_worker_on = pthread_create(&own->worker, NULL, work, own) == 0;
	return own->is_worker_on;
}

static bool start_loading(struct module_symbols *own, struct module *module)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", elf_image_descriptor(module->image));
	own->module = module;
	own->image = elf_image_open(path, NULL);
	return own->image && start_worker(own, load);
}

static void open_symbols(struct symbols *symbols, struct module *module)
{
	struct module_symbols *own = module->symbols = allocate(1, sizeof *module->symbols);
	bool is_elf = module->kind == MODULE_FILE || module->kind == MODULE_VDSO;
	struct elf_image *image = is_elf ? module_image(module) : NULL;
	own->no_inline = symbols->no_inline;
	if (!image)
		return;
	bool has_worker = symbols->has_worker && module->kind == MODULE_FILE;
	if (!has_worker || !start_loading(own, module))
		open_file(own, module, image);
	own->cfi = cfi_table_new(image);
}

/* By the clock on the wall, which is what threads are joined by; pthread_clockjoin_np is unknown to
 * gcc's thread sanitizer. */
static struct timespec wall_time(uint64_t deadline_ns)
{
	struct timespec now;
	uint64_t left_ns = deadline_ns > now_ns() ? deadline_ns - now_ns() : 0;
	if (left_ns > MOST_WAIT_NS)
		left_ns = MOST_WAIT_NS;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t ns = (uint64_t)now.tv_nsec + left_ns;
	return (struct timespec){ now.tv_sec + (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
}

/* What is small is done at once, and then this pass goes on. */
static bool is_worker_done(const struct symbols *symbols, struct module_symbols *own,
			   uint64_t deadline_ns)
{
	if (!own->is_worker_on)
		return true;
	const struct timespec until = wall_time(deadline_ns);
	int error = symbols->has_worker ? pthread_timedjoin_np(own->worker, NULL, &until)
					: pthread_join(own->worker, NULL);
	own->is_worker_on = error != 0;
	return !own->is_worker_on;
}

/* Without a symbol: the function's start as its unwind information gives it, so that one function
 * is one box; else the address. */
static uint32_t unnamed_function(struct symbols *symbols, const struct module *module,
				 const struct frame_row *frame)
{
	char text[192], name[128];
	uint64_t start = frame->address, end = 0;
	struct cfi_table *cfi = module->symbols->cfi;
	if (cfi && !cfi_function(cfi, frame->address, &start, &end))
		start = frame->address;
	uint32_t *function = hash_map_at(&module->symbols->unnamed, start + 1);
	if (*function)
		return *function;
	snprintf(text, sizeof text, "[%s+0x%llx]",
		 text_clean(name, sizeof name, text_base_name(module->path)),
		 (unsigned long long)start);
	return *function =
		       add_function(symbols, text,
				    (struct function_row){
					    .address = start,
					    .size_bytes = end > start ? (uint32_t)(end - start) : 0,
					    .module = frame->module,
					    .flags = FUNCTION_UNNAMED });
}

static uint32_t plain_function(struct symbols *symbols, struct module *module,
			       const struct frame_row *frame)
{
	if (!module_image(module))
		return add_unknown(symbols, module->why_no_image);
	struct symbol *symbol = symbol_table_find(&module->symbols->table, frame->address);
	if (!symbol)
		return unnamed_function(symbols, module, frame);
	if (!symbol->function) {
		uint64_t size = symbol->end - symbol->start;
		symbol->function = add_function(
			symbols, symbol->name,
			(struct function_row){ .address = symbol->start,
					       .size_bytes = size > UINT32_MAX ? UINT32_MAX
									       : (uint32_t)size,
					       .module = frame->module });
	}
	return symbol->function;
}

static uint32_t add_path(struct symbols *symbols, const char *file)
{
	char path[1024];
	return file ? recording_add_string(symbols->recording, text_clean(path, sizeof path, file))
		    : 0;
}

/* Outermost first, since each row names the one around it. */
static void add_chain(struct symbols *symbols, const struct dwarf_place *places, size_t n,
		      const struct frame_row *frame, struct location_row *location)
{
	uint32_t around = 0;
	for (size_t i = n; i-- > 0;) {
		const char *name = places[i].linkage_name ? places[i].linkage_name : "[inlined]";
		uint32_t function = location->function; /* the real one, from the symbol table */
		if (i + 1 < n)
			function = add_function(symbols, name,
						(struct function_row){ .module = frame->module });
		if (i == 0) {
			*location = (struct location_row){
				.function = function,
				.file = add_path(symbols, places[0].file),
				.line = places[0].line,
				.inlined_into = around,
			};
			return;
		}
		struct inline_row row = { .function = function,
					  .file = add_path(symbols, places[i].file),
					  .line = places[i].line,
					  .inlined_into = around };
		around = recording_add_inline(symbols->recording, &row);
	}
}

static void add_lines(struct symbols *symbols, struct module *module, const struct frame_row *frame,
		      struct location_row *location)
{
	struct dwarf_place places[MOST_INLINED];
	if (!module->symbols->lines || symbols->is_dwarf_spent)
		return;
	uint64_t start = now_ns();
	size_t n = dwarf_lines_find(module->symbols->lines, frame->address, places, MOST_INLINED);
	if (n > 0)
		add_chain(symbols, places, n, frame, location);
	symbols->dwarf_ns += now_ns() - start;
	if (symbols->dwarf_ns < DWARF_BUDGET_NS)
		return;
	symbols->is_dwarf_spent = true;
	recording_note(symbols->recording, SEVERITY_WARNING, "symbols",
		       "Inlined functions and lines took 3 s to look up, so later addresses have "
		       "none.",
		       "Use --no-inline to leave them all out.");
}

static struct location_row resolve_file(struct symbols *symbols, struct module *module,
					const struct frame_row *frame)
{
	struct location_row location = { .function = plain_function(symbols, module, frame) };
	add_lines(symbols, module, frame, &location);
	return location;
}

/* Is there all that resolve() needs? */
static bool is_ready(struct symbols *symbols, const struct frame_row *frame, uint64_t deadline_ns)
{
	struct module *module =
		frame->module ? address_space_module(symbols->space, frame->module) : NULL;
	if (!module || module->kind == MODULE_KERNEL)
		return true;
	if (!module->symbols)
		open_symbols(symbols, module);
	struct module_symbols *own = module->symbols;
	if (!is_worker_done(symbols, own, deadline_ns))
		return false;
	if (!symbols->has_worker || !own->lines || symbols->is_dwarf_spent ||
	    dwarf_lines_is_walked(own->lines, frame->address))
		return true;
	own->address = frame->address;
	return !start_worker(own, walk_unit) || is_worker_done(symbols, own, deadline_ns);
}

static struct location_row resolve(struct symbols *symbols, const struct frame_row *frame)
{
	const struct module_row *row = recording_module(symbols->recording, frame->module);
	if (frame->module == 0)
		return (struct location_row){
			.function = recording_add_function(
				symbols->recording,
				&(struct function_row){ .name = (uint32_t)frame->address,
							.linkage_name = (uint32_t)frame->address,
							.flags = FUNCTION_SPECIAL |
								 (frame->flags & FRAME_KERNEL
									  ? FUNCTION_KERNEL
									  : 0) })
		};
	if (row->kind == MODULE_KERNEL)
		return (struct location_row){ .function = kernel_function(symbols, frame) };
	if (row->kind == MODULE_GPU)
		return (struct location_row){
			.function = recording_add_function(
				symbols->recording,
				&(struct function_row){ .name = (uint32_t)frame->address,
							.linkage_name = (uint32_t)frame->address,
							.module = frame->module })
		};
	struct module *module = address_space_module(symbols->space, frame->module);
	if (!module)
		return (struct location_row){ .function = add_unknown(symbols, "module is gone") };
	if (row->kind == MODULE_JIT || row->kind == MODULE_ANONYMOUS)
		return (struct location_row){ .function = jit_function(symbols, module, frame) };
	return resolve_file(symbols, module, frame);
}

bool symbols_resolve(struct symbols *symbols, uint64_t deadline_ns)
{
	struct recording *recording = symbols->recording;
	uint64_t n_frames = recording->tables[TABLE_FRAMES].n_rows;
	while (symbols->next_frame < n_frames) {
		struct frame_row frame = *recording_frame(recording, symbols->next_frame);
		if (!is_ready(symbols, &frame, deadline_ns))
			break;
		struct location_row location = resolve(symbols, &frame);
		recording_add_location(recording, &location);
		symbols->next_frame++;
		if (now_ns() >= deadline_ns)
			break;
	}
	return symbols->next_frame == n_frames;
}
