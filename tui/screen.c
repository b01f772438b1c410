/*
 * ncurses behind six functions. Colour pairs are made as they are needed. A crash restores the
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
#include "tui/theme.h"

/* <term.h> has it, and macros called "columns" and "lines" that nobody could live with. */
int setupterm(const char *term, int fd, int *error);

enum {
	MOST_PAIRS = 256,
	MOST_COLUMNS = 1000, /* larger sizes come from nonsense, not from terminals */
	MOST_ROWS = 500,
	DOUBLE_CLICK_MS = 300,
	ESCAPE_MS = 25, /* a key's escape sequence arrives together, also over ssh */
};

static struct {
	bool is_open, can_color;
	struct screen_settings settings;
	SCREEN *screen;
	FILE *terminal;
	struct termios saved;
	char restore[256]; /* what undoes our modes, for the crash handler */
	size_t restore_bytes;
	struct {
		int16_t foreground, background;
	} pairs[MOST_PAIRS];
	int n_pairs;
} self;

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

static void set_mouse(void)
{
	mouseinterval(DOUBLE_CLICK_MS);
	mousemask(self.settings.has_mouse
			  ? BUTTON1_CLICKED | BUTTON1_PRESSED | BUTTON1_DOUBLE_CLICKED |
				    BUTTON4_PRESSED | BUTTON5_PRESSED
			  : 0,
		  NULL);
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
	self.can_color = has_colors() && start_color() != ERR;
	if (self.can_color)
		use_default_colors();
	self.settings.has_color &= self.can_color;
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
	add_restore("\033[?1000l\033[?1006l\033[?2026l");
	add_restore(tigetstr("sgr0"));
	add_restore(tigetstr("cnorm"));
	add_restore(tigetstr("rmkx"));
	add_restore(tigetstr("rmcup"));
	self.is_open = true;
	set_up_terminal();
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
	endwin();
	delscreen(self.screen);
	tcsetattr(fileno(self.terminal), TCSANOW, &self.saved);
	fclose(self.terminal);
	die_hook(NULL);
}

void screen_set(const struct screen_settings *settings)
{
	self.settings = *settings;
	self.settings.has_color = settings->has_color && self.can_color;
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

/* The pair of two colours; 0 (the terminal's own) when there are no more. */
static short pair_of(int16_t foreground, int16_t background)
{
	if (foreground < 0 && background < 0)
		return 0;
	for (int i = 1; i <= self.n_pairs; i++)
		if (self.pairs[i].foreground == foreground &&
		    self.pairs[i].background == background)
			return (short)i;
	int next = self.n_pairs + 1;
	if (next >= MOST_PAIRS || next >= COLOR_PAIRS ||
	    init_pair((short)next, foreground, background) == ERR)
		return 0;
	self.n_pairs = next;
	self.pairs[next].foreground = foreground;
	self.pairs[next].background = background;
	return (short)next;
}

static void set_style(const struct cell *cell)
{
	struct theme_style style =
		theme_style_of(self.settings.has_color ? self.settings.theme : theme_find("mono"),
			       cell->meaning, cell->shade);
	attr_t attributes = 0;
	attributes |= style.attributes & THEME_BOLD ? A_BOLD : 0;
	attributes |= style.attributes & THEME_DIM ? A_DIM : 0;
	attributes |= style.attributes & THEME_UNDERLINE ? A_UNDERLINE : 0;
	attributes |= style.attributes & THEME_REVERSE ? A_REVERSE : 0;
	bool is_rich = COLORS >= 256;
	short pair = self.settings.has_color
			     ? pair_of(is_rich ? style.foreground : style.basic_foreground,
				       is_rich ? style.background : style.basic_background)
			     : 0;
	attr_set(attributes, pair, NULL);
}

static void put_cell(const struct canvas *canvas, int x, int y)
{
	const struct cell *cell = &canvas->cells[(size_t)y * (size_t)canvas->stride + (size_t)x];
	bool is_wide = x + 1 < canvas->width && cell[1].text[0] == '\0';
	if (cell->text[0] == '\0')
		return;
	set_style(cell);
	if (self.settings.is_ascii) {
		uint32_t code_point;
		text_decode(cell->text, &code_point);
		char text[3] = { canvas_ascii(code_point), is_wide ? '?' : '\0', '\0' };
		mvaddstr(y, x, text);
	} else {
		mvaddstr(y, x, cell->text);
	}
}

void screen_show(const struct canvas *canvas)
{
	int columns = getmaxx(stdscr), rows = getmaxy(stdscr);
	if (columns != canvas->width || rows != canvas->height)
		resizeterm(canvas->height, canvas->width);
	for (int y = 0; y < canvas->height; y++)
		for (int x = 0; x < canvas->width; x++)
			/* The last cell would scroll the screen on some terminals. */
			if (y < canvas->height - 1 || x < canvas->width - 1)
				put_cell(canvas, x, y);
	refresh();
}

void screen_repaint(void)
{
	clearok(curscr, TRUE);
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

void screen_suspend(void)
{
	endwin();
	tcsetattr(fileno(self.terminal), TCSANOW, &self.saved);
	kill(0, SIGSTOP); /* the whole job: `make run` too must give the shell its terminal */
	set_term(self.screen);
	set_up_terminal();
	screen_repaint();
	refresh();
}
