/*
 * The metrics of eight chips against NVIDIA's own libcupti, which needs neither a driver nor the
 * chips for it: what is asked for exists, fits one pass, and is as much as expected.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/pm_config.h"
#include "gpu/pm_library.h"

static struct pm_library library;

static bool open_library(void)
{
	static const char *const places[] = {
		"/usr/local/cuda*/lib/libcupti.so.1[3-9]",
		"/usr/local/cuda*/lib64/libcupti.so.1[3-9]",
		"/usr/local/cuda*/extras/CUPTI/lib64/libcupti.so.1[3-9]"
	};
	struct why why;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		glob_t found = { 0 };
		bool is_open = glob(places[i], 0, NULL, &found) == 0 &&
			       pm_library_open(&library, found.gl_pathv[0], &why);
		globfree(&found);
		if (is_open)
			return true;
	}
	return false;
}

static bool has(const struct pm_config *config, const char *name)
{
	for (uint32_t i = 0; i < pm_config_n(config); i++)
		if (strcmp(pm_config_metric(config, i)->name, name) == 0)
			return true;
	return false;
}

static void chips_count_in_one_pass(void **state)
{
	static const struct {
		const char *name;
		uint32_t least;
		bool has_read_bytes, has_hits;
	} chips[] = {
		{ "TU102", 14, true, false }, { "GA100", 18, true, false },
		{ "GA102", 17, true, true },  { "AD102", 15, true, true },
		{ "AD104", 15, true, true },  { "GH100", 20, true, true },
		{ "GB100", 20, true, true },  { "GB202", 12, false, true },
	};
	struct cupti_pm_plain plain = { CUPTI_PM_BYTES(struct cupti_pm_plain, reserved), NULL };
	struct why why;
	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	print_message("SKIP chips_count_in_one_pass: libcupti opens others by RTLD_DEEPBIND, which "
		      "sanitizers do not survive\n");
	skip();
#endif
	if (!open_library()) {
		print_message("SKIP chips_count_in_one_pass: there is no libcupti of CUDA 13\n");
		skip();
	}
	library.calls.initialize(&plain); /* fails without a driver, and need not succeed */
	for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
		size_t bytes = 0;
		struct pm_config *config =
			pm_config_open(&library.calls, chips[i].name, NULL, &why);
		assert_non_null(config);
		print_message("%s: %u metrics in one pass\n", chips[i].name, pm_config_n(config));
		assert_true(pm_config_n(config) >= chips[i].least);
		assert_int_equal(has(config, "GPU DRAM read"), chips[i].has_read_bytes);
		assert_int_equal(has(config, "GPU L2 hits"), chips[i].has_hits);
		assert_true(has(config, "GPU SM active") && has(config, "GPU compute engine"));
		assert_non_null(pm_config_image(config, &bytes));
		assert_true(bytes > 0);
		pm_config_close(config);
	}
	assert_null(pm_config_open(&library.calls, "XY999", NULL, &why));
	assert_non_null(strstr(why.text, "XY999"));
	pm_library_close(&library);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(chips_count_in_one_pass) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
