/*
 * session_attach: a session on what runs already: whom it follows, and what it says of that.
 */
#ifndef TUI_SESSION_ATTACH_H
#define TUI_SESSION_ATTACH_H

#include <stdbool.h>

#include "sampler/base/why.h"

struct recording;
struct session_request;
struct target;
struct sampling;

/*
 * session_attach: attach to what the settings say. With request->may_fall_back, where the kernel
 * does not let us watch the whole machine, to all processes of this user, with a note.
 *
 * target     zeroed, or launched: that command says how long
 * recording  gets the facts "command_line" (what is attached to), "attached" (as typed) and
 *            "attached.until" (the command)
 */
bool session_attach(struct target *target, const struct session_request *request,
		    const struct sampling *sampling, struct recording *recording, struct why *why);

/* session_attach_say: a line on stderr: what is recorded, and how it ends. */
void session_attach_say(const struct target *target, const struct session_request *request);

#endif
