/* A file is four lines (magic, store, URL, content type), the length of the body, and the body. */
#include "sampler/push_spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sampler/base/file.h"
#include "sampler/base/text.h"

enum { MOST_LINE_BYTES = 8192 };

static const char magic[] = "stoke push 1", suffix[] = ".push";

/* As large as the profile of a day's run gets; more is no file of ours. */
static const size_t MOST_BODY_BYTES = (size_t)256 << 20;

void push_request_clear(struct push_request *request)
{
	free(request->store);
	free(request->url);
	free(request->content_type);
	free(request->body);
	*request = (struct push_request){ 0 };
}

bool push_spool_folder(char *path, size_t bytes, struct why *why)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = -1;
	if (state && state[0] == '/')
		n = snprintf(path, bytes, "%s/stoke/spool", state);
	else if (home && home[0] == '/')
		n = snprintf(path, bytes, "%s/.local/state/stoke/spool", home);
	return (n > 0 && (size_t)n < bytes) ||
	       why_fail(why, "There is no place for a spool: neither XDG_STATE_HOME nor HOME is "
			     "set; give --spool FOLDER.");
}

/* The folder and all above it. */
static bool make_folder(const char *folder, struct why *why)
{
	char clean[256];
	file_make_parents(folder);
	return mkdir(folder, 0700) == 0 || errno == EEXIST ||
	       why_fail(why, "Cannot make the spool %s: %s.",
			text_clean(clean, sizeof clean, folder), strerror(errno));
}

static int is_ours(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name), n_suffix = sizeof suffix - 1;
	return n > n_suffix && strcmp(entry->d_name + n - n_suffix, suffix) == 0;
}

static void free_names(struct dirent **names, int n)
{
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* Names begin with their time, so the first are the oldest. */
static size_t drop_oldest(const char *folder, uint64_t most_bytes)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_ours, alphasort);
	uint64_t sum = 0;
	size_t n_dropped = 0;
	for (int i = n; i-- > 0;) {
		char path[PATH_MAX];
		struct stat status;
		snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
		if (stat(path, &status) != 0)
			continue;
		sum += (uint64_t)status.st_size;
		/* The newest stays, whatever its size. */
		n_dropped += sum > most_bytes && i < n - 1 && unlink(path) == 0;
	}
	if (n >= 0)
		free_names(names, n);
	return n_dropped;
}

/* What makes a line of the file, and a part of a request's head: nothing that ends either early. */
static bool is_line(const char *text)
{
	size_t n = 0;
	for (; text && text[n]; n++)
		if ((unsigned char)text[n] < 0x20 || text[n] == 0x7f)
			return false;
	return n > 0 && n < MOST_LINE_BYTES - 1;
}

/* A token goes along with what is sent, so a file may name no host but the one it is kept for. */
static bool is_sound(const struct push_request *request)
{
	if (!is_line(request->store) || !is_line(request->url) || !is_line(request->content_type))
		return false;
	size_t n = strlen(request->store);
	return strncmp(request->url, request->store, n) == 0 && request->url[n] == '/' &&
	       request->n_bytes > 0 && request->n_bytes <= MOST_BODY_BYTES;
}

static bool write_request(FILE *out, const struct push_request *request)
{
	fprintf(out, "%s\n%s\n%s\n%s\n%zu\n", magic, request->store, request->url,
		request->content_type, request->n_bytes);
	fwrite(request->body, 1, request->n_bytes, out);
	bool is_good = fflush(out) == 0 && !ferror(out) && fsync(fileno(out)) == 0;
	return fclose(out) == 0 && is_good;
}

bool push_spool_add(const char *folder, const struct push_request *request, uint64_t most_bytes,
		    size_t *n_dropped, struct why *why)
{
	static unsigned n_added;
	char path[PATH_MAX], temporary[PATH_MAX + 8], clean[256];
	struct timespec now;
	*n_dropped = 0;
	if (!is_sound(request))
		return why_fail(why, "The profile cannot be kept: its address or its size makes no "
				     "sense.");
	if (!make_folder(folder, why))
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	int n = snprintf(path, sizeof path, "%s/%012lld%09ld-%d-%u%s", folder,
			 (long long)now.tv_sec, now.tv_nsec, (int)getpid(), n_added++, suffix);
	if (n < 0 || (size_t)n >= sizeof path)
		return why_fail(why, "The name of the spool is too long.");
	snprintf(temporary, sizeof temporary, "%s.new", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out || !write_request(out, request) || rename(temporary, path) != 0) {
		int error = errno;
		unlink(temporary);
		return why_fail(why, "Cannot keep the profile in %s: %s.",
				text_clean(clean, sizeof clean, folder), strerror(error));
	}
	*n_dropped = drop_oldest(folder, most_bytes);
	return true;
}

static char *read_line(FILE *in)
{
	char line[MOST_LINE_BYTES];
	size_t n = fgets(line, sizeof line, in) ? strlen(line) : 0;
	if (n == 0 || line[n - 1] != '\n')
		return NULL;
	line[n - 1] = '\0';
	return strdup(line);
}

static bool read_body(FILE *in, struct push_request *request)
{
	char *size = read_line(in), *end = NULL;
	unsigned long long n = size && *size >= '0' && *size <= '9' ? strtoull(size, &end, 10) : 0;
	struct stat status;
	/* No room is made for more than the file has. */
	bool is_good = end && !*end && n > 0 && n <= MOST_BODY_BYTES &&
		       fstat(fileno(in), &status) == 0 && (uint64_t)status.st_size >= n;
	free(size);
	if (!is_good)
		return false;
	request->body = malloc(n);
	request->n_bytes = n;
	return request->body && fread(request->body, 1, n, in) == n && getc(in) == EOF;
}

static bool read_request(const char *path, struct push_request *request)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!in)
		return false;
	char *first = read_line(in);
	bool is_good = first && strcmp(first, magic) == 0;
	free(first);
	is_good = is_good && (request->store = read_line(in)) && (request->url = read_line(in)) &&
		  (request->content_type = read_line(in)) && read_body(in, request);
	fclose(in);
	return is_good && is_sound(request);
}

size_t push_spool_each(const char *folder, const char *store,
		       bool (*take)(void *opaque, const struct push_request *request,
				    bool *is_done),
		       void *opaque)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_ours, alphasort);
	size_t n_left = 0;
	bool goes_on = true;
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		struct push_request request = { 0 };
		bool is_done = false;
		snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
		if (read_request(path, &request) && strcmp(request.store, store) == 0) {
			if (goes_on)
				goes_on = take(opaque, &request, &is_done);
			n_left += !(is_done && unlink(path) == 0);
		}
		push_request_clear(&request);
	}
	if (n >= 0)
		free_names(names, n);
	return n_left;
}
