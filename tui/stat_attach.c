/* Times are those of /proc: the kernel's accounting of ended children is not of these programs. */
#include "tui/stat_attach.h"

#include <stdio.h>
#include <stdlib.h>

#include "counters/event_places.h"
#include "sampler/attach.h"
#include "sampler/base/text.h"
#include "sampler/target.h"
#include "tui/stat.h"

/* Named one by one; of more the number is said. */
enum { MOST_NAMES = 4 };

static void describe(const struct stat_attach *attach, char *out, size_t bytes)
{
	const struct target *target = attach->target;
	bool is_one = attach->n_counted == 1;
	if (target->is_whole_machine) {
		snprintf(out, bytes, "the whole machine");
		return;
	}
	int used = snprintf(out, bytes, "%s",
			    target->is_thread_list ? (is_one ? "thread" : "threads")
						   : (is_one ? "process" : "processes"));
	for (uint32_t i = 0; i < attach->n_counted && used > 0 && (size_t)used < bytes; i++) {
		char name[16], clean[32];
		pid_t pid = attach->counted[i];
		if (i == MOST_NAMES && attach->n_counted > MOST_NAMES + 1) {
			snprintf(out + used, bytes - (size_t)used, " and %u more",
				 attach->n_counted - i);
			break;
		}
		text_clean(clean, sizeof clean, attach_read_name(pid, pid, name) ? name : "?");
		used += snprintf(out + used, bytes - (size_t)used, "%s %d (%s)", i ? "," : "",
				 (int)pid, clean);
	}
}

bool stat_attach_open(struct stat_attach *attach, const struct target *target, struct stat *stat,
		      struct why *why)
{
	struct event_group_request request = { .pid = 0 };
	attach->target = target;
	attach->counted = target->is_thread_list ? target->threads : target->processes;
	attach->n_counted = target->is_thread_list ? target->n_threads : target->n_processes;
	attach->n_before = target->is_whole_machine ? 1 : attach->n_counted;
	attach->before = allocate(attach->n_before + 1, sizeof *attach->before);
	describe(attach, stat->counted, sizeof stat->counted);
	event_group_request_target(&request, target);
	int denied = event_places_denied(&request);
	return !denied || attach_explain(target, "events", denied, why);
}

void stat_attach_close(struct stat_attach *attach)
{
	free(attach->before);
	*attach = (struct stat_attach){ .target = NULL };
}

static bool read_times(const struct stat_attach *attach, uint32_t place, struct usage_times *times)
{
	if (attach->target->is_whole_machine)
		return usage_of_machine("", times);
	pid_t pid = attach->counted[place];
	return attach->target->is_thread_list ? usage_of_thread("", pid, times)
					      : usage_of_process("", pid, times);
}

bool stat_attach_times(struct stat_attach *attach, double *user_seconds, double *system_seconds,
		       struct why *why)
{
	bool is_known = true;
	uint64_t user_ticks = 0, system_ticks = 0;
	for (uint32_t i = 0; i < attach->n_before; i++) {
		struct usage_times now, *before = &attach->before[i];
		bool is_first = before->start_ticks == 0;
		if (!read_times(attach, i, &now) ||
		    (!is_first && now.start_ticks != before->start_ticks)) {
			is_known = why_fail(why, "It has ended, and the kernel forgets a program's "
						 "time when it does.");
			continue;
		}
		user_ticks += now.user_ticks - before->user_ticks;
		system_ticks += now.system_ticks - before->system_ticks;
		*before = now;
	}
	*user_seconds = usage_seconds(user_ticks);
	*system_seconds = usage_seconds(system_ticks);
	return is_known;
}
