/*
 * text: numbers with units for people, and widths of UTF-8 text. The only place that knows `%`.
 *
 * All functions write at most `bytes` bytes with a NUL and return `out`. Not-a-number is unknown
 * and prints as an en dash (or "-" in ASCII mode, which the canvas substitutes), never as 0.
 */
#ifndef SAMPLER_BASE_TEXT_H
#define SAMPLER_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_UNKNOWN "\xe2\x80\x93"

/* 32 bytes hold any of the numbers below. */
enum { TEXT_BYTES = 32 };

/* text_ratio: 0.345 -> "34.5 %". */
char *text_ratio(char *out, size_t bytes, double ratio);

/* text_rate: SI prefix and unit: (1.2e9, "B/s") -> "1.20 GB/s"; (12, "Hz") -> "12 Hz". */
char *text_rate(char *out, size_t bytes, double value, const char *unit);

/* text_memory: binary prefix: 1536 -> "1.5 KiB". */
char *text_memory(char *out, size_t bytes, double value_bytes);

/* text_duration: ns -> "850 ns", "12.3 ms", "4.20 s", "3 m 12 s", "2 h 05 m". */
char *text_duration(char *out, size_t bytes, double duration_ns);

/* text_count: 1234567 -> "1,234,567". */
char *text_count(char *out, size_t bytes, uint64_t count);

/* text_count_within: the same where it takes at most so many columns, else with an SI prefix, since
 * a number that is cut is another number: 1234567 in 8 -> "1.23 M". */
char *text_count_within(char *out, size_t bytes, int columns, uint64_t count);

/* text_value: a value with a unit known only at run time: "ns" as a duration, "ratio" as a
 * percentage, "B" as memory, "B/s", "FLOP/s", "Hz" and others as rates, "" as a plain number. */
char *text_value(char *out, size_t bytes, double value, const char *unit);

/*
 * text_decode: one UTF-8 character. Returns its length in bytes (at least 1 unless at the NUL) and
 * its code point; bytes that are not UTF-8 decode as U+FFFD, one byte each.
 */
size_t text_decode(const char *text, uint32_t *code_point);

/* text_columns: terminal columns of one code point: 0 (combining), 1 or 2 (wide); control
 * characters, drawn as one replacement character, count 1. No locale needed. */
int text_columns(uint32_t code_point);

/* text_width: columns of a whole string. */
int text_width(const char *text);

/* text_fit: bytes of the longest prefix of `text` that takes at most `columns` columns and ends
 * at a character's end; *used (may be NULL) gets its columns. */
size_t text_fit(const char *text, int columns, int *used);

/*
 * text_shorten: the text if it takes at most `columns` columns, else its beginning and its end, of
 * about equal width, with an ellipsis between: "libtorch_cp…so.2". Names differ at both ends.
 */
char *text_shorten(char *out, size_t bytes, int columns, const char *text);

/*
 * text_clean: copy with control characters (terminal escapes, newlines) and invalid UTF-8
 * replaced by '?'. For everything that came from a target: names, arguments, paths.
 */
char *text_clean(char *out, size_t bytes, const char *text);

/* text_base_name: a path without its folders; borrowed. */
const char *text_base_name(const char *path);

/* text_parse_duration_ns: "5s", "500ms", "2m", "1h", "250us" or a plain number of seconds.
 * Returns UINT64_MAX when the text is none of these or overflows. */
uint64_t text_parse_duration_ns(const char *text);

/* text_parse_bytes: "8192", "8k", "16K", "4MiB"; UINT64_MAX when it is none of these. */
uint64_t text_parse_bytes(const char *text);

#endif
