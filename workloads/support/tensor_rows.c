/* One text of every row's loops, inlined into a function for each instruction set. */
#include "workloads/support/tensor_rows.h"

#include <math.h>

#include "workloads/support/crew.h"
#include "workloads/support/tensor_simd.h"
#include "workloads/support/tensor_vector.h"

/* Elements; a row costs several passes, so less than in tensor_loops.c is worth a waking. */
enum { LEAST_TO_SHARE = 16384 };

VECTOR_INLINE size_t lanes(size_t i, size_t n)
{
	return n - i < VECTOR_LANES ? n - i : VECTOR_LANES;
}

VECTOR_INLINE float most_of(const float *a, size_t n, float scale)
{
	vector_f32 most = vector_fill(scale * a[0]);
	size_t i = 0;
	for (; i + VECTOR_LANES <= n; i += VECTOR_LANES)
		most = vector_most(scale * vector_load(a + i, VECTOR_LANES), most);
	float value = most[0];
	for (int j = 1; j < VECTOR_LANES; j++)
		value = most[j] > value ? most[j] : value;
	for (; i < n; i++)
		value = scale * a[i] > value ? scale * a[i] : value;
	return value;
}

VECTOR_INLINE float dot_of(const float *a, const float *b, size_t n)
{
	vector_f32 sum = { 0 };
	for (size_t i = 0; i < n; i += VECTOR_LANES)
		sum += vector_load(a + i, lanes(i, n)) * vector_load(b + i, lanes(i, n));
	return vector_sum(sum);
}

/* Returns log(sum exp(scale a)). */
VECTOR_INLINE float softmax_row(float *out, const float *a, size_t n, float scale)
{
	float most = most_of(a, n, scale);
	vector_f32 sum = { 0 };
	size_t i = 0;
	for (; i + VECTOR_LANES <= n; i += VECTOR_LANES) {
		vector_f32 value = vector_exp(scale * vector_load(a + i, VECTOR_LANES) - most);
		vector_store(out + i, value, VECTOR_LANES);
		sum += value;
	}
	float total = vector_sum(sum);
	if (i < n) {
		vector_f32 value = vector_exp(scale * vector_load(a + i, n - i) - most);
		vector_store(out + i, value, n - i);
		for (size_t j = 0; j < n - i; j++)
			total += value[j];
	}
	float inverse = 1.0F / total;
	for (i = 0; i < n; i += VECTOR_LANES)
		vector_store(out + i, inverse * vector_load(out + i, lanes(i, n)), lanes(i, n));
	return most + logf(total);
}

VECTOR_INLINE void softmax_back_row(const struct rows *rows, float *out, const float *a,
				    const float *b, size_t n)
{
	float mean = dot_of(a, b, n);
	for (size_t i = 0; i < n; i += VECTOR_LANES) {
		size_t k = lanes(i, n);
		vector_f32 value = rows->s * vector_load(b + i, k) * (vector_load(a + i, k) - mean);
		if (rows->adds)
			value += vector_load(out + i, k);
		vector_store(out + i, value, k);
	}
}

VECTOR_INLINE void rmsnorm_row(const struct rows *rows, size_t row, float *out, const float *a)
{
	size_t n = rows->n_columns;
	float scale = 1.0F / sqrtf(dot_of(a, a, n) / (float)n + rows->s);
	rows->saved[row] = scale;
	for (size_t i = 0; i < n; i += VECTOR_LANES) {
		size_t k = lanes(i, n);
		vector_store(out + i,
			     scale * vector_load(a + i, k) * vector_load(rows->weights + i, k), k);
	}
}

VECTOR_INLINE void rmsnorm_back_row(const struct rows *rows, size_t row, float *out, const float *a,
				    const float *b)
{
	size_t n = rows->n_columns;
	float scale = rows->saved[row];
	vector_f32 sum = { 0 };
	for (size_t i = 0; i < n; i += VECTOR_LANES) {
		size_t k = lanes(i, n);
		sum += vector_load(a + i, k) * vector_load(b + i, k) *
		       vector_load(rows->weights + i, k);
	}
	float share = vector_sum(sum) * scale * scale / (float)n;
	for (size_t i = 0; i < n; i += VECTOR_LANES) {
		size_t k = lanes(i, n);
		vector_f32 value = vector_load(a + i, k) * vector_load(rows->weights + i, k) -
				   share * vector_load(b + i, k);
		vector_store(out + i, vector_load(out + i, k) + scale * value, k);
	}
}

/* The variance in a second pass: the difference of two large sums would cancel. */
VECTOR_INLINE void layernorm_row(const struct rows *rows, size_t row, float *out, const float *a)
{
	size_t n = rows->n_columns;
	vector_f32 sum = { 0 };
	for (size_t i = 0; i < n; i += VECTOR_LANES)
		sum += vector_load(a + i, lanes(i, n));
	float mean = vector_sum(sum) / (float)n, squares = 0;
	sum = (vector_f32){ 0 };
	size_t whole = n / VECTOR_LANES * VECTOR_LANES;
	for (size_t i = 0; i < whole; i += VECTOR_LANES) {
		vector_f32 distance = vector_load(a + i, VECTOR_LANES) - mean;
		sum += distance * distance;
	}
	for (size_t i = whole; i < n; i++)
		squares += (a[i] - mean) * (a[i] - mean);
	float scale = 1.0F / sqrtf((vector_sum(sum) + squares) / (float)n + rows->s);
	rows->saved[2 * row] = mean;
	rows->saved[2 * row + 1] = scale;
	for (size_t i = 0; i < n; i += VECTOR_LANES) {
		size_t k = lanes(i, n);
		vector_f32 hat = (vector_load(a + i, k) - mean) * scale;
		vector_store(out + i,
			     hat * vector_load(rows->weights + i, k) +
				     vector_load(rows->bias + i, k),
			     k);
	}
}

VECTOR_INLINE void layernorm_back_row(const struct rows *rows, size_t row, float *out,
				      const float *a, const float *b)
{
	size_t n = rows->n_columns;
	float mean = rows->saved[2 * row], scale = rows->saved[2 * row + 1];
	vector_f32 sum = { 0 }, product = { 0 };
	for (size_t i = 0; i < n; i += VECTOR_LANES) {
		size_t k = lanes(i, n);
		vector_f32 weighted = vector_load(a + i, k) * vector_load(rows->weights + i, k);
		sum += weighted; /* lanes behind the row are 0 in both factors */
		product += weighted * ((vector_load(b + i, k) - mean) * scale);
	}
	float share = vector_sum(sum) / (float)n, slope = vector_sum(product) / (float)n;
	for (size_t i = 0; i < n; i += VECTOR_LANES) {
		size_t k = lanes(i, n);
		vector_f32 weighted = vector_load(a + i, k) * vector_load(rows->weights + i, k);
		vector_f32 hat = (vector_load(b + i, k) - mean) * scale;
		vector_store(out + i,
			     vector_load(out + i, k) + scale * (weighted - share - slope * hat), k);
	}
}

VECTOR_INLINE void one_row(const struct rows *rows, size_t row)
{
	size_t step = rows->row_step ? rows->row_step : rows->n_columns, n = rows->n_columns;
	float *out = rows->out + row * step;
	const float *a = rows->a + row * step, *b = (rows->b ? rows->b : rows->a) + row * step;
	if (rows->triangle && row + rows->triangle < n) {
		n = row + rows->triangle;
		memset(out + n, 0, (rows->n_columns - n) * sizeof *out);
	}
	switch (rows->kind) {
	case ROWS_SOFTMAX:
		softmax_row(out, a, n, rows->s);
		break;
	case ROWS_SOFTMAX_BACK:
		softmax_back_row(rows, out, a, b, n);
		break;
	case ROWS_CROSS_ENTROPY:
		rows->saved[row] = softmax_row(out, a, n, 1) - a[rows->targets[row]];
		break;
	case ROWS_RMSNORM:
		rmsnorm_row(rows, row, out, a);
		break;
	case ROWS_RMSNORM_BACK:
		rmsnorm_back_row(rows, row, out, a, b);
		break;
	case ROWS_LAYERNORM:
		layernorm_row(rows, row, out, a);
		break;
	case ROWS_LAYERNORM_BACK:
		layernorm_back_row(rows, row, out, a, b);
		break;
	}
}

VECTOR_INLINE void all_rows(const struct rows *rows, size_t from, size_t to)
{
	const struct rows copy = *rows;
	for (size_t row = from; row < to; row++)
		one_row(&copy, row);
}

VECTOR_INLINE void all_columns(const struct columns *with, size_t from, size_t to)
{
	for (size_t row = 0; row < with->n_rows; row++) {
		const float *a = with->a + row * with->n_columns;
		const float *b = with->b;
		if (b)
			b += row * with->n_columns;
		float shift = with->shift ? with->shift[row * with->saved_step] : 0;
		float scale = with->scale ? with->scale[row * with->saved_step] : 1;
		for (size_t i = from; i < to; i += VECTOR_LANES) {
			size_t k = lanes(i, to);
			vector_f32 value = vector_load(a + i, k);
			if (b)
				value *= (vector_load(b + i, k) - shift) * scale;
			vector_store(with->out + i, vector_load(with->out + i, k) + value, k);
		}
	}
}

VECTOR_INLINE void rotate_all(const struct rotation *with, size_t from, size_t to)
{
	size_t half = with->half, width = with->n_heads * 2 * half;
	for (size_t token = from; token < to; token++) {
		size_t position = token % with->n_positions * half;
		for (size_t at = token * width; at < (token + 1) * width; at += 2 * half)
			for (size_t i = 0; i < half; i += VECTOR_LANES) {
				size_t k = lanes(i, half);
				vector_f32 x = vector_load(with->a + at + i, k);
				vector_f32 y = vector_load(with->a + at + half + i, k);
				vector_f32 c = vector_load(with->cosine + position + i, k);
				vector_f32 s =
					with->direction * vector_load(with->sine + position + i, k);
				vector_f32 left = x * c - y * s, right = x * s + y * c;
				if (with->adds) {
					left += vector_load(with->out + at + i, k);
					right += vector_load(with->out + at + half + i, k);
				}
				vector_store(with->out + at + i, left, k);
				vector_store(with->out + at + half + i, right, k);
			}
	}
}

struct paths {
	void (*rows)(const struct rows *rows, size_t from, size_t to);
	void (*columns)(const struct columns *columns, size_t from, size_t to);
	void (*rotate)(const struct rotation *rotation, size_t from, size_t to);
};

static void rows_portable(const struct rows *rows, size_t from, size_t to)
{
	all_rows(rows, from, to);
}

static void columns_portable(const struct columns *columns, size_t from, size_t to)
{
	all_columns(columns, from, to);
}

static void rotate_portable(const struct rotation *rotation, size_t from, size_t to)
{
	rotate_all(rotation, from, to);
}

static const struct paths portable = { rows_portable, columns_portable, rotate_portable };

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void rows_avx2(const struct rows *rows, size_t from,
							  size_t to)
{
	all_rows(rows, from, to);
}

__attribute__((target("avx2,fma"))) static void columns_avx2(const struct columns *columns,
							     size_t from, size_t to)
{
	all_columns(columns, from, to);
}

__attribute__((target("avx2,fma"))) static void rotate_avx2(const struct rotation *rotation,
							    size_t from, size_t to)
{
	rotate_all(rotation, from, to);
}

__attribute__((target("avx512f"))) static void rows_avx512(const struct rows *rows, size_t from,
							   size_t to)
{
	all_rows(rows, from, to);
}

__attribute__((target("avx512f"))) static void columns_avx512(const struct columns *columns,
							      size_t from, size_t to)
{
	all_columns(columns, from, to);
}

__attribute__((target("avx512f"))) static void rotate_avx512(const struct rotation *rotation,
							     size_t from, size_t to)
{
	rotate_all(rotation, from, to);
}

static const struct paths avx2 = { rows_avx2, columns_avx2, rotate_avx2 };
static const struct paths avx512 = { rows_avx512, columns_avx512, rotate_avx512 };
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

static bool is_worth_sharing(const struct crew *crew, size_t n)
{
	return crew && crew_size(crew) > 1 && n >= LEAST_TO_SHARE;
}

static void rows_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct rows *rows = opaque;
	size_t from, to;
	crew_part(rows->n_rows, share, n_shares, &from, &to);
	paths()->rows(rows, from, to);
}

void tensor_rows(struct crew *crew, const struct rows *rows)
{
	struct rows copy = *rows;
	if (is_worth_sharing(crew, rows->n_rows * rows->n_columns))
		crew_run(crew, rows_job, &copy);
	else
		paths()->rows(&copy, 0, rows->n_rows);
}

double tensor_rows_flops(enum rows_kind kind)
{
	static const unsigned char flops[] = {
		[ROWS_SOFTMAX] = 6,         [ROWS_SOFTMAX_BACK] = 6, [ROWS_CROSS_ENTROPY] = 6,
		[ROWS_RMSNORM] = 4,         [ROWS_RMSNORM_BACK] = 8, [ROWS_LAYERNORM] = 8,
		[ROWS_LAYERNORM_BACK] = 14,
	};
	return flops[kind];
}

static void columns_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct columns *columns = opaque;
	size_t n = columns->n_columns, from, to;
	crew_part((n + VECTOR_LANES - 1) / VECTOR_LANES, share, n_shares, &from, &to);
	from *= VECTOR_LANES;
	to = to * VECTOR_LANES < n ? to * VECTOR_LANES : n;
	if (to > from)
		paths()->columns(columns, from, to);
}

void tensor_columns(struct crew *crew, const struct columns *columns)
{
	struct columns copy = *columns;
	if (is_worth_sharing(crew, columns->n_rows * columns->n_columns))
		crew_run(crew, columns_job, &copy);
	else
		paths()->columns(&copy, 0, columns->n_columns);
}

static void rotate_job(void *opaque, unsigned share, unsigned n_shares)
{
	const struct rotation *rotation = opaque;
	size_t from, to;
	crew_part(rotation->n_tokens, share, n_shares, &from, &to);
	paths()->rotate(rotation, from, to);
}

void tensor_rotate(struct crew *crew, const struct rotation *rotation)
{
	struct rotation copy = *rotation;
	if (is_worth_sharing(crew, rotation->n_tokens * rotation->n_heads * 2 * rotation->half))
		crew_run(crew, rotate_job, &copy);
	else
		paths()->rotate(&copy, 0, rotation->n_tokens);
}
