/* Rows come in the order of time, so the last one has the name that holds. See process_words.h. */
#include "tui/process_words.h"

#include <stdio.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"
#include "sampler/thread_choice.h"
#include "tui/view.h"

enum { NAME_BYTES = 48 };

/* NULL: there is none. */
static const struct thread_row *last_of(const struct recording *recording,
					const struct thread_choice *choice)
{
	for (uint64_t id = recording_moment(recording).n[TABLE_THREADS]; id-- > 1;)
		if (thread_choice_takes(choice, recording, (uint32_t)id))
			return recording_thread(recording, id);
	return NULL;
}

const char *process_words(const struct recording *recording, const struct thread_choice *choice,
			  char *out, size_t bytes)
{
	char name[NAME_BYTES], process[NAME_BYTES], number[16] = "";
	const struct thread_row *row = last_of(recording, choice);
	text_clean(name, sizeof name, row ? recording_string_at(recording, row->name) : "");
	text_clean(process, sizeof process,
		   row ? recording_string_at(recording, row->process_name) : "");
	if (choice->pid)
		snprintf(number, sizeof number, "%u ", choice->pid);
	if (!choice->pid && row && row->pid)
		snprintf(out, bytes, "every process %s", process);
	else if (choice->tid)
		snprintf(out, bytes, "thread %u %s of process %s%s", choice->tid, name, number,
			 process);
	else
		snprintf(out, bytes, "process %s%s", number, process);
	return out;
}

bool process_is_there(const struct recording *recording, uint64_t pid, struct why *why)
{
	if (!pid || last_of(recording, &(struct thread_choice){ .pid = (uint32_t)pid }))
		return true;
	return why_fail(why,
			"There is no process %llu in it; `stoke render --view processes` shows "
			"those that there are.",
			(unsigned long long)pid);
}

const char *process_words_none(const struct view_context *context, const char *otherwise)
{
	if (!thread_choice_is_set(&context->focus->only))
		return otherwise;
	return "Nothing of it was sampled here; Esc shows all.";
}
