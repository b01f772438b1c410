/*
 * Small files below a root. They come from a kernel as a rule, but a root may be anything a test
 * or a container puts there: sizes are bounded, devices and pipes do not block.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters/machine_parts.h"
#include "sampler/base/text.h"
#include "sampler/base/why.h"

__attribute__((format(printf, 3, 0))) static bool
make_path(char *path, const struct machine_root *root, const char *format, va_list list)
{
	int n = snprintf(path, PATH_MAX, "%s", root->path);
	if (n < 0 || n >= PATH_MAX)
		return false;
	int m = vsnprintf(path + n, (size_t)(PATH_MAX - n), format, list);
	return m >= 0 && m < PATH_MAX - n;
}

/* The first bytes, as they are; false if there are none. */
__attribute__((format(printf, 4, 0))) static bool read_head(const struct machine_root *root,
							    char *out, size_t bytes,
							    const char *format, va_list list)
{
	char path[PATH_MAX];
	out[0] = '\0';
	int fd = make_path(path, root, format, list)
			 ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
			 : -1;
	if (fd < 0)
		return false;
	size_t used = 0;
	while (used < bytes - 1) {
		ssize_t n = read(fd, out + used, bytes - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	close(fd);
	out[used] = '\0';
	return out[0] != '\0';
}

bool file_head(const struct machine_root *root, char *out, size_t bytes, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	bool is_read = read_head(root, out, bytes, format, list);
	va_end(list);
	return is_read;
}

static char *trim(char *text)
{
	static const char blanks[] = " \t\n";
	text += strspn(text, blanks);
	size_t n = strlen(text);
	while (n > 0 && strchr(blanks, text[n - 1]))
		text[--n] = '\0';
	return text;
}

bool file_text(const struct machine_root *root, char *out, size_t bytes, const char *format, ...)
{
	char raw[4096];
	va_list list;
	va_start(list, format);
	bool is_read = read_head(root, raw, sizeof raw, format, list);
	va_end(list);
	out[0] = '\0';
	if (!is_read)
		return false;
	text_clean(out, bytes, trim(raw));
	return out[0] != '\0';
}

bool file_number(const struct machine_root *root, int64_t *number, const char *format, ...)
{
	char raw[64];
	va_list list;
	va_start(list, format);
	bool is_read = read_head(root, raw, sizeof raw, format, list);
	va_end(list);
	*number = 0;
	if (!is_read)
		return false;
	char *end, *text = trim(raw);
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || end == text || *end)
		return false;
	*number = value;
	return true;
}

bool file_hex(const struct machine_root *root, uint64_t *number, const char *format, ...)
{
	char raw[64];
	va_list list;
	va_start(list, format);
	bool is_read = read_head(root, raw, sizeof raw, format, list);
	va_end(list);
	*number = 0;
	if (!is_read)
		return false;
	char *end, *text = trim(raw);
	errno = 0;
	unsigned long long value = strtoull(text, &end, 16);
	if (errno || end == text || *end || *text == '-')
		return false;
	*number = value;
	return true;
}

bool file_list(const struct machine_root *root, struct cpu_mask *list, const char *format, ...)
{
	char raw[8192];
	va_list arguments;
	va_start(arguments, format);
	bool is_read = read_head(root, raw, sizeof raw, format, arguments);
	va_end(arguments);
	*list = (struct cpu_mask){ 0 };
	return is_read && cpu_mask_parse(list, raw) && cpu_mask_count(list) > 0;
}

bool file_exists(const struct machine_root *root, const char *format, ...)
{
	char path[PATH_MAX];
	va_list list;
	va_start(list, format);
	bool is_made = make_path(path, root, format, list);
	va_end(list);
	return is_made && access(path, F_OK) == 0;
}

bool file_link(const struct machine_root *root, char *out, size_t bytes, const char *format, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	va_list list;
	va_start(list, format);
	bool is_made = make_path(path, root, format, list);
	va_end(list);
	out[0] = '\0';
	ssize_t n = is_made ? readlink(path, target, sizeof target - 1) : -1;
	if (n <= 0)
		return false;
	target[n] = '\0';
	text_clean(out, bytes, text_base_name(target));
	return out[0] != '\0';
}

static int by_name(const void *a, const void *b)
{
	/* Numbers in names count as numbers: node2 before node10. */
	return strverscmp(a, b);
}

size_t folder_names(const struct machine_root *root, char (**names)[FOLDER_NAME_BYTES], size_t most,
		    const char *path)
{
	char whole[PATH_MAX];
	int n_path = snprintf(whole, sizeof whole, "%s%s", root->path, path);
	DIR *folder = n_path > 0 && (size_t)n_path < sizeof whole ? opendir(whole) : NULL;
	size_t n = 0, capacity = 0;
	*names = NULL;
	for (const struct dirent *entry; folder && n < most && (entry = readdir(folder));) {
		size_t length = strlen(entry->d_name);
		if (entry->d_name[0] == '.' || length >= FOLDER_NAME_BYTES)
			continue;
		if (n == capacity) {
			capacity = capacity ? capacity * 2 : 16;
			*names = reallocate(*names, capacity, FOLDER_NAME_BYTES);
		}
		memcpy((*names)[n++], entry->d_name, length + 1);
	}
	if (folder)
		closedir(folder);
	if (n > 1)
		qsort(*names, n, FOLDER_NAME_BYTES, by_name);
	return n;
}

bool line_value(const char *text, const char *key, char *out, size_t bytes)
{
	size_t length = strlen(key);
	out[0] = '\0';
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, key, length) != 0)
			continue;
		const char *colon = line + length + strspn(line + length, " \t");
		if (*colon != ':')
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		char raw[4096];
		size_t n = strcspn(colon, "\n");
		n = n < sizeof raw ? n : sizeof raw - 1;
		memcpy(raw, colon, n);
		raw[n] = '\0';
		text_clean(out, bytes, trim(raw));
		return out[0] != '\0';
	}
	return false;
}

bool word_is_in(const char *text, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = text; (at = strstr(at, word)); at += length) {
		bool starts = at == text || at[-1] == ' ';
		if (starts && (at[length] == ' ' || at[length] == '\0'))
			return true;
	}
	return false;
}
