/* What the target writes to its own terminal, kept for the screen and for after it. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sampler/recording.h"
#include "sampler/source.h"
#include "sampler/target.h"

enum {
	MOST_BYTES = 4 << 20, /* a chatty program must not fill the memory; the start says most */
	READ_BYTES = 4096,
	MOST_A_DRAIN = 256, /* reads: 1 MiB, then the others have their turn */
};

struct state {
	int fd;
	uint64_t n_bytes, n_left_out;
	struct winsize size; /* as last noted */
};

/* What is drawn on a terminal depends on its size: "OFFSET COLUMNSxROWS", from that byte on. */
static void note_size(struct state *state, struct recording *recording)
{
	struct winsize now;
	char text[64];
	if (ioctl(state->fd, TIOCGWINSZ, &now) != 0 ||
	    (now.ws_col == state->size.ws_col && now.ws_row == state->size.ws_row))
		return;
	state->size = now;
	snprintf(text, sizeof text, "%llu %ux%u", (unsigned long long)state->n_bytes, now.ws_col,
		 now.ws_row);
	recording_add_fact(recording, "terminal:size", text);
}

static bool output_wanted(const struct target *target)
{
	return target->output_fd >= 0;
}

static bool output_open(void *opaque, const struct target *target, struct recording *recording,
			struct why *why)
{
	(void)recording;
	(void)why;
	((struct state *)opaque)->fd = target->output_fd;
	return true;
}

static int output_fds(void *opaque, struct pollfd *out, int max)
{
	if (max < 1)
		return 0;
	out[0] = (struct pollfd){ .fd = ((struct state *)opaque)->fd, .events = POLLIN };
	return 1;
}

static void output_drain(void *opaque, struct recording *recording, bool is_last)
{
	struct state *state = opaque;
	char bytes[READ_BYTES], text[128];
	note_size(state, recording);
	for (int i = 0; i < MOST_A_DRAIN; i++) {
		ssize_t n = read(state->fd, bytes, sizeof bytes);
		if (n <= 0)
			break;
		uint64_t room = MOST_BYTES - state->n_bytes;
		uint64_t kept = (uint64_t)n < room ? (uint64_t)n : room;
		recording_add_output(recording, bytes, kept);
		state->n_bytes += kept;
		state->n_left_out += (uint64_t)n - kept;
	}
	if (!is_last || state->n_left_out == 0)
		return;
	snprintf(text, sizeof text, "The program wrote %llu bytes more than the %d MiB kept.",
		 (unsigned long long)state->n_left_out, MOST_BYTES >> 20);
	recording_note(recording, SEVERITY_INFO, "output", text,
		       "Send its output to a file, or use --headless.");
}

static void output_close(void *opaque)
{
	(void)opaque; /* the descriptor is the target's */
}

const struct source source_output = {
	.name = "output",
	.summary = "what the program writes to its terminal while the screen is ours",
	.state_bytes = sizeof(struct state),
	.interval_ns = 50 * 1000 * 1000,
	.wanted = output_wanted,
	.open = output_open,
	.fds = output_fds,
	.drain = output_drain,
	.close = output_close,
};
