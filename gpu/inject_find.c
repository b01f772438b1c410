/* The newest first: an older one does not know the driver's newest functions. */
#include "gpu/inject_find.h"

#include <dlfcn.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "gpu/cupti.h"
#include "sampler/base/library.h"

enum { MOST_PLACES = 16, PLACE_BYTES = 4096 };

#define AT(field) offsetof(struct cupti_calls, field)

static const struct library_symbol symbols[] = {
	{ "cuptiSubscribe", AT(subscribe), true },
	{ "cuptiSubscribe_v2", AT(subscribe_named), false },
	{ "cuptiUnsubscribe", AT(unsubscribe), false },
	{ "cuptiSetThreadIdType", AT(set_thread_id), false },
	{ "cuptiActivityRegisterTimestampCallback", AT(set_clock), true },
	{ "cuptiActivitySetAttribute", AT(set_attribute), false },
	{ "cuptiActivityRegisterCallbacks", AT(set_buffers), true },
	{ "cuptiActivityEnable", AT(enable), true },
	{ "cuptiActivityDisable", AT(disable), false },
	{ "cuptiActivityGetNextRecord", AT(next_record), true },
	{ "cuptiActivityGetNumDroppedRecords", AT(count_dropped), false },
	{ "cuptiActivityFlushPeriod", AT(flush_period), false },
	{ "cuptiActivityFlushAll", AT(flush), true },
	{ "cuptiEnableCallback", AT(enable_callback), true },
	{ "cuptiGetCallbackName", AT(callback_name), true },
	{ 0 },
};

struct places {
	char paths[MOST_PLACES][PLACE_BYTES];
	const char *names[MOST_PLACES + 1];
	size_t n;
};

static void add_place(struct places *places, const char *folder, size_t folder_bytes,
		      const char *file)
{
	if (places->n == MOST_PLACES)
		return;
	int n = snprintf(places->paths[places->n], PLACE_BYTES, "%.*s%s", (int)folder_bytes, folder,
			 file);
	if (n <= 0 || n >= PLACE_BYTES)
		return;
	places->names[places->n] = places->paths[places->n];
	places->n++;
}

/* Beside the run-time library: in the toolkit, or in Python's packages. */
static int add_beside(struct dl_phdr_info *info, size_t bytes, void *opaque)
{
	const char *name = strstr(info->dlpi_name, "/libcudart.so");
	(void)bytes;
	if (!name)
		return 0;
	size_t folder_bytes = (size_t)(name - info->dlpi_name);
	add_place(opaque, info->dlpi_name, folder_bytes, "/libcupti.so.13");
	add_place(opaque, info->dlpi_name, folder_bytes, "/libcupti.so.12");
	add_place(opaque, info->dlpi_name, folder_bytes, "/../extras/CUPTI/lib64/libcupti.so");
	add_place(opaque, info->dlpi_name, folder_bytes, "/../../cuda_cupti/lib/libcupti.so.12");
	return 1;
}

void *inject_find_cupti(const char *chosen, struct cupti_calls *calls)
{
	static struct places places; /* too large for the stacks of some threads */
	const char *const only[] = { chosen, NULL };
	struct why why;
	if (chosen && *chosen)
		return library_open(only, "CUPTI", "NVIDIA driver", symbols, calls, &why);
	memset(&places, 0, sizeof places);
	add_place(&places, "", 0, "libcupti.so.13");
	add_place(&places, "", 0, "libcupti.so.12");
	dl_iterate_phdr(add_beside, &places);
	add_place(&places, "", 0, "/usr/local/cuda/lib64/libcupti.so");
	add_place(&places, "", 0, "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so");
	return library_open(places.names, "CUPTI", "NVIDIA driver", symbols, calls, &why);
}
