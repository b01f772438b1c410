/*
 * formula: arithmetic over named counts: + - * / ( ) min max, numbers and names. What is unknown
 * stays unknown and says why; nothing divided by zero, infinite or not a number ever comes out.
 */
#ifndef COUNTERS_FORMULA_H
#define COUNTERS_FORMULA_H

#include <stdbool.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "sampler/recording.h"

enum { MAX_FORMULA_BYTES = 256, MAX_FORMULA_STEPS = 64, MAX_OPERANDS = 32 };

/* A step of a stack machine; `from` and `to` are the part of the text a division divides by. */
struct formula_step {
	uint8_t operation, operand;
	uint16_t from, to;
	double number;
};

struct formula {
	char text[MAX_FORMULA_BYTES];
	struct formula_step steps[MAX_FORMULA_STEPS];
	uint32_t n_steps;
	uint32_t operands_used; /* a bit for each operand named */
};

/* What a name stands for when a formula is evaluated. */
struct operand {
	const char *name;
	double value; /* NaN = unknown */
	double running_ratio;
	enum origin origin;
	const char *reason; /* why unknown */
};

struct formula_result {
	double value; /* NaN = unknown */
	double running_ratio;
	enum origin origin; /* the least sure of the operands used */
	struct why reason;  /* why unknown */
};

/*
 * formula_parse: names are looked up in `names`; the place is the operand's number.
 * n_names  at most MAX_OPERANDS
 * Errors   false and a sentence
 */
bool formula_parse(struct formula *formula, const char *text, const char *const *names,
		   uint32_t n_names, struct why *why);

/* formula_evaluate: operands in the order of the names given to formula_parse. */
struct formula_result formula_evaluate(const struct formula *formula,
				       const struct operand *operands);

#endif
