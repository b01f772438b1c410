/* One chain shows the latency; four chains at once show how much of it a core can overlap. */
#include "kernels/pointer_chase.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"
#include "sampler/base/mix.h"

static uint64_t random_bits(uint64_t *state)
{
	return mix_bits(*state += MIX_STEP);
}

/* Sattolo: exchanging with an earlier one only leaves exactly one cycle. */
static void link_in_one_cycle(struct chase *chase, size_t *order, uint64_t seed)
{
	for (size_t i = 0; i < chase->n; i++)
		order[i] = i;
	for (size_t i = chase->n; i-- > 1;) {
		size_t j = (size_t)(random_bits(&seed) % i), swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	for (size_t i = 0; i < chase->n; i++)
		chase->nodes[i] = (struct chase_node){ .next = &chase->nodes[order[i]],
						       .value = random_bits(&seed) };
}

static void *page_of(void *memory)
{
	enum { PAGE = 4096 };
	return (char *)memory + (PAGE - (uintptr_t)memory % PAGE) % PAGE;
}

bool chase_start(struct chase *chase, size_t n, uint64_t seed, bool wants_huge_pages)
{
	*chase = (struct chase){ .n = n };
	if (n > SIZE_MAX / sizeof *chase->nodes)
		return false;
	chase->nodes = aligned_take(n * sizeof *chase->nodes);
	size_t *order = aligned_take(n * sizeof *order);
	if (!chase->nodes || !order) {
		free(order);
		chase_free(chase);
		return false;
	}
	if (!wants_huge_pages) /* before the first touch; only whole pages of it are meant */
		madvise(page_of(chase->nodes), n * sizeof *chase->nodes, MADV_NOHUGEPAGE);
	link_in_one_cycle(chase, order, seed);
	free(order);
	const struct chase_node *at = chase->nodes;
	for (size_t chain = 0, step = 0; chain < CHASE_CHAINS; chain++) {
		for (; step < n * chain / CHASE_CHAINS; step++)
			at = at->next;
		chase->starts[chain] = at;
	}
	return true;
}

void chase_free(struct chase *chase)
{
	free(chase->nodes);
	*chase = (struct chase){ 0 };
}

static uint64_t chase_one(const struct chase *chase)
{
	const struct chase_node *at = chase->starts[0];
	uint64_t sum = 0;
	for (size_t i = 0; i < chase->n; i++, at = at->next)
		sum += at->value;
	return sum;
}

static uint64_t chase_four(const struct chase *chase)
{
	const struct chase_node *at[CHASE_CHAINS];
	size_t steps = chase->n / CHASE_CHAINS;
	uint64_t sum = 0;
	for (int chain = 0; chain < CHASE_CHAINS; chain++)
		at[chain] = chase->starts[chain];
	for (size_t i = 0; i < steps; i++) {
#pragma GCC unroll 4
		for (int chain = 0; chain < CHASE_CHAINS; chain++) {
			sum += at[chain]->value;
			at[chain] = at[chain]->next;
		}
	}
	for (size_t chain = 0; chain < CHASE_CHAINS; chain++) { /* one step more for some */
		size_t from = chase->n * chain / CHASE_CHAINS;
		size_t to = chase->n * (chain + 1) / CHASE_CHAINS;
		if (to - from > steps)
			sum += at[chain]->value;
	}
	return sum;
}

static double chase_flops(size_t n)
{
	(void)n;
	return 0;
}

static double chase_bytes(size_t n)
{
	return 64.0 * (double)n;
}

static const struct variant variants[] = {
	{ "one", "one chain: every step waits for the one before", NULL,
	  (void (*)(void))chase_one },
	{ "four", "four chains: four lines are on their way at once", NULL,
	  (void (*)(void))chase_four },
	{ 0 },
};

pointer_chase_function *pointer_chase_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (pointer_chase_function *)variant->function : NULL;
}

const struct kernel kernel_pointer_chase = {
	.name = "pointer_chase",
	.summary = "a random walk through memory: the latency of each cache",
	.source = "Saavedra and Smith, IEEE TC 44 (1995); lmbench",
	.variants = variants,
	.tolerance = 0,
	.flops = chase_flops,
	.bytes = chase_bytes,
};
