/*
 * fixture_gpu: a recording of two GPUs that is the same every time.
 */
#ifndef TESTS_FIXTURE_GPU_H
#define TESTS_FIXTURE_GPU_H

struct recording;

/* A kernel begins so long after its launch. */
enum { FIXTURE_GPU_QUEUED_NS = 20000 };

/* fixture_gpu: three streams, kernels of one and of several shapes, a copy, a wait, the driver's
 * readings, the device's counters a thousand times a second (one not available), ceilings of this
 * device and of a machine, launch stacks and a piece without; made by gpu/'s own code from records
 * as a program would send them. */
struct recording *fixture_gpu(void);

#endif
