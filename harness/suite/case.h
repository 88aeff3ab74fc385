// SPDX-License-Identifier: Apache-2.0
// One case of a plan, run in this process. Used by the worker processes and by
// --in-process.
#pragma once

#include "harness/console/console.h"
#include "harness/report/result.h"
#include "harness/suite/plan.h"

// Who wants to end the run early: gets the console as soon as there is one,
// and NULL before it goes.
struct case_control {
    void (*console)(void *owner, struct console *console);
    // Called when the scenario is known: by when (CLOCK_MONOTONIC) it must be
    // over, its deadline stretched as the plan says.
    void (*begun)(void *owner, uint64_t deadline_ns);
    // The process was confined to what it needs: what it started before was
    // not. 0, or a negative errno with a sentence.
    int (*confined)(void *owner, struct error *err);
    const char *folder; // that the owner writes to then
    void *owner;
    struct witness *witness; // or NULL
};

// Parses, boots, runs; fills result wholly. started_ns is when this process
// began. Returns 0 or -ENOMEM. With a witness, result is not touched without
// its lock once witness->finished is set.
int case_run(const struct plan *plan, size_t index, uint64_t started_ns,
             const struct case_control *control, struct result *result);

// What the plan knows of a case, whatever became of it; once, when its verdict
// is known: one that passed may be flaky by it. 0 or -ENOMEM.
int case_identify(const struct plan *plan, size_t index, struct result *result);

// Makes of a verdict what it is for a case that is expected to fail: failed is
// known, passed is fixed; when that is expired, a note says so. For a result of
// a process that knew nothing of it: case_identify does the same. 0 or -ENOMEM.
int case_expect(const struct plan *plan, size_t index, struct result *result);

// Fills a result with what is known of a case that did not run: the names, the
// time; and for one that is skipped, the verdict and the reason. 0 or -ENOMEM.
int case_describe(const struct plan *plan, size_t index, struct result *result);
int case_skip(const struct plan *plan, size_t index, struct result *result);
// The same of one that does not begin, because another one did not pass.
int case_unrun(const struct plan *plan, size_t index, struct result *result);

// Prints the result to standard output in one piece, unless it may change: of
// what did not begin, when there will be further rounds; several processes may
// print. lock: a file that they share, or NULL. Gives up at deadline_ns
// (CLOCK_MONOTONIC) when nobody reads.
void case_print(const struct plan *plan, const struct result *result,
                const char *lock, uint64_t deadline_ns);
