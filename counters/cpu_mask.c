/* Sets of CPUs as bits. See cpu_mask.h. */
#include "counters/cpu_mask.h"

#include <stdio.h>
#include <string.h>

/* A decimal number below CPU_MASK_MOST; NULL if there is none. */
static const char *read_number(const char *text, unsigned *number)
{
	const char *at = text;
	*number = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		*number = *number * 10 + (unsigned)(*at - '0');
		if (*number >= CPU_MASK_MOST)
			return NULL;
	}
	return at > text ? at : NULL;
}

static const char *read_range(const char *text, struct cpu_mask *list)
{
	unsigned first, last;
	const char *at = read_number(text, &first);
	last = first;
	if (at && *at == '-')
		at = read_number(at + 1, &last);
	if (!at || last < first)
		return NULL;
	for (unsigned cpu = first; cpu <= last; cpu++)
		cpu_mask_add(list, cpu);
	return at;
}

bool cpu_mask_parse(struct cpu_mask *list, const char *text)
{
	static const char blanks[] = " \t\n";
	struct cpu_mask found = { 0 };
	*list = found;
	text += strspn(text, blanks);
	while (*text) {
		text = read_range(text, &found);
		if (!text)
			return false;
		if (*text == ',' && text[1] >= '0' && text[1] <= '9') {
			text++;
			continue;
		}
		if (text[strspn(text, blanks)] != '\0')
			return false;
		break;
	}
	*list = found;
	return true;
}

char *cpu_mask_print(char *out, size_t bytes, const struct cpu_mask *list)
{
	enum { DOTS = 5 }; /* ",...", and the NUL */
	size_t used = 0;
	out[0] = '\0';
	for (unsigned cpu = cpu_mask_next(list, 0); cpu < CPU_MASK_MOST;) {
		unsigned last = cpu;
		while (last + 1 < CPU_MASK_MOST && cpu_mask_has(list, last + 1))
			last++;
		char range[32];
		int n = last > cpu ? snprintf(range, sizeof range, "%s%u-%u", used ? "," : "", cpu,
					      last)
				   : snprintf(range, sizeof range, "%s%u", used ? "," : "", cpu);
		if (used + (size_t)n + DOTS > bytes) {
			snprintf(out + used, bytes - used, "%s...", used ? "," : "");
			break;
		}
		memcpy(out + used, range, (size_t)n + 1);
		used += (size_t)n;
		cpu = cpu_mask_next(list, last + 1);
	}
	return out;
}

void cpu_mask_add(struct cpu_mask *list, unsigned cpu)
{
	if (cpu < CPU_MASK_MOST)
		list->words[cpu / 64] |= (uint64_t)1 << cpu % 64;
}

bool cpu_mask_has(const struct cpu_mask *list, unsigned cpu)
{
	return cpu < CPU_MASK_MOST && list->words[cpu / 64] >> cpu % 64 & 1;
}

unsigned cpu_mask_count(const struct cpu_mask *list)
{
	unsigned n = 0;
	for (int i = 0; i < CPU_MASK_WORDS; i++)
		n += (unsigned)__builtin_popcountll(list->words[i]);
	return n;
}

bool cpu_mask_is_equal(const struct cpu_mask *a, const struct cpu_mask *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

bool cpu_mask_is_within(const struct cpu_mask *part, const struct cpu_mask *whole)
{
	for (int i = 0; i < CPU_MASK_WORDS; i++)
		if (part->words[i] & ~whole->words[i])
			return false;
	return true;
}

void cpu_mask_unite(struct cpu_mask *list, const struct cpu_mask *more)
{
	for (int i = 0; i < CPU_MASK_WORDS; i++)
		list->words[i] |= more->words[i];
}

unsigned cpu_mask_next(const struct cpu_mask *list, unsigned from)
{
	for (unsigned cpu = from; cpu < CPU_MASK_MOST; cpu = (cpu | 63) + 1) {
		uint64_t word = list->words[cpu / 64] >> cpu % 64;
		if (word)
			return cpu + (unsigned)__builtin_ctzll(word);
	}
	return CPU_MASK_MOST;
}
