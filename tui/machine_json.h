/*
 * machine_json: a machine as one JSON object. What is unknown is null with its reason; sizes are
 * bytes.
 */
#ifndef TUI_MACHINE_JSON_H
#define TUI_MACHINE_JSON_H

#include <stdio.h>

struct machine;

void machine_json_print(const struct machine *machine, FILE *out);

#endif
