/* What profiling costs here, measured. */
#include <stdio.h>

#include "sampler/base/text.h"
#include "tui/doctor.h"
#include "tui/profiling_cost.h"

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
	return true;
}
