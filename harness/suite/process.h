// SPDX-License-Identifier: Apache-2.0
// What the processes of a run share: the folder with the plan, results and
// traces of the dead. Private to the suite.
#pragma once

#include "harness/suite/plan.h"

#include <stddef.h>
#include <stdint.h>

// The folder's path and the pid of the process that starts the workers: a
// worker has nothing else but its test's name.
#define SUITE_DIR_VARIABLE    "TOYVMM_SUITE_DIR"
#define SUITE_PARENT_VARIABLE "TOYVMM_SUITE_PARENT"

#define SUITE_PATH 4200

// dir/index.kind; returns out.
const char *suite_file(char out[SUITE_PATH], const char *dir, size_t index,
                       const char *kind);
// dir/name.
const char *suite_path(char out[SUITE_PATH], const char *dir, const char *name);

// A worker that begins tells when it must have ended: one of these into the
// FIFO of that name in the folder. A later one of the same process replaces it.
#define SUITE_CLOCK "clock"
struct notice {
    uint64_t index;  // of the case
    uint64_t end_ns; // CLOCK_MONOTONIC
    int64_t pid;
};

// How long after its scenario's deadline a worker tells what it knows and ends,
// and how long after it it is killed: seconds, stretched by plan_slowness.
#define SUITE_LAST_WORDS_S 1.0
#define SUITE_KILL_S       1.5
uint64_t suite_after(uint64_t deadline_ns, double seconds, double scale);

// With --fail-fast: this file is there when a case did not pass. A worker that
// begins and finds it does not run its case.
#define SUITE_STOP "stop"
void suite_stop(const struct plan *plan, const char *dir);
bool suite_stopped(const struct plan *plan, const char *dir);

// How a worker that left no result has died, a line in its .death file.
struct death {
    int signal; // 0: none
    int exit_code;
    bool timed_out; // Criterion's backstop
};

// Registers the plan's cases with Criterion and runs them in this process's
// children. Returns Criterion's verdict: true when all passed.
bool criterion_run_plan(const struct plan *plan, unsigned jobs,
                        double backstop_s, const char *dir);

// The Criterion test function of every case.
void worker_main(void);
