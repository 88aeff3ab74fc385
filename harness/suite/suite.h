// SPDX-License-Identifier: Apache-2.0
// Runs a plan under Criterion: each scenario is a Criterion test of its own,
// in a process of its own. Used by the command line.
//
//   toyvmm-test (supervisor.c)     keeps the terminal, forwards Ctrl-C, reports
//     └ Criterion (criterion.c)    schedules; a child, because it leaves the
//         │                        terminal's process group
//         ├ worker (worker.c)      one scenario, one machine
//         └ worker                 ...
//
// A worker hands its result over as a file; what a dead worker could not say,
// the supervisor says for it. When any of them dies, those below end: workers
// stop their machine and save what they know.
//
// None of them waits for ever. A scenario's deadline D holds in every step. At
// D + 1 s a watchdog thread of the worker saves what another thread can know of
// the run (runner/witness.h) and ends the process; at D + 1.5 s the supervisor
// kills it (roster.h), stopped or not. Both are stretched as D is, and in the
// rig at least by what it is slower. Standard
// output that nobody reads is given up (report/outlet.h).
#pragma once

#include "harness/report/junit.h"
#include "harness/suite/plan.h"

// The property of a result whose recording failed: why.
#define RECORDING_ERROR "recording.error"

struct suite_run {
    struct result *results; // one for each case, in the plan's order
    size_t count;
    bool interrupted; // by SIGINT, SIGTERM or SIGHUP
};

// jobs: how many scenarios at a time, at least 1. in_process: one after
// another in this process, without Criterion (for debuggers). 0 with *out
// filled, or a negative errno; results of scenarios that did not run say so.
int suite_run(const struct plan *plan, unsigned jobs, bool in_process,
              struct suite_run *out, struct error *err);
void suite_run_free(struct suite_run *run);
