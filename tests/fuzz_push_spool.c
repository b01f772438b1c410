/*
 * The spool of pushes, read back after a crash: a file of any bytes in its folder, and requests of
 * any bytes put in and taken out again. What is taken must be safe to send: whole, without control
 * characters, and to no other store than the one asked for.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sampler/push_spool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_PATH = 128, MOST_STORE = 256 };

/* Memory where there is any, so that a run is not the disk's. */
static char folder[MOST_PATH] = "/dev/shm/stoke-fuzz-XXXXXX";

static void remove_folder(void)
{
	rmdir(folder);
}

static void make_folder(void)
{
	if (mkdtemp(folder)) {
		atexit(remove_folder);
		return;
	}
	snprintf(folder, sizeof folder, "/tmp/stoke-fuzz-XXXXXX");
	if (!mkdtemp(folder))
		abort();
	atexit(remove_folder);
}

static void put_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

static void check_line(const char *line)
{
	if (!*line)
		abort();
	for (; *line; line++)
		if ((unsigned char)*line < 0x20 || *line == 0x7f)
			abort();
}

struct taking {
	const char *store;
	const struct push_request *expected; /* NULL = any */
	size_t n;
	unsigned sum;
};

static bool take(void *opaque, const struct push_request *request, bool *is_done)
{
	struct taking *taking = opaque;
	const uint8_t *body = request->body;
	const struct push_request *expected = taking->expected;
	check_line(request->store);
	check_line(request->url);
	check_line(request->content_type);
	size_t n = strlen(taking->store);
	if (strcmp(request->store, taking->store) != 0 ||
	    strncmp(request->url, taking->store, n) != 0 || request->url[n] != '/')
		abort();
	for (size_t i = 0; i < request->n_bytes; i++)
		taking->sum += body[i];
	if (expected && (request->n_bytes != expected->n_bytes ||
			 memcmp(body, expected->body, request->n_bytes) != 0 ||
			 strcmp(request->url, expected->url) != 0 ||
			 strcmp(request->content_type, expected->content_type) != 0))
		abort();
	taking->n++;
	*is_done = true;
	return true;
}

/* The second line of a file is the store it is for: ask for that one. */
static void store_of(const uint8_t *data, size_t size, char *out)
{
	const uint8_t *line = memchr(data, '\n', size);
	size_t rest = line ? size - (size_t)(line + 1 - data) : 0, n = 0;
	while (n < rest && n < MOST_STORE - 1 && line[1 + n] != '\n')
		n++;
	if (n)
		memcpy(out, line + 1, n);
	out[n] = '\0';
}

static void read_any(const uint8_t *data, size_t size)
{
	char path[MOST_PATH + 16], store[MOST_STORE];
	struct taking taking = { .store = store };
	snprintf(path, sizeof path, "%s/1.push", folder);
	store_of(data, size, store);
	put_file(path, data, size);
	size_t n_left = push_spool_each(folder, store, take, &taking);
	/* Taken is gone; what is none of ours stays, and is not counted. */
	if (n_left != 0 || taking.n > 1 || (access(path, F_OK) == 0) != (taking.n == 0))
		abort();
	unlink(path);
}

/* A text of the input's bytes up to the next zero. */
static char *next_text(const uint8_t **at, const uint8_t *end)
{
	size_t n = 0;
	while (*at + n < end && (*at)[n])
		n++;
	char *text = strndup((const char *)*at, n);
	*at += n + (*at + n < end);
	return text;
}

static void go_round(const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *end = data + size;
	struct push_request request = { 0 };
	struct why why;
	size_t n_dropped;
	request.store = next_text(&at, end);
	request.url = next_text(&at, end);
	request.content_type = next_text(&at, end);
	request.n_bytes = (size_t)(end - at);
	request.body = malloc(request.n_bytes + 1);
	memcpy(request.body, at, request.n_bytes);
	struct taking taking = { .store = request.store, .expected = &request };
	bool is_kept = push_spool_add(folder, &request, UINT64_MAX, &n_dropped, &why);
	if (push_spool_each(folder, request.store, take, &taking) != 0 || taking.n != is_kept)
		abort();
	push_request_clear(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_made;
	if (!is_made)
		make_folder();
	is_made = true;
	read_any(data, size);
	go_round(data, size);
	return 0;
}
