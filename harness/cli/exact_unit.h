// SPDX-License-Identifier: Apache-2.0
// One case with one seed, in an exact rig of its own: the command line that it
// is run by in there, and what becomes of what it left. For exact_run.c.
#pragma once

#include "harness/cli/exact_rig.h"
#include "harness/cli/exact_run.h"

// All zero: it has not begun.
struct exact_unit {
    const struct selected *what; // borrowed
    uint64_t seed;
    const char *record;      // where its recording goes, or NULL; borrowed
    bool again;              // nothing of it is told
    size_t count;            // its boots,
    struct result **results; // and where each one's result goes: not ours
    const size_t *boots;     // their indices in the plan
    struct exact_rig rig;
};

// Starts its rig. 0 or a negative errno; then it has no rig.
int exact_unit_start(struct exact_unit *u, const struct exact_suite *x,
                     struct error *err);

// Its rig has ended: fills the results. 0 or -ENOMEM.
int exact_unit_end(struct exact_unit *u, const struct exact_suite *x);

// Fills the results of one that never ran, or whose rig was ended by us.
int exact_unit_unjudged(struct exact_unit *u, const struct exact_suite *x,
                        const char *kind, const char *why);
// The same of one that does not begin, because another one did not pass.
int exact_unit_unrun(struct exact_unit *u, const struct exact_suite *x);
