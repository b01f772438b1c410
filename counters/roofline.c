/* Bounds and what lies above them. See roofline.h. */
#include "counters/roofline.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "counters/ceilings.h"

/* Ceilings are the best of some repeats; work that is faster by no more than this is at its bound,
 * not beyond it. Clocks differ by as much from run to run. */
static const double TOLERANCE = 0.03;

static const char *const level_names[N_ROOFLINE_LEVELS] = { "DRAM", "L4", "L3", "L2", "L1" };

void roofline_make(struct roofline *roofline, const struct ceilings *ceilings, const char *type,
		   uint32_t n_threads)
{
	char prefix[32];
	*roofline = (struct roofline){ 0 };
	if (!ceilings)
		return;
	snprintf(prefix, sizeof prefix, "fma.%.20s-", type);
	roofline->compute = ceilings_peak(ceilings, prefix, n_threads);
	for (int i = 0; i < N_ROOFLINE_LEVELS; i++)
		roofline->levels[i] = ceilings_bandwidth(ceilings, level_names[i], n_threads);
}

static int is_word_end(char c)
{
	return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
}

const char *roofline_type_of(const char *name)
{
	static const char *const types[] = { "f64", "f32", "bf16", "int8" };
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		for (const char *at = name; (at = strstr(at, types[i])); at++)
			if ((at == name || is_word_end(at[-1])) &&
			    is_word_end(at[strlen(types[i])]))
				return types[i];
	return "f32";
}

const char *roofline_level_name(int level)
{
	return level >= 0 && level < N_ROOFLINE_LEVELS ? level_names[level] : "";
}

double roofline_intensity(const struct roofline_work *work)
{
	return work->bytes > 0 ? work->flops / work->bytes : NAN;
}

static double best_of(const struct ceiling *ceiling)
{
	return ceiling && ceiling->best > 0 ? ceiling->best : NAN;
}

double roofline_ridge(const struct roofline *roofline, int level)
{
	return best_of(roofline->compute) / best_of(roofline->levels[level]);
}

double roofline_attainable(const struct roofline *roofline, int level, double intensity)
{
	/* fmin takes the other where one is not a number; here both must be known. */
	double compute = best_of(roofline->compute);
	double memory = best_of(roofline->levels[level]) * intensity;
	return isnan(compute) || isnan(memory) ? NAN : fmin(compute, memory);
}

/* What takes no time of this kind takes 0, though there be no ceiling for it. */
static double seconds_at(double amount, const struct ceiling *ceiling)
{
	return amount == 0 ? 0 : amount / best_of(ceiling);
}

static void settle(struct roofline_verdict *verdict, const struct roofline_work *work,
		   double least_seconds)
{
	verdict->least_seconds = least_seconds;
	verdict->lost_seconds = fmax(0, work->seconds - least_seconds);
	verdict->attained_ratio = least_seconds / work->seconds;
}

void roofline_judge(const struct roofline *roofline, const struct roofline_work *work,
		    struct roofline_verdict *verdict)
{
	double compute = seconds_at(work->flops, roofline->compute);
	double allowed = work->seconds * (1 + TOLERANCE);
	double nearest = NAN;
	*verdict = (struct roofline_verdict){ .least_seconds = NAN,
					      .lost_seconds = NAN,
					      .attained_ratio = NAN };
	if (!(work->seconds > 0))
		return;
	for (int i = 0; i < N_ROOFLINE_LEVELS; i++) {
		double memory = seconds_at(work->bytes, roofline->levels[i]);
		if (isnan(memory))
			continue;
		nearest = memory;
		if (memory > allowed)
			continue;
		verdict->bound = memory > compute ? BOUND_MEMORY : BOUND_COMPUTE;
		if (isnan(compute))
			verdict->bound = BOUND_MEMORY;
		verdict->level = i;
		break;
	}
	bool has_memory = verdict->bound != BOUND_UNKNOWN;
	/* Bytes without a ceiling, or operations without one: what is left must be a bound at all.
	 */
	bool is_compute_known = compute > 0 || (compute == 0 && work->bytes == 0);
	if (!is_compute_known && isnan(nearest))
		return;
	settle(verdict, work, fmax(compute, nearest)); /* fmax takes the one that is known */
	if (compute > allowed || (!has_memory && nearest > allowed))
		verdict->bound = BOUND_BEATEN;
	else if (!has_memory)
		verdict->bound = BOUND_COMPUTE;
}
