/*
 * model_stacks: call paths, sites and arrays of a program under the cache model as rows of the
 * recording. What it reads may change under its hands and is believed in nothing.
 */
#ifndef COUNTERS_MODEL_STACKS_H
#define COUNTERS_MODEL_STACKS_H

#include <stdbool.h>
#include <stdint.h>

struct model_memory;
struct model_names;
struct model_site;
struct model_stacks;
struct recording;

/* model_names_new: names of code, for all processes of a recording. */
struct model_names *model_names_new(struct recording *recording, bool no_inline);
void model_names_free(struct model_names *names);

/*
 * model_names_resolve: some of the new frames; all of them if is_last. Cost: bounded time.
 * Returns  false while there are more
 */
bool model_names_resolve(struct model_names *names, bool is_last);

/* model_names_hurry: what is last takes this long at most, which is 5 s otherwise (NULL); for
 * tests. Borrowed until the next call. */
void model_names_hurry(const uint64_t *last_ns);

/* model_names_end: no more will be resolved: code that has no name yet is MODEL_LATE. Returns how
 * many frames that are. */
#define MODEL_LATE "[unknown: its name did not come in time]"
uint64_t model_names_end(struct model_names *names);

/* model_stacks_new: of the process whose tables these are by now; names are borrowed. One with the
 * process's number may have been read before, and has executed another program since. */
struct model_stacks *model_stacks_new(struct model_names *names, const struct model_memory *memory);
void model_stacks_free(struct model_stacks *stacks);

/* model_stacks_pid: of the process, as it was first seen. */
int model_stacks_pid(const struct model_stacks *stacks);

/*
 * model_stacks_update: take in what code is mapped and call paths that are new.
 * is_last  nothing more is coming
 * Returns  false while the program is about to say where its code lies: sites must wait
 */
bool model_stacks_update(struct model_stacks *stacks, bool is_last);

/* model_stacks_give_up: nothing is "not known yet" from now on: it is MODEL_LATE. */
void model_stacks_give_up(struct model_stacks *stacks);

/* model_stacks_of_site: the stack that ends in the site's instruction; 0 = not known yet. */
uint32_t model_stacks_of_site(struct model_stacks *stacks, uint32_t site);

/* model_stacks_of_array: where the array is from, and it; 0 = its names are not known yet. */
uint32_t model_stacks_of_array(struct model_stacks *stacks, uint32_t array);

/* model_stacks_thread: the row of a thread; one for all that have none. */
uint32_t model_stacks_thread(struct model_stacks *stacks, uint32_t thread);

#endif
