/*
 * Atomic operations under -fsanitize=thread are calls that carry them out. All are done in the
 * strongest order, which every weaker one allows. The names and arguments are the compilers'
 * (gcc/sanitizer.def); `order` and `failure` are memory orders.
 */
#include "counters/inject_model.h"

/* What the program may see of the library. */
#pragma GCC visibility push(default)

/* NOLINTBEGIN(bugprone-macro-parentheses,readability-non-const-parameter): types take no
 * parentheses, and what is expected is written by the builtin */
#define PC                    __builtin_return_address(0)
#define READ(address, bytes)  hook_access((const void *)(address), bytes, false, PC)
#define WRITE(address, bytes) hook_access((const void *)(address), bytes, true, PC)

/* A read and a write are one access to the caches, as cachegrind counts them too. */
#define FETCH(name, type, bytes, builtin)                                                          \
	type name(volatile type *address, type value, int order);                                  \
	type name(volatile type *address, type value, int order)                                   \
	{                                                                                          \
		(void)order;                                                                       \
		WRITE(address, bytes);                                                             \
		return builtin(address, value, __ATOMIC_SEQ_CST);                                  \
	}
#define EXCHANGE(name, type, bytes)                                                                \
	int name(volatile type *address, type *expected, type desired, int order, int failure);    \
	int name(volatile type *address, type *expected, type desired, int order, int failure)     \
	{                                                                                          \
		(void)order;                                                                       \
		(void)failure;                                                                     \
		WRITE(address, bytes);                                                             \
		return __atomic_compare_exchange_n(address, expected, desired, false,              \
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);            \
	}
#define ATOMICS(bits, type, bytes)                                                                 \
	type __tsan_atomic##bits##_load(const volatile type *address, int order);                  \
	type __tsan_atomic##bits##_load(const volatile type *address, int order)                   \
	{                                                                                          \
		(void)order;                                                                       \
		READ(address, bytes);                                                              \
		return __atomic_load_n(address, __ATOMIC_SEQ_CST);                                 \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *address, type value, int order);           \
	void __tsan_atomic##bits##_store(volatile type *address, type value, int order)            \
	{                                                                                          \
		(void)order;                                                                       \
		WRITE(address, bytes);                                                             \
		__atomic_store_n(address, value, __ATOMIC_SEQ_CST);                                \
	}                                                                                          \
	FETCH(__tsan_atomic##bits##_exchange, type, bytes, __atomic_exchange_n)                    \
	FETCH(__tsan_atomic##bits##_fetch_add, type, bytes, __atomic_fetch_add)                    \
	FETCH(__tsan_atomic##bits##_fetch_sub, type, bytes, __atomic_fetch_sub)                    \
	FETCH(__tsan_atomic##bits##_fetch_and, type, bytes, __atomic_fetch_and)                    \
	FETCH(__tsan_atomic##bits##_fetch_or, type, bytes, __atomic_fetch_or)                      \
	FETCH(__tsan_atomic##bits##_fetch_xor, type, bytes, __atomic_fetch_xor)                    \
	FETCH(__tsan_atomic##bits##_fetch_nand, type, bytes, __atomic_fetch_nand)                  \
	EXCHANGE(__tsan_atomic##bits##_compare_exchange_strong, type, bytes)                       \
	EXCHANGE(__tsan_atomic##bits##_compare_exchange_weak, type, bytes)                         \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *address, type expected,     \
							type desired, int order, int failure);     \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *address, type expected,     \
							type desired, int order, int failure)      \
	{                                                                                          \
		(void)order;                                                                       \
		(void)failure;                                                                     \
		WRITE(address, bytes);                                                             \
		__atomic_compare_exchange_n(address, &expected, desired, false, __ATOMIC_SEQ_CST,  \
					    __ATOMIC_SEQ_CST);                                     \
		return expected;                                                                   \
	}

ATOMICS(8, uint8_t, 1)
ATOMICS(16, uint16_t, 2)
ATOMICS(32, uint32_t, 4)
ATOMICS(64, uint64_t, 8)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	(void)order;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
/* NOLINTEND(bugprone-macro-parentheses,readability-non-const-parameter) */
