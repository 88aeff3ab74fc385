// SPDX-License-Identifier: Apache-2.0
// A guest's console on the user's terminal. Private to the command.
#pragma once

#include "harness/cli/selection.h"
#include "harness/guests/guest.h"

// A scenario that is learnt from the session: learning.h.
struct lesson {
    const char *path, *header;
};

// Boots the guest, connects standard input and output, and returns the exit
// code when the guest has ended or the user has left: 0, or EXIT_UNABLE with
// err filled. A terminal is raw meanwhile, and as before afterwards, however
// the machine's process ends: it is a child of this one.
//
// Ctrl-A x leaves, Ctrl-A h helps, Ctrl-A Ctrl-A types a Ctrl-A. lesson: NULL,
// or what is done becomes a scenario, and Ctrl-A l expects a line; one that
// could not be written is EXIT_UNABLE.
int interactive_run(const struct guest *guest, const char *accelerator,
                    bool no_sandbox, const struct lesson *lesson,
                    struct error *err);

// The same from the command line, which has selected one scenario or none.
// Where that is the rig's affair it does not return. An exit code, with what is
// wrong told.
int interactive_main(const struct options *o, const struct selection *s,
                     int argc, char **argv);
