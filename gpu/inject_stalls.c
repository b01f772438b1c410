/*
 * One lock for everything, which nobody waits for where the program would notice: whoever finds it
 * taken leaves the reading to whoever has it. Samples of one line follow each other, so they are
 * added up before they are sent.
 */
#include "gpu/inject_stalls.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/cupti_pc.h"
#include "gpu/gpu_record.h"
#include "gpu/inject_ring.h"

enum {
	MOST_CONTEXTS = 16,
	MOST_REASONS = 64, /* H100 has 20, and each of them once more where nothing was issued */
	MOST_PCS = 256,    /* of one reading: finding their lines takes 50 us each, once */
	MOST_LAST = 4096,  /* that are left when sampling ends: 64 bytes each and 8 a reason */
	MOST_READS = 4096, /* the end must come */
	MOST_TRIES = 50,   /* of 20 ms, for who has the lock: a reading may last 2 ms */
	MOST_CUBINS = 4096,
	N_LINES = 1 << 14, /* instructions whose line is remembered; forgets on collision */
	CODE_OUT_OF_MEMORY = CUPTI_OUT_OF_MEMORY,
};

static const uint64_t PASS_NS = 100 * 1000 * 1000;
/* The program waits meanwhile; what there is no time for stays where it is. */
static const uint64_t MOST_PASS_NS = 2 * 1000 * 1000;
/* Seconds of what a card gives; CUPTI's own choice is 512 MB. */
static const size_t DEVICE_BUFFER_BYTES = (size_t)64 << 20;
/* Of the program's memory; cubins beyond it are sampled without lines. */
static const size_t MOST_CUBIN_BYTES = (size_t)256 << 20;

struct context {
	void *context;              /* NULL = free */
	struct cupti_pc_data *last; /* for what is left when sampling ends */
};

struct cubin {
	uint64_t crc;
	size_t bytes;
	char *copy;
};

/* Which line an instruction is of. */
struct known_line {
	uint64_t cubin, offset, function, file;
	uint32_t line;
};

/* Samples of one line, by the place of their reason in `reasons`. */
struct sum {
	uint64_t function, file;
	uint32_t line, n_samples[MOST_REASONS];
	bool has_any;
};

static struct {
	pthread_mutex_t lock;
	struct inject_ring *ring;
	struct cupti_pc_calls calls;
	bool is_on, is_full_told;
	uint64_t next_ns, cubin_bytes;
	struct context contexts[MOST_CONTEXTS];
	struct cupti_pc_data *data;
	struct cubin cubins[MOST_CUBINS];
	uint32_t n_cubins, n_reasons;
	size_t n_all_reasons;           /* with those that are left out */
	uint32_t numbers[MOST_REASONS]; /* CUPTI's */
	uint64_t names[MOST_REASONS];   /* ours */
	struct known_line *lines;
	struct sum sum;
} stalls = { .lock = PTHREAD_MUTEX_INITIALIZER };

#define AT(field) offsetof(struct cupti_pc_calls, field)

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{ "cuptiPCSamplingSetConfigurationAttribute", AT(configure) },
	{ "cuptiPCSamplingGetConfigurationAttribute", AT(configuration) },
	{ "cuptiPCSamplingEnable", AT(enable) },
	{ "cuptiPCSamplingDisable", AT(disable) },
	{ "cuptiPCSamplingGetData", AT(get) },
	{ "cuptiPCSamplingGetNumStallReasons", AT(count_reasons) },
	{ "cuptiPCSamplingGetStallReasons", AT(name_reasons) },
	{ "cuptiGetSassToSourceCorrelation", AT(line) },
	{ "cuptiGetCubinCrc", AT(crc) },
};

static void refuse(int code, const char *function)
{
	struct gpu_problem problem = { .code = (uint32_t)code, .is_fatal = 1 };
	snprintf(problem.text, sizeof problem.text, "%s", function);
	inject_ring_send(stalls.ring, GPU_STALL_PROBLEM, 0, &problem, sizeof problem);
	stalls.is_on = false;
}

static bool is_good(int code, const char *function)
{
	if (code != 0)
		refuse(code, function);
	return code == 0;
}

void inject_stalls_refuse(int code, const char *function)
{
	if (!inject_lock(&stalls.lock))
		return;
	refuse(code, function);
	pthread_mutex_unlock(&stalls.lock);
}

/* ---- reasons */

/* "smsp__pcsamp_warps_issue_stalled_long_scoreboard": what comes behind "stalled_". A second
 * counter of each says in how many of these samples nothing else was issued: they are no more. */
static const char *short_reason(const char *name)
{
	static const char mark[] = "issue_stalled_", twin[] = "_not_issued";
	const char *at = strstr(name, mark);
	size_t n = strlen(name);
	bool is_twin = n >= sizeof twin - 1 && strcmp(name + n - (sizeof twin - 1), twin) == 0;
	return at && !is_twin ? at + sizeof mark - 1 : NULL;
}

static void choose_reasons(size_t n, const uint32_t *numbers, char *const *names)
{
	stalls.n_reasons = 0;
	for (size_t i = 0; i < n && stalls.n_reasons < MOST_REASONS; i++) {
		names[i][CUPTI_PC_REASON_BYTES - 1] = '\0';
		const char *text = short_reason(names[i]);
		if (!text)
			continue;
		stalls.numbers[stalls.n_reasons] = numbers[i];
		stalls.names[stalls.n_reasons++] = inject_ring_name(stalls.ring, text);
	}
}

static bool name_reasons(void *context)
{
	size_t n = 0;
	struct cupti_pc_n_reasons count = { CUPTI_PC_BYTES(struct cupti_pc_n_reasons, n), NULL,
					    context, &n };
	if (!is_good(stalls.calls.count_reasons(&count), "cuptiPCSamplingGetNumStallReasons"))
		return false;
	n = n < 4 * (size_t)MOST_REASONS ? n : 4 * (size_t)MOST_REASONS;
	stalls.n_all_reasons = n;
	char *text = calloc(n + 1, CUPTI_PC_REASON_BYTES);
	char **names = calloc(n + 1, sizeof *names);
	uint32_t *numbers = calloc(n + 1, sizeof *numbers);
	struct cupti_pc_reasons ask = {
		CUPTI_PC_BYTES(struct cupti_pc_reasons, names), NULL, context, n, numbers, names
	};
	int code = CODE_OUT_OF_MEMORY;
	if (text && names && numbers) {
		for (size_t i = 0; i < n; i++)
			names[i] = text + i * CUPTI_PC_REASON_BYTES;
		code = stalls.calls.name_reasons(&ask);
	}
	if (code == 0)
		choose_reasons(n, numbers, names);
	free(text);
	free(names);
	free(numbers);
	return is_good(code, "cuptiPCSamplingGetStallReasons") &&
	       (stalls.n_reasons > 0 || is_good(GPU_NO_FUNCTION, "cuptiPCSamplingGetStallReasons"));
}

/* ---- cubins and lines */

/* Only those compiled with -lineinfo are of use. */
static void keep_cubin(const struct cupti_module *module)
{
	struct cupti_pc_crc crc = { CUPTI_PC_BYTES(struct cupti_pc_crc, crc), module->cubin_bytes,
				    module->cubin, 0 };
	size_t bytes = module->cubin_bytes;
	if (!module->cubin || !memmem(module->cubin, bytes, ".debug_line", 11) ||
	    stalls.n_cubins == MOST_CUBINS || bytes > MOST_CUBIN_BYTES - stalls.cubin_bytes)
		return;
	if (stalls.calls.crc(&crc) != 0)
		return; /* samples come without lines */
	for (uint32_t i = 0; i < stalls.n_cubins; i++)
		if (stalls.cubins[i].crc == crc.crc)
			return;
	struct cubin cubin = { crc.crc, bytes, malloc(bytes) };
	if (!cubin.copy)
		return;
	memcpy(cubin.copy, module->cubin, bytes);
	stalls.cubin_bytes += bytes;
	stalls.cubins[stalls.n_cubins++] = cubin;
}

static const struct cubin *find_cubin(uint64_t crc)
{
	for (uint32_t i = 0; i < stalls.n_cubins; i++)
		if (stalls.cubins[i].crc == crc)
			return &stalls.cubins[i];
	return NULL;
}

static void look_up(const struct cupti_pc *pc, struct known_line *line)
{
	const struct cubin *cubin = find_cubin(pc->cubin);
	line->file = 0;
	line->line = 0;
	if (!cubin || !pc->function)
		return;
	struct cupti_pc_line ask = { .bytes = CUPTI_PC_BYTES(struct cupti_pc_line, folder),
				     .cubin = cubin->copy,
				     .function = pc->function,
				     .cubin_bytes = cubin->bytes,
				     .offset = pc->offset };
	if (stalls.calls.line(&ask) != 0)
		return;
	line->file = inject_ring_name(stalls.ring, ask.file);
	line->line = ask.line;
	free(ask.file);
	free(ask.folder);
}

static const struct known_line *line_of(const struct cupti_pc *pc)
{
	uint64_t key[2] = { pc->cubin, pc->offset };
	uint64_t function = inject_ring_name(stalls.ring, pc->function);
	struct known_line *line =
		&stalls.lines[(inject_hash(key, sizeof key) ^ function) % N_LINES];
	if (line->function == function && line->cubin == pc->cubin && line->offset == pc->offset)
		return line;
	look_up(pc, line);
	line->function = function;
	line->cubin = pc->cubin;
	line->offset = pc->offset;
	return line;
}

/* ---- samples */

static void send_sum(void)
{
	struct gpu_stall_line out = { .function = stalls.sum.function,
				      .file = stalls.sum.file,
				      .line = stalls.sum.line };
	for (uint32_t i = 0; i < stalls.n_reasons && stalls.sum.has_any; i++) {
		if (stalls.sum.n_samples[i] == 0)
			continue;
		out.reasons[out.n] = stalls.names[i];
		out.n_samples[out.n++] = stalls.sum.n_samples[i];
		if (out.n == GPU_STALL_REASONS) {
			inject_ring_send(stalls.ring, GPU_STALLS, 0, &out, sizeof out);
			out.n = 0;
		}
	}
	if (out.n)
		inject_ring_send(stalls.ring, GPU_STALLS, 0, &out, sizeof out);
	stalls.sum = (struct sum){ 0 };
}

static void add_stall(const struct cupti_pc_stall *stall)
{
	for (uint32_t i = 0; i < stalls.n_reasons; i++)
		if (stalls.numbers[i] == stall->reason) {
			stalls.sum.n_samples[i] += stall->n_samples;
			stalls.sum.has_any |= stall->n_samples > 0;
		}
}

static void add_pc(const struct cupti_pc *pc)
{
	const struct known_line *line = line_of(pc);
	struct sum *sum = &stalls.sum;
	if (sum->function != line->function || sum->file != line->file || sum->line != line->line)
		send_sum();
	sum->function = line->function;
	sum->file = line->file;
	sum->line = line->line;
	for (size_t i = 0; i < pc->n_stalls && i < stalls.n_all_reasons; i++)
		add_stall(&pc->stalls[i]);
}

static void send_data(const struct cupti_pc_data *data)
{
	struct gpu_stall_count count = { .n_samples = data->n_samples,
					 .n_dropped = data->n_dropped,
					 .n_foreign = data->n_foreign };
	size_t n = data->n_pcs < data->most_pcs ? data->n_pcs : data->most_pcs;
	for (size_t i = 0; i < n; i++)
		add_pc(&data->pcs[i]);
	send_sum();
	if (count.n_samples || count.n_dropped)
		inject_ring_send(stalls.ring, GPU_STALL_COUNT, 0, &count, sizeof count);
}

static void free_data(struct cupti_pc_data *data)
{
	if (!data)
		return;
	if (data->pcs)
		free(data->pcs[0].stalls);
	free(data->pcs);
	free(data);
}

static struct cupti_pc_data *new_data(size_t most)
{
	struct cupti_pc_data *data = calloc(1, sizeof *data);
	struct cupti_pc *pcs = calloc(most, sizeof *pcs);
	struct cupti_pc_stall *all = calloc(most * stalls.n_all_reasons, sizeof *all);
	if (!data || !pcs || !all) {
		free(data);
		free(pcs);
		free(all);
		return NULL;
	}
	data->bytes = sizeof *data;
	data->most_pcs = most;
	data->pcs = pcs;
	for (size_t i = 0; i < most; i++) {
		pcs[i].bytes = sizeof *pcs;
		pcs[i].stalls = all + i * stalls.n_all_reasons;
	}
	return data;
}

/* A buffer of the device's that ran over is told once, and sampling goes on. */
static bool take_code(int code)
{
	if (code != CUPTI_OUT_OF_MEMORY)
		return is_good(code, "cuptiPCSamplingGetData");
	struct gpu_stall_count count = { .is_full = 1 };
	if (!stalls.is_full_told)
		inject_ring_send(stalls.ring, GPU_STALL_COUNT, 0, &count, sizeof count);
	stalls.is_full_told = true;
	return false;
}

static void read_context(void *context, uint64_t until_ns)
{
	struct cupti_pc_get get = { sizeof(struct cupti_pc_get), NULL, context, stalls.data };
	for (int i = 0; i < MOST_READS; i++) {
		stalls.data->n_samples = stalls.data->n_dropped = stalls.data->n_foreign = 0;
		stalls.data->n_pcs = stalls.data->n_left = 0;
		if (!take_code(stalls.calls.get(&get)))
			return;
		send_data(stalls.data);
		if (stalls.data->n_pcs == 0 || stalls.data->n_left == 0 ||
		    inject_now_ns() > until_ns)
			return;
	}
}

/* ---- contexts */

static bool configure(void *context, struct cupti_pc_data *last)
{
	struct cupti_pc_attribute attributes[] = {
		{ .type = CUPTI_PC_MODE, .mode = CUPTI_PC_CONTINUOUS },
		{ .type = CUPTI_PC_REASONS, .reasons = { stalls.n_reasons, stalls.numbers } },
		{ .type = CUPTI_PC_DEVICE_BUFFER, .buffer_bytes = DEVICE_BUFFER_BYTES },
		{ .type = CUPTI_PC_DATA, .data = last },
	};
	struct cupti_pc_configuration configuration = { sizeof(struct cupti_pc_configuration), NULL,
							context,
							sizeof attributes / sizeof attributes[0],
							attributes };
	return is_good(stalls.calls.configure(&configuration),
		       "cuptiPCSamplingSetConfigurationAttribute");
}

/* What CUPTI chose; 0 if it does not say. */
static uint32_t period_of(void *context)
{
	struct cupti_pc_attribute attribute = { .type = CUPTI_PC_PERIOD };
	struct cupti_pc_configuration configuration = { sizeof(struct cupti_pc_configuration), NULL,
							context, 1, &attribute };
	return stalls.calls.configuration(&configuration) == 0 ? attribute.period : 0;
}

static bool make_room(void)
{
	if (!stalls.lines)
		stalls.lines = calloc(N_LINES, sizeof *stalls.lines);
	if (!stalls.data)
		stalls.data = new_data(MOST_PCS);
	return stalls.lines && stalls.data;
}

static void open_context(void *context)
{
	struct cupti_pc_context enable = { CUPTI_PC_BYTES(struct cupti_pc_context, context), NULL,
					   context };
	struct context *free_place = NULL;
	for (int i = MOST_CONTEXTS; i-- > 0;)
		free_place = stalls.contexts[i].context ? free_place : &stalls.contexts[i];
	if (!free_place || (stalls.n_reasons == 0 && !name_reasons(context)))
		return;
	struct cupti_pc_data *last = new_data(MOST_LAST);
	if (!last || !make_room())
		is_good(CODE_OUT_OF_MEMORY, "malloc");
	else if (configure(context, last) &&
		 is_good(stalls.calls.enable(&enable), "cuptiPCSamplingEnable")) {
		struct gpu_stall_count count = { .period = period_of(context), .is_on = 1 };
		*free_place = (struct context){ context, last };
		inject_ring_send(stalls.ring, GPU_STALL_COUNT, 0, &count, sizeof count);
		return;
	}
	free_data(last);
}

static void close_context(struct context *place)
{
	struct cupti_pc_context disable = { CUPTI_PC_BYTES(struct cupti_pc_context, context), NULL,
					    place->context };
	if (stalls.is_on)
		read_context(place->context, UINT64_MAX);
	bool is_wanted = stalls.is_on;
	if (is_good(stalls.calls.disable(&disable), "cuptiPCSamplingDisable")) {
		if (is_wanted)
			send_data(place->last);
		free_data(place->last); /* CUPTI keeps it where that failed */
	}
	*place = (struct context){ 0 };
}

static void close_contexts(const void *context)
{
	for (int i = 0; i < MOST_CONTEXTS; i++)
		if (stalls.contexts[i].context &&
		    (!context || stalls.contexts[i].context == context))
			close_context(&stalls.contexts[i]);
}

/* ---- a profiler comes and goes */

static bool find_functions(void *library)
{
	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
		void *address = dlsym(library, symbols[i].name);
		if (!address) {
			refuse(GPU_NO_FUNCTION, symbols[i].name);
			return false;
		}
		memcpy((char *)&stalls.calls + symbols[i].offset, &address, sizeof address);
	}
	return true;
}

/* Ids that the last profiler was told of mean nothing to this one. */
static void forget_ids(void)
{
	free(stalls.lines);
	free_data(stalls.data);
	stalls.lines = NULL;
	stalls.data = NULL;
	stalls.n_reasons = 0;
	stalls.is_full_told = false;
	stalls.sum = (struct sum){ 0 };
}

/* Where a profiler comes or goes. */
static bool lock_patiently(void)
{
	for (int i = 0; i < MOST_TRIES; i++)
		if (inject_lock(&stalls.lock))
			return true;
	return false;
}

bool inject_stalls_find(struct inject_ring *ring, void *library)
{
	if (!lock_patiently())
		return false;
	stalls.is_on = false;
	close_contexts(NULL); /* none, unless the last profiler's end found no lock */
	stalls.ring = ring;
	forget_ids();
	bool is_found = stalls.is_on = find_functions(library);
	pthread_mutex_unlock(&stalls.lock);
	return is_found;
}

void inject_stalls_resource(uint32_t id, const void *data)
{
	const struct cupti_resource *resource = data;
	/* Rare, and worth a moment: 20 ms at most. */
	if (!inject_lock(&stalls.lock))
		return;
	if (!stalls.is_on)
		id = 0;
	if (id == CUPTI_CONTEXT_CREATED)
		open_context(resource->context);
	else if (id == CUPTI_CONTEXT_ENDS)
		close_contexts(resource->context);
	else if (id == CUPTI_MODULE_LOADED && resource->descriptor)
		keep_cubin(resource->descriptor);
	pthread_mutex_unlock(&stalls.lock);
}

void inject_stalls_meet(void *context)
{
	if (!inject_lock(&stalls.lock))
		return;
	bool is_known = false;
	for (int i = 0; i < MOST_CONTEXTS; i++)
		is_known |= stalls.contexts[i].context == context;
	if (stalls.is_on && !is_known)
		open_context(context);
	pthread_mutex_unlock(&stalls.lock);
}

void inject_stalls_pass(void)
{
	if (pthread_mutex_trylock(&stalls.lock) != 0)
		return;
	if (stalls.is_on && inject_now_ns() >= stalls.next_ns) {
		uint64_t until_ns = inject_now_ns() + MOST_PASS_NS;
		for (int i = 0; i < MOST_CONTEXTS && stalls.is_on; i++)
			if (stalls.contexts[i].context)
				read_context(stalls.contexts[i].context, until_ns);
		stalls.next_ns = inject_now_ns() + PASS_NS;
	}
	pthread_mutex_unlock(&stalls.lock);
}

void inject_stalls_end(void)
{
	if (!lock_patiently())
		return;
	close_contexts(NULL);
	stalls.is_on = false;
	pthread_mutex_unlock(&stalls.lock);
}
