/*
 * sampler: the engine. Sources append rows to one recording; views and exporters read it.
 * It may include sampler/base and itself, nothing else of ours; it knows no screen and no
 * particular hardware. Start reading here, then source.h, then tree.h.
 *
 * recording: append-only tables. A row is a plain struct, an id is a row number, 0 means none
 * (row 0 of each table is a zero row). One thread writes; readers take a `struct moment` and may
 * look at every row below its counts without a lock, because those never change.
 *
 *   threads ─┐                    strings   names, paths: id = byte offset
 *   samples ─┼─> stacks ─> frames ─> modules
 *   spans  ──┘             │ (same id)
 *                          └ locations ─> functions, inlines
 *   readings ─> series        notes, facts, outputs
 */
#ifndef SAMPLER_RECORDING_H
#define SAMPLER_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sampler/base/table.h"

/* Where a value comes from; part of every value, in memory, on screen and in files. */
enum origin {
	ORIGIN_UNAVAILABLE, /* – : with a reason and a remedy, never a zero */
	ORIGIN_MEASURED,    /* ● : counted by hardware */
	ORIGIN_SCALED,      /* ◐ : hardware, multiplexed; with the ratio it ran */
	ORIGIN_SOFTWARE,    /* ○ : counted or timed by software */
	ORIGIN_MODELLED,    /* ≈ : computed from known work or a model */
	N_ORIGINS,
};

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR, N_SEVERITIES };

enum module_kind {
	MODULE_SPECIAL, /* row 0: frames that are sentences, such as [lost] */
	MODULE_FILE,
	MODULE_KERNEL,
	MODULE_VDSO,
	MODULE_JIT,       /* code without a file, one module a process */
	MODULE_ANONYMOUS, /* mapped memory without a file or a JIT map */
	MODULE_GPU,       /* kernels of a GPU: the address of a frame is its name in strings */
};

struct module_row {
	uint32_t path;     /* strings */
	uint32_t build_id; /* strings, hexadecimal; 0 = none */
	uint32_t kind;     /* enum module_kind */
	uint32_t pid;      /* MODULE_JIT, MODULE_ANONYMOUS: whose; else 0 */
};

/* One code address, shared by every stack that holds it. */
struct frame_row {
	uint64_t address; /* in the module's own addresses (ELF vaddr; kernel: absolute);
			     MODULE_SPECIAL: strings id of its text */
	uint32_t module;
	uint32_t flags; /* FRAME_* */
};

enum {
	FRAME_KERNEL = 1, /* ran in the kernel */
	FRAME_LEAF = 2,   /* sampled instruction, not a return address (address is then exact,
			     else it is the return address less 1) */
	FRAME_NAMED = 4,  /* known by name only: `address` just tells such frames apart */
};

enum function_flag {
	FUNCTION_KERNEL = 1,
	FUNCTION_SPECIAL = 2, /* [lost], [truncated], [unknown: ...]: a sentence, not a function */
	FUNCTION_UNNAMED = 4, /* [libfoo.so+0x1234]: no symbol covers it */
	FUNCTION_JIT = 8,
	FUNCTION_PHASE = 16, /* a phase or operation named by the program itself */
};

struct function_row {
	uint64_t address; /* start, in the module's addresses */
	uint32_t size_bytes;
	uint32_t name;         /* strings, demangled */
	uint32_t linkage_name; /* strings, as in the symbol table; = name if not mangled */
	uint32_t module;
	uint32_t flags; /* enum function_flag */
	uint32_t reserved;
};

/* What a frame's address stands for; row i describes frame i and is written later than it. */
struct location_row {
	uint32_t function; /* innermost: an inlined function when `inlined_into` is not 0 */
	uint32_t file;     /* strings; 0 = no line information */
	uint32_t line;
	uint32_t inlined_into; /* inlines: the frame around it; 0 = function is the real one */
};

struct inline_row {
	uint32_t function;
	uint32_t file, line;   /* where the call was inlined */
	uint32_t inlined_into; /* next outer; 0 = function is the real one */
};

/* A call chain is one id: its innermost frame and the chain of its caller. Parents are older:
 * parent < id. */
struct stack_row {
	uint32_t parent, frame;
};

/* One thread under one name; a new name (exec, prctl) makes a new row. */
struct thread_row {
	uint32_t pid, tid;
	uint32_t name;         /* strings: comm, cleaned of control characters */
	uint32_t process_name; /* strings: the main thread's comm */
	uint64_t start_ns;
	uint32_t parent_pid; /* of the process that made its process; 0 = not known */
	uint32_t flags;      /* THREAD_* */
};

enum {
	THREAD_FOLLOWED = 1, /* the end of its process will be told */
	THREAD_ENDED = 2,    /* tells that its process has ended, at start_ns; no sample refers to
				it */
};

struct series_row {
	uint32_t name, unit; /* strings: "cpu-clock" "ns"; "loss" "" */
	uint32_t source;     /* strings: which source wrote it */
	uint32_t device;     /* strings: "" for the CPU */
	uint32_t origin;     /* enum origin */
	uint32_t reason;     /* strings: why not better, or why unavailable; 0 = none */
	uint32_t remedy;     /* strings; 0 = none */
	uint32_t flags;      /* SERIES_* */
};

enum {
	SERIES_SAMPLES = 1,  /* weights of samples */
	SERIES_PROGRESS = 2, /* 0…1 done */
	SERIES_QUALITY = 4,  /* loss, AUC, recall: what the workload reports of its result */
	SERIES_WORK = 8,     /* cumulative exact work: FLOPs, bytes, items */
	SERIES_SPANS = 16,
	SERIES_VALUES = 32, /* each sample is a value of its own (how long a GPU kernel took), not
			       one of many that stand for the rest: counts of them say little */
};

/* Events that were read at the same moments have the same number, of 1 … 255, in these bits of
 * their flags: only of those are ratios true. 0 = sampled by itself. */
enum { SERIES_GROUP_SHIFT = 8, SERIES_MOST_GROUPS = 255 };

static inline uint32_t series_group(const struct series_row *row)
{
	return row->flags >> SERIES_GROUP_SHIFT & SERIES_MOST_GROUPS;
}

/* One or more samples: same stack, thread and series within one slot of time (20 ms). */
struct sample_row {
	uint64_t time_ns; /* of the first */
	uint64_t weight;  /* in the series' unit */
	uint32_t stack;
	uint32_t thread;
	uint32_t count; /* how many samples were merged */
	uint16_t series;
	uint16_t cpu; /* of the first; SAMPLE_CPU_UNKNOWN */
};

enum { SAMPLE_CPU_UNKNOWN = 0xffff };

struct reading_row {
	uint64_t time_ns;
	double value;
	uint32_t series;
	uint32_t thread;     /* 0 = the whole target or machine */
	float running_ratio; /* ORIGIN_SCALED: share of the time it was counted; else 1 */
	uint32_t origin;
};

/* Something with a beginning and an end: a phase of a workload, a GPU kernel. */
struct span_row {
	uint64_t start_ns, duration_ns;
	double flops, bytes, items; /* exact work inside; NaN = not stated */
	uint32_t series, name, stack, thread;
	uint64_t launch_ns; /* when `thread` asked for it, not after it began; 0 = not known */
	uint64_t launch_duration_ns; /* how long the call took; 0 = not known */
};

/* A phase that had begun and not ended when its row was written; another row with its beginning,
 * name and thread tells its end, if it comes to that. Its duration is 0. */
enum { SPAN_OPEN_LAUNCH = -1 };

static inline bool span_is_open(const struct span_row *row)
{
	return row->launch_duration_ns == (uint64_t)SPAN_OPEN_LAUNCH;
}

struct note_row {
	uint64_t time_ns;
	uint32_t severity; /* enum severity */
	uint32_t source;   /* strings */
	uint32_t text;     /* strings: what and why */
	uint32_t remedy;   /* strings: what to do; 0 = nothing needs doing */
};

/* Key and value about the run: command line, host, kernel, exit status, version. Keys with a colon
 * are rows of a table (machine:cores): they repeat, and are read by those who know them. */
struct fact_row {
	uint32_t key, value; /* strings */
};

enum table_id {
	TABLE_STRINGS,
	TABLE_MODULES,
	TABLE_FUNCTIONS,
	TABLE_INLINES,
	TABLE_FRAMES,
	TABLE_LOCATIONS,
	TABLE_STACKS,
	TABLE_THREADS,
	TABLE_SERIES,
	TABLE_SAMPLES,
	TABLE_READINGS,
	TABLE_SPANS,
	TABLE_NOTES,
	TABLE_FACTS,
	TABLE_OUTPUTS, /* bytes the target wrote to its terminal */
	N_TABLES,      /* order = publishing order: referred-to before referring */
};

/* Counts taken once; everything below them is immutable and refers only to rows below them. */
struct moment {
	uint64_t n[N_TABLES];
};

/* A phase that a thread begins or ends (probe.h). */
struct phase_event {
	uint64_t time_ns;
	uint32_t pid, tid, name; /* strings */
	bool is_begin;
};

struct interner; /* hash of rows to ids; the writer's */
struct sample_slot;

struct recording {
	struct table tables[N_TABLES];
	uint64_t start_ns;       /* CLOCK_MONOTONIC when recording began: time 0 on screen */
	uint64_t start_epoch_ns; /* the same instant, CLOCK_REALTIME */
	struct interner *interners[N_TABLES]; /* writer only */
	struct sample_slot *slot;             /* writer only: samples not yet in the table */
	/* Writer only: rows of stacks before new ones are cut; 0 = no limit. What cuts them. */
	uint64_t most_stacks;
	uint32_t cut_frame;
	/* Writer only: told of each sample before it is merged with others; NULL = nobody. */
	void (*watch)(void *watcher, const struct sample_row *row);
	void *watcher;
	/* The same of each phase of a program, as it begins and as it ends. */
	void (*watch_phase)(void *watcher, const struct phase_event *event);
	void *phase_watcher;
};

/*
 * recording_new: an empty recording; its clock starts now.
 * recording_free: frees it; NULL is fine.
 */
struct recording *recording_new(void);
void recording_free(struct recording *recording);

/* recording_moment: what a reader may look at. Any thread; 15 atomic loads. */
struct moment recording_moment(const struct recording *recording);

/* recording_string_at: text of a strings id, borrowed; "" for 0. Ids come from
 * rows, which only refer to what exists. */
const char *recording_string_at(const struct recording *recording, uint32_t id);

/* Rows by id (recording_module(), recording_note_row(), ...); the id must be below a moment's
 * count. */
#define RECORDING_ROW(name, function, TABLE)                                                       \
	static inline const struct name##_row *function(const struct recording *recording,         \
							uint64_t id)                               \
	{                                                                                          \
		return (const struct name##_row *)table_row(&recording->tables[TABLE], id);        \
	}
RECORDING_ROW(module, recording_module, TABLE_MODULES)
RECORDING_ROW(function, recording_function, TABLE_FUNCTIONS)
RECORDING_ROW(inline, recording_inline, TABLE_INLINES)
RECORDING_ROW(frame, recording_frame, TABLE_FRAMES)
RECORDING_ROW(location, recording_location, TABLE_LOCATIONS)
RECORDING_ROW(stack, recording_stack, TABLE_STACKS)
RECORDING_ROW(thread, recording_thread, TABLE_THREADS)
RECORDING_ROW(series, recording_series, TABLE_SERIES)
RECORDING_ROW(sample, recording_sample, TABLE_SAMPLES)
RECORDING_ROW(reading, recording_reading, TABLE_READINGS)
RECORDING_ROW(span, recording_span, TABLE_SPANS)
RECORDING_ROW(note, recording_note_row, TABLE_NOTES)
RECORDING_ROW(fact, recording_fact, TABLE_FACTS)
#undef RECORDING_ROW

/* recording_fact_text: the last value of a key, borrowed, or NULL. Any thread; looks through all.
 */
const char *recording_fact_text(const struct recording *recording, const char *key);

/*
 * The writer's side. One thread at a time: the main thread before the collector starts, then the
 * collector until it has stopped. Interning functions return the id of an equal row if there is
 * one. Nothing is visible to readers before recording_publish.
 */
uint32_t recording_add_string(struct recording *recording, const char *text);
uint32_t recording_add_string_n(struct recording *recording, const char *text, size_t n_bytes);
uint32_t recording_add_module(struct recording *recording, const struct module_row *row);
uint32_t recording_add_function(struct recording *recording, const struct function_row *row);
uint32_t recording_add_inline(struct recording *recording, const struct inline_row *row);
uint32_t recording_add_frame(struct recording *recording, const struct frame_row *row);
/* A frame that is a sentence: "[lost]". flags: FRAME_KERNEL or 0. */
uint32_t recording_add_special_frame(struct recording *recording, const char *text, uint32_t flags);
/* The location of frame number n_locations (the next one without). */
void recording_add_location(struct recording *recording, const struct location_row *row);
/*
 * recording_add_stack: with most_stacks rows, a stack that is not known ends in the special frame
 * "[cut: too many stacks]" below the deepest caller that is, and a note says so: weight is kept,
 * and memory stays bounded.
 */
uint32_t recording_add_stack(struct recording *recording, uint32_t parent, uint32_t frame);
/*
 * recording_add_stacks: a whole chain below `parent`, outermost first; stacks[i] gets the id that
 * ends in frames[i]. Faster than one by one where the chain is new: its ids are then known before
 * they are looked up, so that all cache misses overlap.
 */
void recording_add_stacks(struct recording *recording, uint32_t parent, const uint32_t *frames,
			  size_t n, uint32_t *stacks);
uint32_t recording_add_thread(struct recording *recording, const struct thread_row *row);
uint32_t recording_add_series(struct recording *recording, const struct series_row *row);
void recording_add_reading(struct recording *recording, const struct reading_row *row);
uint32_t recording_add_span(struct recording *recording, const struct span_row *row);
void recording_add_fact(struct recording *recording, const char *key, const char *value);
void recording_add_output(struct recording *recording, const void *bytes, size_t n_bytes);

/*
 * recording_add_sample: one sample. Samples equal in (stack, thread, series) within one slot of
 * 20 ms become one row, so size follows distinct stacks and seconds; rows appear when their slot
 * is over (recording_flush_samples). A phase's border that recording_part_samples has told by then
 * parts them. When the samples' memory budget is spent the slot doubles
 * and a note says so.
 * Cost    one hash look-up
 */
void recording_add_sample(struct recording *recording, const struct sample_row *row);

/* recording_part_samples: a phase begins or ends at this time (sample_slot_part). */
void recording_part_samples(struct recording *recording, uint64_t time_ns);

/*
 * Memory that a recording in the making fills, and what it may fill before it is thinned. Rows
 * only: what finds them again takes about as much again.
 */
struct recording_memory {
	uint64_t samples_bytes, samples_budget_bytes;
	uint64_t stacks_bytes, stacks_budget_bytes;
	uint64_t all_bytes; /* of all tables */
};

/*
 * A live recording's stacks: 2 M rows are 16 MiB here, 32 MiB of index, and some 300 MB in each
 * tree that a view makes of them. Programs that people profile have some thousands; those that come
 * near are recursive in data, and below some depth nobody looks at single ones.
 */
enum { RECORDING_MOST_STACKS = 1 << 21 };

/* recording_memory: of what a reader may see. Any thread. */
struct recording_memory recording_memory(const struct recording *recording);

/* recording_flush_samples: append the rows of slots that ended before at_ns; UINT64_MAX = all. */
void recording_flush_samples(struct recording *recording, uint64_t at_ns);

/*
 * recording_note: a sentence for the notes view, and its remedy ("" = none). Equal sentences of
 * one source are kept once.
 */
void recording_note(struct recording *recording, enum severity severity, const char *source,
		    const char *text, const char *remedy);

/* recording_note_count: "N <what>", if n is not 0. */
void recording_note_count(struct recording *recording, enum severity severity, const char *source,
			  uint64_t n, const char *what, const char *remedy);

/* recording_publish: make everything added so far visible to readers, in an order that keeps
 * every reference covered. Cost: 15 atomic stores. */
void recording_publish(struct recording *recording);

/* origin_glyph: "●" "◐" "○" "≈" "–". origin_name: "measured", ... for machine formats. */
const char *origin_glyph(enum origin origin);
const char *origin_name(enum origin origin);

/* now_ns: CLOCK_MONOTONIC, the clock of every time in a recording. */
uint64_t now_ns(void);

#endif
