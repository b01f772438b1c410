/* Generated digits, and digits from IDX files, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "workloads/support/crew.h"
#include "workloads/support/digits_idx.h"
#include "workloads/support/gradient_check.h"
#include "workloads/support/runner.h"

enum { N = 40 };

static char images_path[] = "/tmp/stoke-images-XXXXXX", labels_path[] = "/tmp/stoke-labels-XXXXXX";

static unsigned char images[16 + N * DIGIT_PIXELS], labels[8 + N];

static void put(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void write_all(const char *path, const unsigned char *bytes, size_t n)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static void make_good(void)
{
	put(images, 0x803);
	put(images + 4, N);
	put(images + 8, 28);
	put(images + 12, 28);
	put(labels, 0x801);
	put(labels + 4, N);
	for (int i = 0; i < N; i++) {
		labels[8 + i] = (unsigned char)(i % 10);
		for (int j = 0; j < DIGIT_PIXELS; j++)
			images[16 + i * DIGIT_PIXELS + j] =
				(unsigned char)(j % 28 < i % 10 ? 255 : j);
	}
	write_all(images_path, images, sizeof images);
	write_all(labels_path, labels, sizeof labels);
}

static int set_up(void **state)
{
	(void)state;
	close(mkstemp(images_path));
	close(mkstemp(labels_path));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(images_path);
	unlink(labels_path);
	return 0;
}

static void refused(const char *expected)
{
	struct digits digits;
	struct why why = { "" };
	assert_false(digits_read(&digits, images_path, labels_path, &why));
	if (!strstr(why.text, expected))
		fail_msg("\"%s\" does not say \"%s\"", why.text, expected);
	make_good();
}

static void files_are_read(void **state)
{
	struct digits digits, last;
	struct why why;
	(void)state;
	make_good();
	assert_true(digits_read(&digits, images_path, labels_path, &why));
	assert_int_equal(digits.n, N);
	assert_true(digits.pixels[3 * DIGIT_PIXELS] == 1 && digits.labels[39] == 9);
	digits_split(&digits, &last, 6);
	assert_int_equal(digits.n, N - 6);
	assert_int_equal(last.labels[5], 9);
	assert_true(last.pixels[5 * DIGIT_PIXELS + 8] == 1);
	digits_free(&digits);
	digits_free(&last);
}

static void bad_files_are_refused(void **state)
{
	(void)state;
	make_good();
	for (size_t n = 0; n < sizeof images; n = n < 20 ? n + 1 : n + 997) {
		write_all(images_path, images, n);
		refused(n < 16 ? "no IDX file of images" : "ends after");
	}
	for (size_t n = 0; n < sizeof labels; n++) {
		write_all(labels_path, labels, n);
		refused(n < 8 ? "no IDX file of labels" : "ends after");
	}
	put(images + 4, 0xffffffff);
	write_all(images_path, images, sizeof images);
	refused("1 to 1000000 can be read");
	put(images + 4, 900000); /* promises far more than there is */
	write_all(images_path, images, sizeof images);
	refused("ends after 40 of 900000");
	put(images + 8, 32);
	write_all(images_path, images, sizeof images);
	refused("not 28 x 28");
	labels[8 + 7] = 10;
	write_all(labels_path, labels, sizeof labels);
	refused("label 8 is 10");
	put(labels + 4, N - 1);
	write_all(labels_path, labels, sizeof labels);
	refused("39 labels for 40");
	put(images, 0x1f8b0800);
	write_all(images_path, images, sizeof images);
	refused("gunzip");
	unlink(images_path);
	refused("No such file");
}

static void a_network_learns_from_files(void **state)
{
	char with_images[64], with_labels[64];
	const char *words[] = { "mlp",       "size=S",    "hidden=16", "epochs=3",
				with_images, with_labels, NULL };
	(void)state;
	make_good();
	snprintf(with_images, sizeof with_images, "images=%s", images_path);
	snprintf(with_labels, sizeof with_labels, "labels=%s", labels_path);
	assert_int_equal(workload_main(6, (char **)words), 0);
	words[5] = NULL;
	assert_int_equal(workload_main(5, (char **)words), 1);
}

/* A relu whose kink lies between the points of a difference is no wrong gradient. */
static void kinks_are_no_wrong_gradients(void **state)
{
	static const char *const cases[][5] = {
		{ "samples=400", "hidden=7", "layers=2", "epochs=3", "seed=7" },
		{ "samples=50", "hidden=1", "layers=4", "epochs=1", "seed=19" },
		{ "samples=200", "hidden=2", "layers=2", "epochs=3", "seed=50" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *words[8] = { "mlp", "size=S" };
		memcpy(words + 2, cases[i], sizeof cases[i]);
		if (workload_main(7, (char **)words) != 0)
			fail_msg("%s", cases[i][1]);
	}
}

/* A valley with a wall: |w - 1| + w^2 of each weight, and its gradient times a factor. */
struct valley {
	struct parameters *parameters;
	double factor;
};

static double valley_loss(void *opaque, bool wants_gradient)
{
	const struct valley *valley = opaque;
	struct tensor *w = parameters_at(valley->parameters, 0);
	double sum = 0;
	for (size_t i = 0; i < w->n; i++) {
		double x = (double)w->data[i], slope = (x > 1 ? 1 : -1) + 2 * x;
		sum += fabs(x - 1) + x * x;
		w->gradient[i] += wants_gradient ? (float)(valley->factor * slope) : 0;
	}
	return (double)(float)sum; /* as a model's, in single precision */
}

static void wrong_gradients_are_found(void **state)
{
	static const float places[] = { -3, 2, 0.7F, 1.0001F, 5, -0.2F, 0.99999F };
	enum { PLACES = sizeof places / sizeof places[0] };
	struct valley valley = { parameters_new(), 1 };
	struct tensor *w = parameters_add(valley.parameters, "w", shape_1(PLACES), NULL, 0);
	(void)state;
	memcpy(w->data, places, sizeof places);
	assert_true(gradient_check(valley.parameters, valley_loss, &valley, 7) <=
		    GRADIENT_CHECK_TOLERANCE);
	assert_memory_equal(w->data, places, sizeof places);
	valley.factor = 1.02;
	assert_true(gradient_check(valley.parameters, valley_loss, &valley, 7) > 0.015);
	valley.factor = -1;
	assert_true(gradient_check(valley.parameters, valley_loss, &valley, 7) > 1);
	parameters_free(valley.parameters);
}

/* What was learned is there however the work has ended. */
static void time_that_is_up_saves_too(void **state)
{
	char path[] = "/tmp/stoke-weights-XXXXXX", save[64], load[64];
	const char *words[][8] = {
		{ "mlp", "size=S", "hidden=16", "samples=100", "epochs=10000", "seconds=0.01", save,
		  NULL },
		{ "mlp", "size=S", "hidden=16", "samples=100", "epochs=1", load, NULL },
		{ "gpt", "size=S", "length=16", "sample=0", "seconds=0.01", save, NULL },
		{ "gpt", "size=S", "length=16", "sample=0", "steps=1", load, NULL },
	};
	(void)state;
	close(mkstemp(path));
	snprintf(save, sizeof save, "save=%s", path);
	snprintf(load, sizeof load, "load=%s", path);
	assert_int_equal(workload_main(7, (char **)words[0]), 0);
	assert_int_equal(workload_main(6, (char **)words[1]), 0);
	assert_int_equal(workload_main(6, (char **)words[3]), 1); /* of another model */
	assert_int_equal(workload_main(6, (char **)words[2]), 0);
	assert_int_equal(workload_main(6, (char **)words[3]), 0);
	unlink(path);
}

/* The same pictures whatever the threads, and each digit about as often. */
static void drawn_digits_follow_the_seed(void **state)
{
	struct digits digits[2];
	int counts[DIGIT_CLASSES] = { 0 };
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct crew *crew = crew_new(i + 1, "t");
		digits_make(&digits[i], crew, 2000, 5);
		crew_free(crew);
	}
	assert_memory_equal(digits[0].pixels, digits[1].pixels,
			    2000 * DIGIT_PIXELS * sizeof(float));
	for (int i = 0; i < 2000; i++)
		counts[digits[0].labels[i]]++;
	for (int i = 0; i < DIGIT_CLASSES; i++)
		assert_in_range(counts[i], 140, 260);
	for (int i = 0; i < 2; i++)
		digits_free(&digits[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(a_network_learns_from_files),
		cmocka_unit_test(kinks_are_no_wrong_gradients),
		cmocka_unit_test(wrong_gradients_are_found),
		cmocka_unit_test(time_that_is_up_saves_too),
		cmocka_unit_test(drawn_digits_follow_the_seed),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
