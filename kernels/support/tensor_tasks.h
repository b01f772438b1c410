/*
 * tensor_tasks: what the loops of the tensor engine (workloads/support/tensor.h) work on: elements,
 * rows, columns. The same for this processor (tensor_loops.h, tensor_rows.h) and for a GPU
 * (kernels/cuda/tensor_*.cu), where the arrays are on the device.
 */
#ifndef KERNELS_SUPPORT_TENSOR_TASKS_H
#define KERNELS_SUPPORT_TENSOR_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

enum rows_kind {
	ROWS_SOFTMAX,        /* out = softmax(s a) */
	ROWS_SOFTMAX_BACK,   /* out (+)= s b (a - sum a b): a = gradient, b = softmax */
	ROWS_CROSS_ENTROPY,  /* out = softmax(a), saved = -log(out[target]): one a row */
	ROWS_RMSNORM,        /* saved = 1 / sqrt(mean a^2 + s), out = a saved weights */
	ROWS_RMSNORM_BACK,   /* out += ...: a = gradient, b = input, saved as above */
	ROWS_LAYERNORM,      /* saved = mean, 1 / sqrt(variance + s); out = a hat weights + bias */
	ROWS_LAYERNORM_BACK, /* out += ...: a = gradient, b = input, saved as above */
};

/* out, a, b (n_rows, n_columns); weights, bias (n_columns); saved: 1 a row, layer norm 2. */
struct rows {
	enum rows_kind kind;
	size_t n_rows, n_columns;
	size_t row_step; /* from row to row of out, a and b; 0 = n_columns */
	float *out;
	const float *a, *b, *weights, *bias;
	float *saved;
	const int32_t *targets; /* ROWS_CROSS_ENTROPY: below n_columns */
	float s;
	/* Softmax: row r has only r + triangle columns, the others are made 0; 0 = all. */
	size_t triangle;
	bool adds; /* ROWS_SOFTMAX_BACK */
};

/* out[column] += sum over rows of a (b - shift[row]) scale[row]; b, shift, scale may be NULL.
 * shift and scale are `saved_step` apart. */
struct columns {
	size_t n_rows, n_columns;
	float *out;
	const float *a, *b, *shift, *scale;
	size_t saved_step;
};

/* Rotation of pairs (x[i], x[i + half]) in heads of 2 half columns by cosine and sine (n, half). */
struct rotation {
	size_t n_tokens, n_heads, half;
	size_t n_positions; /* token t stands at position t % n_positions */
	float *out;
	const float *a, *cosine, *sine;
	float direction; /* 1, or -1 for the gradient */
	bool adds;
};

#endif
