/* stoke-model: the workloads of stoke, compiled for the cache model. Without stoke it prints sums
 * where STOKE_MODEL is set. */
#include "workloads/support/runner.h"

int main(int argc, char **argv)
{
	return workload_main(argc - 1, argv + 1);
}
