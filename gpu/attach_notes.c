/* A machine may have hundreds of such programs: the first of them stands for its kind. */
#include "gpu/attach_notes.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/gpu_process.h"
#include "sampler/base/library.h"
#include "sampler/base/why.h"
#include "sampler/recording.h"

enum { SENTENCE_BYTES = 640 };

struct attach_notes {
	struct recording *recording;
	char *library;
	bool is_said[N_ATTACH_NOTES], has_fact;
};

struct words {
	const char *text, *remedy;
};

#define NOT_RECORDED "; its GPU work is not recorded."

/* Texts end the sentence that "Process 4711 (train) " begins. */
static const struct words words[N_ATTACH_NOTES] = {
	[ATTACH_NOTE_BARE] = { "uses CUDA, but was started without libstoke-cupti.so" NOT_RECORDED,
			       NULL },
	[ATTACH_NOTE_OTHER_TOOL] = { "uses CUDA with another tool's library "
				     "(CUDA_INJECTION64_PATH)" NOT_RECORDED,
				     NULL },
	[ATTACH_NOTE_STARTED_BY] = { "tells the stoke that started it of its GPU work, and one "
				     "only" NOT_RECORDED,
				     "Look at it there, or start it without that one." },
	[ATTACH_NOTE_SILENT] = { "has libstoke-cupti.so in it, which does not listen" NOT_RECORDED,
				 "Start it again; children that are forked off after CUDA began "
				 "cannot use it." },
	[ATTACH_NOTE_TAKEN] = { "is taken by", "End the other profiler; this one goes on asking." },
	[ATTACH_NOTE_USER] = { "listens to its own user and to root only" NOT_RECORDED,
			       "Run stoke as that user or as root." },
	[ATTACH_NOTE_NETWORK] = { "listens in another network namespace, that of its "
				  "container" NOT_RECORDED,
				  "Run stoke in the container, or as root." },
	[ATTACH_NOTE_VERSION] = { "has the libstoke-cupti.so of another version of "
				  "stoke" NOT_RECORDED,
				  "Start it again with this version's library." },
	[ATTACH_NOTE_REFUSED] = { "refused to tell of its GPU work.", "" },
	[ATTACH_NOTE_NO_ANSWER] = { "does not answer when asked for its GPU work.",
				    "See whether it is stopped; this is asked once, and it may "
				    "still answer." },
};

struct attach_notes *attach_notes_new(struct recording *recording)
{
	struct attach_notes *notes = allocate(1, sizeof *notes);
	notes->recording = recording;
	notes->library = library_beside_program("libstoke-cupti.so");
	return notes;
}

void attach_notes_free(struct attach_notes *notes)
{
	if (notes)
		free(notes->library);
	free(notes);
}

static const char *name_of(pid_t pid, struct gpu_process *process)
{
	gpu_process_read("", (uint32_t)pid, process);
	return process->name[0] ? process->name : "not in sight";
}

static void write_text(enum attach_note note, pid_t pid, const char *detail, char *out)
{
	struct gpu_process process, holder;
	const char *text = words[note].text;
	pid_t by = note == ATTACH_NOTE_TAKEN ? (pid_t)strtol(detail, NULL, 10) : 0;
	if (note == ATTACH_NOTE_MEMORY)
		snprintf(out, SENTENCE_BYTES, "%s", detail);
	else if (by > 0)
		snprintf(out, SENTENCE_BYTES, "Process %d (%s) %s process %d (%s)" NOT_RECORDED,
			 (int)pid, name_of(pid, &process), text, (int)by, name_of(by, &holder));
	else if (note == ATTACH_NOTE_TAKEN)
		snprintf(out, SENTENCE_BYTES, "Process %d (%s) %s another profiler" NOT_RECORDED,
			 (int)pid, name_of(pid, &process), text);
	else
		snprintf(out, SENTENCE_BYTES, "Process %d (%s) %s", (int)pid,
			 name_of(pid, &process), text);
}

/* How to start it so that next time it can be attached to. */
static void write_remedy(const struct attach_notes *notes, enum attach_note note, char *out)
{
	out[0] = '\0';
	if (words[note].remedy)
		snprintf(out, SENTENCE_BYTES, "%s", words[note].remedy);
	else if (note != ATTACH_NOTE_MEMORY)
		snprintf(out, SENTENCE_BYTES,
			 "Start it with CUDA_INJECTION64_PATH=%s in its environment, or under "
			 "`stoke run --`.",
			 notes->library ? notes->library : "libstoke-cupti.so");
}

void attach_notes_say(struct attach_notes *notes, enum attach_note note, pid_t pid,
		      const char *detail)
{
	char text[SENTENCE_BYTES], remedy[SENTENCE_BYTES];
	if (notes->is_said[note])
		return;
	notes->is_said[note] = true;
	write_text(note, pid, detail, text);
	write_remedy(notes, note, remedy);
	recording_note(notes->recording, SEVERITY_WARNING, "cupti", text, remedy);
	if (!notes->has_fact)
		recording_add_fact(notes->recording, "gpu.unavailable", text);
	notes->has_fact = true;
}
