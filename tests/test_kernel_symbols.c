/* Kernel symbols from a list and from the cache made of it, and what must not be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sampler/kernel_symbols.h"

static char folder[] = "/tmp/stoke-test-XXXXXX";
static char list[64], boot[64], cache[64];

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char LIST[] = "ffffffff81000000 T first\n"
			   "ffffffff81000040 t second\n"
			   "ffffffff81000040 T second_alias\n"
			   "ffffffff81000080 D data\n"
			   "ffffffff81000100 W third\n"
			   "ffffffffc0201000 t in_module\t[some_module]\n";

static int make_files(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(list, sizeof list, "%s/kallsyms", folder);
	snprintf(boot, sizeof boot, "%s/boot_id", folder);
	snprintf(cache, sizeof cache, "%s/a/b/kernel-symbols", folder);
	write_text(list, LIST);
	write_text(boot, "01234567-89ab-cdef-0123-456789abcdef\n");
	return 0;
}

static struct kernel_symbols *open_files(void)
{
	return kernel_symbols_open(&(struct kernel_symbols_files){ list, boot, cache });
}

static void check_core(struct kernel_symbols *symbols)
{
	struct kernel_symbol found;
	assert_true(kernel_symbols_find(symbols, 0xffffffff81000000, &found));
	assert_string_equal(found.name, "first");
	assert_true(kernel_symbols_find(symbols, 0xffffffff8100007f, &found));
	assert_string_equal(found.name, "second_alias");
	assert_int_equal(found.start, 0xffffffff81000040);
	assert_int_equal(found.end, 0xffffffff81000100);
	assert_true(kernel_symbols_find(symbols, 0xffffffff81000101, &found));
	assert_string_equal(found.name, "third");
	assert_false(kernel_symbols_find(symbols, 0xffffffff80ffffff, &found));
	assert_false(kernel_symbols_find(symbols, 0x7fffffffe000, &found));
}

static void names_come_from_the_list_and_then_from_the_cache(void **state)
{
	(void)state;
	struct stat status;
	struct kernel_symbols *symbols = open_files();
	assert_non_null(symbols);
	check_core(symbols);
	kernel_symbols_close(symbols);
	assert_int_equal(stat(cache, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);

	/* Another list: whoever answers as before has read the cache. */
	write_text(list, "ffffffff81000000 T other\nffffffffc0300000 t late\t[other_module]\n");
	symbols = open_files();
	struct kernel_symbol found;
	assert_true(kernel_symbols_find(symbols, 0xffffffff81000001, &found));
	assert_string_equal(found.name, "first");
	/* A module may be loaded at any time: always from the list. */
	assert_true(kernel_symbols_find(symbols, 0xffffffffc0300001, &found));
	assert_string_equal(found.name, "late");
	kernel_symbols_close(symbols);
	write_text(list, LIST);
}

static bool is_cache_used(void)
{
	struct kernel_symbol found;
	write_text(list, "ffffffff81000000 T other\n");
	struct kernel_symbols *symbols = open_files();
	assert_true(kernel_symbols_find(symbols, 0xffffffff81000001, &found));
	bool is_used = strcmp(found.name, "first") == 0;
	kernel_symbols_close(symbols);
	/* Whatever was wrong has been written anew; make the good one again. */
	write_text(list, LIST);
	unlink(cache);
	kernel_symbols_close(open_files());
	return is_used;
}

static void a_cache_that_is_not_ours_is_left_alone(void **state)
{
	(void)state;
	unlink(cache);
	kernel_symbols_close(open_files());
	assert_true(is_cache_used());
	chmod(cache, 0644); /* others could read kernel addresses, or have written them */
	assert_false(is_cache_used());
	write_text(boot, "11111111-89ab-cdef-0123-456789abcdef\n"); /* another boot */
	assert_false(is_cache_used());
	char target[80];
	snprintf(target, sizeof target, "%s/elsewhere", folder);
	rename(cache, target);
	assert_int_equal(symlink(target, cache), 0);
	assert_false(is_cache_used());
}

/* Whatever byte of it changes, or however short it is: an answer or none, no crash. */
static void a_damaged_cache_does_no_harm(void **state)
{
	(void)state;
	unsigned char bytes[4096];
	unlink(cache);
	kernel_symbols_close(open_files());
	int fd = open(cache, O_RDWR);
	ssize_t n = read(fd, bytes, sizeof bytes);
	assert_true(n > 64);
	for (ssize_t i = 0; i < n; i++) {
		unsigned char damaged = (unsigned char)(bytes[i] ^ 0xff);
		assert_int_equal(pwrite(fd, &damaged, 1, i), 1);
		struct kernel_symbols *symbols = open_files();
		struct kernel_symbol found;
		assert_non_null(symbols);
		for (uint64_t at = 0xffffffff80fffff0; at < 0xffffffff81000200; at += 16)
			if (kernel_symbols_find(symbols, at, &found))
				assert_true(strlen(found.name) < sizeof found.name);
		kernel_symbols_close(symbols);
		close(fd);
		unlink(cache);
		fd = open(cache, O_RDWR | O_CREAT | O_EXCL, 0600);
		assert_int_equal(write(fd, bytes, (size_t)n), n);
	}
	for (ssize_t length = n; length-- > 0;) {
		assert_int_equal(ftruncate(fd, length), 0);
		struct kernel_symbols *symbols = open_files();
		check_core(symbols);
		kernel_symbols_close(symbols);
		close(fd);
		fd = open(cache, O_RDWR | O_TRUNC, 0600);
		assert_int_equal(write(fd, bytes, (size_t)n), n);
	}
	close(fd);
}

static void hidden_addresses_give_none(void **state)
{
	(void)state;
	unlink(cache);
	write_text(list, "0000000000000000 T first\n0000000000000000 T second\n");
	assert_null(open_files());
	assert_int_not_equal(access(cache, F_OK), 0);
	write_text(list, LIST);
}

static int remove_files(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_from_the_list_and_then_from_the_cache),
		cmocka_unit_test(a_cache_that_is_not_ours_is_left_alone),
		cmocka_unit_test(a_damaged_cache_does_no_harm),
		cmocka_unit_test(hidden_addresses_give_none),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
