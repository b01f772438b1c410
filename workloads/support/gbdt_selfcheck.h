/*
 * gbdt_selfcheck: is the booster right on this machine? A small training by several ways.
 */
#ifndef WORKLOADS_SUPPORT_GBDT_SELFCHECK_H
#define WORKLOADS_SUPPORT_GBDT_SELFCHECK_H

#include "sampler/base/why.h"

struct crew;

/*
 * gbdt_selfcheck: about 0.1 s. Trees by one thread and plain loops equal those by the crew's and
 * each kind of instructions this CPU has, to the last bit; every row is in one leaf, every leaf is
 * -G/(H + lambda), a subtracted histogram is that of its rows; binned and raw values go the same
 * way, with missing ones; a constant column is never split; each loss falls at every tree, and its
 * gradient is the difference quotient of the loss.
 */
bool gbdt_selfcheck(struct crew *crew, struct why *why);

#endif
