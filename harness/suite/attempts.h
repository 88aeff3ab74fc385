// SPDX-License-Identifier: Apache-2.0
// Cases that are run again where they fail. Used by the command line.
#pragma once

#include "harness/suite/suite.h"

// What happens when a case fails.
struct suite_policy {
    unsigned retries; // it is run again, so many times at most, unless the
                      // plan has another number for it
    bool fail_fast;   // when it has failed for good, none begins any more
    bool flaky_ok;    // one that passed then has not failed
};

// Runs a plan's cases once: suite_run, or an exact rig's way.
typedef int suite_round(void *owner, const struct plan *plan,
                        struct suite_run *out, struct error *err);

// Runs the plan's cases, and those that failed again when all have ended, each
// until it passes (VERDICT_FLAKY) or has had its attempts. What could not be
// judged (VERDICT_ERROR) is not run again: that says nothing of the guest. A
// result is that of the last attempt, and holds those before it.
//
// With fail_fast, those that are run are those that had begun. When all of them
// passed in the end, the others are, too.
//
// An attempt's recording is put aside before the next one begins: FILE.tvr
// becomes FILE.attempt1.tvr, its casts with it.
//
// 0 with *out filled, or the negative errno of a round, with what ran in *out.
int suite_attempts(const struct plan *plan, const struct suite_policy *policy,
                   suite_round *round, void *owner, struct suite_run *out,
                   struct error *err);
