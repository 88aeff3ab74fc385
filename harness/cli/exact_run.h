// SPDX-License-Identifier: Apache-2.0
// Boots of a command in exact rigs: each case in one of its own, several at a
// time, and their results as if they had run here. Private to the command.
//
// What a run is, is a function of its case, its files and its seed: nothing of
// how it was asked for (reports, jobs, other cases, this terminal) is brought
// into its rig.
#pragma once

#include "harness/cli/boots.h"
#include "harness/suite/suite.h"

// The kind of a result that nothing is known of.
#define EXACT_UNJUDGED "not-judged"

// Borrowed.
struct exact_suite {
    const struct options *options;
    const struct selection *selection;
    const struct boots *boots; // those of a case and seed follow each other
    const struct plan *plan;   // of the boots
    // Each boot's kernel and initrd have one and the same path in its rig: two
    // sides differ by what they are, not by what they are called. Each boot is
    // alone then.
    bool alike;
    const uint64_t *seeds; // of each boot; NULL: the options' for all
    bool untold;           // tell nothing of what ended: somebody else does
};

// Runs them all, options->jobs at a time, and tells of each when it has ended;
// of the run itself on a terminal. 0 with *out filled, or a negative errno with
// what ran in *out. A case of which nothing is known has VERDICT_ERROR and the
// kind EXACT_UNJUDGED.
int exact_suite_run(const struct exact_suite *x, struct suite_run *out,
                    struct error *err);

// Runs the boots with these indices once more, all of the same case and seed in
// one rig: results[i] is that of indices[i]. Nothing is told or recorded.
int exact_suite_again(const struct exact_suite *x, const size_t *indices,
                      size_t count, struct suite_run *out, struct error *err);

// 0 where an exact rig can run, or a negative errno.
int exact_can_run(struct error *err);

// From the first start to the last end of those that ran, by their own clock.
void exact_span(const struct suite_run *run, uint64_t *started_unix_ns,
                uint64_t *duration_ns);
