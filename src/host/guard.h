// SPDX-License-Identifier: Apache-2.0
// The guard of a machine's threads. Each that serves the guest enters its
// sandbox (sandbox.h) through the guard, as the first thing that it does; when
// one makes a call against its list that thread waits, and a thread of the
// guard's tells who it was and lets the call fail. Used by the rooms that start
// threads.
#pragma once

#include "src/host/sandbox.h"

#include <stddef.h>

struct guard; // opaque

#define GUARD_NAME_MAX 63

// Who a thread is: of which kind, the how many-th of it, and in words, as in
// "the thread of NAME".
struct guard_thread {
    enum sandbox_thread kind;
    unsigned index;
    char name[GUARD_NAME_MAX + 1];
};

// What the guard's user is told; each but owner may be called at any time from
// guard_new on.
struct guard_hooks {
    void *owner;
    // It called what it has no need of ("socket"), and waits until this
    // returns. On the guard's thread.
    void (*caught)(void *owner, const struct guard_thread *who,
                   const char *call);
    // It could not enter, because of errno code, and is not confined. On that
    // thread.
    void (*refused)(void *owner, const struct guard_thread *who, int code);
    // It has entered; or NULL. On that thread: for tests, what they call there
    // is confined.
    void (*entered)(void *owner, const struct guard_thread *who);
};

// What somebody who starts a thread is given, to be copied. All zero: the
// thread is not confined.
struct guard_seat {
    struct guard *guard;
    struct guard_thread who;
};

// For at most so many threads at a time. NULL with a sentence: the host has no
// room for one more thread.
struct guard *guard_new(const struct guard_hooks *hooks, size_t most,
                        struct error *err);

// Ends its thread; NULL is nothing. Threads that entered have ended.
void guard_free(struct guard *guard);

// The calling thread is confined from now on, or `refused` was told. Where the
// kernel can't tell of calls (SANDBOX_UNWATCHED) it ends the process then. NULL
// and a seat without a guard are nothing.
void guard_enter(const struct guard_seat *seat);
