/* Metric group files, formulas, and names of events from anywhere. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "counters/events.h"
#include "counters/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_group(const char *text)
{
	struct metric_group group;
	struct why why;
	if (!metric_group_parse(&group, "fuzz", text, &why))
		return;
	const struct metric_section *section = metric_section_for(&group, "skx");
	struct operand operands[MAX_OPERANDS] = { 0 };
	for (uint32_t i = 0; i < MAX_OPERANDS; i++)
		operands[i] = (struct operand){ "x", i, 1, ORIGIN_MEASURED, NULL };
	for (uint32_t i = 0; section && i < section->n_metrics; i++) {
		struct formula_result result =
			formula_evaluate(&section->metrics[i].formula, operands);
		/* Either a number or a reason, never both or neither. */
		if (isfinite(result.value) == (result.reason.text[0] != '\0'))
			abort();
	}
	metric_group_free(&group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a", "b", "seconds" };
	struct formula formula;
	struct sampled_event event;
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_group(text);
	formula_parse(&formula, text, names, 3, NULL);
	if (size < 64) /* an unknown name is compared with every known one */
		event_resolve(text, &event, NULL);
	free(text);
	return 0;
}
