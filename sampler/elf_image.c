/*
 * ELF files, read with pread part by part. Nothing is mapped: a file that is cut short while a
 * compiler rewrites it would end us with SIGBUS. Every offset and size is checked against the file
 * by subtraction, so that no sum can wrap.
 * Source: System V ABI, chapters 4 and 5; gABI "Section Compression".
 */
#include "sampler/elf_image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/elf_compressed.h"

enum {
	MOST_SEGMENTS = 256,   /* real files have about ten */
	MOST_SECTIONS = 65536, /* -ffunction-sections objects have thousands */
	MOST_BUILD_ID = 64,
	PAGE_BYTES = 4096, /* smallest page; larger pages only make the choice coarser */
};

/* The largest .symtab and .debug_info met are a few hundred MiB; more is damage or an attack. */
static const uint64_t MOST_SECTION_BYTES = (uint64_t)1 << 30;

struct section {
	Elf64_Shdr header;
	uint8_t *bytes; /* NULL until read */
	size_t n_bytes;
	bool is_tried;
};

struct elf_image {
	char *path;
	int fd;                /* -1: memory */
	const uint8_t *memory; /* owned copy when fd is -1 */
	uint64_t file_bytes, inode;
	uint16_t machine;
	struct elf_segment segments[MOST_SEGMENTS];
	size_t n_segments;
	Elf64_Phdr notes[8];
	size_t n_notes;
	struct section *sections;
	size_t n_sections;
	char *names; /* section name table, NUL-terminated */
	size_t names_bytes;
	char build_id[2 * MOST_BUILD_ID + 1];
	bool is_build_id_tried;
	size_t bytes_read;
};

static bool read_at(const struct elf_image *image, uint64_t offset, void *out, uint64_t n_bytes)
{
	if (offset > image->file_bytes || n_bytes > image->file_bytes - offset)
		return false;
	if (image->fd < 0) {
		memcpy(out, image->memory + offset, n_bytes);
		return true;
	}
	for (uint64_t done = 0; done < n_bytes;) {
		ssize_t n = pread(image->fd, (char *)out + done, n_bytes - done,
				  (off_t)(offset + done));
		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	return true;
}

static bool check_header(const struct elf_image *image, const Elf64_Ehdr *header, struct why *why)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return why_fail(why, "%s is not an ELF file", image->path);
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return why_fail(why, "%s is not a 64-bit little-endian ELF file", image->path);
	if (header->e_phentsize != sizeof(Elf64_Phdr) && header->e_phnum != 0)
		return why_fail(why, "%s has program headers of a wrong size", image->path);
	return true;
}

static bool read_segments(struct elf_image *image, const Elf64_Ehdr *header, struct why *why)
{
	size_t n = header->e_phnum < MOST_SEGMENTS ? header->e_phnum : MOST_SEGMENTS;
	for (size_t i = 0; i < n; i++) {
		Elf64_Phdr program;
		if (header->e_phoff > image->file_bytes ||
		    !read_at(image, header->e_phoff + i * sizeof program, &program, sizeof program))
			return why_fail(why, "%s is cut short in its program headers", image->path);
		if (program.p_type == PT_NOTE && image->n_notes < 8)
			image->notes[image->n_notes++] = program;
		if (program.p_type != PT_LOAD)
			continue;
		image->segments[image->n_segments++] =
			(struct elf_segment){ program.p_offset, program.p_vaddr, program.p_filesz,
					      program.p_memsz, program.p_flags };
	}
	return true;
}

/* The counts of very large files stand in section header 0. */
static uint64_t section_count(const struct elf_image *image, const Elf64_Ehdr *header,
			      uint64_t *names_index)
{
	Elf64_Shdr first;
	uint64_t n = header->e_shnum;
	*names_index = header->e_shstrndx;
	if (header->e_shoff == 0 || header->e_shentsize != sizeof first ||
	    !read_at(image, header->e_shoff, &first, sizeof first))
		return 0;
	if (n == 0)
		n = first.sh_size;
	if (*names_index == SHN_XINDEX)
		*names_index = first.sh_link;
	return n < MOST_SECTIONS ? n : MOST_SECTIONS;
}

/* A file without (or with damaged) section headers is still good for its segments. */
static void read_sections(struct elf_image *image, const Elf64_Ehdr *header)
{
	uint64_t names_index;
	uint64_t n = section_count(image, header, &names_index);
	if (n == 0 || n > (image->file_bytes - header->e_shoff) / sizeof(Elf64_Shdr))
		return;
	image->sections = allocate(n, sizeof *image->sections);
	image->n_sections = n;
	for (size_t i = 0; i < n; i++)
		if (!read_at(image, header->e_shoff + i * sizeof(Elf64_Shdr),
			     &image->sections[i].header, sizeof(Elf64_Shdr)))
			memset(&image->sections[i].header, 0, sizeof(Elf64_Shdr));
	if (names_index >= n)
		return;
	const Elf64_Shdr *names = &image->sections[names_index].header;
	if (names->sh_size > image->file_bytes)
		return;
	image->names = allocate(names->sh_size + 1, 1);
	if (read_at(image, names->sh_offset, image->names, names->sh_size))
		image->names_bytes = names->sh_size;
}

static struct elf_image *parse(struct elf_image *image, struct why *why)
{
	Elf64_Ehdr header;
	bool is_good = read_at(image, 0, &header, sizeof header);
	if (!is_good)
		why_fail(why, "%s is too short for an ELF file", image->path);
	if (!is_good || !check_header(image, &header, why) || !read_segments(image, &header, why)) {
		elf_image_close(image);
		return NULL;
	}
	image->machine = header.e_machine;
	read_sections(image, &header);
	return image;
}

struct elf_image *elf_image_open(const char *path, struct why *why)
{
	struct stat status;
	/* O_NONBLOCK: a FIFO under that name must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		why_fail(why, "%s cannot be read (%s)", path,
			 fd < 0 ? strerror(errno) : "it is not a regular file");
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	struct elf_image *image = allocate(1, sizeof *image);
	image->path = strdup(path);
	image->fd = fd;
	image->file_bytes = (uint64_t)status.st_size;
	image->inode = status.st_ino;
	return parse(image, why);
}

struct elf_image *elf_image_open_bytes(const void *bytes, size_t n_bytes, const char *name,
				       struct why *why)
{
	struct elf_image *image = allocate(1, sizeof *image);
	uint8_t *copy = allocate(n_bytes, 1);
	if (n_bytes)
		memcpy(copy, bytes, n_bytes);
	image->path = strdup(name);
	image->fd = -1;
	image->memory = copy;
	image->file_bytes = image->bytes_read = n_bytes;
	return parse(image, why);
}

void elf_image_close(struct elf_image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->n_sections; i++)
		free(image->sections[i].bytes);
	if (image->fd >= 0)
		close(image->fd);
	free((void *)image->memory);
	free(image->sections);
	free(image->names);
	free(image->path);
	free(image);
}

static void read_section(struct elf_image *image, struct section *section)
{
	const Elf64_Shdr *header = &section->header;
	section->is_tried = true;
	if (header->sh_type == SHT_NOBITS || header->sh_size > MOST_SECTION_BYTES ||
	    header->sh_size > image->file_bytes)
		return;
	uint8_t *bytes = allocate(header->sh_size, 1);
	size_t n_bytes = header->sh_size;
	bool is_good = read_at(image, header->sh_offset, bytes, n_bytes);
	if (is_good && header->sh_flags & SHF_COMPRESSED) {
		uint8_t *plain = elf_decompress(bytes, n_bytes, MOST_SECTION_BYTES, &n_bytes);
		free(bytes);
		bytes = plain;
		is_good = plain != NULL;
	}
	if (!is_good) {
		free(bytes);
		return;
	}
	section->bytes = bytes;
	section->n_bytes = n_bytes;
	image->bytes_read += n_bytes;
}

static struct section *find_section(struct elf_image *image, const char *name)
{
	for (size_t i = 0; i < image->n_sections; i++) {
		uint32_t at = image->sections[i].header.sh_name;
		if (at < image->names_bytes && strcmp(image->names + at, name) == 0)
			return &image->sections[i];
	}
	return NULL;
}

bool elf_image_section(struct elf_image *image, const char *name, struct elf_bytes *out)
{
	struct section *section = find_section(image, name);
	if (!section)
		return false;
	if (!section->is_tried)
		read_section(image, section);
	*out = (struct elf_bytes){ section->bytes, section->n_bytes, section->header.sh_addr };
	return section->bytes != NULL;
}

uint64_t elf_image_section_end(const struct elf_image *image, size_t index)
{
	if (index >= image->n_sections)
		return 0;
	const Elf64_Shdr *header = &image->sections[index].header;
	uint64_t end = header->sh_addr + header->sh_size;
	return end > header->sh_addr ? end : 0;
}

bool elf_image_has_section(struct elf_image *image, const char *name)
{
	const struct section *section = find_section(image, name);
	return section && section->header.sh_type != SHT_NOBITS && section->header.sh_size > 0;
}

bool elf_image_read_vaddr(struct elf_image *image, uint64_t vaddr, void *out, size_t n_bytes)
{
	for (size_t i = 0; i < image->n_segments; i++) {
		const struct elf_segment *segment = &image->segments[i];
		if (vaddr < segment->vaddr || vaddr - segment->vaddr >= segment->file_bytes ||
		    n_bytes > segment->file_bytes - (vaddr - segment->vaddr))
			continue;
		uint64_t offset = segment->file_offset + (vaddr - segment->vaddr);
		return offset >= segment->file_offset && read_at(image, offset, out, n_bytes);
	}
	return false;
}

/* How well a segment explains a mapping: 0 = not at all. Segments may share a page of the file,
 * and then only the protection tells whose mapping it is. */
static int fit(const struct elf_segment *segment, uint64_t file_offset, uint32_t prot)
{
	uint64_t first = segment->file_offset & ~(uint64_t)(PAGE_BYTES - 1);
	if (file_offset < first ||
	    file_offset - first >= segment->file_bytes + (segment->file_offset - first))
		return 0;
	int score = 1;
	score += !!(segment->flags & PF_X) == !!(prot & PROT_EXEC) ? 4 : 0;
	score += !!(segment->flags & PF_W) == !!(prot & PROT_WRITE) ? 2 : 0;
	return score;
}

bool elf_image_bias(const struct elf_image *image, uint64_t start, uint64_t file_offset,
		    uint32_t prot, uint64_t *bias)
{
	const struct elf_segment *best = NULL;
	int best_score = 0;
	for (size_t i = 0; i < image->n_segments; i++) {
		int score = fit(&image->segments[i], file_offset, prot);
		if (score > best_score) {
			best = &image->segments[i];
			best_score = score;
		}
	}
	if (!best)
		return false;
	*bias = start - file_offset + best->file_offset - best->vaddr;
	return true;
}

const struct elf_segment *elf_image_segments(const struct elf_image *image, size_t *n)
{
	*n = image->n_segments;
	return image->segments;
}

uint16_t elf_image_machine(const struct elf_image *image)
{
	return image->machine;
}

int elf_image_descriptor(const struct elf_image *image)
{
	return image->fd;
}

uint64_t elf_image_inode(const struct elf_image *image)
{
	return image->inode;
}

const char *elf_image_path(const struct elf_image *image)
{
	return image->path;
}

size_t elf_image_bytes_read(const struct elf_image *image)
{
	return image->bytes_read;
}

/* Notes: {name size, description size, type}, then both padded to four bytes. */
static bool find_build_id(struct elf_image *image, const uint8_t *bytes, size_t n_bytes)
{
	for (size_t at = 0; n_bytes - at >= sizeof(Elf64_Nhdr);) {
		Elf64_Nhdr note;
		memcpy(&note, bytes + at, sizeof note);
		at += sizeof note;
		uint64_t name_bytes = ((uint64_t)note.n_namesz + 3) / 4 * 4;
		uint64_t id_bytes = ((uint64_t)note.n_descsz + 3) / 4 * 4;
		if (name_bytes > n_bytes - at || id_bytes > n_bytes - at - name_bytes)
			return false;
		const uint8_t *id = bytes + at + name_bytes;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(bytes + at, "GNU", 4) == 0 && note.n_descsz <= MOST_BUILD_ID) {
			for (uint32_t i = 0; i < note.n_descsz; i++)
				snprintf(image->build_id + (size_t)2 * i, 3, "%02x", id[i]);
			return true;
		}
		at += name_bytes + id_bytes;
	}
	return false;
}

const char *elf_image_build_id(struct elf_image *image)
{
	enum { MOST_NOTE_BYTES = 64 << 10 };
	for (size_t i = 0; i < image->n_notes && !image->is_build_id_tried; i++) {
		uint64_t n_bytes = image->notes[i].p_filesz;
		if (n_bytes == 0 || n_bytes > MOST_NOTE_BYTES)
			continue;
		uint8_t *bytes = allocate(n_bytes, 1);
		bool is_found = read_at(image, image->notes[i].p_offset, bytes, n_bytes) &&
				find_build_id(image, bytes, n_bytes);
		free(bytes);
		if (is_found)
			break;
	}
	image->is_build_id_tried = true;
	return image->build_id;
}
