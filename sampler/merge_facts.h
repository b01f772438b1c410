/*
 * merge_facts: who, where and how of many recordings in one.
 */
#ifndef SAMPLER_MERGE_FACTS_H
#define SAMPLER_MERGE_FACTS_H

#include <stddef.h>

struct merge_input;
struct recording;

/*
 * merge_add_facts: the first one's facts; of the others, as LABEL.KEY, those that differ; then
 * what is of all: sums of what was lost, the first exit status that is not 0, the hosts, and a
 * line "merged" for each recording.
 */
void merge_add_facts(struct recording *out, const struct merge_input *inputs, size_t n);

#endif
