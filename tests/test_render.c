/* The renderer: pictures by columns against plain arithmetic, what must be seen in them, previews.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fixture_stride.h"
#include "workloads/support/half_blocks.h"
#include "workloads/support/render_scene.h"
#include "workloads/support/runner.h"
#include "workloads/support/tensor_simd.h"

static const double scene[RENDER_VALUES] = { 0, 0, -3, 0, 0.85, 0.35, 0.30 };

struct drawn {
	struct render_view view;
	struct render_model model;
	struct tape *tape;
	struct tensor *channels[RENDER_CHANNELS];
};

static void draw(struct drawn *drawn, const double *values, size_t width, size_t height)
{
	const struct tape_settings settings = { .n_threads = 1 };
	drawn->tape = tape_new(&settings);
	render_view_make(&drawn->view, width, height);
	render_model_make(&drawn->model, values);
	render_columns(&drawn->model, drawn->tape, &drawn->view, drawn->channels);
}

static void forget(struct drawn *drawn)
{
	render_model_free(&drawn->model);
	render_view_free(&drawn->view);
	tape_free(drawn->tape);
}

static double direction_length(const struct render_view *view, size_t i)
{
	double sum = 0;
	for (int axis = 0; axis < 3; axis++)
		sum += pow((double)view->directions[axis][i], 2);
	return sqrt(sum);
}

static void rays_are_unit_and_look_ahead(void **state)
{
	struct render_view view;
	(void)state;
	render_view_make(&view, 31, 17);
	for (size_t i = 0; i < view.n; i++) {
		assert_float_equal(direction_length(&view, i), 1, 1e-6);
		assert_true(view.directions[2][i] < 0);
	}
	assert_float_equal(view.directions[0][15], 0, 1e-7); /* the middle column */
	assert_true(view.directions[1][0] > 0);              /* the first row is above */
	render_view_free(&view);
}

static void columns_equal_plain_arithmetic(void **state)
{
	const double places[][RENDER_VALUES] = {
		{ 0, 0, -3, 0, 0.85, 0.35, 0.30 },
		{ 0.25, -0.15, -3.2, -0.22, 0.5, 0.6, 0.7 },
		{ -1.5, 1, -4, -0.5, 0.1, 0.9, 0.2 },
		{ 0, 0, 3, 0, 0.5, 0.5, 0.5 }, /* behind the eye */
	};
	(void)state;
	for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
		struct drawn drawn;
		double worst = 0, sum = 0;
		draw(&drawn, places[p], 40, 30);
		for (size_t i = 0; i < drawn.view.n; i++) {
			double colour[RENDER_CHANNELS];
			double direction[] = { (double)drawn.view.directions[0][i],
					       (double)drawn.view.directions[1][i],
					       (double)drawn.view.directions[2][i] };
			render_pixel(places[p], direction, colour);
			for (int j = 0; j < RENDER_CHANNELS; j++) {
				double off = fabs((double)drawn.channels[j]->data[i] - colour[j]);
				worst = fmax(worst, off);
				sum += off;
			}
		}
		/* At the rim the root makes 1e-6 of rounding 1e-3. */
		assert_true(worst < 2e-3);
		assert_true(sum / (double)(drawn.view.n * RENDER_CHANNELS) < 2e-6);
		forget(&drawn);
	}
}

/* Formulas derived by hand against those the tape derives; odd sizes, every width of vectors. */
static void fused_equals_columns(void **state)
{
	const double start[] = { 0.25, -0.15, -3.2, -0.22, 0.5, 0.6, 0.7 };
	const enum tensor_simd widths[] = { SIMD_PORTABLE, SIMD_AVX2, SIMD_AVX512 };
	const size_t sizes[][2] = { { 48, 48 }, { 37, 41 }, { 3, 3 } };
	(void)state;
	for (size_t k = 0; k < 9; k++) {
		struct drawn wanted, drawn;
		float *targets[RENDER_CHANNELS], *picture[RENDER_CHANNELS];
		double loss, gradients[RENDER_VALUES];
		if (!tensor_simd_use(widths[k / 3]))
			continue;
		draw(&wanted, scene, sizes[k % 3][0], sizes[k % 3][1]);
		draw(&drawn, start, sizes[k % 3][0], sizes[k % 3][1]);
		for (int i = 0; i < RENDER_CHANNELS; i++) {
			targets[i] = wanted.channels[i]->data;
			picture[i] = malloc(drawn.view.n * sizeof(float));
		}
		struct tensor *plain = render_loss(drawn.tape, drawn.channels, targets);
		tape_backward(drawn.tape, plain);
		loss = (double)*plain->data;
		for (int i = 0; i < RENDER_VALUES; i++)
			gradients[i] = (double)*drawn.model.values[i]->gradient;
		parameters_zero_gradients(drawn.model.parameters);
		struct tensor *fused =
			render_fused(&drawn.model, drawn.tape, &drawn.view, targets, picture);
		tape_backward(drawn.tape, fused);
		assert_float_equal(*fused->data, loss, 1e-4 * loss + 1e-8);
		for (int i = 0; i < RENDER_VALUES; i++)
			assert_float_equal(*drawn.model.values[i]->gradient, gradients[i],
					   1e-3 * fabs(gradients[i]) + 2e-6);
		for (int i = 0; i < RENDER_CHANNELS; i++) {
			for (size_t j = 0; j < drawn.view.n; j++)
				assert_float_equal(picture[i][j], drawn.channels[i]->data[j], 2e-3);
			free(picture[i]);
		}
		forget(&drawn);
		forget(&wanted);
	}
	tensor_simd_use(SIMD_AUTO);
}

static void the_sphere_is_where_it_should_be(void **state)
{
	struct drawn drawn;
	(void)state;
	draw(&drawn, scene, 48, 48);
	const float *red = drawn.channels[0]->data, *blue = drawn.channels[2]->data;
	size_t centre = 24 * 48 + 24;
	for (int i = 0; i < RENDER_CHANNELS; i++)
		for (size_t j = 0; j < drawn.view.n; j++)
			assert_true(isfinite(drawn.channels[i]->data[j]));
	assert_true(red[centre] > 0.2F && red[centre] > blue[centre]);
	assert_true(red[0] < 0.2F && red[48 * 48 - 1] < 0.2F);
	assert_true(red[48 * 16 + 28] > red[48 * 32 + 20]); /* light from above right */
	forget(&drawn);
}

static void previews_are_half_blocks(void **state)
{
	float dark[4] = { 0, 0, 0, 0 }, bright[4] = { 1, 1, 2, -1 };
	struct half_blocks_picture pictures[] = { { { bright, dark, dark }, 2, 2 } };
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	(void)state;
	half_blocks_print(out, pictures, 1, 40, 1);
	fclose(out);
	/* Above two red pixels, below one red and one black; one line of two cells. */
	assert_string_equal(text, "\033[2J\033[H\033[38;2;255;0;0m\033[48;2;255;0;0m\u2580"
				  "\033[48;2;0;0;0m\u2580\033[0m \r\n");
	free(text);
}

static void searches_find_the_sphere(void **state)
{
	const char *const words[][6] = {
		{ "render", "size=S", "rounds=1", NULL },
		{ "render", "size=S", "rounds=1", "optimizer=adam", NULL },
		{ "render", "size=S", "rounds=1", "version=fused", NULL },
		{ "render", "size=S", "rounds=1", "alloc=malloc", "threads=2", NULL },
		{ "render", "version=scalars", "width=9", "rounds=1", "topo=scan", NULL },
		{ "render", "width=150", "rounds=1", "steps=3", "preview=on", NULL },
	};
	/* Pictures on the terminal that shows the tests would wipe it. */
	int kept = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);
	int statuses[6];
	(void)state;
	fflush(stdout);
	dup2(nowhere, STDOUT_FILENO);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i += FIXTURE_LENGTH(1, 3)) {
		int n = 0;
		while (words[i][n])
			n++;
		statuses[i] = workload_main(n, (char **)words[i]);
	}
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(nowhere);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i += FIXTURE_LENGTH(1, 3))
		assert_int_equal(statuses[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rays_are_unit_and_look_ahead),
		cmocka_unit_test(columns_equal_plain_arithmetic),
		cmocka_unit_test(fused_equals_columns),
		cmocka_unit_test(the_sphere_is_where_it_should_be),
		cmocka_unit_test(previews_are_half_blocks),
		cmocka_unit_test(searches_find_the_sphere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
