/* The language model's text: a grammar whose entropy is known, and files; and the model itself. */
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

#include "workloads/support/gpt_model.h"
#include "workloads/support/gpt_text.h"
#include "workloads/support/grammar.h"
#include "workloads/support/random.h"
#include "workloads/support/runner.h"

static void letters_tell_the_state(void **state)
{
	(void)state;
	assert_true(grammar_is_decodable());
}

/* The mean information of a long text is the entropy: law of large numbers. */
static void information_is_the_entropy(void **state)
{
	struct grammar_text text;
	double sum = 0;
	(void)state;
	grammar_make(&text, 2000000, 3);
	for (size_t i = 0; i < text.n; i++) {
		assert_true(text.information[i] >= 0);
		sum += (double)text.information[i];
	}
	/* A word's information deviates by about 1.2 nats; 400,000 words, 5 letters each. */
	assert_float_equal(sum / (double)text.n, grammar_entropy(), 0.002);
	assert_true(text.bytes[0] == '\n' && text.bytes[text.n - 1] == '\n');
	grammar_free(&text);
}

/* Counted, not derived: how often each letter follows "\nt". */
static void information_is_what_is_counted(void **state)
{
	struct grammar_text text;
	double n_starts = 0, n_the = 0, told = 0;
	(void)state;
	grammar_make(&text, 1000000, 5);
	for (size_t i = 0; i + 1 < text.n; i++)
		if (text.bytes[i] == '\n') {
			n_starts++;
			if (text.bytes[i + 1] == 't') {
				n_the++;
				told = exp(-(double)text.information[i + 1]);
			}
		}
	assert_true(n_starts > 10000);
	assert_float_equal(n_the / n_starts, told, 0.02);
	grammar_free(&text);
}

static void windows_begin_at_sentences(void **state)
{
	struct gpt_text text;
	struct random random = { 1 };
	(void)state;
	gpt_text_generate(&text, 50000, 7);
	for (int i = 0; i < 1000; i++) {
		size_t at = i < 500 ? gpt_text_draw(&text.train, 64, &random)
				    : gpt_text_window(&text.train, 64, (size_t)i - 500, 500);
		assert_true(at + 65 <= text.train.n);
		assert_true(text.letters[text.train.tokens[at]] == '\n');
	}
	gpt_text_free(&text);
}

static bool reads(const char *path, size_t length, const char *expected)
{
	struct gpt_text text;
	struct why why = { "" };
	bool is_good = gpt_text_read(&text, path, length, &why);
	if (is_good) {
		struct random random = { 2 };
		for (int i = 0; i < 200; i++) {
			size_t at = gpt_text_draw(&text.validation, length, &random);
			assert_true(at + length + 1 <= text.validation.n);
			at = gpt_text_window(&text.validation, length, (size_t)i, 200);
			assert_true(at + length + 1 <= text.validation.n);
		}
		gpt_text_free(&text);
	} else {
		assert_non_null(strstr(why.text, expected));
	}
	return is_good;
}

static void files_are_read_or_refused(void **state)
{
	char path[] = "/tmp/stoke-text-XXXXXX";
	int fd = mkstemp(path);
	char text[1000];
	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i % 251); /* any bytes */
	assert_int_equal(write(fd, text, sizeof text), sizeof text);
	assert_true(reads(path, 98, ""));
	assert_false(reads(path, 99, "ten windows need more than"));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_false(reads(path, 1, "0 bytes"));
	close(fd);
	unlink(path);
	assert_false(reads(path, 1, "No such file"));
	assert_false(reads("/tmp", 1, "Cannot read"));
}

static void a_file_is_learned(void **state)
{
	char path[] = "/tmp/stoke-text-XXXXXX", text[64];
	const char *words[] = { "gpt", "size=S", "steps=3", "length=16", text, NULL };
	const char *odd[] = { "gpt", "width=65", "heads=5", NULL };
	int fd = mkstemp(path);
	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "all work and no play\n", 21), 21);
	close(fd);
	snprintf(text, sizeof text, "text=%s", path);
	assert_int_equal(workload_main(5, (char **)words), 0);
	unlink(path);
	assert_int_equal(workload_main(5, (char **)words), 1);
	assert_int_equal(workload_main(3, (char **)odd), 1);
}

/* The same tokens one by one and in a batch, and with later ones changed. */
static void sequences_do_not_mix(void **state)
{
	enum { LENGTH = 70, VOCABULARY = 9 };
	const struct tape_settings settings = { .n_threads = 2 };
	const struct gpt_shape shape = { VOCABULARY, 2, 32, 2, LENGTH, 0 };
	struct tape *tape = tape_new(&settings);
	struct gpt_model model;
	struct random random = { 6 };
	int32_t tokens[3 * LENGTH];
	(void)state;
	gpt_model_make(&model, &shape, 1);
	for (int i = 0; i < 3 * LENGTH; i++)
		tokens[i] = (int32_t)(random_bits(&random) % VOCABULARY);
	struct tensor *all = gpt_model_logits(&model, tape, tokens, 3, LENGTH);
	struct tensor *one = gpt_model_logits(&model, tape, tokens + LENGTH, 1, LENGTH);
	for (int i = 0; i < LENGTH * VOCABULARY; i++)
		assert_float_equal(one->data[i], all->data[LENGTH * VOCABULARY + i], 1e-5);
	tokens[LENGTH + 65] = (tokens[LENGTH + 65] + 1) % VOCABULARY;
	struct tensor *changed = gpt_model_logits(&model, tape, tokens + LENGTH, 1, LENGTH);
	assert_memory_equal(one->data, changed->data, 65 * VOCABULARY * sizeof(float));
	assert_memory_not_equal(one->data + 65 * VOCABULARY, changed->data + 65 * VOCABULARY,
				VOCABULARY * sizeof(float));
	gpt_model_free(&model);
	tape_free(tape);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_tell_the_state),
		cmocka_unit_test(information_is_the_entropy),
		cmocka_unit_test(information_is_what_is_counted),
		cmocka_unit_test(windows_begin_at_sentences),
		cmocka_unit_test(files_are_read_or_refused),
		cmocka_unit_test(a_file_is_learned),
		cmocka_unit_test(sequences_do_not_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
