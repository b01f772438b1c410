/* Words are parted by newlines: a file's name may hold blanks. See steer.h. */
#include "workloads/support/steer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

void steer_open(struct steer *steer)
{
	struct stat status;
	const char *text = getenv("STOKE_STEER_FD");
	int fd = text ? atoi(text) : -1;
	*steer = (struct steer){ .fd = -1 };
	if (fd > 2 && fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode))
		steer->fd = fd;
}

static void split(struct steer *steer)
{
	size_t n = 0;
	char *rest;
	for (char *word = strtok_r(steer->text, "\n", &rest); word && n < STEER_MOST_WORDS;
	     word = strtok_r(NULL, "\n", &rest))
		steer->words[n++] = word;
	steer->words[n] = NULL;
}

/* Of several that came during one unit of work only the last counts. */
bool steer_take(struct steer *steer)
{
	bool has_taken = false;
	ssize_t n = 0;
	while (steer->fd >= 0 &&
	       (n = recv(steer->fd, steer->text, sizeof steer->text - 1, MSG_DONTWAIT)) > 0) {
		steer->text[n] = '\0';
		has_taken = true;
	}
	if (n == 0)
		steer->fd = -1; /* it has gone; the work goes on */
	if (has_taken)
		split(steer);
	return has_taken;
}

bool steer_send(int fd, char *const *words)
{
	char text[STEER_BYTES] = "\n"; /* an empty packet would look like the end */
	size_t n = 1;
	for (; *words; words++) {
		size_t length = strlen(*words);
		if (n + length + 1 >= sizeof text)
			return false;
		memcpy(text + n, *words, length);
		n += length;
		text[n++] = '\n';
	}
	return send(fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)n;
}
