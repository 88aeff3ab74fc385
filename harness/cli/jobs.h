// SPDX-License-Identifier: Apache-2.0
// --jobs auto: how many guests this machine has room for. Private to the
// command.
#pragma once

#include "harness/cli/boots.h"

#include <stdio.h>

// What a worker takes beside its guest's memory: the process with its console,
// matcher, record and machine has some 20 MB; a failure's report reads the
// kernel's symbols into as much again.
#define JOBS_OWN_MEMORY (UINT64_C(64) << 20)

// Where to look. Others than "" and 0 are for tests.
struct jobs_host {
    const char *root; // before /proc and /sys
    unsigned cpus;    // 0: those that this process may run on
};

// What there is.
struct jobs_room {
    unsigned cpus;   // at least 1
    uint64_t memory; // bytes that can be had without swapping; UINT64_MAX: not
                     // known
    const char *by;  // who says so: "MemAvailable" or "the cgroup's limit"
};

// The least of MemAvailable and what the limits of this process's cgroup and
// those above it (version 2 or 1) leave, where caches that can be dropped count
// as free.
void jobs_look(const struct jobs_host *host, struct jobs_room *room);

// How many that need so much each have room at a time: from 1, also where not
// even one has, to as many as there are processors.
unsigned jobs_beside(const struct jobs_room *room, uint64_t each);

// Gives each boot the number that has room beside its like, and returns the
// least one; 1 when there is none. extra: what each takes beside its guest and
// JOBS_OWN_MEMORY, bytes; replay: there are no guests.
unsigned jobs_settle(const struct jobs_room *room, const struct selection *s,
                     struct boots *b, uint64_t extra, bool replay);

// The sentence of -v: what there is, and so how many run at a time.
void jobs_tell(FILE *f, const struct jobs_room *room, const struct boots *b);
