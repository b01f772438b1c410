/* Protobuf by hand. See fixture_pprof.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "tests/fixture_pprof.h"

struct span {
	const unsigned char *at, *end;
};

struct field {
	uint32_t number;
	uint64_t value;    /* varints */
	struct span bytes; /* everything else */
};

static uint64_t take_varint(struct span *span)
{
	uint64_t value = 0;
	for (int shift = 0;; shift += 7) {
		assert_true(span->at < span->end && shift < 70);
		value |= (uint64_t)(*span->at & 0x7f) << shift;
		if (!(*span->at++ & 0x80))
			return value;
	}
}

static bool take_field(struct span *span, struct field *field)
{
	if (span->at == span->end)
		return false;
	uint64_t tag = take_varint(span);
	*field = (struct field){ .number = (uint32_t)(tag >> 3) };
	if ((tag & 7) == 0) {
		field->value = take_varint(span);
		return true;
	}
	assert_int_equal(tag & 7, 2);
	uint64_t n = take_varint(span);
	assert_true(n <= (uint64_t)(span->end - span->at));
	field->bytes = (struct span){ span->at, span->at + n };
	span->at += n;
	return true;
}

static const char *string(const struct pprof *pprof, uint64_t index)
{
	assert_true(index < pprof->n_strings);
	return pprof->strings[index];
}

static void take_string(struct pprof *pprof, const struct field *field)
{
	size_t n = (size_t)(field->bytes.end - field->bytes.at);
	char *text = allocate(n + 1, 1);
	memcpy(text, field->bytes.at, n);
	assert_int_equal(strlen(text), n);
	uint32_t c;
	for (const char *at = text; (n = text_decode(at, &c)) > 0; at += n)
		assert_true(c != 0xfffd && c >= 0x20);
	assert_true(pprof->n_strings < PPROF_MOST);
	pprof->strings[pprof->n_strings++] = text;
}

static void take_type(struct pprof *pprof, struct span span)
{
	struct field field;
	uint64_t type = 0, unit = 0;
	while (take_field(&span, &field))
		*(field.number == 1 ? &type : &unit) = field.value;
	assert_true(pprof->n_types < PPROF_MOST_TYPES);
	pprof->types[pprof->n_types] = string(pprof, type);
	pprof->units[pprof->n_types++] = string(pprof, unit);
}

static void take_label(struct pprof *pprof, struct pprof_label *label, struct span span)
{
	struct field field;
	*label = (struct pprof_label){ "", "", 0 };
	while (take_field(&span, &field)) {
		if (field.number == 1)
			label->key = string(pprof, field.value);
		else if (field.number == 2)
			label->text = string(pprof, field.value);
		else
			label->number = field.value;
	}
	assert_true(label->key[0] != '\0');
}

static void take_sample(struct pprof *pprof, struct span span)
{
	struct pprof_sample *sample = &pprof->samples[pprof->n_samples++];
	struct field field;
	assert_true(pprof->n_samples <= PPROF_MOST);
	while (take_field(&span, &field)) {
		if (field.number == 3) {
			assert_true(sample->n_labels < PPROF_MOST_LABELS);
			take_label(pprof, &sample->labels[sample->n_labels++], field.bytes);
			continue;
		}
		if (field.number == 1)
			sample->locations = allocate((size_t)(field.bytes.end - field.bytes.at) + 1,
						     sizeof(uint64_t));
		while (field.bytes.at < field.bytes.end) {
			uint64_t value = take_varint(&field.bytes);
			if (field.number == 1) {
				assert_true(value > 0 && value < PPROF_MOST);
				sample->locations[sample->n_locations++] = value;
			} else {
				assert_true(sample->n_values < PPROF_MOST_TYPES);
				sample->values[sample->n_values++] = value;
			}
		}
	}
	assert_int_equal(sample->n_values, pprof->n_types);
}

static void take_location(struct pprof *pprof, struct span span)
{
	struct field field;
	struct pprof_location location = { 0 };
	uint64_t id = 0;
	while (take_field(&span, &field)) {
		id = field.number == 1 ? field.value : id;
		location.mapping = field.number == 2 ? field.value : location.mapping;
		location.address = field.number == 3 ? field.value : location.address;
		if (field.number != 4)
			continue;
		struct pprof_line *line = &location.lines[location.n_lines++];
		assert_true(location.n_lines <= 8);
		struct field part;
		while (take_field(&field.bytes, &part))
			*(part.number == 1 ? &line->function : &line->line) = part.value;
	}
	assert_true(id > 0 && id < PPROF_MOST);
	pprof->locations[id] = location;
}

static void take_named(struct pprof *pprof, struct span span, uint32_t name_at, const char **names,
		       const char **others)
{
	struct field field;
	uint64_t id = 0, name = 0, other = 0;
	while (take_field(&span, &field)) {
		id = field.number == 1 ? field.value : id;
		name = field.number == name_at ? field.value : name;
		/* Functions: file 4; mappings: build-id 6. */
		other = field.number == (name_at == 2 ? 4 : 6) ? field.value : other;
	}
	assert_true(id > 0 && id < PPROF_MOST);
	assert_null(names[id]);
	names[id] = string(pprof, name);
	others[id] = string(pprof, other);
}

static void take(struct pprof *pprof, const struct field *field)
{
	switch (field->number) {
	case 1:
		take_type(pprof, field->bytes);
		break;
	case 2:
		take_sample(pprof, field->bytes);
		break;
	case 3:
		take_named(pprof, field->bytes, 5, pprof->mapping_files, pprof->build_ids);
		break;
	case 4:
		take_location(pprof, field->bytes);
		break;
	case 5:
		take_named(pprof, field->bytes, 2, pprof->functions, pprof->files);
		break;
	case 9:
		pprof->time_ns = field->value;
		break;
	case 10:
		pprof->duration_ns = field->value;
		break;
	case 12:
		pprof->period = field->value;
		break;
	case 14:
		pprof->default_type = string(pprof, field->value);
		break;
	default:
		assert_true(field->number == 6 || field->number == 11 || field->number == 13);
	}
}

static struct span inflate_all(struct pprof *pprof, const char *gzipped, size_t n)
{
	enum { MOST = 64 << 20 };
	z_stream zlib = { .next_in = (unsigned char *)gzipped, .avail_in = (unsigned)n };
	pprof->bytes = allocate(MOST, 1);
	zlib.next_out = pprof->bytes;
	zlib.avail_out = MOST;
	assert_int_equal(inflateInit2(&zlib, 16 + MAX_WBITS), Z_OK);
	assert_int_equal(inflate(&zlib, Z_FINISH), Z_STREAM_END);
	assert_int_equal(zlib.avail_in, 0);
	struct span span = { pprof->bytes, zlib.next_out };
	inflateEnd(&zlib);
	return span;
}

struct pprof *pprof_decode(const char *gzipped, size_t n)
{
	struct pprof *pprof = allocate(1, sizeof *pprof);
	const char ***lists[] = { &pprof->functions, &pprof->files, &pprof->mapping_files,
				  &pprof->build_ids, &pprof->strings };
	struct field field;
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		*lists[i] = allocate(PPROF_MOST, sizeof **lists[i]);
	pprof->samples = allocate(PPROF_MOST, sizeof *pprof->samples);
	pprof->locations = allocate(PPROF_MOST, sizeof *pprof->locations);
	struct span all = inflate_all(pprof, gzipped, n);
	/* Strings first: anything may refer to one that comes later. */
	for (struct span span = all; take_field(&span, &field);)
		if (field.number == 6)
			take_string(pprof, &field);
	assert_true(pprof->n_strings > 0 && pprof->strings[0][0] == '\0');
	for (struct span span = all; take_field(&span, &field);)
		take(pprof, &field);
	return pprof;
}

void pprof_free(struct pprof *pprof)
{
	for (size_t i = 0; i < pprof->n_strings; i++)
		free((char *)pprof->strings[i]);
	for (size_t i = 0; i < pprof->n_samples; i++)
		free(pprof->samples[i].locations);
	free(pprof->functions);
	free(pprof->files);
	free(pprof->mapping_files);
	free(pprof->build_ids);
	free(pprof->strings);
	free(pprof->samples);
	free(pprof->locations);
	free(pprof->bytes);
	free(pprof);
}
