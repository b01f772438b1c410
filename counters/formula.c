/*
 * A recursive-descent parser that writes postfix steps, and a stack that runs them. Depth is
 * bounded, so that a hostile file cannot exhaust our own stack.
 */
#include "counters/formula.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/nearest.h"
#include "sampler/base/text.h"

enum { MAX_DEPTH = 16, MAX_NAME_BYTES = 64 };

enum operation { PUSH_NUMBER, PUSH_OPERAND, ADD, SUBTRACT, MULTIPLY, DIVIDE, NEGATE, LEAST, MOST };

struct parser {
	struct formula *formula;
	const char *at; /* in formula->text */
	const char *const *names;
	uint32_t n_names, depth;
	struct why *why;
};

static void skip_spaces(struct parser *parser)
{
	while (*parser->at == ' ' || *parser->at == '\t')
		parser->at++;
}

static bool take(struct parser *parser, char symbol)
{
	skip_spaces(parser);
	if (*parser->at != symbol)
		return false;
	parser->at++;
	return true;
}

static bool fail_at(struct parser *parser, const char *what)
{
	char rest[48], whole[160];
	return why_fail(parser->why, "In the formula \"%s\": %s before \"%s\".",
			text_clean(whole, sizeof whole, parser->formula->text), what,
			text_clean(rest, sizeof rest, parser->at));
}

static struct formula_step *add_step(struct parser *parser, enum operation operation)
{
	struct formula *formula = parser->formula;
	if (formula->n_steps == MAX_FORMULA_STEPS) {
		fail_at(parser, "it is too long");
		return NULL;
	}
	struct formula_step *step = &formula->steps[formula->n_steps++];
	*step = (struct formula_step){ .operation = (uint8_t)operation };
	return step;
}

static bool parse_sum(struct parser *parser);

static bool parse_number(struct parser *parser)
{
	char *end = NULL;
	/* strtod would also take "inf", "nan" and "0x1p3"; the caller saw a digit or a point. */
	double number = strtod(parser->at, &end);
	if (end == parser->at || !isfinite(number))
		return fail_at(parser, "a number is missing");
	struct formula_step *step = add_step(parser, PUSH_NUMBER);
	if (!step)
		return false;
	step->number = number;
	parser->at = end;
	return true;
}

static bool is_letter(char symbol)
{
	return isalpha((unsigned char)symbol) || symbol == '_';
}

static bool fail_name(struct parser *parser, const char *name)
{
	struct nearest nearest;
	char question[96], clean[MAX_NAME_BYTES], whole[160];
	nearest_start(&nearest, name);
	for (uint32_t i = 0; i < parser->n_names; i++)
		nearest_offer(&nearest, parser->names[i]);
	return why_fail(parser->why, "In the formula \"%s\": nothing is called %s%s",
			text_clean(whole, sizeof whole, parser->formula->text),
			text_clean(clean, sizeof clean, name),
			nearest.best ? nearest_question(&nearest, "", question, sizeof question)
				     : ".");
}

static bool parse_extreme(struct parser *parser, enum operation operation)
{
	if (!take(parser, '(') || !parse_sum(parser))
		return fail_at(parser, "a parenthesis is missing");
	if (!take(parser, ',') || !parse_sum(parser) || !take(parser, ')'))
		return fail_at(parser, "min and max take two arguments");
	return add_step(parser, operation) != NULL;
}

static bool parse_name(struct parser *parser)
{
	char name[MAX_NAME_BYTES];
	size_t length = 0;
	while (is_letter(parser->at[length]) || isdigit((unsigned char)parser->at[length]))
		length++;
	if (length >= sizeof name)
		return fail_at(parser, "a name is too long");
	snprintf(name, sizeof name, "%.*s", (int)length, parser->at);
	parser->at += length;
	if (strcmp(name, "min") == 0 || strcmp(name, "max") == 0)
		return parse_extreme(parser, name[1] == 'i' ? LEAST : MOST);
	for (uint32_t i = 0; i < parser->n_names; i++) {
		if (strcmp(parser->names[i], name) != 0)
			continue;
		struct formula_step *step = add_step(parser, PUSH_OPERAND);
		if (!step)
			return false;
		step->operand = (uint8_t)i;
		parser->formula->operands_used |= 1u << i;
		return true;
	}
	return fail_name(parser, name);
}

static bool parse_inner(struct parser *parser)
{
	if (take(parser, '-'))
		return parse_inner(parser) && add_step(parser, NEGATE);
	if (take(parser, '('))
		return parse_sum(parser) &&
		       (take(parser, ')') || fail_at(parser, "a parenthesis is missing"));
	if (isdigit((unsigned char)*parser->at) || *parser->at == '.')
		return parse_number(parser);
	if (is_letter(*parser->at))
		return parse_name(parser);
	return fail_at(parser, "a number or a name is missing");
}

static bool parse_factor(struct parser *parser)
{
	if (parser->depth++ >= MAX_DEPTH)
		return fail_at(parser, "it is nested too deeply");
	bool is_good = parse_inner(parser);
	parser->depth--;
	return is_good;
}

static bool parse_product(struct parser *parser)
{
	if (!parse_factor(parser))
		return false;
	for (;;) {
		bool divides = take(parser, '/');
		if (!divides && !take(parser, '*'))
			return true;
		skip_spaces(parser);
		size_t from = (size_t)(parser->at - parser->formula->text);
		if (!parse_factor(parser))
			return false;
		struct formula_step *step = add_step(parser, divides ? DIVIDE : MULTIPLY);
		if (!step)
			return false;
		step->from = (uint16_t)from;
		step->to = (uint16_t)(parser->at - parser->formula->text);
	}
}

static bool parse_sum(struct parser *parser)
{
	if (!parse_product(parser))
		return false;
	for (;;) {
		bool subtracts = take(parser, '-');
		if (!subtracts && !take(parser, '+'))
			return true;
		if (!parse_product(parser) || !add_step(parser, subtracts ? SUBTRACT : ADD))
			return false;
	}
}

bool formula_parse(struct formula *formula, const char *text, const char *const *names,
		   uint32_t n_names, struct why *why)
{
	memset(formula, 0, sizeof *formula);
	size_t length = strlen(text);
	if (length >= sizeof formula->text || n_names > MAX_OPERANDS)
		return why_fail(why, "A formula has more than %d bytes or %d names.",
				MAX_FORMULA_BYTES - 1, MAX_OPERANDS);
	memcpy(formula->text, text, length + 1);
	struct parser parser = { .formula = formula,
				 .at = formula->text,
				 .names = names,
				 .n_names = n_names,
				 .why = why };
	if (!parse_sum(&parser))
		return false;
	skip_spaces(&parser);
	return !*parser.at || fail_at(&parser, "an operator is missing");
}

static double apply(enum operation operation, double a, double b)
{
	switch (operation) {
	case ADD:
		return a + b;
	case SUBTRACT:
		return a - b;
	case MULTIPLY:
		return a * b;
	case DIVIDE:
		return a / b;
	case LEAST:
		return a < b ? a : b;
	case MOST:
		return a > b ? a : b;
	default:
		return NAN;
	}
}

/* False with the reason when it divides by zero. */
static bool run(const struct formula *formula, const struct operand *operands, double *value,
		struct why *reason)
{
	double stack[MAX_FORMULA_STEPS + 1] = { 0 };
	uint32_t depth = 0;
	for (uint32_t i = 0; i < formula->n_steps; i++) {
		const struct formula_step *step = &formula->steps[i];
		if (step->operation == PUSH_NUMBER || step->operation == PUSH_OPERAND) {
			stack[depth++] = step->operation == PUSH_NUMBER
						 ? step->number
						 : operands[step->operand].value;
		} else if (step->operation == NEGATE && depth >= 1) {
			stack[depth - 1] = -stack[depth - 1];
		} else if (depth >= 2) { /* as the parser made it */
			depth--;
			if (step->operation == DIVIDE && stack[depth] == 0)
				return why_fail(reason, "There is nothing to divide by: %.*s is 0.",
						step->to - step->from, formula->text + step->from);
			stack[depth - 1] = apply((enum operation)step->operation, stack[depth - 1],
						 stack[depth]);
		}
	}
	*value = depth == 1 ? stack[0] : NAN;
	return isfinite(*value) || why_fail(reason, "%s is beyond any number.", formula->text);
}

/* From the surest to the least sure; a result is as sure as its least sure operand. A time or a
 * software count beside a hardware count leaves it a hardware count. */
static int doubt(enum origin origin)
{
	static const int doubts[N_ORIGINS] = {
		[ORIGIN_SOFTWARE] = 0, [ORIGIN_MEASURED] = 1,    [ORIGIN_SCALED] = 2,
		[ORIGIN_MODELLED] = 3, [ORIGIN_UNAVAILABLE] = 4,
	};
	return doubts[origin];
}

struct formula_result formula_evaluate(const struct formula *formula,
				       const struct operand *operands)
{
	struct formula_result result = { .value = NAN, .running_ratio = 1 };
	bool has_any = false;
	for (uint32_t i = 0; i < MAX_OPERANDS; i++) {
		if (!(formula->operands_used & 1u << i))
			continue;
		const struct operand *operand = &operands[i];
		if (!isfinite(operand->value)) {
			why_fail(&result.reason, "%s",
				 operand->reason && operand->reason[0] ? operand->reason
								       : "It was not counted.");
			result.origin = ORIGIN_UNAVAILABLE;
			result.running_ratio = NAN;
			return result;
		}
		if (!has_any || doubt(operand->origin) > doubt(result.origin))
			result.origin = operand->origin;
		if (operand->running_ratio < result.running_ratio)
			result.running_ratio = operand->running_ratio;
		has_any = true;
	}
	if (!run(formula, operands, &result.value, &result.reason)) {
		result.value = result.running_ratio = NAN;
		result.origin = ORIGIN_UNAVAILABLE;
	}
	return result;
}
