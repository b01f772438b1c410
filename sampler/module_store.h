/*
 * module_store: files that a recording of another time or machine names: their build-ids, and where
 * they lie here.
 */
#ifndef SAMPLER_MODULE_STORE_H
#define SAMPLER_MODULE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"

struct elf_image;
struct module_store;

enum {
	BUILD_ID_BYTES = 20,                   /* SHA-1; longer ones are cut by perf */
	BUILD_ID_TEXT = BUILD_ID_BYTES * 2 + 1 /* in hexadecimal, with its end */
};

struct module_store *module_store_new(void);
void module_store_free(struct module_store *store);

/* module_store_add: the recorder saw this file with this build-id (n_bytes of it, at most 20). */
void module_store_add(struct module_store *store, const char *path, const uint8_t *build_id,
		      size_t n_bytes);

/* module_store_build_id: hexadecimal, "" if none was said; borrowed. */
const char *module_store_build_id(struct module_store *store, const char *path);

/* build_id_text: bytes as hexadecimal; zeros that pad a short id are left out. */
void build_id_text(char out[BUILD_ID_TEXT], const uint8_t *bytes, size_t n_bytes);

/*
 * module_store_open: the file under its path, if its build-id is the wanted one (or none is
 * wanted); else out of perf's cache, the system's debug files and debuginfod's cache.
 *
 * open_path  [out] where it was found, to be freed; NULL if it was not
 * Errors     NULL and a phrase: "/bin/x is another build here"
 */
struct elf_image *module_store_open(const char *path, const char *build_id, char **open_path,
				    struct why *why);

/*
 * module_store_kernel: the list of symbols for the kernel with this build-id ("" = unknown, then
 * only a release equal to ours will do).
 * Errors  false and a phrase
 */
bool module_store_kernel(const char *build_id, const char *release, char *path, size_t bytes,
			 struct why *why);

/* module_store_kernel_symbol: where such a list has a symbol; 0 if it has none. */
uint64_t module_store_kernel_symbol(const char *path, const char *name);

#endif
