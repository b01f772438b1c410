/*
 * SIGPROF belongs to the program as well. Its own handlers, masks and waits for that signal pass
 * through here: what it set is kept and handed out again, its own signals (setitimer, kill) reach
 * its handler, and ours never do. Programs that block every signal in their threads are sampled
 * all the same, because the mask that the kernel has leaves SIGPROF out.
 *
 * What the C library does inside itself and raw system calls pass by; when they take the handler
 * away that is noticed and told. What gcc -pg links into a program takes it first thing and gives
 * it back last, so its start is looked at.
 */
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sampler/inject_timer.h"

#define EXPORT __attribute__((visibility("default")))

/* What the handler needs beside the frame, with as much again to spare. */
enum { OUR_STACK_BYTES = 2048 };

const char timer_signals_cookie;

/* The C library's. */
struct real_calls {
	int (*sigaction)(int, const struct sigaction *, struct sigaction *);
	int (*sigprocmask)(int, const sigset_t *, sigset_t *);
	int (*pthread_sigmask)(int, const sigset_t *, sigset_t *);
	int (*sigaltstack)(const stack_t *, stack_t *);
	int (*sigwait)(const sigset_t *, int *);
	int (*sigwaitinfo)(const sigset_t *, siginfo_t *);
	int (*sigtimedwait)(const sigset_t *, siginfo_t *, const struct timespec *);
	sighandler_t (*signal)(int, sighandler_t);
	void (*monstartup)(unsigned long, unsigned long);
};

static struct real_calls real;
static void (*take_sample)(const void *context); /* NULL: nothing is to be done */
/* What the program wants done at SIGPROF: one is in force while the other is written. */
static struct sigaction actions[2];
static _Atomic uint32_t action_in_force;
static _Atomic uint32_t is_shared_told, is_taken_told;

/* Others' constructors may call us before ours has run. */
static const struct real_calls *calls(void)
{
	static _Atomic uint32_t is_found;
	if (atomic_load_explicit(&is_found, memory_order_acquire))
		return &real;
	timer_find_next("sigaction", (void *)&real.sigaction);
	timer_find_next("sigprocmask", (void *)&real.sigprocmask);
	timer_find_next("pthread_sigmask", (void *)&real.pthread_sigmask);
	timer_find_next("sigaltstack", (void *)&real.sigaltstack);
	timer_find_next("sigwait", (void *)&real.sigwait);
	timer_find_next("sigwaitinfo", (void *)&real.sigwaitinfo);
	timer_find_next("sigtimedwait", (void *)&real.sigtimedwait);
	timer_find_next("signal", (void *)&real.signal);
	timer_find_next("__monstartup", (void *)&real.monstartup);
	atomic_store_explicit(&is_found, 1, memory_order_release);
	return &real;
}

/* ---- the handler */

static const struct sigaction *programs_action(void)
{
	return &actions[atomic_load_explicit(&action_in_force, memory_order_acquire)];
}

static void raise_here(const struct timer_thread *thread)
{
	syscall(SYS_tgkill, getpid(), thread->tid, SIGPROF);
}

/* As the kernel would: the program ends of it. */
static void end_program(const struct timer_thread *thread)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };
	calls()->sigaction(SIGPROF, &normal, NULL);
	raise_here(thread);
}

static void call_program(const struct sigaction *action, siginfo_t *information, void *context)
{
	sigset_t before;
	calls()->pthread_sigmask(SIG_BLOCK, &action->sa_mask, &before);
	if (action->sa_flags & SA_SIGINFO)
		action->sa_sigaction(SIGPROF, information, context);
	else
		action->sa_handler(SIGPROF);
	calls()->pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void pass_on(siginfo_t *information, void *context)
{
	struct timer_thread *thread = timer_thread_here();
	struct sigaction action = *programs_action();
	if (thread->is_blocked)
		thread->is_pending = true;
	else if (action.sa_flags & SA_SIGINFO ||
		 (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN))
		call_program(&action, information, context);
	else if (action.sa_handler == SIG_DFL)
		end_program(thread);
}

static void on_signal(int number, siginfo_t *information, void *context)
{
	int error = errno;
	(void)number;
	if (information->si_code == SI_TIMER &&
	    information->si_value.sival_ptr == &timer_signals_cookie)
		take_sample(context);
	else
		pass_on(information, context);
	errno = error;
}

static void take_signal(int more_flags, struct sigaction *before)
{
	struct sigaction ours = { .sa_flags = SA_SIGINFO | SA_RESTART | more_flags };
	ours.sa_sigaction = on_signal;
	calls()->sigaction(SIGPROF, &ours, before);
}

/* On the program's stack for signals where it has one: others may be small (Go's). */
void timer_signals_open(void (*take)(const void *context))
{
	take_sample = take;
	take_signal(SA_ONSTACK, &actions[0]);
}

void timer_signals_look(bool is_missing)
{
	struct sigaction now;
	if (!take_sample || calls()->sigaction(SIGPROF, NULL, &now) != 0)
		return;
	if ((is_missing || now.sa_sigaction != on_signal) && !atomic_exchange(&is_taken_told, 1))
		timer_samples_problem(TIMER_TAKEN, 0);
}

void timer_signals_unblock(struct timer_thread *thread)
{
	sigset_t only, before;
	sigemptyset(&only);
	sigaddset(&only, SIGPROF);
	if (calls()->pthread_sigmask(SIG_UNBLOCK, &only, &before) == 0)
		thread->is_blocked |= sigismember(&before, SIGPROF) == 1;
}

/* ---- what the program does about it: called by its names, which the headers have for theirs */

static void set_action(const struct sigaction *action)
{
	uint32_t next = !atomic_load(&action_in_force);
	actions[next] = *action;
	atomic_store_explicit(&action_in_force, next, memory_order_release);
	bool is_handled = action->sa_flags & SA_SIGINFO ||
			  (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
	if (is_handled && !atomic_exchange(&is_shared_told, 1))
		timer_samples_problem(TIMER_SHARED, 0);
}

EXPORT int change_action(int number, const struct sigaction *action,
			 struct sigaction *old) __asm__("sigaction");
int change_action(int number, const struct sigaction *action, struct sigaction *old)
{
	if (number != SIGPROF || !take_sample)
		return calls()->sigaction(number, action, old);
	struct sigaction before = *programs_action();
	if (action)
		set_action(action);
	if (old)
		*old = before;
	return 0;
}

EXPORT sighandler_t change_handler(int number, sighandler_t handler) __asm__("signal");
sighandler_t change_handler(int number, sighandler_t handler)
{
	if (number != SIGPROF || !take_sample || handler == SIG_ERR)
		return calls()->signal(number, handler);
	sighandler_t before = programs_action()->sa_handler;
	set_action(&(struct sigaction){ .sa_handler = handler, .sa_flags = SA_RESTART });
	return before;
}

/* The mask as the program asked for it is kept aside. */
static int change_mask(int (*change)(int, const sigset_t *, sigset_t *), int how,
		       const sigset_t *set, sigset_t *old)
{
	struct timer_thread *thread = timer_thread_here();
	if (!thread->has_timer)
		return change(how, set, old);
	bool was_blocked = thread->is_blocked;
	bool is_named = set && sigismember(set, SIGPROF) == 1;
	sigset_t rest;
	if (is_named && how != SIG_UNBLOCK) {
		rest = *set;
		sigdelset(&rest, SIGPROF);
	}
	int result = change(how, is_named && how != SIG_UNBLOCK ? &rest : set, old);
	if (result != 0)
		return result;
	if (set && how == SIG_SETMASK)
		thread->is_blocked = is_named;
	else if (is_named)
		thread->is_blocked = how == SIG_BLOCK;
	if (old && was_blocked)
		sigaddset(old, SIGPROF);
	if (thread->is_pending && !thread->is_blocked) {
		thread->is_pending = false;
		raise_here(thread);
	}
	return result;
}

EXPORT int change_process_mask(int how, const sigset_t *set, sigset_t *old) __asm__("sigprocmask");
int change_process_mask(int how, const sigset_t *set, sigset_t *old)
{
	return change_mask(calls()->sigprocmask, how, set, old);
}

EXPORT int change_thread_mask(int how, const sigset_t *set,
			      sigset_t *old) __asm__("pthread_sigmask");
int change_thread_mask(int how, const sigset_t *set, sigset_t *old)
{
	return change_mask(calls()->pthread_sigmask, how, set, old);
}

/* A stack for signals that holds no frame of this CPU's registers ends the program at the first
 * one: then ours come on the stack that is in use. */
EXPORT int change_stack(const stack_t *stack, stack_t *old) __asm__("sigaltstack");
int change_stack(const stack_t *stack, stack_t *old)
{
	size_t least = getauxval(AT_MINSIGSTKSZ) + OUR_STACK_BYTES;
	int result = calls()->sigaltstack(stack, old);
	if (result == 0 && stack && !(stack->ss_flags & SS_DISABLE) && take_sample &&
	    stack->ss_size < least)
		take_signal(0, NULL);
	return result;
}

/* Who waits for all signals is not to be woken by ours. */
static const sigset_t *without_ours(const sigset_t *set, sigset_t *rest)
{
	if (!timer_thread_here()->has_timer || sigismember(set, SIGPROF) != 1)
		return set;
	*rest = *set;
	sigdelset(rest, SIGPROF);
	return sigisemptyset(rest) ? set : rest;
}

EXPORT int wait_for_signal(const sigset_t *set, int *number) __asm__("sigwait");
int wait_for_signal(const sigset_t *set, int *number)
{
	sigset_t rest;
	return calls()->sigwait(without_ours(set, &rest), number);
}

EXPORT int wait_for_information(const sigset_t *set, siginfo_t *information) __asm__("sigwaitinfo");
int wait_for_information(const sigset_t *set, siginfo_t *information)
{
	sigset_t rest;
	return calls()->sigwaitinfo(without_ours(set, &rest), information);
}

EXPORT int wait_for_some_time(const sigset_t *set, siginfo_t *information,
			      const struct timespec *timeout) __asm__("sigtimedwait");
int wait_for_some_time(const sigset_t *set, siginfo_t *information, const struct timespec *timeout)
{
	sigset_t rest;
	return calls()->sigtimedwait(without_ours(set, &rest), information, timeout);
}

/* gcc -pg: the C library's profil() takes the signal. */
EXPORT void start_monitor(unsigned long low, unsigned long high) __asm__("__monstartup");
void start_monitor(unsigned long low, unsigned long high)
{
	if (calls()->monstartup)
		calls()->monstartup(low, high);
	timer_signals_look(false);
}
