/* Source: getrusage(2); RUSAGE_CHILDREN covers descendants that were waited for. */
#include "counters/usage.h"

static double seconds_between(struct timeval before, struct timeval after)
{
	return (double)(after.tv_sec - before.tv_sec) +
	       (double)(after.tv_usec - before.tv_usec) / 1e6;
}

double usage_user_seconds(const struct rusage *before, const struct rusage *after)
{
	return seconds_between(before->ru_utime, after->ru_utime);
}

double usage_system_seconds(const struct rusage *before, const struct rusage *after)
{
	return seconds_between(before->ru_stime, after->ru_stime);
}

bool usage_count(const struct perf_event_attr *attribute, const struct rusage *before,
		 const struct rusage *after, struct count *count)
{
	double minor = (double)(after->ru_minflt - before->ru_minflt);
	double major = (double)(after->ru_majflt - before->ru_majflt);
	double value;
	if (attribute->type != PERF_TYPE_SOFTWARE || attribute->exclude_user)
		return false;
	switch (attribute->config) {
	case PERF_COUNT_SW_CPU_CLOCK:
	case PERF_COUNT_SW_TASK_CLOCK:
		value = 1e9 *
			(usage_user_seconds(before, after) + usage_system_seconds(before, after));
		break;
	case PERF_COUNT_SW_PAGE_FAULTS:
		value = minor + major;
		break;
	case PERF_COUNT_SW_PAGE_FAULTS_MIN:
		value = minor;
		break;
	case PERF_COUNT_SW_PAGE_FAULTS_MAJ:
		value = major;
		break;
	case PERF_COUNT_SW_CONTEXT_SWITCHES:
		value = (double)(after->ru_nvcsw - before->ru_nvcsw) +
			(double)(after->ru_nivcsw - before->ru_nivcsw);
		break;
	default:
		return false;
	}
	*count = (struct count){ .value = value, .running_ratio = 1, .origin = ORIGIN_SOFTWARE };
	return true;
}
