/* See ceilings_table.h. */
#include <inttypes.h>
#include <math.h>

#include "counters/ceilings.h"
#include "sampler/json.h"
#include "sampler/recording.h"
#include "tui/ceilings_table.h"

static void print_row(struct json *json, const struct ceiling *row)
{
	bool is_measured = isfinite(row->best);
	json_open(json, '{');
	json_string_at(json, "name", row->name);
	json_string_at(json, "unit", row->unit);
	json_unsigned_at(json, "threads", row->n_threads);
	json_number_at(json, "value", row->best);
	json_number_at(json, "median", row->median);
	json_number_at(json, "spread_ratio", ceiling_spread(row));
	json_unsigned_at(json, "repeats", row->n_repeats);
	if (row->set_bytes)
		json_unsigned_at(json, "bytes_per_thread", row->set_bytes);
	json_string_at(json, "provenance",
		       origin_name(is_measured ? ORIGIN_SOFTWARE : ORIGIN_UNAVAILABLE));
	if (!is_measured)
		json_string_at(json, "reason", row->reason);
	json_close(json, '}');
}

static void print_rows(struct json *json, const struct ceilings *ceilings)
{
	struct why why;
	bool is_noisy = ceilings_are_noisy(ceilings, &why);
	json_unsigned_at(json, "measured_epoch_s",
			 ceilings->epoch_s > 0 ? (uint64_t)ceilings->epoch_s : 0);
	json_number_at(json, "lost_ratio", ceilings->lost_ratio);
	json_number_at(json, "stolen_ratio", ceilings->stolen_ratio);
	json_key(json, "is_noisy");
	json_literal(json, is_noisy ? "true" : "false");
	if (is_noisy)
		json_string_at(json, "noise", why.text);
	json_key(json, "ceilings");
	json_open(json, '[');
	for (size_t i = 0; i < ceilings->n; i++)
		print_row(json, &ceilings->rows[i]);
	json_close(json, ']');
}

static void print_devices(struct json *json, const struct ceilings_devices *devices,
			  const char *reason)
{
	json_key(json, "devices");
	json_open(json, '[');
	for (size_t i = 0; i < devices->n; i++) {
		json_open(json, '{');
		json_string_at(json, "device", devices->rows[i]->device);
		json_string_at(json, "uuid", devices->rows[i]->uuid);
		print_rows(json, devices->rows[i]);
		json_close(json, '}');
	}
	json_close(json, ']');
	if (devices->n == 0 && reason)
		json_string_at(json, "devices_reason", reason);
}

void ceilings_json_print(const struct ceilings *ceilings, const struct ceilings_devices *devices,
			 const char *reason, FILE *out)
{
	struct json json = { .out = out };
	char identity[24];
	snprintf(identity, sizeof identity, "%016" PRIx64, ceilings->machine);
	json_open(&json, '{');
	json_string_at(&json, "machine", identity);
	print_rows(&json, ceilings);
	print_devices(&json, devices, reason);
	json_close(&json, '}');
	json_line(&json, true);
}
