/*
 * What the tensor engine does to every element by itself, and the sum of all: bound by memory, so a
 * kernel reads and writes along, one element a thread at a time.
 */
#include "kernels/cuda/tensor.cuh"

/* ---- formulas, as in workloads/support/tensor_loops.c */

#define GELU_SLOPE 0.7978845608f
#define GELU_CUBE  0.044715f

/* Never infinite, as the CPU's; NaN stays NaN. */
__device__ static float bounded_exp(float x)
{
	return expf(x > 88 ? 88 : x < -87 ? -87 : x);
}

__device__ static float sigmoid(float x)
{
	return 1 / (1 + bounded_exp(-x));
}

__device__ static float gelu_tanh(float x)
{
	return tanhf(GELU_SLOPE * (x + GELU_CUBE * x * x * x));
}

__device__ static float gelu_slope(float x)
{
	float t = gelu_tanh(x), inner = GELU_SLOPE * (1 + 3 * GELU_CUBE * x * x);
	return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * inner;
}

__device__ static float silu_slope(float x)
{
	float at = sigmoid(x);
	return at * (1 + x * (1 - at));
}

/* Negative arguments count as 0; NaN stays. */
__device__ static float clip_negative(float x)
{
	return x < 0 ? 0 : x;
}

__device__ static float pair_of(enum loop_kind kind, float a, float b)
{
	switch (kind) {
	case LOOP_ADD:
		return a + b;
	case LOOP_SUBTRACT:
		return a - b;
	case LOOP_MULTIPLY:
		return a * b;
	default:
		return a / b;
	}
}

__device__ static float forward(const struct loop &with, float a, float b)
{
	switch (with.kind) {
	case LOOP_SCALE:
		return with.s * a + with.t;
	case LOOP_RELU:
		return clip_negative(a);
	case LOOP_GELU:
		return 0.5f * a * (1 + gelu_tanh(a));
	case LOOP_SILU:
		return a * sigmoid(a);
	case LOOP_TANH:
		return tanhf(a);
	case LOOP_SIGMOID:
		return sigmoid(a);
	case LOOP_EXP:
		return bounded_exp(a);
	case LOOP_SQRT:
		return sqrtf(clip_negative(a) + with.s);
	case LOOP_SWIGLU:
		return a * sigmoid(a) * b;
	default:
		return pair_of(with.kind, a, b);
	}
}

/* What is added to out. */
__device__ static float added(const struct loop &with, float a, float b, float c)
{
	switch (with.kind) {
	case LOOP_ADD_TO:
		return with.s * a;
	case LOOP_ADD_VALUE:
		return with.s;
	case LOOP_PRODUCT_TO:
		return with.s * a * b;
	case LOOP_QUOTIENT_TO:
		return a / b;
	case LOOP_DIVIDE_BACK:
		return -(a * b / c);
	case LOOP_RELU_BACK:
		return b > 0 ? a : 0;
	case LOOP_GELU_BACK:
		return a * gelu_slope(b);
	case LOOP_SILU_BACK:
		return a * silu_slope(b);
	case LOOP_TANH_BACK:
		return a * (1 - b * b);
	case LOOP_SIGMOID_BACK:
		return a * b * (1 - b);
	case LOOP_SQRT_BACK:
		return c > 0 ? 0.5f * a / b : 0;
	case LOOP_SWIGLU_GATE_BACK:
		return a * c * silu_slope(b);
	default:
		return a * b * sigmoid(b); /* LOOP_SWIGLU_BACK */
	}
}

/* ---- kernels */

__global__ void tensor_loop(struct loop with)
{
	EACH_ELEMENT(i, with.n)
	{
		float a = with.a ? with.a[i] : 0, b = with.b ? with.b[i] : 0;
		if (with.kind >= LOOP_ADD_TO)
			with.out[i] += added(with, a, b, with.c ? with.c[i] : 0);
		else
			with.out[i] = forward(with, a, b);
	}
}

__global__ void tensor_pair(struct cuda_pair_task with)
{
	EACH_ELEMENT(i, with.n)
	with.out[i] = pair_of(with.kind, with.a[i], with.b[i % with.n_b]);
}

__global__ void tensor_adam(struct adam_loop with)
{
	EACH_ELEMENT(i, with.n)
	{
		float weight = with.weights[i], mean = with.mean[i], square = with.square[i];
		float gradient = with.gradients[i] * with.gradient_scale + with.penalty * weight;
		mean += (1 - with.mean_share) * (gradient - mean);
		square += (1 - with.square_share) * (gradient * gradient - square);
		with.mean[i] = mean;
		with.square[i] = square;
		with.weights[i] =
			with.keep * weight - with.rate * mean / (sqrtf(square) + with.epsilon);
	}
}

/* A block a part; halves of what its threads have are added to the other halves. */
__global__ void __launch_bounds__(ELEMENT_THREADS) tensor_total(struct cuda_total_task with)
{
	__shared__ double sums[ELEMENT_THREADS];
	double sum = 0;
	EACH_ELEMENT(i, with.n)
	sum += (double)with.a[i] * (with.b ? (double)with.b[i] : 1);
	sums[threadIdx.x] = sum;
	for (unsigned half = ELEMENT_THREADS / 2; half > 0; half /= 2) {
		__syncthreads();
		if (threadIdx.x < half)
			sums[threadIdx.x] += sums[threadIdx.x + half];
	}
	if (threadIdx.x != 0)
		return;
	if (with.out)
		with.out[0] = (float)(with.scale * sums[0]);
	else
		with.parts[blockIdx.x] = sums[0];
}

/* ---- how they are started */

static const char *launch_loop(const void *opaque)
{
	const struct loop *task = (const struct loop *)opaque;
	start_elements(tensor_loop, task->n, *task);
	return NULL;
}

static const char *launch_pair(const void *opaque)
{
	const struct cuda_pair_task *task = (const struct cuda_pair_task *)opaque;
	start_elements(tensor_pair, task->n, *task);
	return NULL;
}

static const char *launch_adam(const void *opaque)
{
	const struct adam_loop *task = (const struct adam_loop *)opaque;
	start_elements(tensor_adam, task->n, *task);
	return NULL;
}

static const char *launch_total(const void *opaque)
{
	const struct cuda_total_task *task = (const struct cuda_total_task *)opaque;
	launch(tensor_total, dim3((unsigned)task->n_parts), dim3(ELEMENT_THREADS), *task);
	return NULL;
}

const struct cuda_kernel tensor_loop_kernels[] = {
	{ "tensor_loop", "each", "elements one by one", launch_loop },
	{ "tensor_pair", "each", "two tensors, the second over and over", launch_pair },
	{ "tensor_adam", "each", "a step of Adam", launch_adam },
	{ "tensor_total", "blocks", "sums in double, one a block", launch_total },
	{},
};
