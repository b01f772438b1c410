/* A job for tests/mpi.sh: every rank burns for as long as its number says, then all add up. */
#include <mpi.h>
#include <stdio.h>

static volatile double sink;

__attribute__((noinline)) static double even_work(double seconds)
{
	double start = MPI_Wtime(), x = 1;
	while (MPI_Wtime() - start < seconds)
		for (int i = 0; i < 100000; i++)
			x = x * 0.999 + i;
	return x;
}

__attribute__((noinline)) static double odd_work(double seconds)
{
	double start = MPI_Wtime(), x = 1;
	while (MPI_Wtime() - start < seconds)
		for (int i = 0; i < 100000; i++)
			x = x * 0.998 + i;
	return x;
}

int main(int argc, char **argv)
{
	int rank, n;
	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &n);
	sink = rank % 2 ? odd_work(0.4) : even_work(0.4);
	double mine = rank, sum = 0;
	MPI_Reduce(&mine, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
	if (rank == 0)
		printf("%d ranks, sum %.0f\n", n, sum);
	MPI_Finalize();
	return 0;
}
