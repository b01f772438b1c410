/* What runs already: perf's letters and names. */
#include "sampler/attach.h"
#include "sampler/base/arena.h"
#include "tui/settings.h"

#define AT(field) .offset = offsetof(struct settings, field)

/* Given twice, a list grows. Kept to the end of the process, as argv is. */
static bool append(const char *option, const char **list, const char *more, struct why *why)
{
	static struct arena arena;
	if (!attach_check_list(option, more, why))
		return false;
	*list = *list ? arena_print(&arena, "%s,%s", *list, more) : more;
	return true;
}

static bool append_processes(void *into, const char *value, struct why *why)
{
	return append("--pid", &((struct settings *)into)->attach.processes, value, why);
}

static bool append_threads(void *into, const char *value, struct why *why)
{
	return append("--tid", &((struct settings *)into)->attach.threads, value, why);
}

static const struct option_row attach_rows[] = {
	{ 'p', OPTION_CALL, "pid", "PID[,PID]",
	  "these processes: all their threads, and what they start", .parse = append_processes },
	{ 't', OPTION_CALL, "tid", "TID[,TID]", "these threads, and what they start",
	  .parse = append_threads },
	{ 'a', OPTION_FLAG, "all-cpus", NULL, "the whole machine: every process on every CPU",
	  AT(attach.is_whole_machine) },
	{ 0 },
};

const struct option_group options_attach = { "What runs already", attach_rows };

bool settings_attach(const struct settings *settings)
{
	const struct attach_request *attach = &settings->attach;
	return attach->processes || attach->threads || attach->is_whole_machine || attach->is_user;
}

bool settings_check_attach(const struct settings *settings, struct why *why)
{
	const struct attach_request *attach = &settings->attach;
	int n = (attach->processes != NULL) + (attach->threads != NULL) + attach->is_whole_machine;
	if (n > 1)
		return why_fail(why, "--pid, --tid and --all-cpus exclude each other: give one of "
				     "them.");
	if (n > 0 && settings->has_model)
		return why_fail(why, "--model counts in a program that was compiled for it, from "
				     "its start: it cannot attach.");
	return true;
}
