/*
 * Boxes that are alike are drawn once with their number when there are too many to look at, so a
 * machine of 384 CPUs fits a screen as well as one of 2.
 */
#include "tui/machine_picture.h"

#include <stdio.h>
#include <string.h>

#include "sampler/base/arena.h"
#include "sampler/base/text.h"
#include "tui/machine_plan.h"
#include "tui/paragraph.h"

enum {
	MOST_MODULES = 8, /* drawn one by one; two rows of four at 80 columns */
	MOST_DOMAINS = 2,
	MOST_CORES = 4, /* lines in a module's box */
	MODULE_INNER = 15,
	MODULE_WIDTH = MODULE_INNER + 2, /* with its frame */
	LABEL_COLUMNS = 20,
};

struct pen {
	const struct machine *machine;
	const struct machine_plan *plan;
	struct arena *arena;
	const struct canvas *canvas;
	int left, right; /* columns to stay within; right is behind the last */
};

static int room(const struct pen *pen, int x)
{
	return pen->right > x ? pen->right - x : 0;
}

static void put(const struct pen *pen, int x, int y, enum meaning meaning, const char *text)
{
	canvas_text(pen->canvas, x, y, room(pen, x), meaning, text);
}

static void draw_frame(const struct pen *pen, int x, int y, int width, int height)
{
	for (int i = 1; i < width - 1; i++) {
		put(pen, x + i, y, MEANING_DIM, "\u2500");
		put(pen, x + i, y + height - 1, MEANING_DIM, "\u2500");
	}
	for (int i = 1; i < height - 1; i++) {
		put(pen, x, y + i, MEANING_DIM, "\u2502");
		put(pen, x + width - 1, y + i, MEANING_DIM, "\u2502");
	}
	put(pen, x, y, MEANING_DIM, "\u250c");
	put(pen, x + width - 1, y, MEANING_DIM, "\u2510");
	put(pen, x, y + height - 1, MEANING_DIM, "\u2514");
	put(pen, x + width - 1, y + height - 1, MEANING_DIM, "\u2518");
}

/* Written over the frame's upper edge. */
static void draw_title(const struct pen *pen, int x, int y, int width, const char *title)
{
	int columns = width - 4 < room(pen, x + 2) ? width - 4 : room(pen, x + 2);
	if (title[0])
		canvas_text(pen->canvas, x + 2, y, columns, MEANING_KEY, title);
}

static const char *name_cache(const struct pen *pen, const struct machine_cache *cache)
{
	char size[TEXT_BYTES];
	if (!cache)
		return "";
	return arena_print(pen->arena, " L%u %s ", cache->level,
			   cache->size_bytes
				   ? machine_print_size(size, sizeof size, cache->size_bytes)
				   : TEXT_UNKNOWN);
}

static const struct machine_cache *cache_of_type(const struct machine *machine, unsigned level,
						 char type, unsigned cpu)
{
	for (size_t i = 0; i < machine->n_caches; i++) {
		const struct machine_cache *cache = &machine->caches[i];
		if (cache->level == level && cache->type == type && cpu_mask_has(&cache->cpus, cpu))
			return cache;
	}
	return NULL;
}

/* "L1 48+32 KiB": data and instructions; or one line for a cache of both. */
static const char *name_inner(const struct pen *pen, unsigned level, unsigned cpu)
{
	const struct machine_cache *data = machine_cache_of(pen->machine, level, cpu);
	const struct machine_cache *code = cache_of_type(pen->machine, level, 'i', cpu);
	char size[TEXT_BYTES];
	if (data && code && data->size_bytes && code->size_bytes)
		return arena_print(pen->arena, "L%u %llu+%llu KiB", level,
				   (unsigned long long)data->size_bytes / 1024,
				   (unsigned long long)code->size_bytes / 1024);
	if (!data || !data->size_bytes)
		return data ? arena_print(pen->arena, "L%u " TEXT_UNKNOWN, level) : NULL;
	return arena_print(pen->arena, "L%u %s", level,
			   machine_print_size(size, sizeof size, data->size_bytes));
}

static int module_height(const struct pen *pen, const struct plan_module *module)
{
	unsigned n_lines = module->n_cores > MOST_CORES ? 1 : module->n_cores ? module->n_cores : 1;
	unsigned cpu = cpu_mask_next(&module->cpus, 0);
	for (unsigned level = pen->plan->module_level; level-- > 1;)
		n_lines += machine_cache_of(pen->machine, level, cpu) != NULL;
	return (int)n_lines + 2 + (module->kind != NULL);
}

static void draw_cores(const struct pen *pen, const struct plan_module *module, int x, int y)
{
	char list[64];
	if (module->n_cores == 0 || module->n_cores > MOST_CORES) {
		cpu_mask_print(list, MODULE_INNER - 4, &module->cpus);
		put(pen, x, y, MEANING_TEXT, arena_print(pen->arena, "CPU %s", list));
		return;
	}
	for (unsigned i = 0; i < module->n_cores; i++) {
		const struct machine_group *core = &module->cores[module->core_places[i]];
		cpu_mask_print(list, MODULE_INNER - 4, &core->cpus);
		put(pen, x, y + (int)i, MEANING_TEXT, arena_print(pen->arena, "CPU %s", list));
	}
}

static void draw_module(const struct pen *pen, const struct plan_module *module, int x, int y)
{
	unsigned cpu = cpu_mask_next(&module->cpus, 0);
	draw_frame(pen, x, y, MODULE_WIDTH, module_height(pen, module));
	draw_title(pen, x, y++, MODULE_WIDTH, name_cache(pen, module->cache));
	if (module->kind)
		canvas_text(pen->canvas, x + 2, y++,
			    MODULE_INNER - 2 < room(pen, x + 2) ? MODULE_INNER - 2
								: room(pen, x + 2),
			    MEANING_HEADER, module->kind->label);
	for (unsigned level = pen->plan->module_level; level-- > 1;) {
		const char *line = name_inner(pen, level, cpu);
		if (line)
			put(pen, x + 2, y++, MEANING_DIM, line);
	}
	draw_cores(pen, module, x + 2, y);
}

/* The next run of modules that are alike, and how many of them are drawn one by one. */
static unsigned run_length(const struct plan_domain *domain, unsigned first)
{
	unsigned n = 1;
	while (first + n < domain->n_modules &&
	       plan_modules_are_alike(&domain->modules[first], &domain->modules[first + n]))
		n++;
	return n;
}

static const char *list_cpus(const struct pen *pen, const struct plan_module *modules, unsigned n)
{
	struct cpu_mask all = { 0 };
	char list[256];
	for (unsigned i = 0; i < n; i++)
		cpu_mask_unite(&all, &modules[i].cpus);
	return arena_print(pen->arena, "\u00d7 %u alike: CPUs %s", n,
			   cpu_mask_print(list, sizeof list, &all));
}

/* Boxes side by side, rows below each other; returns the rows they took. */
static int draw_modules(const struct pen *pen, const struct plan_domain *domain, int x, int y)
{
	int at = x, top = y, tallest = 0;
	for (unsigned i = 0; i < domain->n_modules;) {
		const struct plan_module *module = &domain->modules[i];
		unsigned n = run_length(domain, i);
		bool is_run = n > MOST_MODULES;
		int height = module_height(pen, module);
		if ((at + MODULE_WIDTH > pen->right || is_run) && at > x) {
			at = x;
			top += tallest;
			tallest = 0;
		}
		draw_module(pen, module, at, top);
		tallest = height > tallest ? height : tallest;
		at += MODULE_WIDTH + 1;
		if (is_run) {
			int rows = paragraph_draw(pen->canvas, at, top + 1, room(pen, at),
						  MEANING_TEXT, list_cpus(pen, module, n));
			tallest = rows + 1 > tallest ? rows + 1 : tallest;
			at = pen->right;
		}
		i += is_run ? n : 1;
	}
	return top + tallest - y;
}

static int draw_domain(const struct pen *pen, const struct plan_domain *domain, int x, int y)
{
	int width = pen->right - x;
	struct pen inner = *pen;
	if (!domain->cache)
		return draw_modules(pen, domain, x, y);
	inner.right = pen->right - 2;
	int rows = draw_modules(&inner, domain, x + 2, y + 1);
	draw_frame(pen, x, y, width, rows + 2);
	draw_title(pen, x, y, width, name_cache(pen, domain->cache));
	return rows + 2;
}

/* Domains like this one from `first` on; each is named by its CPUs. */
static int draw_alike(const struct pen *pen, const struct plan_package *package, unsigned first,
		      unsigned n, int y)
{
	char text[1024], list[128];
	int used = snprintf(text, sizeof text, "\u00d7 %u alike: CPUs", n);
	for (unsigned i = 0; i < n && used > 0 && (size_t)used < sizeof text - sizeof list; i++)
		used += snprintf(
			text + used, sizeof text - (size_t)used, "%s %s", i ? " \u00b7" : "",
			cpu_mask_print(list, sizeof list, &package->domains[first + i].cpus));
	return paragraph_draw(pen->canvas, pen->left + 2, y, room(pen, pen->left + 2), MEANING_TEXT,
			      text);
}

static void draw_package_title(const struct pen *pen, const struct plan_package *package, int y)
{
	char text[256], size[TEXT_BYTES];
	const struct machine_groups *nodes = &pen->machine->nodes;
	unsigned n_cpus = cpu_mask_count(&package->cpus);
	int used = package->package
			   ? snprintf(text, sizeof text, "Package %u  ", package->package->id)
			   : snprintf(text, sizeof text, "Machine  ");
	used += snprintf(text + used, sizeof text - (size_t)used, "%u CPU%s", n_cpus,
			 n_cpus == 1 ? "" : "s");
	for (size_t i = 0; i < nodes->n && (size_t)used < sizeof text - 64; i++) {
		const struct machine_group *node = &nodes->rows[i];
		unsigned first = cpu_mask_next(&node->cpus, 0);
		if (cpu_mask_has(&package->cpus, first))
			used += snprintf(
				text + used, sizeof text - (size_t)used, " \u00b7 node %u %s",
				node->id,
				node->memory_bytes
					? text_memory(size, sizeof size, (double)node->memory_bytes)
					: TEXT_UNKNOWN);
	}
	put(pen, pen->left, y, MEANING_HEADER, text);
}

static int draw_package(const struct pen *pen, const struct plan_package *package, int y)
{
	int top = y;
	draw_package_title(pen, package, y++);
	for (unsigned i = 0; i < package->n_domains;) {
		const struct plan_domain *domain = &package->domains[i];
		unsigned n = 1;
		while (i + n < package->n_domains &&
		       plan_domains_are_alike(domain, &package->domains[i + n]))
			n++;
		y += draw_domain(pen, domain, pen->left, y);
		if (n > MOST_DOMAINS)
			y += draw_alike(pen, package, i, n, y);
		i += n > MOST_DOMAINS ? n : 1;
	}
	return y - top;
}

/* Memory without CPUs belongs to no package. */
static int draw_far_nodes(const struct pen *pen, int y)
{
	int top = y;
	char size[TEXT_BYTES];
	for (size_t i = 0; i < pen->machine->nodes.n; i++) {
		const struct machine_group *node = &pen->machine->nodes.rows[i];
		if (cpu_mask_count(&node->cpus) > 0 || node->memory_bytes == 0)
			continue;
		put(pen, pen->left, y++, MEANING_HEADER,
		    arena_print(pen->arena, "Node %u  %s without CPUs", node->id,
				text_memory(size, sizeof size, (double)node->memory_bytes)));
	}
	return y - top;
}

int machine_picture_draw(const struct machine *machine, struct arena *arena,
			 const struct canvas *canvas, int x, int y, int columns)
{
	int top = y;
	const struct pen pen = { .machine = machine,
				 .plan = machine_plan_make(machine, arena),
				 .arena = arena,
				 .canvas = canvas,
				 .left = x,
				 .right = x + columns };
	for (unsigned i = 0; i < pen.plan->n_packages; i++)
		y += draw_package(&pen, &pen.plan->packages[i], y);
	y += draw_far_nodes(&pen, y);
	if (pen.plan->n_packages == 0)
		y += paragraph_draw(canvas, x, y, columns, MEANING_DIM,
				    "No CPUs are known, so there is no picture.");
	return y - top;
}

static int draw_fact(const struct canvas *canvas, int x, int y, int columns,
		     const struct machine_fact *fact)
{
	int value_x = x + LABEL_COLUMNS + 2;
	canvas_text(canvas, x + 2, y, LABEL_COLUMNS - 1, MEANING_DIM, fact->label);
	if (fact->value[0])
		return paragraph_draw(canvas, value_x, y, x + columns - value_x, MEANING_TEXT,
				      fact->value);
	canvas_text(canvas, value_x, y, 1, MEANING_WARNING, TEXT_UNKNOWN);
	return paragraph_draw(canvas, value_x + 2, y, x + columns - value_x - 2, MEANING_DIM,
			      fact->reason);
}

/* All rows down to a fact, or all; the rows that they take. */
static int draw_table(const struct machine *machine, const struct canvas *canvas, int x, int y,
		      int columns, const struct machine_fact *until)
{
	int top = y;
	for (const struct machine_section *section = machine_sections; section->name; section++) {
		bool has_title = false;
		for (size_t i = 0; i < machine->n_facts; i++) {
			const struct machine_fact *fact = &machine->facts[i];
			if (!machine_in_section(fact, section))
				continue;
			if (!has_title)
				canvas_text(canvas, x, y++, columns, MEANING_HEADER,
					    section->title);
			has_title = true;
			if (fact == until)
				return y - top;
			int rows = draw_fact(canvas, x, y, columns, fact);
			y += rows > 0 ? rows : 1;
		}
	}
	return y - top;
}

int machine_table_draw(const struct machine *machine, const struct canvas *canvas, int x, int y,
		       int columns)
{
	return draw_table(machine, canvas, x, y, columns, NULL);
}

int machine_table_row(const struct machine *machine, int columns, size_t fact)
{
	const struct canvas nowhere = { .width = columns };
	return draw_table(machine, &nowhere, 0, 0, columns, &machine->facts[fact]);
}
