// SPDX-License-Identifier: Apache-2.0
// The host's terminal while a command in the rig owns it.
#pragma once

#include "harness/rig/protocol.h"

#include <sys/types.h>
#include <termios.h>

// One terminal. saved is what it was; it is so again after terminal_restore,
// and also when this process is killed: a guard process sees to that.
struct terminal {
    int fd; // -1: no terminal
    bool raw;
    bool keep_output; // other programs write to it: leave output processing
    struct termios saved;
    pid_t guard;
    int guard_pipe;
};

// Finds the terminal among the descriptors 0, 1, 2; fd -1 when none is one.
void terminal_open(struct terminal *terminal);

// Every key goes to the command from here on. Also repeats that after the
// process was stopped and continued.
void terminal_raw(struct terminal *terminal);
void terminal_restore(struct terminal *terminal);

struct frame_winsize terminal_size(const struct terminal *terminal);
