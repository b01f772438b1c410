/*
 * cupti_codes: what to do about what CUPTI answers (enum cupti_code).
 */
#ifndef GPU_CUPTI_CODES_H
#define GPU_CUPTI_CODES_H

#include <stdint.h>

/* cupti_remedy: a sentence for enum cupti_code and enum gpu_problem_code. */
const char *cupti_remedy(uint32_t code);

/* cupti_stalls_remedy: the same about PC sampling, without which all else goes on. */
const char *cupti_stalls_remedy(uint32_t code);

#endif
