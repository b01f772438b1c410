/* The weights of a model and their gradients, in this processor's memory or a device's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sampler/base/why.h"
#include "workloads/support/random.h"
#include "workloads/support/tensor.h"
#include "workloads/support/tensor_device.h"

enum { NAME_BYTES = 48, LINE_BYTES = 64 };

struct named {
	struct tensor *tensor;
	char name[NAME_BYTES];
};

struct parameters {
	struct named *named;
	size_t n, n_values;
	struct tensor_device *device; /* NULL: this processor */
};

struct parameters *parameters_new(void)
{
	return allocate(1, sizeof(struct parameters));
}

static void give_values(const struct parameters *parameters, float *values)
{
	if (parameters->device)
		tensor_device_give(parameters->device, values);
	else
		free(values);
}

void parameters_free(struct parameters *parameters)
{
	if (!parameters)
		return;
	for (size_t i = 0; i < parameters->n; i++) {
		struct tensor *t = parameters->named[i].tensor;
		give_values(parameters, t->data);
		give_values(parameters, t->gradient);
		free(t);
	}
	free(parameters->named);
	free(parameters);
}

static float *take_values(size_t n)
{
	size_t bytes = (n * sizeof(float) + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
	float *values = aligned_alloc(LINE_BYTES, bytes);
	if (!values)
		die("no memory for %zu weights", n);
	memset(values, 0, n * sizeof *values);
	return values;
}

struct tensor *parameters_add(struct parameters *parameters, const char *name, struct shape shape,
			      struct random *random, double deviation)
{
	struct tensor *t = allocate(1, sizeof *t);
	t->shape = shape;
	t->n = shape_count(&shape);
	t->data = take_values(t->n);
	t->gradient = take_values(t->n);
	t->needs_gradient = true;
	for (size_t i = 0; i < t->n && deviation > 0; i++)
		t->data[i] = (float)(deviation * random_normal(random));
	size_t n = parameters->n++;
	parameters->named = reallocate(parameters->named, n + 1, sizeof *parameters->named);
	parameters->named[n].tensor = t;
	snprintf(parameters->named[n].name, NAME_BYTES, "%s", name);
	parameters->n_values += t->n;
	return t;
}

void parameters_fill(struct tensor *parameter, float value)
{
	for (size_t i = 0; i < parameter->n; i++)
		parameter->data[i] = value;
}

void parameters_zero_gradients(struct parameters *parameters)
{
	for (size_t i = 0; i < parameters->n; i++) {
		struct tensor *t = parameters->named[i].tensor;
		size_t bytes = t->n * sizeof *t->gradient;
		if (parameters->device)
			tensor_device_clear(parameters->device, t->gradient, bytes);
		else
			memset(t->gradient, 0, bytes);
	}
}

size_t parameters_count(const struct parameters *parameters)
{
	return parameters->n;
}

size_t parameters_total(const struct parameters *parameters)
{
	return parameters->n_values;
}

struct tensor *parameters_at(const struct parameters *parameters, size_t i)
{
	return parameters->named[i].tensor;
}

const char *parameters_name(const struct parameters *parameters, size_t i)
{
	return parameters->named[i].name;
}

void parameters_to_device(struct parameters *parameters, struct tensor_device *device)
{
	if (!device)
		return;
	parameters->device = device;
	for (size_t i = 0; i < parameters->n; i++) {
		struct tensor *t = parameters->named[i].tensor;
		t->data = tensor_device_move(device, t->data, t->n);
		t->gradient = tensor_device_move(device, t->gradient, t->n);
	}
}

struct tensor_device *parameters_device(const struct parameters *parameters)
{
	return parameters->device;
}

static void get_values(const struct parameters *parameters, float *to, const float *from, size_t n)
{
	if (!to)
		return;
	if (parameters->device)
		tensor_device_get(parameters->device, to, from, n * sizeof *to);
	else
		memcpy(to, from, n * sizeof *to);
}

void parameters_get(const struct parameters *parameters, size_t i, float *data, float *gradient)
{
	const struct tensor *t = parameters->named[i].tensor;
	get_values(parameters, data, t->data, t->n);
	get_values(parameters, gradient, t->gradient, t->n);
}

void parameters_put(struct parameters *parameters, size_t i, const void *data)
{
	struct tensor *t = parameters->named[i].tensor;
	if (parameters->device)
		tensor_device_put(parameters->device, t->data, data, t->n * sizeof *t->data);
	else
		memcpy(t->data, data, t->n * sizeof *t->data);
}
