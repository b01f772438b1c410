/* Separate debug files, as gdb finds them. Source: GDB manual, "Separate Debug Files". */
#include "sampler/symbols_debugfile.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "sampler/elf_image.h"

static bool is_file(const char *path)
{
	return access(path, R_OK) == 0;
}

static bool by_build_id(struct elf_image *image, const char *root, const char *debug_root,
			char *path, size_t bytes)
{
	const char *id = elf_image_build_id(image);
	if (strlen(id) < 4)
		return false;
	snprintf(path, bytes, "%s%s/.build-id/%.2s/%s.debug", root, debug_root, id, id + 2);
	return is_file(path);
}

/* The checksum tells a file of another version; gdb uses the CRC-32 of zlib. */
static bool has_checksum(const char *path, uint32_t wanted)
{
	unsigned char buffer[65536];
	uLong crc = crc32(0, NULL, 0);
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		crc = crc32(crc, buffer, (uInt)n);
	close(fd);
	return n == 0 && crc == wanted;
}

static bool read_link(struct elf_image *image, const char **name, uint32_t *crc)
{
	struct elf_bytes link;
	if (!elf_image_section(image, ".gnu_debuglink", &link))
		return false;
	*name = (const char *)link.bytes;
	size_t length = strnlen(*name, link.n_bytes);
	size_t at = (length + 4) / 4 * 4;
	if (length == 0 || length == link.n_bytes || at + 4 > link.n_bytes || strchr(*name, '/'))
		return false;
	memcpy(crc, link.bytes + at, sizeof *crc);
	return true;
}

static bool by_link(struct elf_image *image, const char *module_path, const char *root,
		    const char *debug_root, char *path, size_t bytes)
{
	const char *name;
	uint32_t crc;
	const char *slash = strrchr(module_path, '/');
	if (!slash || !read_link(image, &name, &crc))
		return false;
	int folder = (int)(slash - module_path);
	const char *const before[] = { "", "", debug_root };
	const char *const between[] = { "/", "/.debug/", "/" };
	for (int i = 0; i < 3; i++) {
		snprintf(path, bytes, "%s%s%.*s%s%s", root, before[i], folder, module_path,
			 between[i], name);
		if (is_file(path) && has_checksum(path, crc))
			return true;
	}
	return false;
}

bool symbols_debugfile(struct elf_image *image, const char *module_path, const char *root,
		       const char *debug_root, char *path, size_t bytes)
{
	const char *const roots[] = { root, "" };
	for (int i = *root ? 0 : 1; i < 2; i++)
		if (by_build_id(image, roots[i], debug_root, path, bytes) ||
		    by_link(image, module_path, roots[i], debug_root, path, bytes))
			return true;
	return false;
}
