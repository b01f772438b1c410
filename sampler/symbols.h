/*
 * symbols: what an address is called. Frames of the recording are resolved in order, each once,
 * in process, within a time budget; what cannot be named says why.
 */
#ifndef SAMPLER_SYMBOLS_H
#define SAMPLER_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

struct address_space;
struct module;
struct recording;
struct symbols;

struct symbols *symbols_new(struct recording *recording, struct address_space *space,
			    bool no_inline);
void symbols_free(struct symbols *symbols);

/*
 * symbols_use_kernel: names of kernel code from this list instead of /proc/kallsyms, whose
 * addresses are `shift` below the recorded ones. A path of NULL: there is none, because of
 * `why_not` (a phrase).
 */
void symbols_use_kernel(struct symbols *symbols, const char *path, uint64_t shift,
			const char *why_not);

/* symbols_use_worker: files are loaded by another thread, however large: what waits for them waits,
 * and symbols_resolve comes back by its deadline. Off again, it waits for what was begun. */
void symbols_use_worker(struct symbols *symbols, bool is_on);

/*
 * symbols_resolve: add locations for frames that have none yet, oldest first, until deadline_ns.
 * A frame is always finished once begun. Inline frames and lines are left out (and a note says
 * so) when their time budget for this recording is spent.
 * Returns  true when nothing is left to resolve
 * Cost     0.1 us a plain symbol; ms the first time a module is seen
 * Thread   collector
 */
bool symbols_resolve(struct symbols *symbols, uint64_t deadline_ns);

/* module_symbols_free: called by address_space when a module goes. */
struct module_symbols;
void module_symbols_free(struct module_symbols *symbols);

#endif
