/*
 * The backward pass: a depth-first order of what the loss was made from, walked in reverse. The
 * stack is an array, so a chain of a hundred thousand tensors does not end in an overflow.
 */
#include "workloads/support/autograd.h"

#include <stdio.h>
#include <string.h>

#include "sampler/base/probe.h"
#include "sampler/base/why.h"
#include "workloads/support/tape_run.h"
#include "workloads/support/tensor_tape.h"

struct frame {
	struct tensor *tensor;
	int next; /* parent to look at */
};

struct order {
	struct tensor **done; /* children after parents */
	struct tensor **seen; /* TAPE_SCAN */
	struct frame *stack;
	size_t n_done, n_seen, n_stack;
};

/* Phase names are at most 47 bytes (shared_ring.h); "back " and the layer's name fit. */
static void scope_name(const struct tape *tape, char *text, size_t bytes)
{
	snprintf(text, bytes, "%s%s", tape->is_backward ? "back " : "", tape->scope);
}

void tape_scope(struct tape *tape, const char *name)
{
	char text[64];
	if (!tape->settings.reports_scopes) {
		tape->scope = name;
		return;
	}
	if (tape->scope) {
		scope_name(tape, text, sizeof text);
		probe_phase_end(text, tape_phase_work(tape, &tape->work_at_scope));
	}
	tape->scope = name;
	tape->work_at_scope = tape->work;
	if (tape->scope) {
		scope_name(tape, text, sizeof text);
		probe_phase_begin(text);
	}
}

/* The list is searched from its start, as it is done where nobody has looked at a profile. */
__attribute__((noinline)) static bool scan_visited(struct order *order, struct tensor *t)
{
	for (size_t i = 0; i < order->n_seen; i++)
		if (order->seen[i] == t)
			return true;
	order->seen[order->n_seen++] = t;
	return false;
}

static bool is_visited(struct tape *tape, struct order *order, struct tensor *t)
{
	if (tape->settings.order == TAPE_SCAN)
		return scan_visited(order, t);
	bool is_marked = t->mark == tape->turn;
	t->mark = tape->turn;
	return is_marked;
}

static void *take_places(struct tape *tape, size_t n, size_t bytes_each)
{
	return tape_host_take(tape, n * bytes_each);
}

__attribute__((noinline)) static void sort_tensors(struct tape *tape, struct order *order,
						   struct tensor *out)
{
	/* Only recorded tensors are entered, so their number is enough. */
	size_t most = tape->n_recorded + 1;
	order->done = take_places(tape, most, sizeof(struct tensor *));
	order->stack = take_places(tape, most, sizeof(struct frame));
	if (tape->settings.order == TAPE_SCAN)
		order->seen = take_places(tape, most, sizeof(struct tensor *));
	tape->turn++;
	is_visited(tape, order, out);
	order->stack[order->n_stack++] = (struct frame){ out, 0 };
	while (order->n_stack > 0) {
		struct frame *top = &order->stack[order->n_stack - 1];
		if (top->next == TENSOR_MOST_PARENTS) {
			order->done[order->n_done++] = top->tensor;
			order->n_stack--;
			continue;
		}
		struct tensor *parent = top->tensor->parents[top->next++];
		if (parent && parent->op && !is_visited(tape, order, parent))
			order->stack[order->n_stack++] = (struct frame){ parent, 0 };
	}
}

/* From out, whose gradient is there. */
static void walk_back(struct tape *tape, struct tensor *out)
{
	struct order order = { 0 };
	sort_tensors(tape, &order, out);
	tape->is_backward = true;
	while (order.n_done > 0) {
		struct tensor *t = order.done[--order.n_done];
		if (t->scope != tape->scope)
			tape_scope(tape, t->scope);
		t->op->backward(tape, t);
	}
	tape_scope(tape, NULL);
	tape->is_backward = false;
}

/* Where to begin: the gradient of out, which is in no scope. */
static float *begin_back(struct tape *tape, struct tensor *out)
{
	if (!out->op)
		die("a backward pass from a tensor that was not recorded");
	tape_scope(tape, NULL);
	return tape_gradient(tape, out);
}

void tape_backward_from(struct tape *tape, struct tensor *out, const float *gradient)
{
	struct loop loop = { .kind = LOOP_ADD_TO, .s = 1, .n = out->n };
	loop.out = begin_back(tape, out);
	loop.a = tape_put(tape, gradient, out->n * sizeof *gradient);
	tape_run_loop(tape, &loop);
	walk_back(tape, out);
}

void tape_backward(struct tape *tape, struct tensor *loss)
{
	struct loop loop = { .kind = LOOP_ADD_VALUE, .s = 1, .n = 1 };
	if (loss->n != 1)
		die("a backward pass from %zu values without their gradients", loss->n);
	loop.out = begin_back(tape, loss);
	tape_run_loop(tape, &loop);
	walk_back(tape, loss);
}
