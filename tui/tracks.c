/* One pass over the readings there are, then over what is new. See tracks.h. */
#include "tui/tracks.h"

#include <math.h>
#include <stdlib.h>

#include "sampler/base/text.h"
#include "sampler/base/why.h"

/* A value holds back to the one before; over a longer silence than this many, nothing is known. */
static const double MOST_SILENCE = 3;

static struct track *track_of(struct tracks *tracks, uint32_t series, uint32_t thread)
{
	uint32_t *place = hash_map_at(&tracks->places, ((uint64_t)series << 32 | thread) + 1);
	if (!*place && tracks->n == TRACKS_MOST)
		return NULL;
	if (!tracks->rows)
		tracks->rows = allocate(TRACKS_MOST, sizeof *tracks->rows);
	if (!*place) {
		tracks->rows[tracks->n++] =
			(struct track){ .series = series,
					.thread = thread,
					.bins = { .width_ns = tracks->width_ns },
					.last = NAN,
					.least = NAN,
					.most = NAN };
		*place = (uint32_t)tracks->n;
	}
	return &tracks->rows[*place - 1];
}

static void add_value(struct tracks *tracks, struct track *track, uint64_t time_ns, double value)
{
	uint64_t start = tracks->origin_ns;
	uint64_t at = time_ns > start ? time_ns - start : 0;
	bins_add(&track->bins, at, value);
	track->last = value;
	track->least = track->n == 0 || value < track->least ? value : track->least;
	track->most = track->n == 0 || value > track->most ? value : track->most;
	track->first_ns = track->n == 0 ? time_ns : track->first_ns;
	track->last_ns = time_ns;
	track->n++;
	tracks->end_ns = at > tracks->end_ns ? at : tracks->end_ns;
}

/* Work since the start becomes work a second, over the time since the reading before. */
static void add_work(struct tracks *tracks, struct track *track, const struct reading_row *row)
{
	if (track->total_ns && row->time_ns > track->total_ns && row->value >= track->total)
		add_value(tracks, track, row->time_ns,
			  (row->value - track->total) /
				  ((double)(row->time_ns - track->total_ns) * 1e-9));
	track->total = row->value;
	track->total_ns = row->time_ns;
}

static void take_reading(struct tracks *tracks, const struct view_context *context,
			 const struct reading_row *row)
{
	const struct view_focus *focus = context->focus;
	const struct series_row *series = recording_series(context->recording, row->series);
	if (row->time_ns < focus->from_ns || (focus->to_ns && row->time_ns >= focus->to_ns))
		return;
	if (tracks->is_wanted && !tracks->is_wanted(context->recording, series))
		return;
	struct track *track = track_of(tracks, row->series, row->thread);
	if (!track)
		return;
	track->origin = row->origin;
	track->running_ratio = (double)row->running_ratio;
	if (row->origin == ORIGIN_UNAVAILABLE || !isfinite(row->value))
		track->last = NAN;
	else if (series->flags & SERIES_WORK)
		add_work(tracks, track, row);
	else
		add_value(tracks, track, row->time_ns, row->value);
}

/* Series are listed before they have readings, and if they never get any. */
static void take_series(struct tracks *tracks, const struct view_context *context, uint64_t n)
{
	for (; tracks->next_series < n; tracks->next_series++) {
		const struct series_row *row =
			recording_series(context->recording, tracks->next_series);
		bool has_readings = !(row->flags & (SERIES_SAMPLES | SERIES_SPANS));
		if (tracks->is_wanted && !tracks->is_wanted(context->recording, row))
			continue;
		if (has_readings || row->origin == ORIGIN_UNAVAILABLE)
			track_of(tracks, (uint32_t)tracks->next_series, 0);
	}
}

static void forget(struct tracks *tracks, const struct view_context *context)
{
	const struct view_focus *focus = context->focus;
	for (size_t i = 0; i < tracks->n; i++)
		bins_free(&tracks->rows[i].bins);
	hash_map_free(&tracks->places);
	tracks->n = 0;
	tracks->next_reading = tracks->next_series = 1;
	tracks->end_ns = 0;
	tracks->from_ns = focus->from_ns;
	tracks->to_ns = focus->to_ns;
	tracks->origin_ns = context->recording->start_ns;
	if (tracks->begins_with_window && focus->from_ns > tracks->origin_ns)
		tracks->origin_ns = focus->from_ns;
}

bool tracks_take_in(struct tracks *tracks, const struct view_context *context)
{
	struct moment moment = recording_moment(context->recording);
	bool is_other = tracks->from_ns != context->focus->from_ns ||
			tracks->to_ns != context->focus->to_ns;
	if (is_other || tracks->next_series == 0)
		forget(tracks, context);
	bool is_changed = is_other || tracks->next_series != moment.n[TABLE_SERIES] ||
			  tracks->next_reading != moment.n[TABLE_READINGS];
	take_series(tracks, context, moment.n[TABLE_SERIES]);
	for (; tracks->next_reading < moment.n[TABLE_READINGS]; tracks->next_reading++)
		take_reading(tracks, context,
			     recording_reading(context->recording, tracks->next_reading));
	return is_changed;
}

void tracks_free(struct tracks *tracks)
{
	for (size_t i = 0; i < tracks->n; i++)
		bins_free(&tracks->rows[i].bins);
	free(tracks->rows);
	hash_map_free(&tracks->places);
}

struct track_axis tracks_axis(const struct tracks *tracks, const struct track *track,
			      bool is_fitted)
{
	uint64_t start = tracks->origin_ns;
	struct track_axis axis = { .to_ns = tracks->end_ns + 1, .low = 0, .high = track->most };
	if (tracks->from_ns > start)
		axis.from_ns = tracks->from_ns - start;
	if (tracks->to_ns > start)
		axis.to_ns = tracks->to_ns - start;
	if (axis.to_ns <= axis.from_ns)
		axis.to_ns = axis.from_ns + 1;
	if (is_fitted || track->least < 0)
		axis.low = track->least;
	if (!(axis.high > axis.low))
		axis.high = axis.low + 1;
	return axis;
}

/* From the last to the first. */
void tracks_values(const struct tracks *tracks, const struct track *track,
		   const struct track_axis *axis, int n, double *out)
{
	uint64_t start = tracks->origin_ns;
	double range = (double)(axis->to_ns - axis->from_ns), held = NAN, held_ns = 0;
	double interval =
		track->n > 1 ? (double)(track->last_ns - track->first_ns) / (double)(track->n - 1)
			     : 0;
	uint64_t first = track->first_ns > start ? track->first_ns - start : 0;
	for (int i = n - 1; i >= 0; i--) {
		uint64_t from = axis->from_ns + (uint64_t)(range * i / n);
		uint64_t to = axis->from_ns + (uint64_t)(range * (i + 1) / n);
		double count, sum = bins_sum(&track->bins, from, to, &count);
		if (count > 0) {
			held = (sum / count - axis->low) / (axis->high - axis->low);
			held_ns = (double)to;
		}
		bool is_known = to > first && held_ns - (double)to <= interval * MOST_SILENCE;
		out[i] = is_known ? held : NAN;
	}
}

/* A value that there is none of shows the mark of that, whatever its series promises. */
enum origin track_origin(const struct track *track)
{
	return isnan(track->last) ? ORIGIN_UNAVAILABLE : (enum origin)track->origin;
}

void track_draw_time(const struct canvas *canvas, int y, int left, const struct track_axis *axis)
{
	char from[TEXT_BYTES], to[TEXT_BYTES];
	text_duration(from, sizeof from, (double)axis->from_ns);
	text_duration(to, sizeof to, (double)axis->to_ns);
	for (int x = left; x < canvas->width; x++)
		canvas_text(canvas, x, y, 1, MEANING_DIM, "\u2500");
	canvas_print(canvas, left, y, MEANING_DIM, "%s ", from);
	int at = canvas->width - text_width(to) - 1;
	if (at > left + text_width(from) + 1)
		canvas_print(canvas, at, y, MEANING_DIM, " %s", to);
}
