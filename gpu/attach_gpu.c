/*
 * Each process goes from being looked for to being asked to being attached, or is over. Whoever may
 * have something to tell later (no CUDA yet, taken by another profiler, started anew by exec) stays
 * looked for.
 */
#include "gpu/attach_gpu.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gpu/attach_children.h"
#include "gpu/attach_notes.h"
#include "gpu/attach_socket.h"
#include "gpu/cuda_process.h"
#include "gpu/gpu_record.h"
#include "sampler/attach.h"
#include "sampler/base/text.h"
#include "sampler/probe_memory.h"
#include "sampler/recording.h"
#include "sampler/target.h"

enum {
	MOST_PROCESSES = 4096,
	MOST_RINGS = 16, /* users */
	MOST_PLACES = 1024,
	MOST_LOOKED = 256, /* processes whose maps are read at a time */
	MOST_FILES = 2048, /* a file a thread is read to find children */
	LET_GO_MS = 1000,  /* a flush of CUPTI's takes a few */
};

static const uint64_t AGAIN_NS = 5000000000;
static const uint64_t ANSWER_NS = 2000000000;   /* answers come before CUPTI is asked */
static const uint64_t MOST_SCAN_NS = 300000000; /* 2,000 processes and more */

enum state { LOOKED_FOR, ASKED, ATTACHED, OVER };

struct process {
	pid_t pid;
	enum state state;
	int fd; /* the connection; -1 = none */
	uint64_t asked_ns;
	struct attach_place place; /* where it listens, once it did */
	bool is_quiet;             /* nobody asked for it by number: no notes */
};

struct ring {
	uid_t user;
	int fd;
	struct shared_ring *memory;
};

struct gpu_attach {
	const struct target *target;
	struct recording *recording;
	struct attach_notes *notes;
	struct process processes[MOST_PROCESSES];
	struct ring rings[MOST_RINGS];
	uint32_t n_processes, n_rings, next_looked;
	uint64_t next_ns;
	bool has_scanned;
};

bool gpu_attach_is_for(const struct target *target)
{
	return !target->sampling->no_gpu && (target->n_processes > 0 || target->is_whole_machine);
}

static struct process *find(struct gpu_attach *attach, pid_t pid)
{
	for (uint32_t i = 0; i < attach->n_processes; i++)
		if (attach->processes[i].pid == pid)
			return &attach->processes[i];
	return NULL;
}

static struct process *add(struct gpu_attach *attach, pid_t pid)
{
	if (attach->n_processes == MOST_PROCESSES || pid <= 0 || pid == getpid())
		return NULL;
	struct process *process = &attach->processes[attach->n_processes++];
	*process = (struct process){ .pid = pid, .state = LOOKED_FOR, .fd = -1 };
	return process;
}

static const struct ring *ring_of(struct gpu_attach *attach, uid_t user)
{
	struct why why;
	for (uint32_t i = 0; i < attach->n_rings; i++)
		if (attach->rings[i].user == user)
			return &attach->rings[i];
	if (attach->n_rings == MOST_RINGS)
		return NULL;
	struct ring ring = { user, probe_memory_create(GPU_RING_RECORDS, &why), NULL };
	if (ring.fd >= 0)
		ring.memory = probe_memory_map(ring.fd, GPU_RING_RECORDS, &why);
	if (ring.memory) {
		attach->rings[attach->n_rings] = ring;
		return &attach->rings[attach->n_rings++];
	}
	if (ring.fd >= 0)
		close(ring.fd);
	attach_notes_say(attach->notes, ATTACH_NOTE_MEMORY, 0, why.text);
	return NULL;
}

/* ---- one process */

static void disconnect(struct process *process, enum state state)
{
	if (process->fd >= 0)
		close(process->fd);
	process->fd = -1;
	process->state = state;
}

static void take_answer(struct gpu_attach *attach, struct process *process,
			const struct gpu_attach_answer *answer)
{
	char holder[16];
	snprintf(holder, sizeof holder, "%u", answer->pid);
	switch (answer->code) {
	case GPU_ATTACH_DONE:
		process->state = ATTACHED;
		return;
	case GPU_ATTACH_TAKEN:
		attach_notes_say(attach->notes, ATTACH_NOTE_TAKEN, process->pid, holder);
		disconnect(process, LOOKED_FOR);
		return;
	case GPU_ATTACH_OTHER_USER:
		attach_notes_say(attach->notes, ATTACH_NOTE_USER, process->pid, NULL);
		break;
	default:
		attach_notes_say(attach->notes,
				 answer->version != GPU_ATTACH_VERSION ? ATTACH_NOTE_VERSION
								       : ATTACH_NOTE_REFUSED,
				 process->pid, NULL);
	}
	disconnect(process, OVER);
}

/* Who is turned away may be answered before it has asked: the answer is there all the same. */
static void hear_refusal(struct gpu_attach *attach, struct process *process)
{
	struct gpu_attach_answer answer;
	if (attach_socket_reply(process->fd, &answer) == ATTACH_REPLIED &&
	    answer.code != GPU_ATTACH_DONE)
		take_answer(attach, process, &answer);
	else
		disconnect(process, LOOKED_FOR);
}

/* Takes the peer's descriptor. */
static void ask(struct gpu_attach *attach, struct process *process, const struct attach_peer *peer)
{
	const struct ring *ring = ring_of(attach, peer->uid);
	struct gpu_attach_request request = {
		.magic = GPU_ATTACH_MAGIC,
		.version = GPU_ATTACH_VERSION,
		.flags = attach->target->sampling->gpu_stalls ? GPU_ATTACH_STALLS : 0,
		.n_records = GPU_RING_RECORDS,
		.pid = (uint32_t)process->pid,
	};
	process->fd = peer->fd;
	process->place = peer->place;
	process->asked_ns = now_ns();
	process->state = ASKED;
	if (!ring)
		disconnect(process, OVER);
	else if (!attach_socket_ask(peer->fd, ring->fd, &request))
		hear_refusal(attach, process);
}

/* Children that were forked off have all of their parent's maps, and CUDA works in none of them. */
static void see_why_not(struct gpu_attach *attach, struct process *process)
{
	enum cuda_use use = cuda_process_look("", (uint32_t)process->pid);
	if (use == CUDA_NOT_USED || use == CUDA_NOT_BEGUN)
		return;
	process->state = OVER;
	if (use == CUDA_NOT_IN_SIGHT || process->is_quiet)
		return;
	attach_notes_say(attach->notes,
			 use == CUDA_BARE         ? ATTACH_NOTE_BARE
			 : use == CUDA_OTHER_TOOL ? ATTACH_NOTE_OTHER_TOOL
			 : use == CUDA_STARTED_BY ? ATTACH_NOTE_STARTED_BY
						  : ATTACH_NOTE_SILENT,
			 process->pid, NULL);
}

static void look_for(struct gpu_attach *attach, struct process *process)
{
	struct attach_peer peer;
	enum attach_connection connection = attach_socket_connect(process->pid, &peer);
	enum cuda_use use;
	switch (connection) {
	case ATTACH_CONNECTED:
		ask(attach, process, &peer);
		break;
	case ATTACH_NOBODY:
	case ATTACH_OTHER_PROCESS:
		if (kill(process->pid, 0) != 0 && errno == ESRCH)
			process->state = OVER;
		else
			see_why_not(attach, process);
		break;
	case ATTACH_OTHER_NETWORK:
		use = cuda_process_look("", (uint32_t)process->pid);
		if (use == CUDA_LISTENING)
			attach_notes_say(attach->notes, ATTACH_NOTE_NETWORK, process->pid, NULL);
		else
			see_why_not(attach, process);
		if (use == CUDA_LISTENING)
			process->state = OVER;
		break;
	case ATTACH_BUSY:
		break;
	}
}

/* One that is stopped answers when it goes on: the question stays. */
static void hear(struct gpu_attach *attach, struct process *process, uint64_t now)
{
	struct gpu_attach_answer answer;
	enum attach_reply reply = attach_socket_reply(process->fd, &answer);
	if (reply == ATTACH_GONE)
		disconnect(process, LOOKED_FOR);
	else if (reply == ATTACH_REPLIED && process->state == ASKED)
		take_answer(attach, process, &answer);
	else if (process->state == ASKED && now > process->asked_ns + ANSWER_NS)
		attach_notes_say(attach->notes, ATTACH_NOTE_NO_ANSWER, process->pid, NULL);
}

/* ---- finding them */

/* Those that were there before are not followed by sampling either. */
static void take_child(void *opaque, pid_t pid)
{
	struct gpu_attach *attach = opaque;
	if (find(attach, pid))
		return;
	struct process *child = add(attach, pid);
	if (!child)
		return;
	child->is_quiet = true;
	child->state = attach->has_scanned ? LOOKED_FOR : OVER;
}

static void find_children(struct gpu_attach *attach)
{
	uint32_t n = attach->n_processes, n_files = MOST_FILES;
	for (uint32_t i = 0; i < n; i++) {
		const struct process *process = &attach->processes[i];
		bool is_ours = !process->is_quiet || process->state != OVER;
		if (is_ours && !attach->target->sampling->no_inherit)
			attach_children_of(&n_files, process->pid, take_child, attach);
	}
}

static bool is_connected(const struct gpu_attach *attach, const struct attach_place *place)
{
	for (uint32_t i = 0; i < attach->n_processes; i++) {
		const struct process *process = &attach->processes[i];
		if (process->fd >= 0 && process->place.pid == place->pid &&
		    process->place.pid_namespace == place->pid_namespace)
			return true;
	}
	return false;
}

static void find_listeners(struct gpu_attach *attach)
{
	struct attach_place places[MOST_PLACES];
	uint32_t n = attach_socket_places(places, MOST_PLACES);
	for (uint32_t i = 0; i < n; i++) {
		struct attach_peer peer;
		if (is_connected(attach, &places[i]) ||
		    attach_socket_connect_place(&places[i], &peer) != ATTACH_CONNECTED)
			continue;
		struct process *process = find(attach, peer.pid);
		if (!process)
			process = add(attach, peer.pid);
		if (process && process->fd < 0)
			ask(attach, process, &peer);
		else
			close(peer.fd);
	}
}

/* Of the whole machine's, once: who listens in another namespace, and who uses CUDA unheard. */
static void take_process(struct gpu_attach *attach, pid_t pid)
{
	if (pid == getpid() || pid == attach->target->pid || find(attach, pid))
		return;
	enum cuda_use use = cuda_process_look("", (uint32_t)pid);
	struct process *process = use == CUDA_LISTENING ? add(attach, pid) : NULL;
	if (process) {
		process->is_quiet = true;
		look_for(attach, process);
	}
	if (use == CUDA_BARE)
		attach_notes_say(attach->notes, ATTACH_NOTE_BARE, pid, NULL);
	else if (use == CUDA_OTHER_TOOL)
		attach_notes_say(attach->notes, ATTACH_NOTE_OTHER_TOOL, pid, NULL);
}

static void scan_machine(struct gpu_attach *attach, uint64_t until_ns)
{
	pid_t *processes;
	uint32_t n = attach_list_processes(attach->target, &processes);
	for (uint32_t i = 0; i < n && now_ns() < until_ns; i++)
		take_process(attach, processes[i]);
	free(processes);
}

static void find_processes(struct gpu_attach *attach, uint64_t now)
{
	if (attach->target->is_whole_machine)
		find_listeners(attach);
	else
		find_children(attach);
	if (attach->target->is_whole_machine && !attach->has_scanned)
		scan_machine(attach, now + MOST_SCAN_NS);
	attach->has_scanned = true;
}

/* Some at a time, in turn. */
static void look_for_some(struct gpu_attach *attach)
{
	uint32_t n = attach->n_processes, n_looked = 0;
	for (uint32_t i = 0; i < n && n_looked < MOST_LOOKED; i++) {
		struct process *process = &attach->processes[attach->next_looked++ % n];
		if (process->state != LOOKED_FOR)
			continue;
		look_for(attach, process);
		n_looked++;
	}
}

void gpu_attach_look(struct gpu_attach *attach, uint64_t now)
{
	for (uint32_t i = 0; i < attach->n_processes; i++)
		if (attach->processes[i].fd >= 0)
			hear(attach, &attach->processes[i], now);
	if (now < attach->next_ns)
		return;
	attach->next_ns = now + AGAIN_NS;
	find_processes(attach, now);
	look_for_some(attach);
}

/* ---- the whole */

struct gpu_attach *gpu_attach_new(const struct target *target, struct recording *recording)
{
	struct gpu_attach *attach = allocate(1, sizeof *attach);
	attach->target = target;
	attach->recording = recording;
	attach->notes = attach_notes_new(recording);
	for (uint32_t i = 0; i < target->n_processes; i++)
		if (!find(attach, target->processes[i]))
			add(attach, target->processes[i]);
	return attach;
}

struct shared_ring *gpu_attach_ring(const struct gpu_attach *attach, uint32_t at)
{
	return at < attach->n_rings ? attach->rings[at].memory : NULL;
}

/* Each closes when it has written everything. */
void gpu_attach_let_go(struct gpu_attach *attach)
{
	uint64_t until = now_ns() + LET_GO_MS * 1000000ull;
	for (uint32_t i = 0; i < attach->n_processes; i++) {
		struct process *process = &attach->processes[i];
		if (process->state == ASKED)
			hear(attach, process, 0);
		if (process->state == ATTACHED)
			shutdown(process->fd, SHUT_WR);
		else
			disconnect(process, OVER);
	}
	for (uint32_t i = 0; i < attach->n_processes; i++) {
		struct process *process = &attach->processes[i];
		struct pollfd wait = { .fd = process->fd, .events = POLLIN };
		uint64_t now = now_ns();
		if (process->fd >= 0)
			poll(&wait, 1, now < until ? (int)((until - now) / 1000000) : 0);
		disconnect(process, OVER);
	}
}

void gpu_attach_free(struct gpu_attach *attach)
{
	if (!attach)
		return;
	for (uint32_t i = 0; i < attach->n_processes; i++)
		disconnect(&attach->processes[i], OVER);
	for (uint32_t i = 0; i < attach->n_rings; i++) {
		probe_memory_unmap(attach->rings[i].memory, GPU_RING_RECORDS);
		close(attach->rings[i].fd);
	}
	attach_notes_free(attach->notes);
	free(attach);
}
