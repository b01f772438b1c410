/* stoke doctor: the truth about this machine, chapter by chapter. */
#include <stdio.h>

#include "sampler/base/text.h"
#include "tui/command.h"
#include "tui/doctor.h"
#include "tui/help.h"
#include "tui/settings.h"

extern const struct command command_doctor;

enum { TEXT_COLUMN = 32 };

static const struct option_row rows[] = {
	{ 0, OPTION_FLAG, "grade", NULL,
	  "instead run loops whose counts are known, and say how far each counter can be trusted "
	  "(1 s)",
	  .offset = offsetof(struct settings, is_grading) },
	{ 0, OPTION_FLAG, "cost", NULL,
	  "instead profile a workload in turns with leaving it alone, and say what profiling "
	  "costs, "
	  "and what the cache model does (20 s)",
	  .offset = offsetof(struct settings, is_costing) },
	{ 0, OPTION_FLAG, "ascii", NULL, "ASCII characters only",
	  .offset = offsetof(struct settings, is_ascii) },
	{ 0 },
};
static const struct option_group options_doctor = { "Text", rows };
static const struct option_group *const options[] = { &options_doctor, &options_general, NULL };

static const char *badge(const struct doctor *doctor, enum origin origin)
{
	static const char *const ascii[N_ORIGINS] = { "-", "*", "%", "o", "~" };
	return doctor->is_ascii ? ascii[origin] : origin_glyph(origin);
}

static void print_line(const char *mark, const char *label, const char *text)
{
	printf("  %s %-*s", mark, TEXT_COLUMN - 4, label);
	if (text_width(label) > TEXT_COLUMN - 5)
		printf("\n%*s", TEXT_COLUMN, "");
	print_wrapped(stdout, text, TEXT_COLUMN, TEXT_COLUMN);
}

void doctor_line(const struct doctor *doctor, enum origin origin, const char *label,
		 const char *text)
{
	print_line(badge(doctor, origin), label, text);
}

void doctor_fact(const struct doctor *doctor, const char *label, const char *text)
{
	(void)doctor;
	print_line(" ", label, text);
}

static void print_legend(const struct doctor *doctor)
{
	printf("\n%s measured by hardware   %s by software   %s modelled   %s not available\n",
	       badge(doctor, ORIGIN_MEASURED), badge(doctor, ORIGIN_SOFTWARE),
	       badge(doctor, ORIGIN_MODELLED), badge(doctor, ORIGIN_UNAVAILABLE));
}

static int run(int argc, char **argv)
{
	(void)argc;
	struct settings settings = { 0 };
	struct arguments arguments;
	int status;
	if (!settings_parse(&command_doctor, OPTIONS_ANYWHERE, argv, &settings, &arguments,
			    &status))
		return status;
	const struct doctor doctor = { .is_ascii = settings_glyphs_are_ascii(&settings) };
	struct why why;
	if (settings.is_grading || settings.is_costing) {
		bool is_good = (!settings.is_grading || doctor_grade(&doctor, &why)) &&
			       (!settings.is_costing || doctor_cost(&doctor, &settings, &why));
		print_legend(&doctor);
		return is_good ? STATUS_OK : fail_with(STATUS_FAILED, "doctor", &why);
	}
	doctor_kernel(&doctor);
	doctor_events(&doctor);
	doctor_timer(&doctor);
	doctor_model(&doctor);
	doctor_symbols(&doctor);
	doctor_gpu(&doctor);
	doctor_terminal(&doctor);
	print_legend(&doctor);
	return STATUS_OK;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "Say what can be measured on this machine, what not, and why.",
	.usage = "[options]",
	.help = "Every event is tried for real. The status is 0 whatever is found. Grades "
		"(--grade) "
		"are kept for this machine and stand beside what `stoke stat` counts and in "
		"recordings.",
	.options = options,
	.run = run,
};
