/* See session_terminal.h. */
#include "tui/session_terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "sampler/target.h"

enum {
	FRAME_ROWS = 4, /* title, blank row, the view's header, keys */
	MOST_COLUMNS = 1000,
	MOST_ROWS = 500,
};

void session_terminal(struct launch *launch)
{
	struct winsize size;
	launch->output = TARGET_OUTPUT_TERMINAL;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col &&
	    size.ws_col <= MOST_COLUMNS && size.ws_row > FRAME_ROWS && size.ws_row <= MOST_ROWS) {
		launch->columns = size.ws_col;
		launch->rows = size.ws_row - FRAME_ROWS;
	}
#if HAVE_VTERM
	launch->terminal_type = "xterm-256color"; /* what libvterm understands */
#endif
}
