/* See machine_json.h. */
#include "tui/machine_json.h"

#include <string.h>

#include "counters/machine.h"
#include "sampler/json.h"
#include "sampler/recording.h"

/* 2048 CPUs, every other one, are 5 KiB. */
enum { LIST_BYTES = 8192 };

static void print_cpus(struct json *json, const struct cpu_mask *cpus)
{
	char list[LIST_BYTES];
	json_string_at(json, "cpus", cpu_mask_print(list, sizeof list, cpus));
}

/* 0 stands for unknown in sizes that cannot be 0. */
static void print_size(struct json *json, const char *key, uint64_t value)
{
	json_key(json, key);
	if (value)
		json_unsigned(json, value);
	else
		json_literal(json, "null");
}

static void print_groups(struct json *json, const char *key, const struct machine_groups *groups,
			 bool has_memory)
{
	json_key(json, key);
	json_open(json, '[');
	for (size_t i = 0; i < groups->n; i++) {
		const struct machine_group *group = &groups->rows[i];
		json_open(json, '{');
		json_unsigned_at(json, "id", group->id);
		if (group->label[0])
			json_string_at(json, "label", group->label);
		if (has_memory)
			print_size(json, "memory_bytes", group->memory_bytes);
		print_cpus(json, &group->cpus);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void print_caches(struct json *json, const struct machine *machine)
{
	json_key(json, "caches");
	json_open(json, '[');
	for (size_t i = 0; i < machine->n_caches; i++) {
		const struct machine_cache *cache = &machine->caches[i];
		json_open(json, '{');
		json_unsigned_at(json, "level", cache->level);
		json_string_at(json, "type",
			       cache->type == 'd'   ? "data"
			       : cache->type == 'i' ? "instruction"
						    : "unified");
		print_size(json, "size_bytes", cache->size_bytes);
		print_size(json, "line_bytes", cache->line_bytes);
		print_size(json, "ways", cache->ways);
		print_size(json, "sets", cache->sets);
		print_cpus(json, &cache->cpus);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void print_fact(struct json *json, const struct machine_fact *fact)
{
	json_key(json, strchr(fact->key, '.') + 1);
	json_open(json, '{');
	json_key(json, "value");
	if (fact->value[0])
		json_string(json, fact->value);
	else
		json_literal(json, "null");
	json_string_at(json, "provenance",
		       origin_name(fact->value[0] ? ORIGIN_SOFTWARE : ORIGIN_UNAVAILABLE));
	if (!fact->value[0])
		json_string_at(json, "reason", fact->reason);
	json_close(json, '}');
}

static void print_facts(struct json *json, const struct machine *machine)
{
	for (const struct machine_section *section = machine_sections; section->name; section++) {
		json_key(json, section->name);
		json_open(json, '{');
		for (size_t i = 0; i < machine->n_facts; i++)
			if (machine_in_section(&machine->facts[i], section))
				print_fact(json, &machine->facts[i]);
		json_close(json, '}');
	}
}

void machine_json_print(const struct machine *machine, FILE *out)
{
	struct json json = { .out = out };
	json_open(&json, '{');
	print_cpus(&json, &machine->online);
	print_groups(&json, "packages", &machine->packages, false);
	print_groups(&json, "cores", &machine->cores, false);
	print_groups(&json, "kinds", &machine->kinds, false);
	print_groups(&json, "nodes", &machine->nodes, true);
	print_caches(&json, machine);
	print_facts(&json, machine);
	json_close(&json, '}');
	json_line(&json, true);
}
