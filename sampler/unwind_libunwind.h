/*
 * unwind_libunwind: the same stacks through libunwind: slower, knows every rule there is.
 */
#ifndef SAMPLER_UNWIND_LIBUNWIND_H
#define SAMPLER_UNWIND_LIBUNWIND_H

#include <stddef.h>
#include <stdint.h>

#include "sampler/unwind.h"

struct unwind_libunwind;

/* unwind_libunwind_new: NULL when libunwind gives no address space. */
struct unwind_libunwind *unwind_libunwind_new(void);
void unwind_libunwind_free(struct unwind_libunwind *unwinder);

/*
 * unwind_libunwind_stack: as unwind_stack(). *end is UNWIND_COMPLETE when libunwind says that the
 * outermost frame was reached, else UNWIND_TRUNCATED or UNWIND_NO_RULE.
 * Cost  about 10 us for 25 frames
 */
size_t unwind_libunwind_stack(struct unwind_libunwind *unwinder, const struct unwind_input *input,
			      uint64_t *addresses, size_t max, uint64_t *after_signal,
			      enum unwind_end *end);

#endif
