/* What a screen would find: from the environment and the terminal itself. */
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "tui/doctor.h"

static void print_variable(const struct doctor *doctor, const char *name)
{
	char clean[128];
	const char *value = getenv(name);
	doctor_fact(doctor, name,
		    value && *value ? text_clean(clean, sizeof clean, value) : "unset");
}

void doctor_terminal(const struct doctor *doctor)
{
	struct winsize size;
	char text[64];
	puts("\nTerminal");
	bool is_terminal = isatty(STDOUT_FILENO);
	if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
		snprintf(text, sizeof text, "%d columns, %d rows", size.ws_col, size.ws_row);
		doctor_line(doctor, ORIGIN_SOFTWARE, "terminal", text);
	} else {
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "terminal",
			    "standard output is none; screens become text");
	}
	print_variable(doctor, "TERM");
	print_variable(doctor, "COLORTERM");
	print_variable(doctor, "NO_COLOR");
	bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	doctor_fact(doctor, "characters",
		    is_utf8 ? "UTF-8" : "not UTF-8, so screens are drawn in ASCII");
}
