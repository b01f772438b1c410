/* What profiling costs here, measured. */
#include <stdio.h>

#include "sampler/base/text.h"
#include "tui/doctor.h"
#include "tui/model_cost.h"
#include "tui/profiling_cost.h"

/* Without stoke-model the rest still holds. */
static void say_model(const struct doctor *doctor)
{
	struct model_cost cost;
	struct why why;
	char text[400], ns[TEXT_BYTES], count[TEXT_BYTES];
	if (!model_cost_measure(&cost, &why)) {
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "cache model", why.text);
		return;
	}
	snprintf(text, sizeof text,
		 "%s of CPU time for each access, the program's own work included: %.0f times as "
		 "much as without the model (%s, %s accesses a product)",
		 text_duration(ns, sizeof ns, cost.access_ns), cost.times, cost.workload,
		 text_count(count, sizeof count, cost.n_accesses));
	doctor_line(doctor, ORIGIN_SOFTWARE, "cache model", text);
}

bool doctor_cost(const struct doctor *doctor, const struct settings *settings, struct why *why)
{
	struct profiling_cost cost;
	char text[400], count[TEXT_BYTES];
	if (!profiling_cost_measure(&cost, settings, why))
		return false;
	printf("What being profiled costs a program here\n");
	snprintf(text, sizeof text,
		 "%+.2f %% of its CPU time; with 95 %% confidence between %+.2f %% and %+.2f %% "
		 "(%zu "
		 "pairs of slices of %s, profiled at %u Hz and not, in turns; %s samples)",
		 100 * cost.ratio, 100 * cost.low, 100 * cost.high, cost.n_pairs, cost.workload,
		 cost.frequency_hz, text_count(count, sizeof count, cost.n_samples));
	doctor_line(doctor, ORIGIN_SOFTWARE, "profiling", text);
	say_model(doctor);
	return true;
}
