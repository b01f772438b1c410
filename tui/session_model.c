/* stoke-model stands beside stoke, in a build as well as installed. */
#include "tui/session_model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters/model_memory.h"
#include "tui/settings.h"

#define VARIABLE "STOKE_MODEL="

bool session_model_open(struct session_model *model, const struct settings *settings,
			struct why *why)
{
	const char *caches = settings->caches ? settings->caches : "";
	*model = (struct session_model){ 0 };
	if (!settings->has_model)
		return true;
	int fd = model_memory_create(why);
	if (fd < 0)
		return false;
	model->fd = fd;
	model->text = allocate(sizeof VARIABLE + strlen(caches), 1);
	snprintf(model->text, sizeof VARIABLE + strlen(caches), VARIABLE "%s", caches);
	return true;
}

void session_model_close(struct session_model *model)
{
	free(model->text);
	if (model->fd > 0)
		close(model->fd);
	*model = (struct session_model){ 0 };
}

void session_model_environment(const struct session_model *model, char *const *others,
			       const char *environment[5])
{
	int n = 0;
	for (; n < 3 && others[n]; n++)
		environment[n] = others[n];
	if (model->text)
		environment[n++] = model->text;
	environment[n] = NULL;
}

char *session_model_program(struct why *why)
{
	char path[PATH_MAX] = "";
	if (readlink("/proc/self/exe", path, sizeof path - 1) <= 0)
		path[0] = '\0';
	char *slash = strrchr(path, '/');
	size_t folder_bytes = slash ? (size_t)(slash - path) + 1 : 0;
	snprintf(path + folder_bytes, sizeof path - folder_bytes, "stoke-model");
	if (access(path, X_OK) == 0)
		return strdup(path);
	why_fail(why, "There is no stoke-model beside stoke, which is its workloads compiled for "
		      "the cache model; run `make` or `make install`.");
	return NULL;
}
