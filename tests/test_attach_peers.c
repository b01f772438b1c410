/*
 * Who may attach to a CUDA program that runs, what may be sent to it, and what is said where
 * nothing can come of it.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gpu/attach_message.h"
#include "gpu/attach_socket.h"
#include "gpu/cuda_process.h"
#include "gpu/gpu_record.h"
#include "gpu/gpu_tables.h"
#include "gpu/inject_listen.h"
#include "sampler/base/why.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/recording_file.h"
#include "tests/fixture_dormant.h"
#include "tests/fixture_frames.h"
#include "tests/fixture_inject.h"
#include "tests/fixture_late.h"

int InitializeInjection(void);

/* ---- who may, and with what */

static void only_the_user_and_root_may(void **state)
{
	struct attach_peer peer;
	struct gpu_attach_answer answer;
	(void)state;
	assert_true(inject_listen_may(1000, 1000));
	assert_true(inject_listen_may(0, 1000));
	assert_false(inject_listen_may(1001, 1000));
	assert_false(inject_listen_may(1001, 0));
	if (geteuid() != 0)
		return; /* the socket's own check needs two users */
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	pid_t other = fork();
	if (other == 0) {
		struct stat namespace;
		if (stat("/proc/self/ns/pid", &namespace) != 0 || setuid(65534) != 0)
			_exit(1);
		const struct attach_place place = { namespace.st_ino, (uint32_t)dormant.pid };
		if (attach_socket_connect_place(&place, &peer) != ATTACH_CONNECTED)
			_exit(2);
		struct pollfd wait = { .fd = peer.fd, .events = POLLIN };
		poll(&wait, 1, 5000);
		_exit(attach_socket_reply(peer.fd, &answer) == ATTACH_REPLIED &&
				      answer.code == GPU_ATTACH_OTHER_USER
			      ? 0
			      : 3);
	}
	int status = -1;
	waitpid(other, &status, 0);
	assert_int_equal(status, 0);
	assert_true(fixture_dormant_do(&dormant, 'r'));
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

static uint32_t dice = 12345;

static uint32_t roll(uint32_t n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % n;
}

/* What somebody may send instead of memory. */
static int some_fd(void)
{
	struct why why;
	int fd;
	switch (roll(6)) {
	case 0:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	case 1:
		return memfd_create("short and not sealed", MFD_CLOEXEC);
	case 2: /* as large as it should be, and may become smaller */
		fd = memfd_create("not sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (ftruncate(fd, (off_t)shared_ring_bytes(GPU_RING_RECORDS)) != 0)
			die("no memory");
		return fd;
	case 3:
		return probe_memory_create(SHARED_RING_RECORDS, &why);
	case 4: /* sealed and of the size, and no ring */
		fd = memfd_create("no ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (ftruncate(fd, (off_t)shared_ring_bytes(GPU_RING_RECORDS)) != 0 ||
		    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
			die("no memory");
		return fd;
	default:
		return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	}
}

/* A message near what is right, or far from it, with some descriptors. */
static void send_garbage(int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(6 * sizeof(int))] = { 0 };
	unsigned char bytes[96];
	struct gpu_attach_request right = { .magic = GPU_ATTACH_MAGIC,
					    .version = GPU_ATTACH_VERSION,
					    .n_records = GPU_RING_RECORDS };
	int fds[6], n = (int)roll(7);
	size_t size = roll(2) ? sizeof right : roll(sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)roll(256);
	if (roll(4))
		memcpy(bytes, &right, sizeof right);
	for (int i = 0; i < n; i++)
		fds[i] = some_fd();
	struct iovec place = { bytes, size };
	struct msghdr header = { .msg_iov = &place, .msg_iovlen = 1 };
	if (n > 0) {
		header.msg_control = control;
		header.msg_controllen = CMSG_SPACE((size_t)n * sizeof(int));
		struct cmsghdr *part = CMSG_FIRSTHDR(&header);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
		memcpy(CMSG_DATA(part), fds, (size_t)n * sizeof(int));
	}
	sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	for (int i = 0; i < n; i++)
		close(fds[i]);
}

static int count_fds(pid_t pid)
{
	int n = 0;
	char path[64];
	for (int fd = 0; fd < 256; fd++) {
		struct stat file;
		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
		n += lstat(path, &file) == 0;
	}
	return n;
}

static void garbage_does_nothing(void **state)
{
	struct attach_peer peer;
	struct gpu_attach_answer answer;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	late_session_run(&dormant); /* libunwind opens a pipe with the first stack */
	int n_fds = count_fds(dormant.pid);
	for (int i = 0; i < 200; i++) {
		while (attach_socket_connect(dormant.pid, &peer) == ATTACH_BUSY)
			usleep(2000);
		for (uint32_t n = 1 + roll(2); n > 0; n--)
			send_garbage(peer.fd);
		struct pollfd wait = { .fd = peer.fd, .events = POLLIN };
		if (roll(2) && poll(&wait, 1, 3000) == 1 &&
		    attach_socket_reply(peer.fd, &answer) == ATTACH_REPLIED)
			assert_int_not_equal(answer.code, GPU_ATTACH_DONE);
		close(peer.fd);
	}
	late_session_run(&dormant);
	assert_int_equal(count_fds(dormant.pid), n_fds); /* nothing sent stays open */
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

static void only_one_message_is_right(void **state)
{
	struct gpu_attach_request out, right = { .magic = GPU_ATTACH_MAGIC,
						 .version = GPU_ATTACH_VERSION,
						 .n_records = GPU_RING_RECORDS };
	unsigned char bytes[sizeof right + 16];
	(void)state;
	assert_int_equal(inject_listen_check(&right, sizeof right, &out), GPU_ATTACH_DONE);
	for (size_t n = 0; n < sizeof bytes; n++) {
		memset(bytes, 0, sizeof bytes);
		memcpy(bytes, &right, sizeof right);
		if (n != sizeof right)
			assert_int_equal(inject_listen_check(bytes, n, &out), GPU_ATTACH_NO_SENSE);
	}
	for (int i = 0; i < 100000; i++) {
		memcpy(bytes, &right, sizeof right);
		for (uint32_t n = 1 + roll(4); n > 0; n--)
			bytes[roll(12)] ^= (unsigned char)(1 + roll(255));
		if (memcmp(bytes, &right, 8) != 0)
			assert_int_equal(inject_listen_check(bytes, sizeof right, &out),
					 GPU_ATTACH_NO_SENSE);
	}
	right.n_records /= 2;
	assert_int_equal(inject_listen_check(&right, sizeof right, &out), GPU_ATTACH_BAD_MEMORY);
}

/* Who connects and says nothing holds it for a second; the program is not held at all. */
static void silence_is_not_waited_for(void **state)
{
	struct late_session session;
	struct attach_peer peer;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	assert_int_equal(attach_socket_connect(dormant.pid, &peer), ATTACH_CONNECTED);
	assert_true(fixture_dormant_do(&dormant, 'r'));
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	struct recording *recording = late_session_close(&session);
	late_session_check(recording);
	recording_free(recording);
	close(peer.fd);
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

/* A program that is quicker than the profiler refuses before it is asked. */
static void refusals_come_before_questions(void **state)
{
	struct late_session session;
	struct attach_peer peer;
	struct gpu_attach_answer answer;
	struct gpu_attach_request request = { .magic = GPU_ATTACH_MAGIC,
					      .version = GPU_ATTACH_VERSION,
					      .n_records = GPU_RING_RECORDS };
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_int_equal(attach_socket_connect(dormant.pid, &peer), ATTACH_CONNECTED);
	struct pollfd closed = { .fd = peer.fd };
	assert_int_equal(poll(&closed, 1, 10000), 1); /* it hangs up */
	assert_false(attach_socket_ask(peer.fd, peer.fd, &request));
	assert_int_equal(attach_socket_reply(peer.fd, &answer), ATTACH_REPLIED);
	assert_int_equal(answer.code, GPU_ATTACH_TAKEN);
	assert_int_equal(answer.pid, getpid());
	close(peer.fd);
	recording_free(late_session_close(&session));
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

/* A stopped program is said to be silent, and answers when it goes on. */
static void a_stopped_program_is_not_waited_for(void **state)
{
	struct late_session session;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	kill(dormant.pid, SIGSTOP);
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "does not answer"));
	kill(dormant.pid, SIGCONT);
	assert_true(late_session_wait(&session, "gpu.cupti"));
	assert_true(fixture_dormant_do(&dormant, 'r'));
	struct recording *recording = late_session_close(&session);
	late_session_check(recording);
	recording_free(recording);
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

/* ---- what is said where nothing can come */

static void make(const char *folder, const char *name, const char *text, size_t bytes)
{
	char path[256];
	snprintf(path, sizeof path, "%s/proc/77/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, bytes, file), bytes);
	fclose(file);
}

static void uses_of_cuda_are_told_apart(void **state)
{
#define DRIVER  "7f00-7f01 r-xp 0 08:01 9 /usr/lib/libcuda.so.580.1\n"
#define LIBRARY "7f00-7f01 r-xp 0 08:01 9 /opt/stoke/libstoke-cupti.so\n"
#define OURS    "A=1\0CUDA_INJECTION64_PATH=/opt/stoke/libstoke-cupti.so\0B=2"
	static const struct {
		const char *maps, *environment;
		size_t bytes;
		enum cuda_use use;
	} cases[] = {
		{ "", "", 0, CUDA_NOT_USED },
		{ "7f00-7f01 r-xp 0 08:01 9 /usr/lib/libcudart.so.13\n", "", 0, CUDA_NOT_USED },
		{ DRIVER, "A=1", 4, CUDA_BARE },
		{ DRIVER, "CUDA_INJECTION64_PATH=", 23, CUDA_BARE },
		{ DRIVER, "CUDA_INJECTION64_PATH=/x/libnsys.so", 36, CUDA_OTHER_TOOL },
		{ DRIVER, OURS, sizeof OURS, CUDA_NOT_BEGUN },
		{ DRIVER LIBRARY, OURS, sizeof OURS, CUDA_LISTENING },
		{ LIBRARY DRIVER, "STOKE_GPU_FD=7", 15, CUDA_STARTED_BY },
	};
	char folder[] = "/tmp/stoke-attach-XXXXXX", command[256];
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(command, sizeof command, "mkdir -p %s/proc/77", folder);
	assert_int_equal(system(command), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make(folder, "maps", cases[i].maps, strlen(cases[i].maps));
		make(folder, "environ", cases[i].environment, cases[i].bytes);
		assert_int_equal(cuda_process_look(folder, 77), cases[i].use);
	}
	assert_int_equal(cuda_process_look(folder, 78), CUDA_NOT_IN_SIGHT);
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

/* A process that has a driver's file in its memory, and nothing of ours. */
static void programs_without_the_library_are_named(void **state)
{
	struct late_session session;
	char folder[] = "/tmp/stoke-attach-XXXXXX", self[PATH_MAX] = "", command[PATH_MAX * 2];
	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	*strrchr(self, '/') = '\0';
	snprintf(command, sizeof command, "cp %s/mock_cuda.so %s/libcuda.so.1", self, folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "%s/libcuda.so.1", folder);
	setenv("TEST_DRIVER", command, 1);
	unsetenv("CUDA_INJECTION64_PATH");
	struct dormant dormant = fixture_dormant_start("--bare", "");
	late_session_open(&session, &dormant.pid);
	assert_true(late_session_wait(&session, "but was started without libstoke-cupti.so"));
	bool has_remedy = false;
	for (uint64_t i = 1; i < recording_moment(session.recording).n[TABLE_NOTES]; i++)
		has_remedy |= strstr(recording_string_at(
					     session.recording,
					     recording_note_row(session.recording, i)->remedy),
				     "CUDA_INJECTION64_PATH=") != NULL;
	assert_true(has_remedy);
	assert_true(fixture_fact(session.recording, "gpu.unavailable") != UINT64_MAX);
	recording_free(late_session_close(&session));
	assert_int_equal(fixture_dormant_end(&dormant), 0);
	snprintf(command, sizeof command, "rm -r %s", folder);
	assert_int_equal(system(command), 0);
}

/* The places in /proc/net/unix, each once however many connections there are. */
static void listeners_are_found(void **state)
{
	enum { MOST = 1024 };
	static struct attach_place places[MOST];
	struct attach_peer peer;
	struct dormant dormant = fixture_dormant_start("--dormant", "");
	(void)state;
	assert_int_equal(attach_socket_connect(dormant.pid, &peer), ATTACH_CONNECTED);
	assert_int_equal(peer.pid, dormant.pid);
	uint32_t n = attach_socket_places(places, MOST), n_found = 0;
	for (uint32_t i = 0; i < n; i++)
		n_found += places[i].pid == (uint32_t)dormant.pid;
	assert_int_equal(n_found, 1);
	close(peer.fd);
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

static bool may_leave_network(void)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) != 0);
	waitpid(pid, &status, 0);
	return status == 0;
}

/* As from a host into a container. */
static void other_networks_are_reached(void **state)
{
	struct stat before, after;
	(void)state;
	if (!may_leave_network()) {
		print_message("SKIP other_networks_are_reached: no network namespace can be made "
			      "here (CAP_SYS_ADMIN)\n");
		skip();
	}
	struct dormant dormant = fixture_dormant_start("--elsewhere", "");
	assert_int_equal(stat("/proc/thread-self/ns/net", &before), 0);
	late_session_run(&dormant);
	assert_int_equal(stat("/proc/thread-self/ns/net", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino); /* and back */
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

/* A process that goes on as another program, by exec, has other modules of the same numbers. */
static void modules_are_numbered_anew(void **state)
{
	static const char *const paths[] = { "/first", "/second" };
	struct recording *recording = recording_new();
	struct gpu_tables *tables = gpu_tables_new(recording);
	(void)state;
	for (uint64_t i = 0; i < 2; i++) {
		struct gpu_text module = { .id = 1, .total = (uint16_t)strlen(paths[i]) };
		struct gpu_frames frames = { .id = 100 + i,
					     .total = 1,
					     .frames = { 1ull << GPU_MODULE_SHIFT | 0x40 } };
		struct gpu_call call = { .pid = 7, .stack = frames.id };
		memcpy(module.text, paths[i], module.total);
		gpu_tables_forget_modules(tables, 7);
		assert_true(gpu_tables_add_module(tables, 7, &module));
		assert_true(gpu_tables_add_frames(tables, 7, &frames));
		uint32_t stack = gpu_tables_stack(tables, &call);
		recording_publish(recording);
		const struct frame_row *frame =
			recording_frame(recording, recording_stack(recording, stack)->frame);
		assert_string_equal(
			recording_string_at(recording,
					    recording_module(recording, frame->module)->path),
			paths[i]);
	}
	gpu_tables_free(tables);
	recording_free(recording);
}

/* ---- the whole profiler, and the library as CUDA loads it */

static void the_profiler_attaches_and_names(void **state)
{
	char self[PATH_MAX] = "", command[PATH_MAX * 3], file[] = "/tmp/stoke-attach-XXXXXX.stoke";
	struct why why;
	(void)state;
	assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
	*strrchr(self, '/') = '\0';
	snprintf(command, sizeof command, "%s/../stoke", self);
	if (access(command, X_OK) != 0) {
		print_message("SKIP the_profiler_attaches_and_names: stoke is not built\n");
		skip();
	}
	snprintf(command, sizeof command, "%s/../libstoke-cupti.so", self);
	setenv("CUDA_INJECTION64_PATH", command, 1);
	struct dormant dormant = fixture_dormant_start("--injected", "");
	close(mkstemps(file, 6));
	for (int i = 0; i < 2; i++) {
		/* While a command runs that says when: the program launches once in between. */
		snprintf(command, sizeof command,
			 "%s/../stoke record -q -f -o %s -p %d --duration 700ms 2>/dev/null &",
			 self, file, (int)dormant.pid);
		assert_int_equal(system(command), 0);
		for (int round = 0; round < 60; round++) {
			assert_true(fixture_dormant_do(&dormant, 'r'));
			usleep(20000);
		}
		struct recording *recording = recording_file_open(file, &why);
		assert_non_null(recording);
		assert_in_range(fixture_fact(recording, "gpu.matched"), DORMANT_LAUNCHES,
				60 * 2 * DORMANT_LAUNCHES);
		assert_int_equal(fixture_fact(recording, "gpu.unmatched"), 0);
		assert_true(fixture_has_function(recording,
						 "gemm(float const*, float const*, float*)"));
		assert_true(fixture_has_function(recording, "run"));
		recording_free(recording);
	}
	unlink(file);
	unsetenv("CUDA_INJECTION64_PATH");
	assert_int_equal(fixture_dormant_end(&dormant), 0);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return fixture_dormant_main(argv[1], InitializeInjection);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_user_and_root_may),
		cmocka_unit_test(garbage_does_nothing),
		cmocka_unit_test(only_one_message_is_right),
		cmocka_unit_test(silence_is_not_waited_for),
		cmocka_unit_test(refusals_come_before_questions),
		cmocka_unit_test(a_stopped_program_is_not_waited_for),
		cmocka_unit_test(uses_of_cuda_are_told_apart),
		cmocka_unit_test(programs_without_the_library_are_named),
		cmocka_unit_test(listeners_are_found),
		cmocka_unit_test(other_networks_are_reached),
		cmocka_unit_test(modules_are_numbered_anew),
		cmocka_unit_test(the_profiler_attaches_and_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
