/*
 * session_control: what is said to a recording while it runs: orders through a FIFO, as perf takes
 * them, and snapshots.
 */
#ifndef TUI_SESSION_CONTROL_H
#define TUI_SESSION_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/why.h"
#include "tui/snapshot_trigger.h"

struct recording;
struct settings;

enum order { ORDER_NONE, ORDER_ENABLE, ORDER_DISABLE, ORDER_SNAPSHOT, ORDER_STOP, ORDER_PING };

enum { ORDER_BYTES = 128 };

struct session_control {
	const struct settings *settings;
	int fd, answer_fd; /* -1 = none */
	char *made;        /* the FIFO, if we made it */
	char line[ORDER_BYTES];
	size_t n_line;
	struct snapshot_trigger trigger;
	bool has_trigger;
	unsigned n_snapshots;
};

#define SESSION_CONTROL_NONE ((struct session_control){ .fd = -1, .answer_fd = -1 })

/* session_control_check: do the options make sense together? False and a sentence if not. */
bool session_control_check(const struct settings *settings, bool has_screen, struct why *why);

/*
 * session_control_open: the FIFO ("FIFO", "FIFO,ANSWERS", or perf's "fifo:" before it) is made if
 * there is nothing under that name, and then removed at the end.
 */
bool session_control_open(struct session_control *control, const struct settings *settings,
			  struct why *why);
void session_control_close(struct session_control *control);

/* session_control_next: the next order; ORDER_NONE when none waits. Never blocks. A word that is no
 * order is answered with a sentence. */
enum order session_control_next(struct session_control *control);

/* session_control_answer: "ack" to whoever waits for it. */
void session_control_answer(const struct session_control *control, const char *text);

/* session_control_is_triggered: --snapshot-when has just come true. */
bool session_control_is_triggered(struct session_control *control,
				  const struct recording *recording);

/*
 * session_control_snapshot: what was recorded so far (with --ring, lately) as FILE.N.EXT, N the
 * next number of which there is no file.
 * path     of -o, expanded
 * written  [out] the name, of bytes
 */
bool session_control_snapshot(struct session_control *control, const struct recording *recording,
			      const char *path, char *written, size_t bytes, struct why *why);

/* session_control_since: what is older is not kept; 0 = all is. */
uint64_t session_control_since(const struct settings *settings);

#endif
