/*
 * fixture_processes: a build of 4 s as a recording of several processes, whose sums can be worked
 * out by hand: exec, threads, a number used again, processes that ended, samples of nobody.
 */
#ifndef TESTS_FIXTURE_PROCESSES_H
#define TESTS_FIXTURE_PROCESSES_H

struct recording;

/*
 * CPU time in ms (cpu-clock), below what made it; r = goes on, e = ended; no state is known of the
 * last two:
 *
 *   100 make          30 r   20 of it in the kernel
 *     110 sh           0 e   never sampled
 *       111 as (cc1)   e     as sh 5; as cc1 700 parse, 200 page_fault (kernel); ended; the number
 *                            again as `as`: 40 assemble, which goes on: r
 *       112 cc1plus    e     600 parse by itself, 300 optimize by thread 113 "wörker"
 *     120 ld           400 r 400 link
 *   swapper            50    the idle task: no number
 *   nobody             15    samples without a thread
 *
 * In all 2340. page-faults: 3 of 111 as cc1, 1 of 120.
 */
struct recording *fixture_processes(void);

/* fixture_processes_ring: two processes that say to have made each other, and one below them. */
struct recording *fixture_processes_ring(void);

#endif
