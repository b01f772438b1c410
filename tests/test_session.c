/* What a session decides before it starts a program: words, output and requirements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sampler/recording.h"
#include "sampler/recording_file.h"
#include "tui/command.h"
#include "tui/help.h"
#include "tui/program_words.h"
#include "tui/requirements.h"
#include "tui/session.h"
#include "tui/session_output.h"
#include "tui/session_program.h"
#include "tui/settings.h"
#include "tui/summary.h"
#include "workloads/workload.h"

static char folder[] = "/tmp/stoke-test-XXXXXX";

static int enter_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave_folder(void **state)
{
	(void)state;
	return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static struct session_request request;
static struct settings settings;

static bool parse_words(const char *command, char **argv, int *status)
{
	memset(&request, 0, sizeof request);
	memset(&settings, 0, sizeof settings);
	return program_words_parse(command_find(command), argv, &settings, &request, status);
}

/* argv is writable by type; nobody writes into the words. */
static char *word(const char *text)
{
	char *writable;
	memcpy(&writable, &text, sizeof writable);
	return writable;
}

static void test_a_command(void **state)
{
	(void)state;
	int status;
	char *argv[] = { word("record"), word("-q"), word("--"), word("ls"), word("-q"), NULL };
	assert_true(parse_words("record", argv, &status));
	assert_null(request.workload);
	assert_string_equal(request.words[0], "ls");
	assert_string_equal(request.words[1], "-q");
	assert_null(request.words[2]);
}

static void test_a_workload_with_options_behind(void **state)
{
	(void)state;
	int status;
	const char *name = workloads[0] ? workloads[0]->name : NULL;
	if (!name) {
		print_message("skipped: no workload is built in\n");
		skip();
	}
	char *argv[] = { word("run"),       word(name),         word("--duration"), word("2s"),
			 word("seconds=1"), word("--headless"), word("seconds=2"),  NULL };
	assert_true(parse_words("run", argv, &status));
	assert_string_equal(request.workload, name);
	assert_string_equal(request.words[0], name);
	assert_string_equal(request.words[1], "seconds=1");
	assert_string_equal(request.words[2], "seconds=2");
	assert_null(request.words[3]);
	assert_int_equal(settings.duration_ns, 2000000000);
	assert_true(settings.is_headless);
	char *bad[] = { word("run"), word(name), word("nonsense"), NULL };
	assert_false(parse_words("run", bad, &status));
	assert_int_equal(status, STATUS_USAGE);
	/* Behind "--" the same name is a command. */
	char *command[] = { word("run"), word("--"), word(name), NULL };
	assert_true(parse_words("run", command, &status));
	assert_null(request.workload);
}

static void test_the_main_job(void **state)
{
	(void)state;
	int status;
	char *argv[] = { word("run"), NULL }, *record[] = { word("record"), NULL };
	assert_true(parse_words("run", argv, &status));
	assert_string_equal(request.workload, "gbdt");
	assert_false(parse_words("record", record, &status));
	assert_int_equal(status, STATUS_USAGE);
}

static void test_a_workload_is_this_program_again(void **state)
{
	(void)state;
	char *words[] = { word("gbdt"), word("rows=1000"), NULL };
	struct session_request workload = { .words = words, .workload = words[0] };
	struct session_program program;
	struct why why;
	assert_true(session_program_open(&program, &workload, &why));
	assert_int_equal(access(program.argv[0], X_OK), 0);
	assert_string_equal(program.argv[1], "workload");
	assert_string_equal(program.argv[2], "gbdt");
	assert_string_equal(program.argv[3], "rows=1000");
	assert_null(program.argv[4]);
	session_program_close(&program);
}

static void test_the_extension_chooses_the_format(void **state)
{
	(void)state;
	struct session_output output;
	struct why why;
	int status;
	struct recording *recording = recording_new();
	assert_true(session_output_open(&output, "a.folded", NULL, true, &status, &why));
	assert_non_null(output.exporter);
	session_output_close(&output);
	assert_true(session_output_open(&output, "a.stoke", NULL, true, &status, &why));
	assert_non_null(output.file);
	session_output_close(&output);
	assert_int_equal(access("a.stoke", F_OK), -1);
	assert_true(session_output_open(&output, "a.folded", "stoke", true, &status, &why));
	assert_non_null(output.file);
	session_output_close(&output);
	assert_false(session_output_open(&output, NULL, "nonsense", true, &status, &why));
	assert_int_equal(status, STATUS_USAGE);
	recording_free(recording);
}

static void test_an_old_file_is_kept_until_there_is_data(void **state)
{
	(void)state;
	struct session_output output;
	struct why why;
	int status;
	FILE *old = fopen("old.folded", "w");
	assert_non_null(old);
	assert_true(fputs("old\n", old) >= 0);
	assert_int_equal(fclose(old), 0);
	assert_true(session_output_open(&output, "old.folded", NULL, true, &status, &why));
	session_output_close(&output);
	char line[16] = "";
	old = fopen("old.folded", "r");
	assert_non_null(old);
	assert_non_null(fgets(line, sizeof line, old));
	assert_string_equal(line, "old\n");
	assert_int_equal(fclose(old), 0);
	assert_int_equal(unlink("old.folded"), 0);
}

static void test_requirements(void **state)
{
	(void)state;
	struct why why;
	assert_true(requirements_check(NULL, &why));
	assert_true(requirements_check("hw,callgraph,kernel,gpu", &why));
	assert_false(requirements_check("", &why));
	assert_false(requirements_check("hw,", &why) && requirements_check("hw,,gpu", &why));
	assert_false(requirements_check("callgrap", &why));
	assert_non_null(strstr(why.text, "did you mean callgraph?"));
}

static void test_facts(void **state)
{
	(void)state;
	struct recording *recording = recording_new();
	char *words[] = { word("ls"), word("a\033b"), NULL };
	summary_add_facts(recording, words);
	assert_null(recording_fact_text(recording, "command_line"));
	recording_publish(recording);
	assert_string_equal(recording_fact_text(recording, "command_line"), "ls a?b");
	assert_non_null(recording_fact_text(recording, "kernel"));
	assert_null(recording_fact_text(recording, "nonsense"));
	recording_free(recording);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_command),
		cmocka_unit_test(test_a_workload_with_options_behind),
		cmocka_unit_test(test_the_main_job),
		cmocka_unit_test(test_a_workload_is_this_program_again),
		cmocka_unit_test(test_the_extension_chooses_the_format),
		cmocka_unit_test(test_an_old_file_is_kept_until_there_is_data),
		cmocka_unit_test(test_requirements),
		cmocka_unit_test(test_facts),
	};
	return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
