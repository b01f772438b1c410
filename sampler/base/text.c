/*
 * Numbers for people and widths of UTF-8. Widths come from short range tables rather than the
 * locale, so that a screen rendered into a file is the same everywhere.
 * Source: Unicode 15 East Asian Width and general categories Mn, Me, Cf.
 */
#include "sampler/base/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct range {
	uint32_t first, last;
};

static const struct range wide[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },   { 0x23e9, 0x23ec },
	{ 0x23f0, 0x23f0 },   { 0x23f3, 0x23f3 },   { 0x25fd, 0x25fe },   { 0x2614, 0x2615 },
	{ 0x2648, 0x2653 },   { 0x267f, 0x267f },   { 0x2693, 0x2693 },   { 0x26a1, 0x26a1 },
	{ 0x26aa, 0x26ab },   { 0x26bd, 0x26be },   { 0x26c4, 0x26c5 },   { 0x26ce, 0x26ce },
	{ 0x26d4, 0x26d4 },   { 0x26ea, 0x26ea },   { 0x26f2, 0x26f3 },   { 0x26f5, 0x26f5 },
	{ 0x26fa, 0x26fa },   { 0x26fd, 0x26fd },   { 0x2705, 0x2705 },   { 0x270a, 0x270b },
	{ 0x2728, 0x2728 },   { 0x274c, 0x274c },   { 0x274e, 0x274e },   { 0x2753, 0x2755 },
	{ 0x2757, 0x2757 },   { 0x2795, 0x2797 },   { 0x27b0, 0x27b0 },   { 0x27bf, 0x27bf },
	{ 0x2b1b, 0x2b1c },   { 0x2b50, 0x2b50 },   { 0x2b55, 0x2b55 },   { 0x2e80, 0x303e },
	{ 0x3041, 0x33ff },   { 0x3400, 0x4dbf },   { 0x4e00, 0xa4cf },   { 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe10, 0xfe19 },   { 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x16fe0, 0x18aff }, { 0x1aff0, 0x1b2ff },
	{ 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a },
	{ 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 },
	{ 0x1f3a0, 0x1f3ca }, { 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 },
	{ 0x1f3f8, 0x1f43e }, { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d },
	{ 0x1f54b, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 }, { 0x1f5a4, 0x1f5a4 },
	{ 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc }, { 0x1f6d0, 0x1f6d2 },
	{ 0x1f6d5, 0x1f6df }, { 0x1f6eb, 0x1f6ec }, { 0x1f6f4, 0x1f6fc }, { 0x1f7e0, 0x1f7f0 },
	{ 0x1f90c, 0x1f93a }, { 0x1f93c, 0x1f945 }, { 0x1f947, 0x1faff }, { 0x20000, 0x3fffd },
};

static const struct range combining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },   { 0x05bf, 0x05bf },
	{ 0x05c1, 0x05c2 }, { 0x05c4, 0x05c5 }, { 0x05c7, 0x05c7 },   { 0x0610, 0x061a },
	{ 0x064b, 0x065f }, { 0x0670, 0x0670 }, { 0x06d6, 0x06dc },   { 0x06df, 0x06e4 },
	{ 0x06e7, 0x06e8 }, { 0x06ea, 0x06ed }, { 0x0711, 0x0711 },   { 0x0730, 0x074a },
	{ 0x07a6, 0x07b0 }, { 0x0900, 0x0902 }, { 0x093a, 0x093a },   { 0x093c, 0x093c },
	{ 0x0941, 0x0948 }, { 0x094d, 0x094d }, { 0x0951, 0x0957 },   { 0x0e31, 0x0e31 },
	{ 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e }, { 0x1160, 0x11ff },   { 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff }, { 0x200b, 0x200f }, { 0x202a, 0x202e },   { 0x2060, 0x2064 },
	{ 0x20d0, 0x20f0 }, { 0x302a, 0x302d }, { 0x3099, 0x309a },   { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0x1f3fb, 0x1f3ff }, { 0xe0100, 0xe01ef },
};

static bool is_in(const struct range *ranges, size_t n, uint32_t code_point)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (ranges[middle].last < code_point)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && ranges[low].first <= code_point;
}

size_t text_decode(const char *text, uint32_t *code_point)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	*code_point = s[0];
	if (s[0] < 0x80)
		return s[0] != 0;
	size_t n = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
	if (s[0] >= 0xf5)
		n = 0;
	uint32_t value = n ? s[0] & (0xffu >> (n + 1)) : 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			n = 0;
			break;
		}
		value = value << 6 | (s[i] & 0x3f);
	}
	if (n == 0 || value < least[n] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
		*code_point = 0xfffd;
		return 1;
	}
	*code_point = value;
	return n;
}

int text_columns(uint32_t code_point)
{
	if (code_point < 0x300)
		return 1;
	if (is_in(combining, sizeof combining / sizeof combining[0], code_point))
		return 0;
	return is_in(wide, sizeof wide / sizeof wide[0], code_point) ? 2 : 1;
}

int text_width(const char *text)
{
	int columns = 0;
	uint32_t code_point;
	for (size_t n; (n = text_decode(text, &code_point)) > 0; text += n)
		columns += text_columns(code_point);
	return columns;
}

size_t text_fit(const char *text, int columns, int *used)
{
	size_t at = 0, n;
	int width = 0;
	uint32_t code_point;
	while ((n = text_decode(text + at, &code_point)) > 0) {
		int more = text_columns(code_point);
		if (width + more > columns)
			break;
		width += more;
		at += n;
	}
	if (used)
		*used = width;
	return at;
}

/* Format controls that reorder text (bidi overrides) could make a name look like another. */
static bool is_harmless(uint32_t code_point)
{
	return code_point >= 0x20 && !(code_point >= 0x7f && code_point < 0xa0) &&
	       code_point != 0xfffd && !(code_point >= 0x2028 && code_point <= 0x202e) &&
	       !(code_point >= 0x2066 && code_point <= 0x2069);
}

char *text_clean(char *out, size_t bytes, const char *text)
{
	size_t at = 0, n;
	uint32_t code_point;
	if (bytes == 0)
		return out;
	for (; (n = text_decode(text, &code_point)) > 0; text += n) {
		bool is_good = is_harmless(code_point);
		size_t need = is_good ? n : 1;
		if (at + need >= bytes)
			break;
		if (is_good)
			memcpy(out + at, text, n);
		else
			out[at] = '?';
		at += need;
	}
	out[at] = '\0';
	return out;
}

static char *unknown(char *out, size_t bytes)
{
	snprintf(out, bytes, "%s", TEXT_UNKNOWN);
	return out;
}

/* Three significant digits: 1.23, 12.3, 123. */
static void print_short(char *out, size_t bytes, double value, const char *suffix)
{
	double size = fabs(value);
	int digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
	snprintf(out, bytes, "%.*f%s", digits, value, suffix);
}

char *text_ratio(char *out, size_t bytes, double ratio)
{
	if (!isfinite(ratio))
		return unknown(out, bytes);
	snprintf(out, bytes, "%.1f %%", ratio * 100);
	return out;
}

char *text_rate(char *out, size_t bytes, double value, const char *unit)
{
	static const char *const prefixes[] = { "", "k", "M", "G", "T", "P", "E" };
	char suffix[24];
	size_t prefix = 0;
	if (!isfinite(value))
		return unknown(out, bytes);
	while (fabs(value) >= 999.5 && prefix + 1 < sizeof prefixes / sizeof prefixes[0]) {
		value /= 1000;
		prefix++;
	}
	snprintf(suffix, sizeof suffix, "%s%s%.16s", *unit || prefix ? " " : "", prefixes[prefix],
		 unit);
	if (prefix == 0 && value == floor(value))
		snprintf(out, bytes, "%.0f%s", value, suffix);
	else
		print_short(out, bytes, value, suffix);
	return out;
}

char *text_memory(char *out, size_t bytes, double value_bytes)
{
	static const char *const suffixes[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB" };
	size_t prefix = 0;
	if (!isfinite(value_bytes))
		return unknown(out, bytes);
	while (fabs(value_bytes) >= 1000 && prefix + 1 < sizeof suffixes / sizeof suffixes[0]) {
		value_bytes /= 1024;
		prefix++;
	}
	if (prefix == 0)
		snprintf(out, bytes, "%.0f B", value_bytes);
	else
		print_short(out, bytes, value_bytes, suffixes[prefix]);
	return out;
}

char *text_duration(char *out, size_t bytes, double duration_ns)
{
	if (!isfinite(duration_ns))
		return unknown(out, bytes);
	if (duration_ns < 1e3)
		snprintf(out, bytes, "%.0f ns", duration_ns);
	else if (duration_ns < 999.5e3)
		print_short(out, bytes, duration_ns / 1e3, " \xc2\xb5s");
	else if (duration_ns < 999.5e6)
		print_short(out, bytes, duration_ns / 1e6, " ms");
	else if (duration_ns < 59.995e9)
		print_short(out, bytes, duration_ns / 1e9, " s");
	else if (duration_ns < 3600e9)
		snprintf(out, bytes, "%d m %02d s", (int)(duration_ns / 60e9),
			 (int)fmod(duration_ns / 1e9, 60));
	else
		snprintf(out, bytes, "%.0f h %02d m", floor(duration_ns / 3600e9),
			 (int)fmod(duration_ns / 60e9, 60));
	return out;
}

char *text_count(char *out, size_t bytes, uint64_t count)
{
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
	size_t at = 0;
	for (int i = 0; i < n && at + 1 < bytes; i++) {
		if (i > 0 && (n - i) % 3 == 0 && at + 2 < bytes)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	if (bytes > 0)
		out[at] = '\0';
	return out;
}

char *text_count_within(char *out, size_t bytes, int columns, uint64_t count)
{
	text_count(out, bytes, count);
	return text_width(out) <= columns ? out : text_rate(out, bytes, (double)count, "");
}

char *text_value(char *out, size_t bytes, double value, const char *unit)
{
	if (strcmp(unit, "ns") == 0)
		return text_duration(out, bytes, value);
	if (strcmp(unit, "ratio") == 0)
		return text_ratio(out, bytes, value);
	if (strcmp(unit, "B") == 0)
		return text_memory(out, bytes, value);
	if (*unit)
		return text_rate(out, bytes, value, unit);
	if (!isfinite(value))
		return unknown(out, bytes);
	snprintf(out, bytes, "%.6g", value);
	return out;
}

struct unit {
	const char *name;
	double factor;
};

/* Digits and one of the units after them; UINT64_MAX when it is not that, or too large. */
static uint64_t parse(const char *text, const struct unit *units)
{
	size_t digits = strspn(text, "0123456789.");
	if (digits == 0 || digits > 20)
		return UINT64_MAX;
	for (; units->name; units++) {
		double value = strcasecmp(text + digits, units->name) == 0
				       ? strtod(text, NULL) * units->factor
				       : -1;
		if (value >= 0 && value < 1e18)
			return (uint64_t)value;
	}
	return UINT64_MAX;
}

/* Where the last `columns` columns of the text begin, or fewer: at a character that takes some. */
static const char *end_of(const char *text, int columns)
{
	uint32_t code_point;
	int left = text_width(text);
	while (*text) {
		size_t n = text_decode(text, &code_point);
		int width = text_columns(code_point);
		if (left <= columns && width > 0)
			break;
		left -= width;
		text += n;
	}
	return text;
}

char *text_shorten(char *out, size_t bytes, int columns, const char *text)
{
	if (text_width(text) <= columns) {
		snprintf(out, bytes, "%s", text);
		return out;
	}
	int kept = columns > 1 ? columns - 1 : 0, behind = kept / 2;
	size_t n = text_fit(text, kept - behind, NULL);
	snprintf(out, bytes, "%.*s%s%s", (int)n, text, columns > 0 ? "\u2026" : "",
		 end_of(text, behind));
	return out;
}

const char *text_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

uint64_t text_parse_duration_ns(const char *text)
{
	static const struct unit units[] = { { "", 1e9 },     { "s", 1e9 },    { "ms", 1e6 },
					     { "us", 1e3 },   { "ns", 1 },     { "m", 60e9 },
					     { "min", 60e9 }, { "h", 3600e9 }, { NULL, 0 } };
	return parse(text, units);
}

uint64_t text_parse_bytes(const char *text)
{
	static const struct unit units[] = {
		{ "", 1 },         { "b", 1 },         { "k", 1024 },       { "kb", 1024 },
		{ "kib", 1024 },   { "m", 1 << 20 },   { "mb", 1 << 20 },   { "mib", 1 << 20 },
		{ "g", 1u << 30 }, { "gb", 1u << 30 }, { "gib", 1u << 30 }, { NULL, 0 }
	};
	return parse(text, units);
}
