/* What machines and ceilings are read from: lists of CPUs, the cache's file, facts of recordings.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters/ceilings.h"
#include "counters/machine.h"
#include "sampler/base/arena.h"
#include "sampler/recording.h"
#include "tui/ceilings_table.h"
#include "tui/machine_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each line is a fact: its key, a blank, its value. */
static struct recording *record(char *text)
{
	struct recording *recording = recording_new();
	char *rest;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *blank = strchr(line, ' ');
		if (!blank)
			continue;
		*blank = '\0';
		recording_add_fact(recording, line, blank + 1);
	}
	recording_publish(recording);
	return recording;
}

static void draw(const struct machine *machine, const struct ceilings *ceilings,
		 const struct ceilings_devices *devices)
{
	struct arena arena = { 0 };
	struct canvas canvas = canvas_new(60, 40);
	int y = 0;
	if (machine) {
		y = machine_picture_draw(machine, &arena, &canvas, 0, 0, 60);
		y += machine_table_draw(machine, &canvas, 0, y, 60);
	}
	if (ceilings)
		y += ceilings_table_draw(ceilings, &canvas, 0, y, 60);
	ceilings_table_draw_devices(devices, "none", &canvas, 0, y, 60);
	canvas_free(&canvas);
	arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct cpu_mask mask;
	memcpy(text, data, size);
	text[size] = '\0';
	cpu_mask_parse(&mask, text);
	ceilings_free(ceilings_read_text(text));
	struct recording *recording = record(text);
	struct machine *machine = machine_load(recording);
	struct ceilings *ceilings = ceilings_load(recording);
	struct ceilings_devices devices = { .n = 0 };
	ceilings_devices_load(&devices, recording);
	draw(machine, ceilings, &devices);
	ceilings_devices_free(&devices);
	machine_free(machine);
	ceilings_free(ceilings);
	recording_free(recording);
	free(text);
	return 0;
}
