/*
 * attach_notes: why there is no GPU work of a program that was attached to, and what to do about
 * it; each reason once.
 */
#ifndef GPU_ATTACH_NOTES_H
#define GPU_ATTACH_NOTES_H

#include <sys/types.h>

struct attach_notes;
struct recording;

enum attach_note {
	ATTACH_NOTE_BARE,       /* CUDA without the library */
	ATTACH_NOTE_OTHER_TOOL, /* CUDA_INJECTION64_PATH names another */
	ATTACH_NOTE_STARTED_BY, /* whoever started it records it */
	ATTACH_NOTE_SILENT,     /* the library is there and does not listen */
	ATTACH_NOTE_TAKEN,      /* detail: who has it; "0" = not in sight */
	ATTACH_NOTE_USER,
	ATTACH_NOTE_NETWORK,
	ATTACH_NOTE_VERSION,
	ATTACH_NOTE_REFUSED,
	ATTACH_NOTE_NO_ANSWER,
	ATTACH_NOTE_MEMORY, /* detail: the sentence */
	N_ATTACH_NOTES,
};

struct attach_notes *attach_notes_new(struct recording *recording);
void attach_notes_free(struct attach_notes *notes); /* NULL is fine */

/* attach_notes_say: of the first process with it; detail as the note has it, or NULL. Also the
 * recording's fact "gpu.unavailable", as long as nothing else is. */
void attach_notes_say(struct attach_notes *notes, enum attach_note note, pid_t pid,
		      const char *detail);

#endif
