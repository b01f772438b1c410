/*
 * tensor_loops: what the tensor engine does to every element of an array, and to every row, in
 * the widest vectors of this CPU.
 */
#ifndef WORKLOADS_SUPPORT_TENSOR_LOOPS_H
#define WORKLOADS_SUPPORT_TENSOR_LOOPS_H

#include <stddef.h>
#include <stdint.h>

struct crew;

/* out, a, b, c are arrays of n; s and t are scalars. Gradients are added to what is in out. */
enum loop_kind {
	LOOP_ADD,              /* out = a + b */
	LOOP_SUBTRACT,         /* out = a - b */
	LOOP_MULTIPLY,         /* out = a b */
	LOOP_DIVIDE,           /* out = a / b */
	LOOP_SCALE,            /* out = s a + t */
	LOOP_RELU,             /* out = max(a, 0) */
	LOOP_GELU,             /* out = a/2 (1 + tanh(sqrt(2/pi) (a + 0.044715 a^3))) */
	LOOP_SILU,             /* out = a sigmoid(a) */
	LOOP_TANH,             /* out = tanh(a) */
	LOOP_SIGMOID,          /* out = 1 / (1 + exp(-a)) */
	LOOP_EXP,              /* out = exp(a) */
	LOOP_SQRT,             /* out = sqrt(max(a, 0) + s) */
	LOOP_SWIGLU,           /* out = a sigmoid(a) b */
	LOOP_ADD_TO,           /* out += s a */
	LOOP_ADD_VALUE,        /* out += s */
	LOOP_PRODUCT_TO,       /* out += s a b */
	LOOP_QUOTIENT_TO,      /* out += a / b */
	LOOP_DIVIDE_BACK,      /* out -= a b / c: a = gradient, b = quotient, c = divisor */
	LOOP_RELU_BACK,        /* out += a where b > 0 */
	LOOP_GELU_BACK,        /* out += a gelu'(b) */
	LOOP_SILU_BACK,        /* out += a silu'(b) */
	LOOP_TANH_BACK,        /* out += a (1 - b^2): b = tanh */
	LOOP_SIGMOID_BACK,     /* out += a b (1 - b): b = sigmoid */
	LOOP_SQRT_BACK,        /* out += a / (2 b) where c > 0: b = root, c = argument */
	LOOP_SWIGLU_GATE_BACK, /* out += a c silu'(b): b = gate, c = the other factor */
	LOOP_SWIGLU_BACK,      /* out += a silu(b) */
	LOOP_KINDS,
};

struct loop {
	enum loop_kind kind;
	float *out;
	const float *a, *b, *c;
	float s, t;
	size_t n;
};

/*
 * tensor_loop: run it over all n, by the crew's threads when n is worth their waking (crew may be
 * NULL). The result does not depend on the number of threads.
 */
void tensor_loop(struct crew *crew, const struct loop *loop);

/* tensor_loop_flops: an element, as its formula above is written; exp, tanh, a square root and a
 * comparison count as one each. */
double tensor_loop_flops(enum loop_kind kind);

/* tensor_sum: of n floats, in double, in blocks that do not depend on anything. */
double tensor_sum(const float *a, size_t n);

/* tensor_dot: the sum of a b. */
double tensor_dot(const float *a, const float *b, size_t n);

/* tensor_narrow: n floats to bf16 (the upper half of a float), to the nearest, ties to even. */
void tensor_narrow(uint16_t *out, const float *a, size_t n);

/* One step of Adam on n weights; see optimizer.h. */
struct adam_loop {
	float *weights, *mean, *square;
	const float *gradients;
	float gradient_scale;           /* 1, or what clips the gradient's length */
	float mean_share, square_share; /* beta1, beta2 */
	float rate, epsilon;            /* corrected for the step number */
	float keep;                     /* 1 - rate x decay: decoupled weight decay */
	float penalty;                  /* added to the gradient, times the weight: L2 */
	size_t n;
};

void tensor_adam(struct crew *crew, const struct adam_loop *loop);

#endif
