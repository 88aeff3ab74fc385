// SPDX-License-Identifier: Apache-2.0
// A plan that is run over and over until something fails. Used by the command
// line.
#pragma once

#include "harness/suite/attempts.h"

// When it ends at the latest; the first round is run in any case.
struct stress_limit {
    uint64_t rounds; // after so many, if not 0
    uint64_t ns;     // when no round begins any more; if not 0
};

struct stress_told {
    uint64_t rounds; // that ended or failed
    uint64_t cases;  // that ran in all of them
    bool failed;     // the last one did
};

// The property of a result: the number of its round.
#define STRESS_ROUND "stress.round"

// Runs rounds of the plan until one fails (verdict_fails; nothing begins after
// that), is interrupted, or the limit is reached. *out is the last round's, the
// one that failed if one did; of those before it, all passed, only the number
// is kept. 0 with *out filled, or the negative errno of a round, with what ran
// in *out.
int suite_stress(const struct plan *plan, const struct suite_policy *policy,
                 const struct stress_limit *limit, suite_round *round,
                 void *owner, struct suite_run *out, struct stress_told *told,
                 struct error *err);
