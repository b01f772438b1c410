/* Fresh memory, each page of it written to for the first time, over and over. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/page_touch.h"
#include "kernels/support/dispatch.h"
#include "workloads/support/passes.h"

enum { SIZE_MIB, VARIANT, THREADS, REPEATS, SEED };

/* A share's, in its own cache lines. */
struct share {
	_Alignas(64) struct page_touch touch;
	bool is_good;
};

struct state {
	struct share *shares;
	page_touch_function *touch;
	struct passes passes;
	size_t n_pages;
	bool is_wrong, is_without_memory;
};

static void pages_finish(void *opaque)
{
	struct state *state = opaque;
	crew_free(state->passes.crew);
	free(state->shares);
	free(state);
}

static void *pages_prepare(const struct setting *settings, struct why *why)
{
	struct state *state = allocate(1, sizeof *state);
	struct passes *passes = &state->passes;
	state->touch = page_touch_variant(settings[VARIANT].text);
	passes->n_wanted = (uint64_t)settings[REPEATS].number;
	passes->crew = crew_new((unsigned)settings[THREADS].number, "pages");
	unsigned n_shares = crew_size(passes->crew);
	state->n_pages = (size_t)(settings[SIZE_MIB].number * 1048576 / PAGE_TOUCH_STEP);
	state->shares = aligned_take(n_shares * sizeof *state->shares);
	if (!state->shares) {
		why_fail(why, "No memory for %u threads.", n_shares);
		pages_finish(state);
		return NULL;
	}
	for (unsigned i = 0; i < n_shares; i++) {
		size_t from, to;
		crew_part(state->n_pages, i, n_shares, &from, &to);
		state->shares[i].touch = (struct page_touch){
			.bytes = (to - from) * PAGE_TOUCH_STEP,
			.seed = (uint64_t)settings[SEED].number + from,
		};
	}
	double pages = (double)state->n_pages;
	passes->each = (struct probe_work){ 0, pages * PAGE_TOUCH_STEP, pages };
	snprintf(passes->phase, sizeof passes->phase, "touch %s, %zu pages", settings[VARIANT].text,
		 state->n_pages);
	return state;
}

static void touch_share(void *opaque, unsigned share, unsigned n_shares)
{
	struct state *state = opaque;
	struct share *own = &state->shares[share];
	(void)n_shares;
	own->is_good = own->touch.bytes == 0 || state->touch(&own->touch);
}

static bool pages_run(void *opaque)
{
	struct state *state = opaque;
	bool is_more = passes_run(&state->passes, touch_share, state);
	uint64_t n_faults = 0;
	for (unsigned i = 0; i < crew_size(state->passes.crew); i++) {
		const struct share *share = &state->shares[i];
		state->is_without_memory |= !share->is_good;
		state->is_wrong |= share->touch.sum != page_touch_sum(&share->touch);
		n_faults += share->touch.n_faults;
	}
	probe_quality("faults a pass", (double)n_faults);
	probe_quality("ns a page", state->passes.last_ns / (double)state->n_pages);
	return is_more && !state->is_without_memory;
}

static struct work pages_work(const void *opaque)
{
	return passes_work(&((const struct state *)opaque)->passes);
}

static bool pages_verify(void *opaque, struct why *why)
{
	const struct state *state = opaque;
	if (state->is_without_memory)
		return why_fail(why, "pages: no memory for %zu pages; use a smaller size=.",
				state->n_pages);
	return !state->is_wrong || why_fail(why, "pages: a page lost what was written to it.");
}

static const struct parameter parameters[] = {
	[SIZE_MIB] = { "size", "MiB mapped each pass (S 1, M 64, L 1024)", PARAMETER_REAL, "256",
		       0.004, 65536, "1|64|1024" },
	[VARIANT] = { "variant", "how memory is asked for", PARAMETER_CHOICE, "small", 0, 0,
		      "auto|small|populated|huge" },
	[THREADS] = { "threads", "0 = one a CPU", PARAMETER_INTEGER, "1", 0, 256, NULL },
	[REPEATS] = { "repeats", "passes", PARAMETER_INTEGER, "500", 1, 1e9, NULL },
	[SEED] = { "seed", "of what is written", PARAMETER_INTEGER, "1", 0, 1e15, NULL },
	{ 0 },
};

const struct workload workload_pages = {
	.name = "pages",
	.summary = "the first touch of memory: page faults, by 4 KiB or 2 MiB",
	.teaches =
		"Memory from mmap is a promise. The first write to a page is a fault: the kernel "
		"takes over, finds a page, clears it and enters it into the page table, which "
		"takes longer than a thousand instructions, and a profile shows it as [kernel]. "
		"variant=huge gets 2 MiB a fault: 512 times fewer, and what is left is clearing. "
		"populated has all of it done in one call, without the way in and out of the "
		"kernel. More threads= share one address space and its locks. A host may have to "
		"find a virtual machine's pages once more, and memory in small pieces must be put "
		"together first: then huge is the slower one, with as few faults. Where huge pages "
		"are switched off (transparent_hugepage/enabled = never) it is as slow as small, "
		"and the number of faults says so.",
	.source = "Linux, Documentation/admin-guide/mm/transhuge.rst",
	.parameters = parameters,
	.prepare = pages_prepare,
	.run = pages_run,
	.verify = pages_verify,
	.work = pages_work,
	.finish = pages_finish,
};
