/*
 * perf_script_line: one line of what `perf script` prints: the head of a sample or a frame of its
 * stack. Fields that were left out (-F) are simply not there.
 */
#ifndef SAMPLER_PERF_SCRIPT_LINE_H
#define SAMPLER_PERF_SCRIPT_LINE_H

#include <stdbool.h>
#include <stdint.h>

/* "comm 12/13 [001] 5678.901234: 250000 cpu-clock:ppp: " and, without a stack, a frame. */
struct perf_script_head {
	const char *comm, *event; /* in the line, which is cut up */
	uint32_t pid, tid, cpu;   /* pid 0, tid 0: not there */
	uint64_t time_ns, period;
	bool has_cpu, has_time, has_period, has_tid;
	char *rest; /* behind the event */
};

/* "ffffffff8100 sym+0x10 (dso)" */
struct perf_script_frame {
	const char *symbol; /* "" = not there, or [unknown] */
	const char *module;
	uint64_t address;
	bool is_inlined; /* into the frame of the next line */
};

/* perf_script_head: cuts the line up; false (and the line as it was) if it is no head. */
bool perf_script_head(char *line, struct perf_script_head *out);

/* perf_script_is_frame: does it look like a frame? */
bool perf_script_is_frame(const char *line);

/* perf_script_frame: cuts the line up. Only for what perf_script_is_frame says is one. */
void perf_script_frame(char *line, struct perf_script_frame *out);

/* perf_script_place: "  file.c:12", where the frame before is; false if it is no such line. */
bool perf_script_place(char *line, const char **file, uint32_t *number);

#endif
