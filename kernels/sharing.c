/* What keeps the counter's place: a locked addition, a store each time, or a register till the end.
 */
#include "kernels/sharing.h"

#include "kernels/kernel.h"
#include "kernels/support/dispatch.h"

static void sharing_atomic(uint64_t *counter, uint64_t n)
{
	volatile uint64_t *place = counter;
	for (uint64_t i = 0; i < n; i++)
		__atomic_fetch_add(place, 1, __ATOMIC_RELAXED);
}

static void sharing_memory(uint64_t *counter, uint64_t n)
{
	volatile uint64_t *place = counter;
	for (uint64_t i = 0; i < n; i++)
		*place = *place + 1;
}

static void sharing_register(uint64_t *counter, uint64_t n)
{
	uint64_t count = *counter;
	for (uint64_t i = 0; i < n; i++) {
		count++;
		__asm__ volatile("" : "+r"(count)); /* or the loop would be one addition */
	}
	*counter = count;
}

static double sharing_flops(size_t n)
{
	(void)n;
	return 0;
}

static double sharing_bytes(size_t n)
{
	return 16.0 * (double)n;
}

static const struct variant variants[] = {
	{ "atomic", "a locked addition", NULL, (void (*)(void))sharing_atomic },
	{ "memory", "a load, an addition and a store", NULL, (void (*)(void))sharing_memory },
	{ "register", "in a register, stored in the end", NULL, (void (*)(void))sharing_register },
	{ 0 },
};

sharing_function *sharing_variant(const char *name)
{
	const struct variant *variant = dispatch_variant(variants, name);
	return variant ? (sharing_function *)variant->function : NULL;
}

const struct kernel kernel_sharing = {
	.name = "sharing",
	.summary = "each thread its own counter, in one cache line or in many",
	.source = "Torrellas, Lam, Hennessy (1994)",
	.variants = variants,
	.tolerance = 0,
	.flops = sharing_flops,
	.bytes = sharing_bytes,
};
