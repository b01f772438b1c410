/*
 * symbols_debugfile: debug information kept in a file of its own.
 */
#ifndef SAMPLER_SYMBOLS_DEBUGFILE_H
#define SAMPLER_SYMBOLS_DEBUGFILE_H

#include <stdbool.h>
#include <stddef.h>

struct elf_image;

/*
 * symbols_debugfile: where a module's separate debug file is: by build-id under
 * DEBUG_ROOT/.build-id, then by .gnu_debuglink (checked by its checksum) beside the file, in
 * .debug/ and under DEBUG_ROOT.
 *
 * root    "" or "/proc/PID/root" of the target, tried before our own files
 * debug_root  "/usr/lib/debug"
 * Returns false if there is none
 */
bool symbols_debugfile(struct elf_image *image, const char *module_path, const char *root,
		       const char *debug_root, char *path, size_t bytes);

#endif
