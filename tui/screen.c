/*
 * ncurses knows the terminal and reads its keys; the picture is painted past it (paint.h), for true
 * colour and one write a frame. A crash restores the
 * terminal with nothing but tcsetattr and write, which a signal handler may call.
 */
#include "tui/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "sampler/base/text.h"
#include "tui/paint.h"
#include "tui/preferences.h"
#include "tui/theme.h"

/* <term.h> has it, and macros called "columns" and "lines" that nobody could live with. */
int setupterm(const char *term, int fd, int *error);

enum {
	MOST_COLUMNS = 1000, /* larger sizes come from nonsense, not from terminals */
	MOST_ROWS = 500,
	DOUBLE_CLICK_MS = 300,
	WAIT_MS = 100,  /* for a terminal that takes nothing */
	ESCAPE_MS = 25, /* a key's escape sequence arrives together, also over ssh */
};

static struct {
	bool is_open;
	struct screen_settings settings;
	SCREEN *screen;
	FILE *terminal;
	struct termios saved;
	char restore[256]; /* what undoes our modes, for the crash handler */
	size_t restore_bytes;
	struct paint paint;
	enum theme_depth depth;
	bool is_synchronized, has_moves;
} self;

static bool begins(const char *text, const char *with)
{
	return text && strncmp(text, with, strlen(with)) == 0;
}

const char *screen_refusal(void)
{
	const char *term = getenv("TERM");
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return "there is no terminal";
	int error = OK;
	bool is_known = term && setupterm(term, fd, &error) == OK;
	close(fd);
	if (term && *term && !is_known)
		return "terminfo does not know this TERM";
	if (!term || !*term || strcmp(term, "dumb") == 0 || strcmp(term, "unknown") == 0)
		return "TERM names no terminal that can show a screen";
	static char position[] = "cup";
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): how terminfo says "no such string" */
	if (is_known && tigetstr(position) != (char *)-1 && !begins(tigetstr(position), "\033["))
		return "this TERM takes no ANSI sequences";
	return NULL;
}

static void restore_in_crash(void)
{
	if (!self.is_open)
		return;
	ssize_t ignored = write(fileno(self.terminal), self.restore, self.restore_bytes);
	(void)ignored;
	tcsetattr(fileno(self.terminal), TCSANOW, &self.saved);
}

static void crash(int number)
{
	restore_in_crash();
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_crashes(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	/* A stack that overflowed has no room for the handler. */
	static char stack[64 << 10];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
	sigaltstack(&other, NULL);
	struct sigaction action = { .sa_handler = crash, .sa_flags = SA_NODEFER | SA_ONSTACK };
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaction(numbers[i], &action, NULL);
}

/* terminfo strings may hold delays ("$<2>") that only tputs understands; a crash does not wait. */
static void add_restore(const char *capability)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): how terminfo says "no such string" */
	if (!capability || capability == (char *)-1)
		return;
	while (*capability && self.restore_bytes + 1 < sizeof self.restore) {
		size_t delay = strncmp(capability, "$<", 2) == 0 ? strcspn(capability, ">") : 0;
		if (delay) {
			capability += delay + (capability[delay] == '>');
			continue;
		}
		self.restore[self.restore_bytes++] = *capability++;
	}
}

/* TERM is often another terminal's (xterm in tmux), and these keys are what they differ in. */
static void add_usual_keys(void)
{
	static const struct {
		const char *bytes;
		int key;
	} usual[] = {
		{ "\033[1~", KEY_HOME },  { "\033[4~", KEY_END }, { "\033[7~", KEY_HOME },
		{ "\033[8~", KEY_END },   { "\033[H", KEY_HOME }, { "\033[F", KEY_END },
		{ "\033OH", KEY_HOME },   { "\033OF", KEY_END },  { "\033[5~", KEY_PPAGE },
		{ "\033[6~", KEY_NPAGE }, { "\033OP", KEY_F(1) }, { "\033OQ", KEY_F(2) },
	};
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (key_defined(usual[i].bytes) == 0)
			define_key(usual[i].bytes, usual[i].key);
}

/*
 * What the terminal says: terminfo's RGB (ncurses) or Tc (tmux), or COLORTERM. GNU screen hands
 * down the COLORTERM of the terminal it runs in, and cannot do what it says; tmux can.
 */
static bool has_true_color(void)
{
	static char rgb[] = "RGB", tc[] = "Tc";
	const char *says = getenv("COLORTERM");
	bool is_said = says && (strcmp(says, "truecolor") == 0 || strcmp(says, "24bit") == 0);
	return tigetflag(rgb) > 0 || tigetnum(rgb) > 0 || tigetflag(tc) > 0 ||
	       (is_said && !getenv("STY"));
}

static enum theme_depth depth_of(const struct screen_settings *settings)
{
	static char colors[] = "colors";
	int n = tigetnum(colors);
	if (!settings->has_color || settings->colors == COLORS_NONE)
		return THEME_MONO;
	switch (settings->colors) {
	case COLORS_TRUE:
		return THEME_TRUE;
	case COLORS_256:
		return THEME_256;
	case COLORS_8:
		return THEME_8;
	default:
		if (n < 8)
			return THEME_MONO;
		return has_true_color() ? THEME_TRUE : n >= 256 ? THEME_256 : THEME_8;
	}
}

static void send(const char *bytes, size_t n);

/*
 * ncurses reads every report but asks for clicks only, so movements are asked for here (xterm's
 * private mode 1002, ctlseqs "Mouse Tracking"), of terminals whose mouse ncurses knows.
 */
static void set_moves(void)
{
	static const char on[] = "\033[?1002h", off[] = "\033[?1002l\033[?1000h";
	bool wants_moves = self.settings.has_mouse && self.settings.tells_moves && has_mouse();
	if (wants_moves == self.has_moves)
		return;
	self.has_moves = wants_moves;
	send(wants_moves ? on : off, wants_moves ? sizeof on - 1 : sizeof off - 1);
}

/* ncurses takes back what it asked for, and knows nothing of movements. */
static void end_moves(void)
{
	static const char off[] = "\033[?1002l";
	if (self.has_moves)
		send(off, sizeof off - 1);
	self.has_moves = false;
}

static void set_mouse(void)
{
	static const mmask_t every = BUTTON1_PRESSED | BUTTON1_RELEASED | BUTTON2_PRESSED |
				     BUTTON2_RELEASED | BUTTON3_PRESSED | BUTTON3_RELEASED |
				     BUTTON4_PRESSED | BUTTON5_PRESSED | REPORT_MOUSE_POSITION;
	bool tells_moves = self.settings.has_mouse && self.settings.tells_moves;
	mouseinterval(tells_moves ? 0 : DOUBLE_CLICK_MS); /* no waiting for a second click */
	if (tells_moves) {
		mousemask(every, NULL);
		set_moves();
		return;
	}
	mousemask(self.settings.has_mouse
			  ? BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON1_DOUBLE_CLICKED |
				    BUTTON4_PRESSED | BUTTON5_PRESSED
			  : 0,
		  NULL);
	set_moves();
}

static void set_up_terminal(void)
{
	raw(); /* Ctrl-C and Ctrl-Z are keys with meanings of their own */
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	add_usual_keys();
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	set_mouse();
	self.depth = depth_of(&self.settings);
}

bool screen_open(const struct screen_settings *settings, struct why *why)
{
	self.settings = *settings;
	self.terminal = fopen("/dev/tty", "r+e");
	if (!self.terminal || tcgetattr(fileno(self.terminal), &self.saved) != 0)
		return why_fail(why, "Cannot use the terminal: %s.", strerror(errno));
	self.screen = newterm(NULL, self.terminal, self.terminal);
	if (!self.screen) {
		fclose(self.terminal);
		const char *term = getenv("TERM");
		return why_fail(why, "Cannot use the terminal: terminfo does not know TERM=%s.",
				term ? term : "");
	}
	set_term(self.screen);
	add_restore("\033[?1002l\033[?1000l\033[?1006l\033[?2026l");
	add_restore(tigetstr("sgr0"));
	add_restore(tigetstr("cnorm"));
	add_restore(tigetstr("rmkx"));
	add_restore(tigetstr("rmcup"));
	const char *term = getenv("TERM");
	/* Those that know no private modes but their own might print it. */
	self.is_synchronized = term && !begins(term, "linux") && !begins(term, "vt");
	self.is_open = true;
	set_up_terminal();
	refresh(); /* the modes take effect; from here on ncurses only reads keys */
	catch_crashes();
	die_hook(screen_close);
	atexit(screen_close);
	return true;
}

void screen_close(void)
{
	if (!self.is_open)
		return;
	self.is_open = false;
	end_moves();
	endwin();
	delscreen(self.screen);
	tcsetattr(fileno(self.terminal), TCSANOW, &self.saved);
	fclose(self.terminal);
	paint_free(&self.paint);
	die_hook(NULL);
}

void screen_set(const struct screen_settings *settings)
{
	self.settings = *settings;
	self.depth = depth_of(settings);
	paint_forget(&self.paint); /* all of it looks different */
	set_mouse();
}

int screen_descriptor(void)
{
	return fileno(self.terminal);
}

void screen_size(int *columns, int *rows)
{
	struct winsize size;
	*columns = 80;
	*rows = 24;
	if (ioctl(fileno(self.terminal), TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		*columns = size.ws_col < MOST_COLUMNS ? size.ws_col : MOST_COLUMNS;
		*rows = size.ws_row < MOST_ROWS ? size.ws_row : MOST_ROWS;
	}
}

/* Everything in one go, so that no half of a frame is seen. */
static void send(const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fileno(self.terminal), bytes, n);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			return; /* the terminal has gone; its end is seen where keys are read */
		if (written < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fileno(self.terminal), .events = POLLOUT }, 1,
			     WAIT_MS);
		bytes += written > 0 ? written : 0;
		n -= written > 0 ? (size_t)written : 0;
	}
}

void screen_show(const struct canvas *canvas)
{
	struct paint_look look = { .theme = self.settings.theme,
				   .depth = self.depth,
				   .is_ascii = self.settings.is_ascii,
				   .is_synchronized = self.is_synchronized };
	size_t n;
	if (self.paint.shown.width != canvas->width || self.paint.shown.height != canvas->height) {
		resizeterm(canvas->height, canvas->width);
		refresh(); /* whatever ncurses makes of it comes before our picture */
	}
	const char *bytes = paint_frame(&self.paint, canvas, &look, &n);
	send(bytes, n);
}

void screen_repaint(void)
{
	paint_forget(&self.paint);
}

struct special {
	int theirs, ours;
};

static int translate(int key)
{
	static const struct special specials[] = {
		{ KEY_UP, KEY_ARROW_UP },
		{ KEY_DOWN, KEY_ARROW_DOWN },
		{ KEY_LEFT, KEY_ARROW_LEFT },
		{ KEY_RIGHT, KEY_ARROW_RIGHT },
		{ KEY_PPAGE, KEY_PAGE_UP },
		{ KEY_NPAGE, KEY_PAGE_DOWN },
		{ KEY_HOME, KEY_START },
		{ KEY_END, KEY_FINISH },
		{ KEY_BTAB, KEY_BACK_TAB },
		{ KEY_F(1), KEY_HELP_1 },
		{ KEY_F(2), KEY_SETUP_2 },
		{ KEY_F(10), KEY_QUIT_10 },
		{ KEY_F(3), KEY_FUNCTION_3 },
		{ KEY_F(4), KEY_FUNCTION_4 },
		{ KEY_F(5), KEY_FUNCTION_5 },
		{ KEY_F(6), KEY_FUNCTION_6 },
		{ KEY_F(7), KEY_FUNCTION_7 },
		{ KEY_F(8), KEY_FUNCTION_8 },
		{ KEY_F(9), KEY_FUNCTION_9 },
		{ KEY_F(11), KEY_FUNCTION_11 },
		{ KEY_F(12), KEY_FUNCTION_12 },
		{ KEY_IC, KEY_INSERT },
		{ KEY_DC, KEY_DELETE },
		{ KEY_ENTER, KEY_RETURN },
		{ KEY_BACKSPACE, KEY_DELETE_BACK },
		{ KEY_RESIZE, KEY_SCREEN_RESIZED },
	};
	for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
		if (specials[i].theirs == key)
			return specials[i].ours;
	return KEY_NONE_PRESSED;
}

/* A press, a release or a movement, where those are asked for. */
static bool take_move(const MEVENT *event, struct input *input)
{
	static const struct {
		mmask_t pressed, released;
	} buttons[] = { { BUTTON1_PRESSED, BUTTON1_RELEASED },
			{ BUTTON2_PRESSED, BUTTON2_RELEASED },
			{ BUTTON3_PRESSED, BUTTON3_RELEASED } };
	if (!self.settings.tells_moves)
		return false;
	for (int i = 0; i < 3; i++)
		if (event->bstate & (buttons[i].pressed | buttons[i].released)) {
			input->key = event->bstate & buttons[i].pressed ? KEY_MOUSE_PRESSED
									: KEY_MOUSE_RELEASED;
			input->button = i + 1;
			return true;
		}
	input->key = KEY_MOUSE_MOVED;
	return (event->bstate & REPORT_MOUSE_POSITION) != 0;
}

static bool mouse_key(struct input *input)
{
	MEVENT event;
	if (getmouse(&event) != OK)
		return true; /* no key, but there may be more */
	input->x = event.x;
	input->y = event.y;
	if (event.bstate & BUTTON4_PRESSED)
		input->key = KEY_WHEEL_UP;
	else if (event.bstate & BUTTON5_PRESSED)
		input->key = KEY_WHEEL_DOWN;
	else if (take_move(&event, input))
		return true;
	else if (event.bstate & BUTTON1_DOUBLE_CLICKED)
		input->key = KEY_DOUBLE_CLICK;
	else
		input->key = KEY_CLICK;
	return true;
}

bool screen_key(struct input *input)
{
	wint_t code;
	*input = (struct input){ 0 };
	int kind = get_wch(&code);
	if (kind == ERR)
		return false;
	if (kind == KEY_CODE_YES && code == KEY_MOUSE)
		return mouse_key(input);
	input->key = kind == KEY_CODE_YES ? translate((int)code) : (int)code;
	return true;
}

void screen_leave(void)
{
	end_moves();
	endwin();
	tcsetattr(fileno(self.terminal), TCSANOW, &self.saved);
}

void screen_return(void)
{
	set_term(self.screen);
	set_up_terminal();
	refresh();
	screen_repaint();
}

void screen_suspend(void)
{
	screen_leave();
	kill(0, SIGSTOP); /* the whole job: `make run` too must give the shell its terminal */
	screen_return();
}
