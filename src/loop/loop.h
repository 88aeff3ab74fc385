// SPDX-License-Identifier: Apache-2.0
// A machine's event loop: one thread that waits for file descriptors, timers
// and events, and calls what is theirs. Devices that talk to the world live on
// it, so that neither a vCPU nor a thread of their own waits for the world.
//
// Everything here may be called by any thread, also within a callback, unless
// said otherwise. Callbacks of one loop run one at a time, on its thread; none
// may block. The loop sleeps unless something is ready.
#pragma once

#include "src/base/error.h"
#include "src/host/guard.h"

#include <stdint.h>

struct loop; // opaque

// A descriptor that is watched. The user of the loop sets the first part, and
// keeps it in place until loop_remove; the rest is the loop's.
struct loop_source {
    int fd;
    // With what is ready, EPOLLIN and so on, also EPOLLHUP and EPOLLERR.
    void (*ready)(void *owner, uint32_t events);
    void *owner;

    uint64_t id; // never used twice; 0: not watched
    struct loop_source *next;
};

// Makes a loop and starts its thread, with all signals blocked; in seat, or
// NULL: not confined. NULL with a sentence: the host has no room for one more.
struct loop *loop_new(const struct guard_seat *seat, struct error *err);

// Ends the thread and frees the loop; NULL is nothing. Nothing is watched any
// more. Not within a callback.
void loop_free(struct loop *loop);

// Watches source->fd, as long as it is open, for events (EPOLLIN, EPOLLOUT, 0).
// It is level-triggered: what stays ready is told again. 0; -EEXIST: it is
// watched already; another negative errno of epoll_ctl(2), with a sentence.
int loop_add(struct loop *loop, struct loop_source *source, uint32_t events,
             struct error *err);

// Other events. 0; -ENOENT: it is not watched.
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events);

// Ends that; nothing when it is not watched. When it returns ready does not run
// any more and will not: so do not hold a lock here that ready takes. Within
// ready itself it returns at once, and source may be freed.
void loop_remove(struct loop *loop, struct loop_source *source);

// ---- Timers ----------------------------------------------------------------

// Never moved while it is added.
struct loop_timer {
    struct loop_source source;
    void (*fired)(void *owner);
    void *owner;
};

// A timer that is not set. 0, or a negative errno with a sentence; remove it
// either way.
int loop_timer_add(struct loop *loop, struct loop_timer *timer,
                   void (*fired)(void *owner), void *owner, struct error *err);
// Calls fired once, when CLOCK_MONOTONIC is ns or later; instead of what was
// set before. CLOCK_NEVER: not at all.
void loop_timer_set(struct loop_timer *timer, uint64_t ns);
// As loop_remove.
void loop_timer_remove(struct loop *loop, struct loop_timer *timer);

// ---- Events ----------------------------------------------------------------

// Never moved while it is added.
struct loop_event {
    struct loop_source source;
    void (*happened)(void *owner);
    void *owner;
};

// 0, or a negative errno with a sentence; remove it either way.
int loop_event_add(struct loop *loop, struct loop_event *event,
                   void (*happened)(void *owner), void *owner,
                   struct error *err);
// Calls happened on the loop's thread, soon; several that come before that are
// one. Cheap: a system call that does not wait. What was written before it is
// seen there.
void loop_event_signal(struct loop_event *event);
// As loop_remove.
void loop_event_remove(struct loop *loop, struct loop_event *event);
