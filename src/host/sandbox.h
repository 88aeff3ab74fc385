// SPDX-License-Identifier: Apache-2.0
// What a thread that serves a guest may ask of the kernel: the calls that a
// thread of its kind needs, ioctls by their number, and nothing else
// (seccomp(2)). A guest that has taken such a thread over can open no file, run
// no program and touch no other process; SECURITY.md says what that is worth.
// Used by guard.h.
//
// A call that is not on the list waits until somebody has looked at it, and
// fails with EPERM then: so whoever watches can tell which it was.
#pragma once

#include "src/base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

// What a thread is there for.
enum sandbox_thread {
    SANDBOX_VCPU,          // runs the guest and serves its exits
    SANDBOX_KEEPER,        // looks after vCPUs and their output
    SANDBOX_DISK,          // does what a disk's queue asks for
    SANDBOX_SHARE,         // talks with the program that serves a folder
    SANDBOX_LOOP,          // moves frames; makes and takes no connection
    SANDBOX_LOOP_ACCEPTS,  // takes them from sockets that listen already
    SANDBOX_LOOP_CONNECTS, // and makes them, too
    SANDBOX_LOOP_UNIX,     // takes them, and makes those to Unix sockets
    SANDBOX_LOOP_BOTH,     // and all others, too
};
#define SANDBOX_THREADS (SANDBOX_LOOP_BOTH + 1)

// The list of a kind, compiled. Constant, any thread may enter.
struct sandbox;

// False in builds with sanitizers: their run time makes calls of its own.
bool sandbox_is_offered(void);

// NULL with err when it can't be made. NULL is fine for sandbox_free.
struct sandbox *sandbox_new(enum sandbox_thread kind, struct error *err);
void sandbox_free(struct sandbox *s);

// From now on the calling thread, and each that it starts, is confined; it can
// gain no privileges either (PR_SET_NO_NEW_PRIVS). There is no way back. A
// descriptor that tells of the calls that it made against the list (close it),
// or SANDBOX_UNWATCHED where the kernel can only end the process then (before
// Linux 5.0, or in a sandbox that watches already); other negative values are
// errnos.
#define SANDBOX_UNWATCHED INT_MIN
int sandbox_enter(const struct sandbox *s);

// A call against the list.
struct sandbox_call {
    int number;    // on x86-64
    char text[64]; // "socket", "ioctl 0x5401", "call 1000"
    uint64_t id;   // for sandbox_refuse
};

// The next one at fd, without waiting for one: its thread stands still until
// sandbox_refuse lets the call fail with EPERM. False when there is none. Any
// thread that is not confined.
bool sandbox_caught(int fd, struct sandbox_call *out);
void sandbox_refuse(int fd, const struct sandbox_call *call);

// For a whole process: its threads, and those that they start, gain no
// privileges, run no other program, trace nobody and load nothing into the
// kernel: these calls fail with EPERM. Where a thread has a list of its own
// already, the calling thread alone, and those that it starts. 0, or a negative
// errno with a sentence.
int sandbox_confine_process(struct error *err);
