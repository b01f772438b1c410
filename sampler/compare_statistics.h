/*
 * compare_statistics: draws of units with replacement, and the quantiles a verdict needs.
 */
#ifndef SAMPLER_COMPARE_STATISTICS_H
#define SAMPLER_COMPARE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compare_half;

/* 1000 draws put 25 beyond each end of a 95 % interval (Efron and Tibshirani, 13.4). */
enum { COMPARE_DRAWS = 1000 };

struct compare_draws {
	float *times; /* [unit][draw]: how often a unit was drawn; NULL = samples are drawn */
	double *per;  /* [draw]: what weights are divided by */
	uint64_t random;
};

/*
 * compare_draws_open: of each stratum of n units n - 1 are drawn and count n / (n - 1) times, so
 * that the variance has no bias however small n is (Rao and Wu).
 * draws_samples  times say nothing: every row's samples are drawn by themselves
 */
void compare_draws_open(struct compare_draws *draws, const struct compare_half *half,
			bool draws_samples, uint64_t seed);
void compare_draws_close(struct compare_draws *draws);

/* compare_draw: the costs of a key (0 = of everything) in all draws, to out[COMPARE_DRAWS]. */
void compare_draw(struct compare_draws *draws, const struct compare_half *half, uint32_t key,
		  double *out);

/* compare_sort: ascending. compare_deviation: the standard deviation. */
void compare_sort(double *values, size_t n);
double compare_deviation(const double *values, size_t n);

/*
 * compare_interval: of 95 % about an estimate: the draws' quantiles, each so much farther from it.
 * values    COMPARE_DRAWS of them; they are sorted
 * widening  Student's quantile over the normal one
 */
void compare_interval(double *values, double estimate, double widening, double *low, double *high);

/*
 * compare_critical: how many standard errors are not chance: the quantile of Student's
 * distribution that is exceeded with probability `tail`.
 * Source  Abramowitz and Stegun, 26.2.23 (error below 4.5e-4) and 26.7.5
 */
double compare_critical(double tail, double degrees);

#endif
