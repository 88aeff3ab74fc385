// SPDX-License-Identifier: Apache-2.0
// One exact rig as a process of this host's. Private to the command.
#pragma once

#include "harness/cli/exact.h"

#include <sys/types.h>

// What the command in it leaves here comes out of it, when it has ended.
#define EXACT_OUT "/rig.out"

#define EXACT_PATH 4200

// What to run in it. Borrowed.
struct exact_order {
    // The command, NULL-terminated: not a byte of it may depend on anything
    // that shall make no difference to the run.
    char *const *words;
    const struct selection *selection; // what it boots
    const struct exact_files *files;   // of exact_collect
    // Of these it knows the path `as` alone, so that what a file is called
    // makes no difference; NULL: there are no more.
    struct {
        const char *path, *as;
    } renamed[2];
    uint64_t memory; // of its guest, bytes
    uint64_t seed;
    unsigned guard_s; // the rig ends after so much of the host's time
};

// A rig that runs or has ended. All zero but descriptors: none.
struct exact_rig {
    pid_t pid;               // 0: it has been reaped
    int status;              // of waitpid then
    char folder[EXACT_PATH]; // EXACT_OUT in it; removed by exact_rig_free
    int out, err;            // files with what it wrote so far; owned
    uint64_t started_ns;
};

// Starts it. It dies with this process. 0 or a negative errno.
int exact_rig_start(struct exact_rig *r, const struct exact_order *order,
                    struct error *err);

// CPU time that it has taken so far, ns: of its processes that run.
uint64_t exact_rig_cpu_ns(const struct exact_rig *r);

// True when the guard ended it, or the rig can't run here: nothing is known of
// its command. why gets the rig's own sentence, or what its end looked like.
bool exact_rig_said(const struct exact_rig *r, char *why, size_t size);

// Ends it if it runs, forgets what it left.
void exact_rig_free(struct exact_rig *r);
