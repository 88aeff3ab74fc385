// SPDX-License-Identifier: Apache-2.0
// Rounds until a failure. See stress.h.
#include "harness/suite/stress.h"

#include "src/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

// Counts a round, and writes its number into its results.
static int count(struct stress_told *told, const struct suite_policy *policy,
                 struct suite_run *run)
{
    char number[24];
    told->rounds++;
    snprintf(number, sizeof(number), "%" PRIu64, told->rounds);
    for (size_t i = 0; i < run->count; i++) {
        struct result *r = &run->results[i];
        told->failed |= verdict_fails(r->verdict, policy->flaky_ok);
        if (r->verdict == VERDICT_SKIPPED || r->verdict == VERDICT_UNRUN)
            continue;
        told->cases++;
        if (result_add_property(r, STRESS_ROUND, number))
            return -ENOMEM;
    }
    return 0;
}

static bool is_over(const struct stress_limit *limit,
                    const struct stress_told *told, uint64_t began_ns)
{
    return (limit->rounds && told->rounds >= limit->rounds) ||
           (limit->ns && clock_now_ns() - began_ns >= limit->ns);
}

int suite_stress(const struct plan *plan, const struct suite_policy *policy,
                 const struct stress_limit *limit, suite_round *round,
                 void *owner, struct suite_run *out, struct stress_told *told,
                 struct error *err)
{
    struct suite_policy once = *policy;
    uint64_t began_ns = clock_now_ns();
    once.fail_fast = true;
    *told = (struct stress_told){0};
    for (;;) {
        int code = suite_attempts(plan, &once, round, owner, out, err);
        if (code)
            return code;
        if (count(told, policy, out))
            return error_set(err, -ENOMEM, "out of memory");
        // Where nothing runs, nothing fails.
        if (told->failed || out->interrupted || !told->cases ||
            is_over(limit, told, began_ns))
            return 0;
        suite_run_free(out);
    }
}
