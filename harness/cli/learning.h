// SPDX-License-Identifier: Apache-2.0
// --learn: a process that listens to an interactive session and writes the
// scenario at its end. Private to the command.
#pragma once

#include "harness/console/console.h"

#include <sys/types.h>

// Three processes are at work: the one with the terminal, the machine's, and
// this one. It gets all that is printed and typed, and learns from a guest's
// bytes where nothing else can be hurt by them. It writes when the last end of
// its socket is closed: whatever ends the others, also a kill, what was learnt
// until then is in the file. Signals that end a session don't end it; it waits
// for nothing but that socket.
//
// Plain value; the machine's process uses the copy that fork gave it.
struct learning {
    int socket; // -1: nothing is learnt
    pid_t pid;
};

// Can a scenario be written to path? 0, -EEXIST where there is a file already,
// -EINVAL, -ENOENT, -EACCES, ... with a sentence.
int learning_check(const char *path, struct error *err);

// Starts the process; header as learn_scenario wants it. 0 or a negative errno.
int learning_begin(struct learning *g, const char *path, const char *header,
                   struct error *err);
// For the process with the terminal, when that is as it was before: lets it
// write and tell on standard output, and returns its exit code.
int learning_end(struct learning *g, struct error *err);

// For the machine's process; any thread, and nothing when nothing is learnt.
// What a person sees is told before it is shown, what is typed before the guest
// gets it.
void learning_started(const struct learning *g);
void learning_batch(const struct learning *g, const struct console_batch *b);
void learning_typed(const struct learning *g, unsigned port, const void *bytes,
                    size_t len);
void learning_expect(const struct learning *g, unsigned port);
