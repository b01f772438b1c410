/* Memory traffic of a run. See stat_bandwidth.h. */
#include "tui/stat_bandwidth.h"

#include <math.h>
#include <stddef.h>

#include "counters/ceilings.h"
#include "counters/machine.h"
#include "sampler/base/shared_ring.h"
#include "sampler/probe_memory.h"
#include "sampler/target.h"
#include "tui/settings.h"
#include "tui/stat.h"

void stat_bandwidth_plan(struct stat *stat)
{
	struct stat_bandwidth *own = &stat->bandwidth;
	if (own->is_wanted)
		return;
	own->is_wanted = true;
	own->row = stat->n_rows;
	for (int i = 0; i < 2; i++) {
		struct stat_row *row = stat_row_new(stat, STAT_METRIC,
						    i ? "of what memory can do" : "memory traffic",
						    i ? "ratio" : "B/s");
		row->group = "bandwidth";
		row->about = i ? "Of the most that `stoke bench` got from main memory here."
			       : "Bytes to and from main memory, by the best there is.";
	}
}

static double find_ceiling(void)
{
	struct machine *machine = machine_read("");
	struct ceilings *ceilings = ceilings_cached(machine_identity(machine), NULL);
	const struct ceiling *best =
		ceilings ? ceilings_bandwidth(ceilings, "DRAM", UINT32_MAX) : NULL;
	double value = best ? best->best : NAN;
	ceilings_free(ceilings);
	machine_free(machine);
	return value;
}

void stat_bandwidth_open(struct stat *stat, const struct target *target)
{
	struct stat_bandwidth *own = &stat->bandwidth;
	struct bandwidth_request request = { .no_inherit = stat->settings->no_inherit, .root = "" };
	if (!own->is_wanted)
		return;
	bandwidth_request_target(&request, target);
	/* What runs already has not been told where to state its work. */
	int probe_fd = request.enable_on_exec ? target->probe_fd : -1;
	request.states_work = probe_fd >= 0;
	own->ring = probe_fd >= 0 ? probe_memory_map(probe_fd, SHARED_RING_RECORDS, NULL) : NULL;
	/* A run before this one has used the same ring. */
	own->tail = own->ring ? own->ring->tail : 0;
	own->ceiling = find_ceiling();
	own->work_bytes = NAN;
	own->done_before = own->before_bytes = 0;
	bandwidth_open(&own->bandwidth, &request);
	if (own->bandwidth.rung == BANDWIDTH_CONTROLLERS || !request.enable_on_exec)
		bandwidth_enable(&own->bandwidth);
	own->is_open = true;
}

void stat_bandwidth_listen(struct stat *stat)
{
	struct stat_bandwidth *own = &stat->bandwidth;
	struct shared_record record;
	/* What is not finished yet is there the next time. */
	while (own->ring && shared_ring_take(own->ring, &own->tail, &record) == SHARED_RING_READ) {
		if (record.type == SHARED_WORK) {
			own->work_bytes = record.values[1];
		} else if (record.type == SHARED_RESTART) {
			own->done_before += isnan(own->work_bytes) ? 0 : own->work_bytes;
			own->work_bytes = 0;
		}
	}
}

void stat_bandwidth_read(struct stat *stat, bool is_difference, double seconds)
{
	struct stat_bandwidth *own = &stat->bandwidth;
	if (!own->is_open)
		return;
	struct stat_row *rows = &stat->rows[own->row];
	stat_bandwidth_listen(stat);
	struct bandwidth_bytes read =
		bandwidth_read(&own->bandwidth, own->done_before + own->work_bytes);
	double bytes = read.bytes - (is_difference ? own->before_bytes : 0);
	double rate = seconds > 0 ? bytes / seconds : NAN;
	bool is_silent = own->bandwidth.rung == BANDWIDTH_WORK && isnan(read.bytes);
	struct why reason = own->bandwidth.reason;
	if (is_silent)
		why_fail(&reason, "The program tells no work. %.480s", own->bandwidth.remedy.text);
	stat_row_add(&rows[0], rate, read.origin, read.running_ratio, reason.text);
	stat_row_add(&rows[1], rate / own->ceiling, read.origin, read.running_ratio,
		     isnan(own->ceiling) ? "What this machine's memory can do is not known; "
					   "`stoke bench` measures it."
					 : reason.text);
	/* What the value is belongs to it, also where it is known. */
	if (!isnan(rate))
		stat_note(stat, own->bandwidth.reason.text);
	if (!isnan(read.bytes))
		own->before_bytes = read.bytes;
}

void stat_bandwidth_close(struct stat *stat)
{
	struct stat_bandwidth *own = &stat->bandwidth;
	if (!own->is_open)
		return;
	bandwidth_close(&own->bandwidth);
	if (own->ring)
		probe_memory_unmap(own->ring, SHARED_RING_RECORDS);
	own->ring = NULL;
	own->is_open = false;
}
