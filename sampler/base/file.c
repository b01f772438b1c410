/* A write may end early without having failed. */
#include "sampler/base/file.h"

#include <errno.h>
#include <unistd.h>

bool file_write_all(int fd, const void *bytes, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t written = write(fd, (const char *)bytes + done, n - done);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		done += (size_t)written;
	}
	return true;
}
