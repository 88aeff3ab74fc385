// SPDX-License-Identifier: Apache-2.0
// A back end: the program that serves a device, the conversation with it, and
// what it prints. Owned by who started it; lent to one device at a time, whose
// thread then is the only one that uses it.
#pragma once

#include "src/vhost/front.h"

#include <sys/types.h>

struct vhost_backend {
    const char *name; // "virtiofsd", for messages
    struct vhost_front front;
    pid_t pid;      // 0: no process of ours
    int handle;     // a descriptor of it, to end it by; 0: none
    int log;        // what it prints, a pipe that is not blocking; or -1
    char last[512]; // its last line, or its beginning
    size_t nlast;
    bool line_ended; // the next byte begins a new one
};

// The program was started as process pid. A thread that may send a signal to
// that one only (src/host/sandbox.h) can end it, since Linux 5.3.
void vhost_backend_own(struct vhost_backend *b, pid_t pid);

// Takes what the program has printed, so that it does not wait for a reader.
void vhost_backend_listen(struct vhost_backend *b);

// A sentence part about the end: name, then what happened, then its last words,
// without an option of its own ("...}: ") that they may begin with.
// Puts it into text, which has room for size bytes.
void vhost_backend_explain(struct vhost_backend *b, const struct error *why,
                           char *text, size_t size);

// The program, when there is one, is killed: it touches no guest's memory any
// more.
void vhost_backend_kill(struct vhost_backend *b);

// Kills it and closes everything. A back end that is all zero but its
// descriptors, -1, is nothing.
void vhost_backend_end(struct vhost_backend *b);
