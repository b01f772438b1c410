/* Entries of unwind sections. See cfi_entry.h. */
#include "sampler/cfi_entry.h"

#include <dwarf.h>
#include <string.h>

uint64_t cfi_unsigned(struct cfi_cursor *cursor, unsigned n_bytes)
{
	uint64_t value = 0;
	if ((uint64_t)(cursor->end - cursor->at) < n_bytes) {
		cursor->is_short = true;
		cursor->at = cursor->end;
		return 0;
	}
	memcpy(&value, cursor->at, n_bytes);
	cursor->at += n_bytes;
	return value;
}

uint64_t cfi_uleb(struct cfi_cursor *cursor)
{
	uint64_t value = 0;
	for (unsigned shift = 0; cursor->at < cursor->end; shift += 7) {
		uint8_t byte = *cursor->at++;
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	cursor->is_short = true;
	return 0;
}

int64_t cfi_sleb(struct cfi_cursor *cursor)
{
	uint64_t value = 0;
	for (unsigned shift = 0; cursor->at < cursor->end; shift += 7) {
		uint8_t byte = *cursor->at++;
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (byte & 0x40 && shift + 7 < 64)
			value |= ~(uint64_t)0 << (shift + 7);
		return (int64_t)value;
	}
	cursor->is_short = true;
	return 0;
}

void cfi_skip(struct cfi_cursor *cursor, uint64_t n_bytes)
{
	if ((uint64_t)(cursor->end - cursor->at) < n_bytes) {
		cursor->is_short = true;
		cursor->at = cursor->end;
		return;
	}
	cursor->at += n_bytes;
}

static uint64_t read_encoded(struct cfi_cursor *cursor, uint8_t format)
{
	switch (format) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return cfi_unsigned(cursor, 8);
	case DW_EH_PE_udata4:
		return cfi_unsigned(cursor, 4);
	case DW_EH_PE_sdata4:
		return (uint64_t)(int64_t)(int32_t)cfi_unsigned(cursor, 4);
	case DW_EH_PE_udata2:
		return cfi_unsigned(cursor, 2);
	case DW_EH_PE_sdata2:
		return (uint64_t)(int64_t)(int16_t)cfi_unsigned(cursor, 2);
	case DW_EH_PE_uleb128:
		return cfi_uleb(cursor);
	case DW_EH_PE_sleb128:
		return (uint64_t)cfi_sleb(cursor);
	default:
		cursor->is_short = true;
		return 0;
	}
}

uint64_t cfi_pointer(struct cfi_cursor *cursor, uint8_t encoding, const struct cfi_section *section,
		     uint64_t data_base)
{
	if (encoding == DW_EH_PE_omit)
		return 0;
	uint64_t here = section->bytes.vaddr + (uint64_t)(cursor->at - section->bytes.bytes);
	uint64_t value = read_encoded(cursor, encoding & 0x0f);
	switch (encoding & 0x70) {
	case DW_EH_PE_pcrel:
		return value + here;
	case DW_EH_PE_datarel:
		return value + data_base;
	default:
		return value;
	}
}

/* One entry's extent: length, then an id or pointer of four or eight bytes. */
struct extent {
	struct cfi_cursor body; /* after the id */
	uint64_t id, id_offset, next_offset;
	bool is_64;
};

static bool read_extent(const struct cfi_section *section, uint64_t offset, struct extent *out)
{
	const struct elf_bytes *bytes = &section->bytes;
	if (offset >= bytes->n_bytes)
		return false;
	struct cfi_cursor cursor = { bytes->bytes + offset, bytes->bytes + bytes->n_bytes, false };
	uint64_t length = cfi_unsigned(&cursor, 4);
	out->is_64 = length == 0xffffffff;
	if (out->is_64)
		length = cfi_unsigned(&cursor, 8);
	if (cursor.is_short || length == 0 || length > (uint64_t)(cursor.end - cursor.at))
		return false;
	cursor.end = cursor.at + length;
	out->next_offset = (uint64_t)(cursor.end - bytes->bytes);
	out->id_offset = (uint64_t)(cursor.at - bytes->bytes);
	out->id = cfi_unsigned(&cursor, out->is_64 && section->is_debug_frame ? 8 : 4);
	out->body = cursor;
	return !cursor.is_short;
}

static bool is_common(const struct cfi_section *section, const struct extent *extent)
{
	if (!section->is_debug_frame)
		return extent->id == 0;
	return extent->id == (extent->is_64 ? UINT64_MAX : 0xffffffff);
}

/* "zPLRSB": what follows, letter by letter. */
static void read_augmentation(struct cfi_cursor *cursor, const char *letters,
			      const struct cfi_section *section, struct cfi_common *out)
{
	uint64_t length = cfi_uleb(cursor);
	struct cfi_cursor data = *cursor;
	cfi_skip(cursor, length);
	data.end = cursor->at;
	out->has_augmentation = true;
	for (letters++; *letters; letters++) {
		if (*letters == 'R')
			out->pointer_encoding = (uint8_t)cfi_unsigned(&data, 1);
		else if (*letters == 'P')
			cfi_pointer(&data, (uint8_t)cfi_unsigned(&data, 1), section, 0);
		else if (*letters == 'L')
			cfi_unsigned(&data, 1);
		else if (*letters == 'S')
			out->is_signal = true;
	}
}

static bool read_common(const struct cfi_section *section, uint64_t offset, struct cfi_common *out)
{
	struct extent extent;
	if (!read_extent(section, offset, &extent) || !is_common(section, &extent))
		return false;
	struct cfi_cursor cursor = extent.body;
	uint64_t version = cfi_unsigned(&cursor, 1);
	const char *letters = (const char *)cursor.at;
	if (!memchr(letters, '\0', (size_t)(cursor.end - cursor.at)))
		return false;
	cfi_skip(&cursor, strlen(letters) + 1);
	memset(out, 0, sizeof *out);
	if (version >= 4)
		cfi_skip(&cursor, 2); /* address and segment sizes */
	out->code_alignment = cfi_uleb(&cursor);
	out->data_alignment = cfi_sleb(&cursor);
	out->return_register = version == 1 ? cfi_unsigned(&cursor, 1) : cfi_uleb(&cursor);
	if (letters[0] == 'z')
		read_augmentation(&cursor, letters, section, out);
	else if (letters[0] != '\0')
		return false; /* "eh" and others of compilers before 2000 */
	out->instructions = cursor;
	return !cursor.is_short;
}

static bool read_function(const struct cfi_section *section, const struct extent *extent,
			  struct cfi_function_entry *out)
{
	uint64_t common = section->is_debug_frame ? extent->id : extent->id_offset - extent->id;
	if (!section->is_debug_frame && extent->id > extent->id_offset)
		return false;
	if (!read_common(section, common, &out->common))
		return false;
	struct cfi_cursor cursor = extent->body;
	uint8_t encoding = out->common.pointer_encoding;
	out->start = cfi_pointer(&cursor, encoding, section, 0);
	uint64_t length = cfi_pointer(&cursor, encoding & 0x0f, section, 0);
	out->end = out->start + length;
	if (out->common.has_augmentation)
		cfi_skip(&cursor, cfi_uleb(&cursor));
	out->instructions = cursor;
	return !cursor.is_short && out->end > out->start;
}

bool cfi_entry_next(const struct cfi_section *section, uint64_t *offset, bool *is_function,
		    struct cfi_function_entry *out)
{
	struct extent extent;
	if (!read_extent(section, *offset, &extent))
		return false;
	*offset = extent.next_offset;
	*is_function = !is_common(section, &extent) && read_function(section, &extent, out);
	return true;
}

bool cfi_entry_at(const struct cfi_section *section, uint64_t offset,
		  struct cfi_function_entry *out)
{
	struct extent extent;
	return read_extent(section, offset, &extent) && !is_common(section, &extent) &&
	       read_function(section, &extent, out);
}
