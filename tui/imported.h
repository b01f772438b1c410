/*
 * imported: what a file of another tool did not hold, so that views show a dash and the reason,
 * not what happens to be in the rows.
 */
#ifndef TUI_IMPORTED_H
#define TUI_IMPORTED_H

#include <stdbool.h>
#include <stdint.h>

struct recording;

/* imported_from: the format; NULL = it was recorded by stoke. */
const char *imported_from(const struct recording *recording);

/*
 * imported_has_times: false if it was imported and all its samples are at one instant.
 * Cost  the facts; then up to the first sample of another time
 */
bool imported_has_times(const struct recording *recording);

/* imported_module: a module's file name; a dash where the format had none. Borrowed. */
const char *imported_module(const struct recording *recording, uint32_t module);

#endif
