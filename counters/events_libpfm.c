/*
 * The one file that knows libpfm4. It is opened when a name is first looked up: its tables are full
 * of pointers, and relocating them costs each process 2.7 MiB and a part of a millisecond, also
 * those that never name an event. Its own check for present PMUs is kept, but encoding for absent
 * ones is switched on at the start, because group files are checked against every CPU they name.
 */
#include "counters/events_libpfm.h"

#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sampler/base/library.h"
#include "sampler/base/nearest.h"
#include "sampler/base/text.h"

/* Long enough for all umasks of an event at once, as group files have them. */
enum { NAME_BYTES = 512, MAX_UMASKS_SHOWN = 6 };

static struct libpfm_calls {
	pfm_err_t (*initialize)(void);
	pfm_err_t (*get_pmu_info)(pfm_pmu_t, pfm_pmu_info_t *);
	pfm_err_t (*get_event_info)(int, pfm_os_t, pfm_event_info_t *);
	pfm_err_t (*get_event_attr_info)(int, int, pfm_os_t, pfm_event_attr_info_t *);
	int (*get_event_next)(int);
	pfm_err_t (*get_os_event_encoding)(const char *, int, pfm_os_t, void *);
} calls;

static const struct library_symbol symbols[] = {
	{ "pfm_initialize", offsetof(struct libpfm_calls, initialize), true },
	{ "pfm_get_pmu_info", offsetof(struct libpfm_calls, get_pmu_info), true },
	{ "pfm_get_event_info", offsetof(struct libpfm_calls, get_event_info), true },
	{ "pfm_get_event_attr_info", offsetof(struct libpfm_calls, get_event_attr_info), true },
	{ "pfm_get_event_next", offsetof(struct libpfm_calls, get_event_next), true },
	{ "pfm_get_os_event_encoding", offsetof(struct libpfm_calls, get_os_event_encoding), true },
	{ 0 },
};

/* libpfm4 reads its switches from the environment once. The variable is taken away again, so that
 * the measured program does not inherit it. */
static bool initialize(struct why *why)
{
	static const char name[] = "LIBPFM_ENCODE_INACTIVE";
	bool is_set = getenv(name) != NULL;
	setenv(name, "1", 0);
	pfm_err_t error = calls.initialize();
	if (!is_set)
		unsetenv(name);
	return error == PFM_SUCCESS ||
	       why_fail(why,
			"libpfm4 could not be initialized (error %d): events have no vendor "
			"names here.",
			error);
}

const char *libpfm_unusable(void)
{
	static const char *const names[] = { "libpfm.so.4", NULL };
	static enum { NEW, GOOD, BAD } state = NEW;
	static struct why why;
	if (state == NEW)
		state = library_open(names, "libpfm4", "package libpfm4", symbols, &calls, &why) &&
					initialize(&why)
				? GOOD
				: BAD;
	return state == GOOD ? NULL : why.text;
}

static bool start(void)
{
	return libpfm_unusable() == NULL;
}

static bool pmu_at(int place, pfm_pmu_info_t *info)
{
	memset(info, 0, sizeof *info);
	info->size = sizeof *info;
	return calls.get_pmu_info((pfm_pmu_t)place, info) == PFM_SUCCESS;
}

static bool event_at(int place, pfm_event_info_t *info)
{
	memset(info, 0, sizeof *info);
	info->size = sizeof *info;
	return calls.get_event_info(place, PFM_OS_PERF_EVENT, info) == PFM_SUCCESS;
}

static bool attribute_at(int event, int place, pfm_event_attr_info_t *info)
{
	memset(info, 0, sizeof *info);
	info->size = sizeof *info;
	return calls.get_event_attr_info(event, place, PFM_OS_PERF_EVENT, info) == PFM_SUCCESS;
}

/* Its copies of the kernel's own names, and its raw numbers, are events_generic's. */
static bool is_of_kernel(const pfm_pmu_info_t *pmu)
{
	return strncmp(pmu->name, "perf", 4) == 0;
}

static bool find_pmu(const char *name, size_t length, pfm_pmu_info_t *found)
{
	for (int i = 0; start() && i < PFM_PMU_MAX; i++)
		if (pmu_at(i, found) && strlen(found->name) == length &&
		    strncasecmp(found->name, name, length) == 0)
			return true;
	return false;
}

bool libpfm_knows_pmu(const char *pmu)
{
	pfm_pmu_info_t info;
	return find_pmu(pmu, strlen(pmu), &info);
}

const char *libpfm_core_pmu(void)
{
	pfm_pmu_info_t info;
	for (int i = 0; start() && i < PFM_PMU_MAX; i++)
		if (pmu_at(i, &info) && info.is_present && info.type == PFM_PMU_TYPE_CORE &&
		    strcmp(info.name, "ix86arch") != 0)
			return info.name;
	return "";
}

/* The number of an event by name among the PMUs that are present, or in one PMU. */
static int find_event(const char *name, size_t length, const pfm_pmu_info_t *only)
{
	pfm_pmu_info_t pmu;
	pfm_event_info_t event;
	for (int i = 0; i < PFM_PMU_MAX; i++) {
		if (!pmu_at(i, &pmu) ||
		    (only ? strcmp(pmu.name, only->name) != 0 : !pmu.is_present))
			continue;
		for (int e = pmu.first_event; e != -1; e = calls.get_event_next(e))
			if (event_at(e, &event) && strlen(event.name) == length &&
			    strncasecmp(event.name, name, length) == 0)
				return e;
	}
	return -1;
}

static bool fail_umask(int place, const char *typed, struct why *why)
{
	pfm_event_info_t event;
	pfm_event_attr_info_t attribute;
	char list[256] = "", question[96], clean[NAME_BYTES];
	struct nearest nearest;
	nearest_start(&nearest, typed);
	int n = 0;
	if (!event_at(place, &event))
		return false;
	for (int i = 0; i < event.nattrs; i++) {
		if (!attribute_at(place, i, &attribute) || attribute.type != PFM_ATTR_UMASK)
			continue;
		nearest_offer(&nearest, attribute.name);
		size_t length = strlen(list);
		if (n < MAX_UMASKS_SHOWN)
			snprintf(list + length, sizeof list - length, "%s%s", n ? ", " : "",
				 attribute.name);
		n += 1;
	}
	if (n == 0)
		return why_fail(why, "%s has no \"%s\".", event.name,
				text_clean(clean, sizeof clean, typed));
	if (!typed[0])
		return why_fail(why, "%s needs one of %s%s behind a colon.", event.name, list,
				n > MAX_UMASKS_SHOWN ? ", ..." : "");
	return why_fail(why, "%s has no \"%s\"%s%s%s", event.name,
			text_clean(clean, sizeof clean, typed),
			nearest_question(&nearest, "", question, sizeof question),
			nearest.best ? "" : "; it has ", nearest.best ? "" : list);
}

static enum libpfm_answer refuse(const char *name, const pfm_pmu_info_t *pmu, struct why *why)
{
	const char *event = strstr(name, "::");
	event = event ? event + 2 : name;
	size_t length = strcspn(event, ":");
	int place = find_event(event, length, pmu);
	if (place < 0)
		return LIBPFM_UNKNOWN;
	char umask[64];
	const char *rest = event + length + (event[length] == ':');
	snprintf(umask, sizeof umask, "%.*s", (int)strcspn(rest, ":"), rest);
	fail_umask(place, umask, why);
	return LIBPFM_WRONG;
}

static bool encode(const char *name, struct perf_event_attr *attribute)
{
	struct perf_event_attr found = { .size = sizeof found };
	pfm_perf_encode_arg_t argument = { .attr = &found, .size = sizeof argument };
	if (calls.get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &argument) !=
	    PFM_SUCCESS)
		return false;
	attribute->type = found.type;
	attribute->config = found.config;
	attribute->config1 = found.config1;
	attribute->config2 = found.config2;
	return true;
}

enum libpfm_answer libpfm_resolve(const char *name, bool is_foreign_allowed,
				  struct perf_event_attr *attribute, struct why *why)
{
	const char *colons = strstr(name, "::");
	pfm_pmu_info_t pmu;
	const char *reason = libpfm_unusable();
	if (reason) {
		why_fail(why, "%s", reason);
		return LIBPFM_WRONG;
	}
	if (strlen(name) >= NAME_BYTES)
		return LIBPFM_UNKNOWN;
	bool has_pmu = colons && find_pmu(name, (size_t)(colons - name), &pmu);
	if (colons && !has_pmu)
		return LIBPFM_UNKNOWN;
	if (has_pmu && !pmu.is_present && !is_foreign_allowed) {
		const char *own = libpfm_core_pmu();
		why_fail(why, "%.40s is a PMU of %s, which this machine is not (it is %s).",
			 pmu.name, pmu.desc, own[0] ? own : "none that libpfm4 knows");
		return LIBPFM_WRONG;
	}
	if (encode(name, attribute))
		return LIBPFM_FOUND;
	return refuse(name, has_pmu ? &pmu : NULL, why);
}

static bool visit(const char *prefix, const char *event, const char *umask, const char *summary,
		  const struct event_visitor *visitor)
{
	char name[3 * NAME_BYTES];
	snprintf(name, sizeof name, "%s%s%s%s%s", prefix, prefix[0] ? "::" : "", event,
		 umask[0] ? ":" : "", umask);
	return visitor->visit(visitor->context, name, summary);
}

static bool visit_event(int place, const char *prefix, const struct event_visitor *visitor)
{
	pfm_event_info_t event;
	pfm_event_attr_info_t attribute;
	if (!event_at(place, &event))
		return true;
	int n_umasks = 0;
	for (int i = 0; i < event.nattrs; i++) {
		if (!attribute_at(place, i, &attribute) || attribute.type != PFM_ATTR_UMASK)
			continue;
		char summary[1024];
		snprintf(summary, sizeof summary, "%.400s: %.600s", event.desc, attribute.desc);
		if (!visit(prefix, event.name, attribute.name, summary, visitor))
			return false;
		n_umasks++;
	}
	return n_umasks > 0 || visit(prefix, event.name, "", event.desc, visitor);
}

bool libpfm_events_each(bool everywhere, const struct event_visitor *visitor)
{
	pfm_pmu_info_t pmu;
	for (int i = 0; start() && i < PFM_PMU_MAX; i++) {
		if (!pmu_at(i, &pmu) || is_of_kernel(&pmu) || !(everywhere || pmu.is_present))
			continue;
		for (int e = pmu.first_event; e != -1; e = calls.get_event_next(e))
			if (!visit_event(e, everywhere ? pmu.name : "", visitor))
				return false;
	}
	return true;
}
