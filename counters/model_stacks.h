/*
 * model_stacks: call paths, sites and arrays of a program under the cache model as rows of the
 * recording. What it reads may change under its hands and is believed in nothing.
 */
#ifndef COUNTERS_MODEL_STACKS_H
#define COUNTERS_MODEL_STACKS_H

#include <stdbool.h>
#include <stdint.h>

struct model_memory;
struct model_site;
struct model_stacks;
struct recording;

struct model_stacks *model_stacks_new(const struct model_memory *memory,
				      struct recording *recording, bool no_inline);
void model_stacks_free(struct model_stacks *stacks);

/*
 * model_stacks_update: take in what code is mapped, call paths that are new, and names.
 * is_last  nothing more is coming
 * Returns  false while the program is about to say where its code lies: sites must wait
 */
bool model_stacks_update(struct model_stacks *stacks, bool is_last);

/* model_stacks_of_site: the stack that ends in the site's instruction; 0 = not known yet. */
uint32_t model_stacks_of_site(struct model_stacks *stacks, uint32_t site);

/* model_stacks_of_array: where the array is from, and it; 0 = its names are not known yet. */
uint32_t model_stacks_of_array(struct model_stacks *stacks, uint32_t array);

/* model_stacks_thread: the row of a thread; one for all that have none. */
uint32_t model_stacks_thread(struct model_stacks *stacks, uint32_t thread);

#endif
