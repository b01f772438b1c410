/*
 * A PMU's folder says what its attributes mean: `format/umask` holds "config:8-15", the bits of
 * perf_event_attr a term fills; `events/cache-misses` holds ready terms, `events/X.scale` and
 * `events/X.unit` what one count is worth, `cpumask` where to open events that belong to a socket
 * rather than to a program.
 */
#include "counters/events_sysfs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/file.h"
#include "sampler/base/nearest.h"
#include "sampler/base/text.h"

enum { NAME_BYTES = 64, TERMS_BYTES = 256, MAX_DEPTH = 2 };

static const char devices[] = "/sys/bus/event_source/devices";
static const char *root = devices;

void sysfs_events_root(const char *path)
{
	root = path ? path : devices;
}

/* Names come from the command line and end up in paths. */
static bool is_plain(const char *name)
{
	return name[0] && name[0] != '.' && !strchr(name, '/');
}

bool sysfs_pmu_file(const char *pmu, const char *file, char *out, size_t bytes)
{
	char path[512];
	int length = snprintf(path, sizeof path, "%s/%s/%s", root, pmu, file);
	return is_plain(pmu) && length >= 0 && (size_t)length < sizeof path &&
	       file_read_line(path, out, bytes);
}

bool sysfs_pmu_type(const char *pmu, uint32_t *type)
{
	char text[32], *end = NULL;
	if (!sysfs_pmu_file(pmu, "type", text, sizeof text))
		return false;
	unsigned long value = strtoul(text, &end, 10);
	*type = (uint32_t)value;
	return end != text && value <= UINT32_MAX;
}

uint32_t cpu_list_parse(const char *list, uint16_t *cpus, uint32_t max)
{
	uint32_t n = 0;
	while (*list >= '0' && *list <= '9') {
		char *end = NULL;
		unsigned long first = strtoul(list, &end, 10), last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		/* 8192 is the largest NR_CPUS of any kernel configuration. */
		for (unsigned long cpu = first; cpu <= last && cpu < 8192; cpu++, n++)
			if (n < max)
				cpus[n] = (uint16_t)cpu;
		list = end + (*end == ',');
	}
	return n < max ? n : max;
}

static uint64_t *field_of(struct perf_event_attr *attribute, const char *name, size_t length)
{
	if (length == 6 && memcmp(name, "config", 6) == 0)
		return (uint64_t *)&attribute->config;
	if (length == 7 && memcmp(name, "config1", 7) == 0)
		return (uint64_t *)&attribute->config1;
	if (length == 7 && memcmp(name, "config2", 7) == 0)
		return (uint64_t *)&attribute->config2;
	return NULL;
}

/* Bits of `value`, lowest first, to the places a format names: "config:0-7,21". */
static bool store_bits(const char *format, uint64_t value, struct perf_event_attr *attribute)
{
	size_t length = strcspn(format, ":");
	uint64_t *field = field_of(attribute, format, length);
	if (!field || !format[length])
		return false;
	const char *text = format + length + 1;
	while (*text >= '0' && *text <= '9') {
		char *end = NULL;
		unsigned long first = strtoul(text, &end, 10), last = first;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long bit = first; bit <= last && bit < 64; bit++, value >>= 1)
			*field = (*field & ~(1ULL << bit)) | (value & 1) << bit;
		text = end + (*end == ',');
	}
	return value == 0;
}

struct place {
	const char *pmu;
	struct counted_event *event;
	struct why *why;
	int depth; /* of events made of events */
};

static bool store_term(const struct place *place, const char *name, uint64_t value)
{
	struct perf_event_attr *attribute = &place->event->sampled.attribute;
	uint64_t *field = field_of(attribute, name, strlen(name));
	char file[NAME_BYTES + 16], format[128], clean[NAME_BYTES];
	if (field) {
		*field = value;
		return true;
	}
	snprintf(file, sizeof file, "format/%s", name);
	text_clean(clean, sizeof clean, name);
	if (!is_plain(name) || !sysfs_pmu_file(place->pmu, file, format, sizeof format))
		return why_fail(place->why,
				"The PMU %s has no \"%s\": %s/%s/format and events list what it "
				"has.",
				place->pmu, clean, root, place->pmu);
	return store_bits(format, value, attribute) ||
	       why_fail(place->why, "%s of the PMU %s cannot be 0x%llx: its bits are %s.", clean,
			place->pmu, (unsigned long long)value, format);
}

static bool store_terms(const struct place *place, const char *terms);

static void read_unit(const struct place *place, const char *name)
{
	struct counted_event *event = place->event;
	char file[NAME_BYTES + 16], text[64];
	snprintf(file, sizeof file, "events/%s.scale", name);
	if (sysfs_pmu_file(place->pmu, file, text, sizeof text) && strtod(text, NULL) > 0)
		event->scale = strtod(text, NULL);
	snprintf(file, sizeof file, "events/%s.unit", name);
	if (!sysfs_pmu_file(place->pmu, file, text, sizeof text))
		return;
	snprintf(event->sampled.unit, sizeof event->sampled.unit, "%.15s",
		 strcmp(text, "Joules") == 0 ? "J" : text);
}

/* A bare word: a named event, or a format of one bit. */
static bool store_word(const struct place *place, const char *name)
{
	char file[NAME_BYTES + 16], terms[TERMS_BYTES];
	snprintf(file, sizeof file, "events/%s", name);
	if (!is_plain(name) || place->depth >= MAX_DEPTH ||
	    !sysfs_pmu_file(place->pmu, file, terms, sizeof terms))
		return store_term(place, name, 1);
	read_unit(place, name);
	struct place deeper = *place;
	deeper.depth++;
	return store_terms(&deeper, terms);
}

static bool store_terms(const struct place *place, const char *terms)
{
	while (*terms) {
		char term[NAME_BYTES], *end = NULL;
		size_t length = strcspn(terms, ",");
		if (length == 0 || length >= sizeof term)
			return why_fail(place->why, "A term of %s/.../ is %s.", place->pmu,
					length ? "too long" : "missing");
		memcpy(term, terms, length);
		term[length] = '\0';
		terms += length + (terms[length] == ',');
		char *equals = strchr(term, '=');
		if (equals)
			*equals++ = '\0';
		if (equals && (*equals < '0' || *equals > '9'))
			return why_fail(place->why, "%s= of %s takes a number.", term, place->pmu);
		uint64_t value = equals ? strtoull(equals, &end, 0) : 1;
		if (equals && *end)
			return why_fail(place->why, "%s= of %s takes a number.", term, place->pmu);
		if (!(equals ? store_term(place, term, value) : store_word(place, term)))
			return false;
	}
	return true;
}

struct search {
	struct nearest nearest;
	char best[NAME_BYTES]; /* a copy: the name visited does not last */
};

static bool offer_pmu(void *context, const char *name, const char *summary)
{
	struct search *search = context;
	const char *before = search->nearest.best;
	(void)summary;
	nearest_offer(&search->nearest, name);
	if (search->nearest.best != before) {
		snprintf(search->best, sizeof search->best, "%s", name);
		search->nearest.best = search->best;
	}
	return true;
}

static bool fail_no_pmu(const char *pmu, struct why *why)
{
	char question[96], clean[NAME_BYTES];
	struct search search;
	struct event_visitor visitor = { offer_pmu, &search };
	nearest_start(&search.nearest, pmu);
	sysfs_pmus_each(&visitor);
	if (search.nearest.best)
		nearest_question(&search.nearest, "", question, sizeof question);
	else
		snprintf(question, sizeof question,
			 "; `ls /sys/bus/event_source/devices` shows those it has.");
	return why_fail(why, "This machine has no PMU \"%s\"%s",
			text_clean(clean, sizeof clean, pmu), question);
}

struct instances {
	const char *stem;
	struct counted_event *event;
	char first[NAME_BYTES];
};

/* uncore_imc_0, uncore_imc_1, ... of the stem uncore_imc. */
static bool add_instance(void *context, const char *name, const char *summary)
{
	struct instances *instances = context;
	struct counted_event *event = instances->event;
	size_t length = strlen(instances->stem);
	uint32_t type;
	(void)summary;
	if (strncmp(name, instances->stem, length) != 0 || name[length] != '_' ||
	    !name[length + 1] || name[length + 1 + strspn(name + length + 1, "0123456789")] ||
	    event->n_types == MAX_EVENT_PMUS || !sysfs_pmu_type(name, &type))
		return true;
	if (event->n_types == 0)
		snprintf(instances->first, sizeof instances->first, "%s", name);
	event->types[event->n_types++] = type;
	return true;
}

/* The PMU's type, or those of its instances; `pmu` becomes the first one's name. */
static bool find_types(char *pmu, struct counted_event *event)
{
	struct perf_event_attr *attribute = &event->sampled.attribute;
	struct instances instances = { .stem = pmu, .event = event };
	struct event_visitor visitor = { add_instance, &instances };
	uint32_t type;
	if (is_plain(pmu) && sysfs_pmu_type(pmu, &type)) {
		attribute->type = type;
		return true;
	}
	event->n_types = 0;
	sysfs_pmus_each(&visitor);
	if (event->n_types == 0)
		return false;
	attribute->type = event->types[0];
	snprintf(pmu, NAME_BYTES, "%s", instances.first);
	return true;
}

bool sysfs_event_resolve(const char *text, struct counted_event *event, struct why *why)
{
	char pmu[NAME_BYTES], terms[TERMS_BYTES], list[256];
	size_t length = strcspn(text, "/");
	const char *inner = text + length + 1;
	size_t inner_length = text[length] ? strcspn(inner, "/") : 0;
	if (length == 0 || length >= sizeof pmu || inner_length >= sizeof terms || !text[length] ||
	    strcmp(inner + inner_length, "/") != 0)
		return why_fail(why, "An event of a PMU is written PMU/TERM,TERM/.");
	snprintf(pmu, sizeof pmu, "%.*s", (int)length, text);
	snprintf(terms, sizeof terms, "%.*s", (int)inner_length, inner);
	event->scale = 1;
	if (!find_types(pmu, event))
		return fail_no_pmu(pmu, why);
	struct place place = { pmu, event, why, 0 };
	if (!store_terms(&place, terms))
		return false;
	if (sysfs_pmu_file(pmu, "cpumask", list, sizeof list))
		event->n_cpus = cpu_list_parse(list, event->cpus, MAX_EVENT_CPUS);
	return true;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_named(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

bool sysfs_pmus_each(const struct event_visitor *visitor)
{
	struct dirent **entries = NULL;
	int n = scandir(root, &entries, is_named, compare_names);
	bool goes_on = true;
	for (int i = 0; i < n; i++) {
		goes_on = goes_on && visitor->visit(visitor->context, entries[i]->d_name, "");
		free(entries[i]);
	}
	free(entries);
	return goes_on;
}

static bool visit_event(const char *pmu, const char *name, const struct event_visitor *visitor)
{
	char full[2 * NAME_BYTES + 4], file[NAME_BYTES + 16], summary[TERMS_BYTES + 192];
	char terms[TERMS_BYTES], unit[32];
	size_t length = strlen(name);
	if (length >= NAME_BYTES || strchr(name, '.')) /* .scale, .unit, .snapshot, .per-pkg */
		return true;
	snprintf(file, sizeof file, "events/%.63s", name);
	if (!sysfs_pmu_file(pmu, file, terms, sizeof terms))
		return true;
	snprintf(full, sizeof full, "%.63s/%.63s/", pmu, name);
	snprintf(file, sizeof file, "events/%.63s.unit", name);
	bool has_unit = sysfs_pmu_file(pmu, file, unit, sizeof unit);
	snprintf(summary, sizeof summary, "of the PMU %.63s: %s%s%s", pmu, terms,
		 has_unit ? "; in " : "", has_unit ? unit : "");
	return visitor->visit(visitor->context, full, summary);
}

static bool visit_pmu(void *context, const char *pmu, const char *summary)
{
	(void)summary;
	const struct event_visitor *visitor = context;
	struct dirent **entries = NULL;
	char path[512];
	snprintf(path, sizeof path, "%.255s/%.200s/events", root, pmu);
	int n = scandir(path, &entries, is_named, compare_names);
	bool goes_on = true;
	for (int i = 0; i < n; i++) {
		goes_on = goes_on && visit_event(pmu, entries[i]->d_name, visitor);
		free(entries[i]);
	}
	free(entries);
	return goes_on;
}

bool sysfs_events_each(const struct event_visitor *visitor)
{
	struct event_visitor pmus = { visit_pmu, (void *)visitor };
	return sysfs_pmus_each(&pmus);
}
