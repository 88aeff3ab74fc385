// SPDX-License-Identifier: Apache-2.0
// The workers that run, and when each must have ended: the supervisor's second
// line, for those that don't end by themselves. Private to the suite.
#pragma once

#include "harness/suite/process.h"

#include <poll.h>
#include <sys/types.h>

struct on_duty {
    size_t index; // of the case
    pid_t pid;
    int fd; // a pidfd: no other process can take its place
    uint64_t end_ns;
};

// One thread.
struct roster {
    int clock; // the FIFO that workers write to
    size_t ncases, count, ended;
    struct on_duty *list;
    bool *killed; // [case]
};

// Makes the FIFO in dir. 0 or a negative errno; roster_close must follow.
int roster_open(struct roster *r, const char *dir, size_t ncases,
                struct error *err);
void roster_close(struct roster *r);

// What to poll for: the FIFO and each worker's end. Returns how many of at most
// max are filled.
size_t roster_poll(const struct roster *r, struct pollfd *fds, size_t max);
// Takes what has come: workers that began, and that ended. fds as polled.
void roster_take(struct roster *r, const struct pollfd *fds, size_t n);
// When roster_kill has something to do, or CLOCK_NEVER.
uint64_t roster_wake_ns(const struct roster *r);
// Kills the workers that should have ended before now_ns.
void roster_kill(struct roster *r, uint64_t now_ns);
