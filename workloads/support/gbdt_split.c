/*
 * Sums from the left by whole numbers, then the gain of all bins at once in doubles, then the best.
 * Unlike PKBoost the information gain is taken of every candidate, not only of those whose Newton
 * part comes near the best so far: the result does not depend on the order of features.
 */
#include "workloads/support/gbdt_split.h"

#include <math.h>
#include <string.h>

enum { LANES = 8, MOST = GBDT_MOST_BINS };
/* PKBoost before version 2.2: the term fades with depth and is off below this depth and for nodes
 * of less entropy than this. */
enum { DEPTH_WITHOUT_ENTROPY = 4 };
static const double FADING = 0.1, LEAST_ENTROPY = 0.5;

typedef double vector_f64 __attribute__((vector_size(64)));
typedef int64_t vector_i64 __attribute__((vector_size(64)));

struct candidates {
	double gradient[MOST], hessian[MOST], gain[MOST]; /* of the left side */
};

/* The node, as the gain's formula wants it. */
struct whole {
	double gradient, hessian, lambda, least_hessian, score;
};

static double square_ratio(double gradient, double hessian)
{
	return hessian > 0 ? gradient * gradient / hessian : 0;
}

double gbdt_entropy_bits(double n_positive, double n)
{
	double n_negative = n - n_positive, bits = 0;
	if (n_positive > 0)
		bits -= n_positive / n * log2(n_positive / n);
	if (n_negative > 0)
		bits -= n_negative / n * log2(n_negative / n);
	return bits;
}

double gbdt_information_gain(struct gbdt_sums whole, struct gbdt_sums left)
{
	double n = (double)whole.hessian, n_left = (double)left.hessian, n_right = n - n_left;
	double p = (double)whole.gradient, p_left = (double)left.gradient;
	if (n <= 0)
		return 0;
	return gbdt_entropy_bits(p, n) - (n_left * gbdt_entropy_bits(p_left, n_left) +
					  n_right * gbdt_entropy_bits(p - p_left, n_right)) /
						 n;
}

double gbdt_alpha(const struct gbdt_split_settings *settings, const struct gbdt_split_node *node)
{
	double alpha = settings->information_weight * exp(-FADING * node->depth);
	double n = (double)node->counts.hessian;
	if (settings->entropy == GBDT_ENTROPY_PER_SAMPLE)
		return alpha * n;
	if (settings->entropy == GBDT_ENTROPY_OFF || node->depth >= DEPTH_WITHOUT_ENTROPY ||
	    gbdt_entropy_bits((double)node->counts.gradient, n) <= LEAST_ENTROPY)
		return 0;
	return alpha;
}

/* Eight bins at a time. A side without enough hessian gains nothing. */
static inline __attribute__((always_inline)) void gains(struct candidates *c, unsigned n,
							const struct whole *whole)
{
	for (unsigned bin = 0; bin < n; bin += LANES) {
		vector_f64 gradient, hessian;
		memcpy(&gradient, c->gradient + bin, sizeof gradient);
		memcpy(&hessian, c->hessian + bin, sizeof hessian);
		vector_f64 rest_gradient = whole->gradient - gradient;
		vector_f64 rest_hessian = whole->hessian - hessian;
		vector_i64 is_good = (vector_i64)(hessian >= whole->least_hessian) &
				     (vector_i64)(rest_hessian >= whole->least_hessian);
		vector_f64 gain = gradient * gradient / (hessian + whole->lambda) +
				  rest_gradient * rest_gradient / (rest_hessian + whole->lambda);
		gain = (gain - whole->score) * 0.5;
		gain = (vector_f64)((vector_i64)gain & is_good);
		memcpy(c->gain + bin, &gain, sizeof gain);
	}
}

static void gains_scalar(struct candidates *c, unsigned n, const struct whole *whole)
{
	gains(c, n, whole);
}

GBDT_AVX2 static void gains_avx2(struct candidates *c, unsigned n, const struct whole *whole)
{
	gains(c, n, whole);
}

GBDT_AVX512 static void gains_avx512(struct candidates *c, unsigned n, const struct whole *whole)
{
	gains(c, n, whole);
}

static void gains_by(enum gbdt_simd simd, struct candidates *c, unsigned n,
		     const struct whole *whole)
{
	if (simd == GBDT_SIMD_AVX512)
		gains_avx512(c, n, whole);
	else if (simd == GBDT_SIMD_AVX2)
		gains_avx2(c, n, whole);
	else
		gains_scalar(c, n, whole);
}

/* Sums of bins [first, bin] for each bin but the last. Lanes behind the end get no hessian. */
static unsigned add_from_left(struct candidates *c, const struct gbdt_split_node *node,
			      const struct gbdt_split_feature *feature, unsigned first)
{
	int64_t gradient = 0, hessian = 0;
	unsigned n = 0;
	for (unsigned bin = first; bin + 1 < feature->n_bins; bin++, n++) {
		gradient += feature->sums[bin].gradient;
		hessian += feature->sums[bin].hessian;
		c->gradient[n] = (double)gradient * node->gradient_unit;
		c->hessian[n] = (double)hessian * node->hessian_unit;
	}
	for (unsigned i = n; i % LANES != 0; i++)
		c->gradient[i] = c->hessian[i] = 0;
	return n;
}

static struct gbdt_sums sum_of(const struct gbdt_sums *sums, unsigned from, unsigned to)
{
	struct gbdt_sums sum = { 0 };
	for (unsigned bin = from; sums && bin <= to; bin++) {
		sum.gradient += sums[bin].gradient;
		sum.hessian += sums[bin].hessian;
	}
	return sum;
}

/* The entropy term on top of the Newton part, for candidates that have one. */
static void add_information(struct candidates *c, unsigned n, const struct gbdt_split_node *node,
			    const struct gbdt_sums *counts, double alpha)
{
	struct gbdt_sums left = { 0 };
	for (unsigned i = 0; i < n; i++) {
		left.gradient += counts[i].gradient;
		left.hessian += counts[i].hessian;
		if (c->gain[i] > 0)
			c->gain[i] += alpha * gbdt_information_gain(node->counts, left);
	}
}

/* Left are bins [first, bin]. */
static void find_from(const struct gbdt_split_settings *settings,
		      const struct gbdt_split_node *node, const struct gbdt_split_feature *feature,
		      unsigned first, struct gbdt_split *split)
{
	struct candidates c;
	struct whole whole = { .gradient = (double)node->sums.gradient * node->gradient_unit,
			       .hessian = (double)node->sums.hessian * node->hessian_unit,
			       .lambda = settings->lambda,
			       /* Above 0, so that an empty side is none. */
			       .least_hessian = fmax(settings->least_hessian, node->hessian_unit) };
	double alpha = feature->counts ? gbdt_alpha(settings, node) : 0, best = split->gain;
	unsigned n = add_from_left(&c, node, feature, first), at = MOST;
	whole.score = square_ratio(whole.gradient, whole.hessian + whole.lambda);
	gains_by(settings->simd, &c, n, &whole);
	if (feature->counts && alpha > 0)
		add_information(&c, n, node, feature->counts + first, alpha);
	for (unsigned i = 0; i < n; i++)
		if (c.gain[i] - settings->gamma > best) {
			best = c.gain[i] - settings->gamma;
			at = i;
		}
	if (at == MOST)
		return;
	split->gain = best;
	split->left = sum_of(feature->sums, first, first + at);
	split->left_counts = sum_of(feature->counts, first, first + at);
	split->low = (uint8_t)first;
	split->high = (uint8_t)at;
	split->is_missing_left = feature->has_missing && first == 0;
}

__attribute__((noinline)) void find_split(const struct gbdt_split_settings *settings,
					  const struct gbdt_split_node *node,
					  const struct gbdt_split_feature *feature,
					  struct gbdt_split *split)
{
	*split = (struct gbdt_split){ .gain = GBDT_LEAST_GAIN, .feature = split->feature };
	find_from(settings, node, feature, 0, split);
	if (feature->has_missing)
		find_from(settings, node, feature, 1, split);
}

double gbdt_leaf(const struct gbdt_split_settings *settings, const struct gbdt_split_node *node)
{
	double gradient = (double)node->sums.gradient * node->gradient_unit;
	double hessian = (double)node->sums.hessian * node->hessian_unit;
	return hessian + settings->lambda > 0 ? -gradient / (hessian + settings->lambda) : 0;
}
