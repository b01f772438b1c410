/*
 * Looks a name up in one kind of names after the other. Modifiers are ours, not libpfm4's, so that
 * ":u" and ":pp" mean the same for every kind.
 */
#include "counters/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "counters/events_generic.h"
#include "counters/events_libpfm.h"
#include "counters/events_sysfs.h"
#include "counters/events_tracepoint.h"
#include "sampler/base/nearest.h"
#include "sampler/base/text.h"
#include "sampler/event_parts.h"

enum { MAX_PRECISION = 3, MAX_SUGGESTIONS = 3 };

static const char modifier_letters[] = "ukhp", blanks[] = " \t";

/* ---- what to say instead */

struct search {
	const char *wanted;
	struct nearest nearest;
	char best[128];                        /* a copy: the candidate does not last */
	char containing[MAX_SUGGESTIONS][128]; /* names with the wanted word in them */
	size_t n_containing;
};

static bool consider(void *context, const char *name, const char *summary)
{
	struct search *search = context;
	const char *before = search->nearest.best;
	(void)summary;
	nearest_offer(&search->nearest, name);
	if (search->nearest.best != before) {
		snprintf(search->best, sizeof search->best, "%s", name);
		search->nearest.best = search->best;
	}
	if (search->n_containing < MAX_SUGGESTIONS && strlen(search->wanted) >= 3 &&
	    strcasestr(name, search->wanted))
		snprintf(search->containing[search->n_containing++], sizeof search->best, "%s",
			 name);
	return true;
}

/* What follows "There is no event X": the names with that word in them, or the nearest one. */
static void suggest(struct search *search, char *out, size_t bytes)
{
	snprintf(out, bytes, "; `stoke list events` shows all names.");
	if (search->n_containing > 0) {
		size_t length = (size_t)snprintf(out, bytes, "; did you mean ");
		for (size_t i = 0; i < search->n_containing && length < bytes; i++)
			length += (size_t)snprintf(out + length, bytes - length, "%s%s",
						   search->containing[i],
						   i + 1 < search->n_containing ? " or " : "?");
	} else if (search->nearest.best) {
		nearest_question(&search->nearest, "", out, bytes);
	}
}

/* Of "skx::MEM_LOAD_RETIRED:L1_MISS" the part behind the PMU is what somebody would type. */
static bool consider_foreign(void *context, const char *name, const char *summary)
{
	struct search *search = context;
	const char *event = strstr(name, "::");
	(void)summary;
	if (!event || !strcasestr(event + 2, search->wanted))
		return true;
	/* The shortest is the plainest: not one of hundreds of umasks of a rare event. */
	if (!search->best[0] || strlen(name) < strlen(search->best))
		snprintf(search->best, sizeof search->best, "%s", name);
	return strlen(event + 2) != strlen(search->wanted); /* the very one: enough */
}

bool events_find_elsewhere(const char *name, char *out, size_t bytes)
{
	struct search search = { .wanted = name };
	struct event_visitor visitor = { consider_foreign, &search };
	out[0] = '\0';
	if (strlen(name) < 3 || strstr(name, "::"))
		return false;
	events_each(true, &visitor);
	snprintf(out, bytes, "%s", search.best);
	return out[0] != '\0';
}

static bool fail_unknown(const char *name, struct why *why)
{
	char question[WHY_BYTES - 128], clean[96], elsewhere[128];
	struct search search = { .wanted = name };
	struct event_visitor visitor = { consider, &search };
	if (!why) /* nobody wants to know: a search of all names takes half a second */
		return false;
	nearest_start(&search.nearest, name);
	events_each(strstr(name, "::") != NULL, &visitor);
	suggest(&search, question, sizeof question);
	bool is_near = search.n_containing > 0 || search.nearest.best;
	if (!is_near && events_find_elsewhere(name, elsewhere, sizeof elsewhere))
		snprintf(question, sizeof question,
			 " on this processor; another has it: %s. `stoke list events '*::*'` shows "
			 "those of all.",
			 elsewhere);
	return why_fail(why, "There is no event \"%s\"%s", text_clean(clean, sizeof clean, name),
			question);
}

/* ---- modifiers */

static bool apply_modifiers(const char *modifiers, struct perf_event_attr *attribute,
			    struct why *why)
{
	unsigned precision = 0;
	bool has_user = false, has_kernel = false, has_hypervisor = false;
	for (const char *letter = modifiers; *letter; letter++) {
		has_user |= *letter == 'u';
		has_kernel |= *letter == 'k';
		has_hypervisor |= *letter == 'h';
		precision += *letter == 'p';
		char clean[16];
		if (!strchr(modifier_letters, *letter) || precision > MAX_PRECISION)
			return why_fail(why,
					"\":%s\" is no modifier of an event: it takes u (user), "
					"k (kernel), h (hypervisor) and up to three p (precise).",
					text_clean(clean, sizeof clean, modifiers));
	}
	if (has_user || has_kernel || has_hypervisor) {
		attribute->exclude_user = !has_user;
		attribute->exclude_kernel = !has_kernel;
		attribute->exclude_hv = !has_hypervisor;
	}
	attribute->precise_ip = precision & 3;
	return true;
}

/* Cuts ":u", ":kpp" off the end of a name that has colons of its own; returns the letters. */
static char *cut_modifiers(char *name)
{
	char *colon = strrchr(name, ':');
	if (!colon || colon == name || colon[-1] == ':' || !colon[1] ||
	    strspn(colon + 1, modifier_letters) != strlen(colon + 1))
		return name + strlen(name);
	*colon = '\0';
	return colon + 1;
}

/* ---- the kinds of names */

static bool is_clock(const struct perf_event_attr *attribute)
{
	return attribute->type == PERF_TYPE_SOFTWARE &&
	       (attribute->config == PERF_COUNT_SW_CPU_CLOCK ||
		attribute->config == PERF_COUNT_SW_TASK_CLOCK);
}

/* "cycles:u": a name of the kernel's; false with *is_it unset when it is none of those. */
static bool resolve_generic(char *name, struct perf_event_attr *attribute, bool *is_it,
			    struct why *why)
{
	char *colon = strchr(name, ':');
	if (colon)
		*colon = '\0';
	*is_it = generic_resolve(name, attribute);
	if (colon)
		*colon = ':';
	return *is_it && (!colon || apply_modifiers(colon + 1, attribute, why));
}

/* "pmu/terms/u": modifiers stand behind the second slash, with or without a colon. */
static bool resolve_sysfs(char *name, struct counted_event *event, struct why *why)
{
	char modifiers[16], *last = strrchr(name, '/');
	snprintf(modifiers, sizeof modifiers, "%s", last + 1 + (last[1] == ':'));
	last[1] = '\0';
	return sysfs_event_resolve(name, event, why) &&
	       apply_modifiers(modifiers, &event->sampled.attribute, why);
}

static bool resolve_named(char *name, struct perf_event_attr *attribute, struct why *why)
{
	bool is_hidden;
	if (tracepoint_resolve(name, attribute, &is_hidden))
		return true;
	char whole[128], clean[96];
	snprintf(whole, sizeof whole, "%s", name);
	const char *modifiers = cut_modifiers(name);
	bool is_tracepoint = *modifiers && tracepoint_resolve(name, attribute, &is_hidden);
	enum libpfm_answer answer =
		is_tracepoint ? LIBPFM_FOUND : libpfm_resolve(name, false, attribute, why);
	if (answer == LIBPFM_FOUND)
		return apply_modifiers(modifiers, attribute, why);
	if (answer == LIBPFM_WRONG)
		return false;
	/* Tracepoints are written small, vendors' events as a rule not. */
	if (is_hidden && whole[0] >= 'a')
		return why_fail(why,
				"There is no event \"%s\", or it is a tracepoint: those need "
				"/sys/kernel/tracing readable; run `mount -t tracefs tracefs "
				"/sys/kernel/tracing` as root.",
				text_clean(clean, sizeof clean, whole));
	return fail_unknown(name, why);
}

static bool resolve_any(char *name, struct counted_event *event, struct why *why)
{
	struct perf_event_attr *attribute = &event->sampled.attribute;
	bool is_generic;
	if (strchr(name, '/'))
		return resolve_sysfs(name, event, why);
	bool is_good = resolve_generic(name, attribute, &is_generic, why);
	if (is_generic)
		return is_good;
	return resolve_named(name, attribute, why);
}

bool event_resolve_counted(const char *text, struct counted_event *event, struct why *why)
{
	*event = (struct counted_event){
		.sampled.attribute.size = sizeof event->sampled.attribute,
		.scale = 1,
	};
	char name[sizeof event->sampled.name], clean[96];
	/* "-e 'a, b'" */
	text += strspn(text, blanks);
	size_t length = strlen(text);
	while (length > 0 && strchr(blanks, text[length - 1]))
		length--;
	if (length >= sizeof name)
		return why_fail(why, "No event has a name as long as \"%s\"...",
				text_clean(clean, sizeof clean, text));
	if (length == 0 || text[0] == ':')
		return why_fail(why, "An event's name is missing: -e takes names such as "
				     "cycles,cache-misses:u.");
	if (strpbrk(text, "{}"))
		return why_fail(why, "Braces group whole events, as in {cycles,instructions}.");
	memcpy(name, text, length);
	name[length] = '\0';
	memcpy(event->sampled.name, name, length + 1);
	snprintf(event->sampled.unit, sizeof event->sampled.unit, "events");
	if (!resolve_any(name, event, why))
		return false;
	if (is_clock(&event->sampled.attribute))
		snprintf(event->sampled.unit, sizeof event->sampled.unit, "ns");
	return event_is_left(&event->sampled, (struct event_without){ false }, why);
}

bool event_resolve(const char *text, struct sampled_event *event, struct why *why)
{
	struct counted_event counted;
	bool is_good = event_resolve_counted(text, &counted, why);
	*event = counted.sampled;
	/* A sample's weight is a number of events, whatever a count is worth. */
	if (!is_clock(&event->attribute))
		snprintf(event->unit, sizeof event->unit, "events");
	return is_good;
}

size_t events_length(const char *list)
{
	bool is_within = false;
	size_t length = 0;
	for (; list[length]; length++) {
		is_within ^= list[length] == '/';
		if (!is_within && (list[length] == ',' || list[length] == '}'))
			break;
	}
	return length;
}

struct event_list {
	struct sampled_event *events;
	uint32_t max, n;
};

size_t events_group_letters(const char *behind, char letters[EVENT_LETTERS], bool *is_sampled)
{
	size_t length = behind[0] == ':' ? 1 + strcspn(behind + 1, ",{}") : 0, n = 0;
	*is_sampled = false;
	for (size_t i = 1; i < length; i++) {
		*is_sampled |= behind[i] == 'S';
		if (behind[i] != 'S' && !strchr(blanks, behind[i]) && n < EVENT_LETTERS - 1)
			letters[n++] = behind[i];
	}
	letters[n] = '\0';
	return length;
}

const char *events_with_letters(const char *text, size_t length, const char *letters,
				char name[EVENT_NAME_BYTES])
{
	bool is_sysfs = memchr(text, '/', length) != NULL;
	while (length > 0 && strchr(blanks, text[length - 1]))
		length--;
	snprintf(name, EVENT_NAME_BYTES, "%.*s%s%s",
		 (int)(length < EVENT_NAME_BYTES ? length : EVENT_NAME_BYTES), text,
		 *letters && !is_sysfs ? ":" : "", letters);
	return name;
}

/* One event; letters are those behind the brace of its group. */
static bool parse_one(struct event_list *list, const char *text, const char *letters,
		      struct why *why)
{
	char name[EVENT_NAME_BYTES];
	events_with_letters(text, events_length(text), letters, name);
	if (list->n == list->max)
		return why_fail(why, "At most %u events can be sampled at once.", list->max);
	return event_resolve(name, &list->events[list->n++], why);
}

/* "{a,b,c}:S"; *text goes on behind it. */
static bool parse_group(struct event_list *list, const char **text, struct why *why)
{
	const char *end = *text, *at = *text + 1;
	char letters[EVENT_LETTERS];
	bool is_sampled;
	uint32_t first = list->n;
	while (*end && *end != '}')
		end += events_length(end) + (end[events_length(end)] == ',');
	if (*end != '}')
		return why_fail(why, "A brace is missing in the list of events: groups are "
				     "written {cycles,instructions}:S.");
	size_t length = events_group_letters(end + 1, letters, &is_sampled);
	if (!is_sampled)
		return why_fail(why, "Groups are sampled as {a,b}:S: b is read at each sample of "
				     "a. Without braces each event is sampled by itself.");
	for (;;) {
		if (!parse_one(list, at, letters, why))
			return false;
		list->events[list->n - 1].is_read = list->n - 1 > first;
		at += events_length(at);
		if (*at != ',')
			break;
		at++;
	}
	*text = end + 1 + length;
	return true;
}

bool events_parse(const char *list, struct sampled_event *events, uint32_t max, uint32_t *n_events,
		  struct why *why)
{
	struct event_list parsed = { events, max, 0 };
	*n_events = 0;
	for (;;) {
		list += strspn(list, blanks);
		bool is_group = *list == '{';
		if (!(is_group ? parse_group(&parsed, &list, why)
			       : parse_one(&parsed, list, "", why)))
			return false;
		list += is_group ? 0 : events_length(list);
		*n_events = parsed.n;
		if (!*list)
			return true;
		if (*list != ',')
			return why_fail(why, "A comma is missing behind a group of events.");
		list++;
	}
}

void events_each(bool everywhere, const struct event_visitor *visitor)
{
	const struct event_name *name;
	if (everywhere) {
		libpfm_events_each(true, visitor);
		return;
	}
	for (size_t i = 0; (name = events_at(i)); i++)
		if (!visitor->visit(visitor->context, name->name, name->summary))
			return;
	if (sysfs_events_each(visitor) && libpfm_events_each(false, visitor))
		tracepoints_each(visitor);
}
