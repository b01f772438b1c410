/* What names and callers are found with: the libraries of the build and files on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counters/events_libpfm.h"
#include "sampler/http_post.h"
#include "tui/disassemble.h"
#include "tui/doctor.h"

/* Per-CPU symbols of a kernel start at zero: some hundreds. */
enum { MANY_ZEROES = 4096 };

struct library {
	const char *name, *use;
	bool is_built_in;
	const char *remedy;
	/* Of those opened when they are first needed: NULL, or why it cannot be used. */
	const char *(*unusable)(void);
};

static const struct library libraries[] = {
	{ "elfutils", "symbols, lines, inlined functions", true, "", NULL },
	{ "libunwind", "the reference unwinder", true, "", NULL },
	{ "libpfm4", "vendors' names of events", true, "", libpfm_unusable },
	{ "zstd", "compressed recordings", HAVE_ZSTD, "install libzstd-dev and build again", NULL },
	{ "libiberty", "C++ and Rust names", HAVE_IBERTY, "install libiberty-dev and build again",
	  NULL },
	{ "hwloc", "caches where /sys hides them", HAVE_HWLOC,
	  "install libhwloc-dev and build again", NULL },
	{ "libvterm", "the program's own terminal", HAVE_VTERM,
	  "install libvterm-dev and build again", NULL },
	{ "capstone", "assembly", HAVE_CAPSTONE, "install libcapstone-dev and build again",
	  disassemble_unusable },
	{ "json-c", "traces of other tools", HAVE_JSONC, "install libjson-c-dev and build again",
	  NULL },
	{ "protobuf-c", "pprof files", HAVE_PROTOBUFC,
	  "install libprotobuf-c-dev and protobuf-c-compiler and build again", NULL },
	{ "libcurl", "pushes to a profile store", HAVE_CURL,
	  "install libcurl4-openssl-dev and build again", http_unusable },
};

/* Without privileges every address reads as zero, but a few symbols are zero by right. */
static bool shows_an_address(FILE *file)
{
	char line[512];
	for (int i = 0; i < MANY_ZEROES && fgets(line, sizeof line, file); i++)
		if (strspn(line, "0") < strcspn(line, " "))
			return true;
	return false;
}

static void print_kernel_symbols(const struct doctor *doctor)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	if (!file) {
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "kernel names",
			    "/proc/kallsyms cannot be read");
		return;
	}
	if (shows_an_address(file))
		doctor_line(doctor, ORIGIN_SOFTWARE, "kernel names", "/proc/kallsyms");
	else
		doctor_line(doctor, ORIGIN_UNAVAILABLE, "kernel names",
			    "/proc/kallsyms hides its addresses; run as root or set "
			    "kernel.kptr_restrict to 0");
	fclose(file);
}

static void print_debug_files(const struct doctor *doctor)
{
	bool has_files = access("/usr/lib/debug/.build-id", F_OK) == 0;
	doctor_line(doctor, has_files ? ORIGIN_SOFTWARE : ORIGIN_UNAVAILABLE, "debug files",
		    has_files ? "/usr/lib/debug"
			      : "none in /usr/lib/debug; packages named *-dbgsym bring lines and "
				"inlined functions of system libraries");
	const char *urls = getenv("DEBUGINFOD_URLS");
	if (urls && *urls)
		doctor_fact(doctor, "debuginfod", "DEBUGINFOD_URLS is set; stoke does not use it");
}

static void print_library(const struct doctor *doctor, const struct library *library)
{
	char text[256];
	const char *reason = library->is_built_in && library->unusable ? library->unusable() : NULL;
	if (reason)
		snprintf(text, sizeof text, "%s: %s", library->use, reason);
	else
		snprintf(text, sizeof text, "%s%s%s", library->use,
			 library->is_built_in ? "" : ": not built in; ", library->remedy);
	if (library->is_built_in && !reason)
		doctor_line(doctor, ORIGIN_SOFTWARE, library->name, library->use);
	else
		doctor_line(doctor, ORIGIN_UNAVAILABLE, library->name, text);
}

void doctor_symbols(const struct doctor *doctor)
{
	puts("\nSymbols and libraries");
	print_kernel_symbols(doctor);
	print_debug_files(doctor);
	for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
		print_library(doctor, &libraries[i]);
}
