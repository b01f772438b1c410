/*
 * One text of every loop, inlined into a function for each instruction set. A kind is a constant
 * wherever its loop is compiled, so each loop holds no decision inside.
 */
#include "workloads/support/tensor_loops.h"

#include <stdbool.h>

#include "workloads/support/crew.h"
#include "workloads/support/tensor_simd.h"
#include "workloads/support/tensor_vector.h"

/* Waking a thread takes about 10 us, in which a core adds some 30,000 floats from the cache. */
enum { LEAST_TO_SHARE = 32768, SUM_BLOCK = 4096 };

static const float GELU_SLOPE = 0.7978845608F, GELU_CUBE = 0.044715F;

VECTOR_INLINE vector_f32 gelu_tanh(vector_f32 x)
{
	return vector_tanh(GELU_SLOPE * (x + GELU_CUBE * x * x * x));
}

VECTOR_INLINE vector_f32 gelu_slope(vector_f32 x)
{
	vector_f32 t = gelu_tanh(x);
	vector_f32 inner = GELU_SLOPE * (1.0F + 3 * GELU_CUBE * x * x);
	return 0.5F * (1.0F + t) + 0.5F * x * (1.0F - t * t) * inner;
}

VECTOR_INLINE vector_f32 silu_slope(vector_f32 x)
{
	vector_f32 sigmoid = vector_sigmoid(x);
	return sigmoid * (1.0F + x * (1.0F - sigmoid));
}

/* Negative arguments count as 0; NaN stays. */
VECTOR_INLINE vector_f32 clip_negative(vector_f32 x)
{
	return vector_choose(x < 0.0F, (vector_f32){ 0 }, x);
}

VECTOR_INLINE vector_f32 compute_forward(enum loop_kind kind, const struct loop *loop, vector_f32 a,
					 vector_f32 b)
{
	switch (kind) {
	case LOOP_ADD:
		return a + b;
	case LOOP_SUBTRACT:
		return a - b;
	case LOOP_MULTIPLY:
		return a * b;
	case LOOP_DIVIDE:
		return a / b;
	case LOOP_SCALE:
		return loop->s * a + loop->t;
	case LOOP_RELU:
		return clip_negative(a);
	case LOOP_GELU:
		return 0.5F * a * (1.0F + gelu_tanh(a));
	case LOOP_SILU:
		return a * vector_sigmoid(a);
	case LOOP_TANH:
		return vector_tanh(a);
	case LOOP_SIGMOID:
		return vector_sigmoid(a);
	case LOOP_EXP:
		return vector_exp(a);
	case LOOP_SQRT:
		return vector_square_root(clip_negative(a) + loop->s);
	default:
		return a * vector_sigmoid(a) * b; /* LOOP_SWIGLU */
	}
}

/* What is added to out. */
VECTOR_INLINE vector_f32 compute_added(enum loop_kind kind, const struct loop *loop, vector_f32 a,
				       vector_f32 b, vector_f32 c)
{
	switch (kind) {
	case LOOP_ADD_TO:
		return loop->s * a;
	case LOOP_ADD_VALUE:
		return vector_fill(loop->s);
	case LOOP_PRODUCT_TO:
		return loop->s * a * b;
	case LOOP_QUOTIENT_TO:
		return a / b;
	case LOOP_DIVIDE_BACK:
		return -(a * b / c);
	case LOOP_RELU_BACK:
		return vector_choose(b > 0.0F, a, (vector_f32){ 0 });
	case LOOP_GELU_BACK:
		return a * gelu_slope(b);
	case LOOP_SILU_BACK:
		return a * silu_slope(b);
	case LOOP_TANH_BACK:
		return a * (1.0F - b * b);
	case LOOP_SIGMOID_BACK:
		return a * b * (1.0F - b);
	case LOOP_SQRT_BACK:
		return vector_choose(c > 0.0F, 0.5F * a / b, (vector_f32){ 0 });
	case LOOP_SWIGLU_GATE_BACK:
		return a * c * silu_slope(b);
	default:
		return a * b * vector_sigmoid(b); /* LOOP_SWIGLU_BACK */
	}
}

VECTOR_INLINE void step(enum loop_kind kind, const struct loop *loop, size_t i)
{
	bool adds = kind >= LOOP_ADD_TO;
	vector_f32 none = vector_fill(1), a = none, b = none, c = none, value;
	if (loop->a)
		a = vector_load(loop->a + i, VECTOR_LANES);
	if (loop->b)
		b = vector_load(loop->b + i, VECTOR_LANES);
	if (loop->c)
		c = vector_load(loop->c + i, VECTOR_LANES);
	if (adds)
		value = vector_load(loop->out + i, VECTOR_LANES) +
			compute_added(kind, loop, a, b, c);
	else
		value = compute_forward(kind, loop, a, b);
	vector_store(loop->out + i, value, VECTOR_LANES);
}

/* n is a multiple of the lanes here: what is left over is brought to one by run_loop. */
VECTOR_INLINE void sweep(enum loop_kind kind, const struct loop *loop)
{
	struct loop local = *loop; /* so that no store through out is thought to change it */
	for (size_t i = 0; i < local.n; i += VECTOR_LANES)
		step(kind, &local, i);
}

VECTOR_INLINE void sweep_forward(const struct loop *loop)
{
	switch (loop->kind) {
	case LOOP_ADD:
		return sweep(LOOP_ADD, loop);
	case LOOP_SUBTRACT:
		return sweep(LOOP_SUBTRACT, loop);
	case LOOP_MULTIPLY:
		return sweep(LOOP_MULTIPLY, loop);
	case LOOP_DIVIDE:
		return sweep(LOOP_DIVIDE, loop);
	case LOOP_SCALE:
		return sweep(LOOP_SCALE, loop);
	case LOOP_RELU:
		return sweep(LOOP_RELU, loop);
	case LOOP_GELU:
		return sweep(LOOP_GELU, loop);
	case LOOP_SILU:
		return sweep(LOOP_SILU, loop);
	case LOOP_TANH:
		return sweep(LOOP_TANH, loop);
	case LOOP_SIGMOID:
		return sweep(LOOP_SIGMOID, loop);
	case LOOP_EXP:
		return sweep(LOOP_EXP, loop);
	case LOOP_SQRT:
		return sweep(LOOP_SQRT, loop);
	default:
		return sweep(LOOP_SWIGLU, loop);
	}
}

VECTOR_INLINE void sweep_all(const struct loop *loop)
{
	switch (loop->kind) {
	case LOOP_ADD_TO:
		return sweep(LOOP_ADD_TO, loop);
	case LOOP_ADD_VALUE:
		return sweep(LOOP_ADD_VALUE, loop);
	case LOOP_PRODUCT_TO:
		return sweep(LOOP_PRODUCT_TO, loop);
	case LOOP_QUOTIENT_TO:
		return sweep(LOOP_QUOTIENT_TO, loop);
	case LOOP_DIVIDE_BACK:
		return sweep(LOOP_DIVIDE_BACK, loop);
	case LOOP_RELU_BACK:
		return sweep(LOOP_RELU_BACK, loop);
	case LOOP_GELU_BACK:
		return sweep(LOOP_GELU_BACK, loop);
	case LOOP_SILU_BACK:
		return sweep(LOOP_SILU_BACK, loop);
	case LOOP_TANH_BACK:
		return sweep(LOOP_TANH_BACK, loop);
	case LOOP_SIGMOID_BACK:
		return sweep(LOOP_SIGMOID_BACK, loop);
	case LOOP_SQRT_BACK:
		return sweep(LOOP_SQRT_BACK, loop);
	case LOOP_SWIGLU_GATE_BACK:
		return sweep(LOOP_SWIGLU_GATE_BACK, loop);
	case LOOP_SWIGLU_BACK:
		return sweep(LOOP_SWIGLU_BACK, loop);
	default:
		return sweep_forward(loop);
	}
}

VECTOR_INLINE float dot_block(const float *a, const float *b, size_t n)
{
	vector_f32 sum = { 0 };
	size_t i = 0;
	for (; i + VECTOR_LANES <= n; i += VECTOR_LANES) {
		vector_f32 left = vector_load(a + i, VECTOR_LANES);
		sum += b ? left * vector_load(b + i, VECTOR_LANES) : left;
	}
	vector_f32 left = vector_load(a + i, n - i);
	sum += b ? left * vector_load(b + i, n - i) : left;
	return vector_sum(sum);
}

VECTOR_INLINE void adam_all(const struct adam_loop *loop)
{
	const struct adam_loop with = *loop;
	for (size_t i = 0; i < with.n; i += VECTOR_LANES) {
		size_t n = with.n - i < VECTOR_LANES ? with.n - i : VECTOR_LANES;
		vector_f32 weight = vector_load(with.weights + i, n);
		vector_f32 gradient = vector_load(with.gradients + i, n) * with.gradient_scale +
				      with.penalty * weight;
		vector_f32 mean = vector_load(with.mean + i, n);
		vector_f32 square = vector_load(with.square + i, n);
		mean += (1 - with.mean_share) * (gradient - mean);
		square += (1 - with.square_share) * (gradient * gradient - square);
		vector_store(with.mean + i, mean, n);
		vector_store(with.square + i, square, n);
		weight = with.keep * weight -
			 with.rate * mean / (vector_square_root(square) + with.epsilon);
		vector_store(with.weights + i, weight, n);
	}
}

struct paths {
	void (*sweep)(const struct loop *loop);
	float (*dot)(const float *a, const float *b, size_t n);
	void (*adam)(const struct adam_loop *loop);
};

static void sweep_portable(const struct loop *loop)
{
	sweep_all(loop);
}

static float dot_portable(const float *a, const float *b, size_t n)
{
	return dot_block(a, b, n);
}

static void adam_portable(const struct adam_loop *loop)
{
	adam_all(loop);
}

static const struct paths portable = { sweep_portable, dot_portable, adam_portable };

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void sweep_avx2(const struct loop *loop)
{
	sweep_all(loop);
}

__attribute__((target("avx2,fma"))) static float dot_avx2(const float *a, const float *b, size_t n)
{
	return dot_block(a, b, n);
}

__attribute__((target("avx2,fma"))) static void adam_avx2(const struct adam_loop *loop)
{
	adam_all(loop);
}

__attribute__((target("avx512f"))) static void sweep_avx512(const struct loop *loop)
{
	sweep_all(loop);
}

__attribute__((target("avx512f"))) static float dot_avx512(const float *a, const float *b, size_t n)
{
	return dot_block(a, b, n);
}

__attribute__((target("avx512f"))) static void adam_avx512(const struct adam_loop *loop)
{
	adam_all(loop);
}

static const struct paths avx2 = { sweep_avx2, dot_avx2, adam_avx2 };
static const struct paths avx512 = { sweep_avx512, dot_avx512, adam_avx512 };
#endif

static const struct paths *paths(void)
{
#if defined(__x86_64__)
	if (tensor_simd() == SIMD_AVX512)
		return &avx512;
	if (tensor_simd() == SIMD_AVX2)
		return &avx2;
#endif
	return &portable;
}

/* Shares begin at whole vectors, so that no element is computed another way by another crew. */
static void part_of(size_t n, unsigned share, unsigned n_shares, size_t *from, size_t *to)
{
	crew_part((n + VECTOR_LANES - 1) / VECTOR_LANES, share, n_shares, from, to);
	*from *= VECTOR_LANES;
	*to = *to * VECTOR_LANES < n ? *to * VECTOR_LANES : n;
}

/* Fewer than a vector's lanes, in copies that have them all. */
static void run_rest(const struct loop *loop, size_t from)
{
	float out[VECTOR_LANES], copies[3][VECTOR_LANES];
	const float *operands[] = { loop->a, loop->b, loop->c };
	const float **places[3];
	struct loop rest = *loop;
	size_t bytes = (loop->n - from) * sizeof(float);
	places[0] = &rest.a;
	places[1] = &rest.b;
	places[2] = &rest.c;
	for (int i = 0; i < VECTOR_LANES; i++)
		out[i] = copies[0][i] = copies[1][i] = copies[2][i] = 1;
	for (int i = 0; i < 3; i++)
		if (operands[i]) {
			memcpy(copies[i], operands[i] + from, bytes);
			*places[i] = copies[i];
		}
	if (loop->kind >= LOOP_ADD_TO)
		memcpy(out, loop->out + from, bytes);
	rest.out = out;
	rest.n = VECTOR_LANES;
	paths()->sweep(&rest);
	memcpy(loop->out + from, out, bytes);
}

static void run_loop(const struct loop *loop)
{
	struct loop whole = *loop;
	whole.n = loop->n / VECTOR_LANES * VECTOR_LANES;
	if (whole.n > 0)
		paths()->sweep(&whole);
	if (whole.n < loop->n)
		run_rest(loop, whole.n);
}

static void loop_job(void *opaque, unsigned share, unsigned n_shares)
{
	struct loop part = *(const struct loop *)opaque;
	size_t from, to;
	part_of(part.n, share, n_shares, &from, &to);
	part.out += from;
	part.a = part.a ? part.a + from : NULL;
	part.b = part.b ? part.b + from : NULL;
	part.c = part.c ? part.c + from : NULL;
	part.n = to - from;
	run_loop(&part);
}

void tensor_loop(struct crew *crew, const struct loop *loop)
{
	struct loop copy = *loop;
	if (crew && crew_size(crew) > 1 && loop->n >= LEAST_TO_SHARE)
		crew_run(crew, loop_job, &copy);
	else
		run_loop(loop);
}

double tensor_loop_flops(enum loop_kind kind)
{
	static const unsigned char flops[LOOP_KINDS] = {
		[LOOP_ADD] = 1,
		[LOOP_SUBTRACT] = 1,
		[LOOP_MULTIPLY] = 1,
		[LOOP_DIVIDE] = 1,
		[LOOP_SCALE] = 2,
		[LOOP_RELU] = 1,
		[LOOP_GELU] = 8,
		[LOOP_SILU] = 4,
		[LOOP_TANH] = 1,
		[LOOP_SIGMOID] = 3,
		[LOOP_EXP] = 1,
		[LOOP_SQRT] = 3,
		[LOOP_SWIGLU] = 5,
		[LOOP_ADD_TO] = 2,
		[LOOP_ADD_VALUE] = 1,
		[LOOP_PRODUCT_TO] = 3,
		[LOOP_QUOTIENT_TO] = 2,
		[LOOP_DIVIDE_BACK] = 3,
		[LOOP_RELU_BACK] = 2,
		[LOOP_GELU_BACK] = 18,
		[LOOP_SILU_BACK] = 8,
		[LOOP_TANH_BACK] = 4,
		[LOOP_SIGMOID_BACK] = 4,
		[LOOP_SQRT_BACK] = 4,
		[LOOP_SWIGLU_GATE_BACK] = 9,
		[LOOP_SWIGLU_BACK] = 6,
	};
	return flops[kind];
}

double tensor_dot(const float *a, const float *b, size_t n)
{
	double sum = 0;
	const struct paths *path = paths();
	for (size_t i = 0; i < n; i += SUM_BLOCK)
		sum += (double)path->dot(a + i, b ? b + i : NULL,
					 n - i < SUM_BLOCK ? n - i : SUM_BLOCK);
	return sum;
}

double tensor_sum(const float *a, size_t n)
{
	return tensor_dot(a, NULL, n);
}

static void adam_job(void *opaque, unsigned share, unsigned n_shares)
{
	struct adam_loop part = *(const struct adam_loop *)opaque;
	size_t from, to;
	part_of(part.n, share, n_shares, &from, &to);
	part.weights += from;
	part.mean += from;
	part.square += from;
	part.gradients += from;
	part.n = to - from;
	paths()->adam(&part);
}

void tensor_adam(struct crew *crew, const struct adam_loop *loop)
{
	struct adam_loop copy = *loop;
	if (crew && crew_size(crew) > 1 && loop->n >= LEAST_TO_SHARE)
		crew_run(crew, adam_job, &copy);
	else
		paths()->adam(&copy);
}
