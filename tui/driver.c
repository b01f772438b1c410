/*
 * One poll for keys, the collector's eventfd and signals. Fresh rows are drawn at most ten times a
 * second, keys at once.
 */
#include "tui/driver.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "sampler/collector.h"
#include "sampler/recording.h"
#include "sampler/target.h"
#include "tui/editor.h"
#include "tui/face.h"
#include "tui/preferences.h"
#include "tui/screen.h"
#include "tui/words.h"
#include "workloads/support/steer.h"

static const uint64_t SECOND_NS = 1000 * 1000 * 1000;
enum { IDLE_MS = 1000, TYPING_HZ = 50 };

struct driver {
	struct tui_session *session;
	struct face *face;
	struct canvas canvas;
	uint64_t drawn_ns;
	bool must_quit, is_dirty;
	struct screen_settings look; /* as the screen has it */
};

static struct collector *collector_of(const struct tui_session *session)
{
	return session->collector ? *session->collector : NULL;
}

static void stop_recording(struct tui_session *session)
{
	if (!collector_of(session))
		return;
	collector_stop(*session->collector);
	*session->collector = NULL;
}

static void tell_end(struct driver *driver)
{
	const struct target *target = driver->session->target;
	if (target->is_launched) {
		face_set_ended(driver->face, target_exit_status(target));
		return;
	}
	face_set_ended(driver->face, -1);
	if (collector_of(driver->session)) /* of several processes it does not know */
		face_say(driver->face, target->n_processes == 1
					       ? "The process has ended; what was recorded is kept."
					       : "All processes have ended; what was recorded is "
						 "kept.");
	stop_recording(driver->session);
}

static void look_at_target(struct driver *driver)
{
	struct tui_session *session = driver->session;
	if (session->target && target_poll(session->target))
		tell_end(driver);
	if (collector_of(session) && collector_is_done(collector_of(session)))
		stop_recording(session);
	face_set_live(driver->face, collector_of(session) != NULL);
}

static void draw(struct driver *driver)
{
	int columns, rows;
	const struct tui_session *session = driver->session;
	screen_size(&columns, &rows);
	if (columns != driver->canvas.width || rows != driver->canvas.height) {
		canvas_free(&driver->canvas);
		driver->canvas = canvas_new(columns, rows);
	}
	struct moment moment = recording_moment(session->recording);
	uint64_t n = moment.n[TABLE_SAMPLES];
	uint64_t last = n > 1 ? recording_sample(session->recording, n - 1)->time_ns
			      : session->recording->start_ns;
	driver->drawn_ns = now_ns();
	if (face_draw(driver->face, &driver->canvas,
		      collector_of(session) ? driver->drawn_ns : last))
		screen_show(&driver->canvas);
	driver->is_dirty = false;
}

/* The workload takes its new settings when its unit of work is done; see runner.h. */
static void steer(struct driver *driver, char *const *words)
{
	if (!steer_send(driver->session->steer_fd, words)) {
		face_say(driver->face, "The workload takes no new settings any more; start it "
				       "again with them.");
		return;
	}
	face_set_words(driver->face, words);
	face_say(driver->face, "Goes on with these as soon as its unit of work is done.");
}

static void grant(struct driver *driver, struct face_wish wish)
{
	struct tui_session *session = driver->session;
	if (wish.outcome == FORM_APPLIES) {
		steer(driver, wish.words);
	} else if (wish.outcome == FORM_STOPS) {
		target_signal(session->target, SIGTERM);
		face_say(driver->face, "The program has been asked to end (SIGTERM).");
	} else {
		session->restart = words_copy(wish.words);
		session->restart_view = face_view_name(driver->face);
		driver->must_quit = true;
	}
}

static void edit(struct driver *driver)
{
	struct why why;
	unsigned line;
	const char *path = face_edited_file(driver->face, &line);
	screen_leave();
	bool is_edited = editor_open(path, line, &why);
	screen_return();
	screen_show(&driver->canvas);
	if (!is_edited)
		face_say(driver->face, why.text);
}

static void take(struct driver *driver, enum face_outcome outcome)
{
	if (outcome == FACE_EDITS)
		edit(driver);
	if (outcome == FACE_WISHES)
		grant(driver, face_wish(driver->face));
	else
		driver->must_quit |= outcome == FACE_QUITS;
}

static uint64_t picture_ns(const struct driver *driver)
{
	if (face_is_typed_into(driver->face)) /* what is typed comes back as the program's text */
		return SECOND_NS / TYPING_HZ;
	return SECOND_NS / face_preferences(driver->face)->refresh_hz;
}

/* What the preferences make of the terminal and of what the command line says. */
static struct screen_settings look_of(const struct tui_session *session, const struct face *face)
{
	const struct preferences *preferences = face_preferences(face);
	int glyphs = preferences->glyphs;
	return (struct screen_settings){
		.theme = preferences->theme,
		.is_ascii = glyphs == GLYPHS_AUTO ? session->is_ascii : glyphs == GLYPHS_ASCII,
		.has_color = session->has_color,
		.colors = preferences->colors,
		.has_mouse = session->has_mouse && !preferences->no_mouse,
		.tells_moves = face_takes_mouse(face),
	};
}

/* `:set` may have changed how things look, and the program what it wants of the mouse. */
static void change_look(struct driver *driver)
{
	struct screen_settings look = look_of(driver->session, driver->face);
	if (look.theme == driver->look.theme && look.is_ascii == driver->look.is_ascii &&
	    look.colors == driver->look.colors && look.has_mouse == driver->look.has_mouse &&
	    look.tells_moves == driver->look.tells_moves)
		return;
	driver->look = look;
	screen_set(&look);
}

/* ---- the program's own terminal */

/* A program that does not read must not stop us: what it does not take is lost. */
static bool child_type(void *into, const char *bytes, size_t n_bytes)
{
	const struct tui_session *session = into;
	int fd = session->target ? session->target->output_fd : -1;
	return fd >= 0 && write(fd, bytes, n_bytes) == (ssize_t)n_bytes;
}

/* The kernel tells the program with SIGWINCH. */
static void child_resize(void *into, int columns, int rows)
{
	const struct tui_session *session = into;
	struct winsize now, size = { .ws_col = (uint16_t)columns, .ws_row = (uint16_t)rows };
	int fd = session->target ? session->target->output_fd : -1;
	if (fd >= 0 && ioctl(fd, TIOCGWINSZ, &now) == 0 &&
	    (now.ws_col != size.ws_col || now.ws_row != size.ws_row))
		ioctl(fd, TIOCSWINSZ, &size);
}

static void press(struct driver *driver, struct input input)
{
	if (face_is_typed_into(driver->face) && input.key != KEY_NONE_PRESSED &&
	    input.key != KEY_SCREEN_RESIZED) {
		take(driver, face_key(driver->face, input));
		return;
	}
	switch (input.key) {
	case KEY_CONTROL_C:
		if (!collector_of(driver->session))
			driver->must_quit = true;
		stop_recording(driver->session);
		break;
	case KEY_CONTROL_Z:
		screen_suspend();
		screen_show(&driver->canvas);
		break;
	case KEY_CONTROL_L:
		screen_repaint();
		screen_show(&driver->canvas);
		break;
	case KEY_NONE_PRESSED:
	case KEY_SCREEN_RESIZED:
		break;
	default:
		take(driver, face_key(driver->face, input));
	}
}

static void take_keys(struct driver *driver)
{
	struct input input;
	while (!driver->must_quit && screen_key(&input))
		press(driver, input);
	change_look(driver);
	look_at_target(driver);
	draw(driver);
}

static void take_signals(struct driver *driver)
{
	struct signalfd_siginfo info;
	while (read(driver->session->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP ||
		    info.ssi_signo == SIGINT || info.ssi_signo == SIGQUIT)
			driver->must_quit = true;
		driver->is_dirty = true;
	}
}

/* How long to sleep: until fresh rows may be drawn, or for a while. */
static int patience_ms(const struct driver *driver)
{
	uint64_t now = now_ns(), due = driver->drawn_ns + picture_ns(driver);
	if (!driver->is_dirty)
		return IDLE_MS;
	return due > now ? (int)((due - now) / 1000000) + 1 : 0;
}

static void wait_for_something(struct driver *driver)
{
	struct collector *collector = collector_of(driver->session);
	struct pollfd fds[3] = {
		{ .fd = screen_descriptor(), .events = POLLIN },
		{ .fd = driver->session->signal_fd, .events = POLLIN },
		{ .fd = collector && !driver->is_dirty ? collector_event_fd(collector) : -1,
		  .events = POLLIN },
	};
	int n = poll(fds, 3, patience_ms(driver));
	if (n < 0 && errno != EINTR)
		driver->must_quit = true;
	if (fds[0].revents & (POLLHUP | POLLERR))
		driver->must_quit = true; /* the terminal has gone */
	else if (fds[0].revents)
		take_keys(driver);
	if (fds[1].revents)
		take_signals(driver);
	if (fds[2].revents) {
		collector_clear_event(collector);
		driver->is_dirty = true;
	}
	if (n == 0)
		driver->is_dirty = true; /* the clock on the screen */
}

static void loop(struct driver *driver)
{
	look_at_target(driver);
	draw(driver);
	while (!driver->must_quit) {
		wait_for_something(driver);
		if (driver->is_dirty && now_ns() >= driver->drawn_ns + picture_ns(driver)) {
			look_at_target(driver);
			draw(driver);
			change_look(driver);
		}
	}
}

/* A caller without signals of its own still must not leave the terminal behind. */
static int own_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool tui_run(struct tui_session *session, struct why *why)
{
	struct preferences preferences = *preferences_get();
	preferences.theme = session->theme ? session->theme : preferences.theme;
	struct view_child child = { session, child_type, child_resize };
	bool has_program = session->target && session->target->is_launched;
	struct face_settings face_settings = { .recording = session->recording,
					       .command = session->command,
					       .view = session->view,
					       .preferences = &preferences,
					       .child = has_program ? &child : NULL,
					       .against = session->against,
					       .against_name = session->against_name,
					       .keeps_choices = true,
					       .is_live = collector_of(session) != NULL,
					       .has_program = has_program,
					       .workload = session->workload,
					       .words = session->words };
	struct driver driver = { .session = session, .face = face_new(&face_settings) };
	if (!driver.face)
		return why_fail(why, "There is no view %.40s; see `stoke list views`.",
				session->view);
	driver.look = look_of(session, driver.face);
	if (!screen_open(&driver.look, why)) {
		face_free(driver.face);
		return false;
	}
	driver.canvas = canvas_new(1, 1);
	if (session->signal_fd < 0)
		session->signal_fd = own_signals();
	loop(&driver);
	screen_close();
	canvas_free(&driver.canvas);
	face_free(driver.face);
	return true;
}

const char *tui_refusal(void)
{
	return screen_refusal();
}
