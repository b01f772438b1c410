/*
 * Functions of the C library that the program is given ours for: those that move memory, whose
 * accesses the compiler does not report; those that allocate, so that arrays have names; and the
 * one that starts threads, since from then on the model needs locks. They are declared here, not by
 * the headers, whose names of parameters are the C library's own.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "counters/inject_model.h"

/* What the program may see of the library. */
#pragma GCC visibility push(default)

#define PC __builtin_return_address(0)

/* Smaller blocks are one array together: telling a million list nodes apart helps nobody. */
enum { LEAST_BLOCK_BYTES = 4096 };

/* glibc's own names, there since 2.0: no look-up is needed that could itself allocate. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);

size_t malloc_usable_size(void *block);
void *malloc(size_t bytes);
void *calloc(size_t n, size_t bytes);
void *realloc(void *block, size_t bytes);
void free(void *block);
void *memalign(size_t alignment, size_t bytes);
void *aligned_alloc(size_t alignment, size_t bytes);
int posix_memalign(void **block, size_t alignment, size_t bytes);
void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset);
int munmap(void *address, size_t bytes);
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
		   void *argument);

static void *(*real_memcpy)(void *, const void *, size_t);
static void *(*real_memmove)(void *, const void *, size_t);
static void *(*real_memset)(void *, int, size_t);
static int (*real_pthread_create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static void find(const char *name, void *function)
{
	*(void **)function = dlsym(RTLD_NEXT, name);
}

void hook_libc_open(void)
{
	find("memcpy", &real_memcpy);
	find("memmove", &real_memmove);
	find("memset", &real_memset);
	find("pthread_create", &real_pthread_create);
}

/* ---- moving memory */

static bool is_watched(void)
{
	const struct hook_thread *thread = hook_thread;
	return !hooks.is_off && !(thread && thread->is_busy);
}

static void *move(void *to, const void *from, size_t bytes)
{
	unsigned char *target = to;
	const unsigned char *source = from;
	if (real_memmove)
		return real_memmove(to, from, bytes);
	if (target < source)
		for (size_t i = 0; i < bytes; i++)
			target[i] = source[i];
	else
		for (size_t i = bytes; i-- > 0;)
			target[i] = source[i];
	return to;
}

static void *copy_watched(void *to, const void *from, size_t bytes, const void *pc)
{
	if (is_watched()) {
		hook_range_access(from, bytes, false, pc);
		hook_range_access(to, bytes, true, pc);
	}
	return move(to, from, bytes);
}

static void *set_watched(void *to, int value, size_t bytes, const void *pc)
{
	unsigned char *target = to;
	if (is_watched())
		hook_range_access(to, bytes, true, pc);
	if (real_memset)
		return real_memset(to, value, bytes);
	for (size_t i = 0; i < bytes; i++)
		target[i] = (unsigned char)value;
	return to;
}

#define COPY(name)                                                                                 \
	void *name(void *to, const void *from, size_t bytes);                                      \
	void *name(void *to, const void *from, size_t bytes)                                       \
	{                                                                                          \
		return copy_watched(to, from, bytes, PC);                                          \
	}
/* What -D_FORTIFY_SOURCE calls: the room was checked as far as the compiler knew it. */
#define COPY_CHECKED(name)                                                                         \
	void *name(void *to, const void *from, size_t bytes, size_t room);                         \
	void *name(void *to, const void *from, size_t bytes, size_t room)                          \
	{                                                                                          \
		if (bytes > room)                                                                  \
			__builtin_trap();                                                          \
		return copy_watched(to, from, bytes, PC);                                          \
	}
#define SET(name)                                                                                  \
	void *name(void *to, int value, size_t bytes);                                             \
	void *name(void *to, int value, size_t bytes)                                              \
	{                                                                                          \
		return set_watched(to, value, bytes, PC);                                          \
	}

COPY(memcpy)
COPY(memmove)
COPY(__tsan_memcpy)
COPY(__tsan_memmove)
COPY_CHECKED(__memcpy_chk)
COPY_CHECKED(__memmove_chk)
SET(memset)
SET(__tsan_memset)

void *__memset_chk(void *to, int value, size_t bytes, size_t room);
void *__memset_chk(void *to, int value, size_t bytes, size_t room)
{
	if (bytes > room)
		__builtin_trap();
	return set_watched(to, value, bytes, PC);
}

/* ---- allocating */

static void *added(void *block, size_t bytes, const void *pc)
{
	struct hook_thread *thread = hook_thread;
	if (!block || bytes < LEAST_BLOCK_BYTES || hooks.is_off)
		return block;
	if (thread || (thread = hook_thread_start()))
		hook_array_add(thread, (uintptr_t)pc, (uintptr_t)block, bytes);
	return block;
}

static void removed(void *block)
{
	struct hook_thread *thread = hook_thread;
	if (!block || hooks.is_off || malloc_usable_size(block) < LEAST_BLOCK_BYTES)
		return;
	if (thread || (thread = hook_thread_start()))
		hook_array_remove(thread, (uintptr_t)block);
}

void *malloc(size_t bytes)
{
	return added(__libc_malloc(bytes), bytes, PC);
}

void *calloc(size_t n, size_t bytes)
{
	return added(__libc_calloc(n, bytes), n * bytes, PC);
}

void *realloc(void *block, size_t bytes)
{
	removed(block);
	void *other = __libc_realloc(block, bytes);
	if (!other && block && bytes) /* the old one stays */
		return added(block, malloc_usable_size(block), PC), NULL;
	return added(other, bytes, PC);
}

void free(void *block)
{
	removed(block);
	__libc_free(block);
}

void *memalign(size_t alignment, size_t bytes)
{
	return added(__libc_memalign(alignment, bytes), bytes, PC);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
	return added(__libc_memalign(alignment, bytes), bytes, PC);
}

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
	if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0)
		return EINVAL;
	int error = errno;
	void *got = added(__libc_memalign(alignment, bytes), bytes, PC);
	errno = error;
	if (!got)
		return ENOMEM;
	*block = got;
	return 0;
}

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): it is how the system call answers */
	void *got = (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
	if ((uintptr_t)got != UINTPTR_MAX && hook_thread) /* MAP_FAILED */
		added(got, bytes, PC);
	return got;
}

int munmap(void *address, size_t bytes)
{
	struct hook_thread *thread = hook_thread;
	if (thread)
		hook_array_remove(thread, (uintptr_t)address);
	return (int)syscall(SYS_munmap, address, bytes);
}

/* ---- threads */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
		   void *argument)
{
	if (!real_pthread_create)
		find("pthread_create", &real_pthread_create);
	/* Before the second thread exists: nobody is in the middle of an access. */
	if (hooks.model && !hooks.model->is_threaded) {
		cache_model_set_threaded(hooks.model);
		hooks_forget_slots();
	}
	return real_pthread_create(thread, attributes, start, argument);
}
