// SPDX-License-Identifier: Apache-2.0
// Rounds of a run. See attempts.h.
#include "harness/suite/attempts.h"

#include "harness/suite/case.h"
#include "harness/suite/recording.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>

// The cases of a round after the first.
struct again {
    size_t count;
    size_t *indices; // in the whole plan
    struct plan_case *cases;
};

static int make_again(struct again *a, const struct plan *plan,
                      const struct suite_run *run, enum verdict which)
{
    *a = (struct again){
        .indices = calloc(plan->ncases + 1, sizeof(*a->indices)),
        .cases = calloc(plan->ncases + 1, sizeof(*a->cases)),
    };
    if (!a->indices || !a->cases)
        return -ENOMEM;
    for (size_t i = 0; i < plan->ncases; i++) {
        if (run->results[i].verdict != which ||
            (which == VERDICT_FAILED && plan->attempt > plan_attempts(plan, i)))
            continue;
        a->indices[a->count] = i;
        a->cases[a->count++] = plan->cases[i];
    }
    return 0;
}

static void free_again(struct again *a)
{
    free(a->indices);
    free(a->cases);
}

// Each result takes the place of the one before it, and keeps it if that had
// begun. A round that could not begin has left none.
static int take(struct suite_run *out, const struct again *a,
                struct suite_run *round)
{
    int code = 0;
    for (size_t i = 0; i < a->count; i++) {
        struct result *before = &out->results[a->indices[i]];
        struct result now = round->results[i];
        if (!now.path)
            continue;
        result_init(&round->results[i]);
        if (before->verdict == VERDICT_UNRUN)
            result_free(before);
        else if (result_add_attempt(&now, before))
            code = -ENOMEM;
        *before = now;
    }
    out->interrupted |= round->interrupted;
    return code;
}

// What one run of suite_attempts works at.
struct rounds {
    struct plan plan;
    const struct suite_policy *policy;
    suite_round *round;
    void *owner;
    unsigned attempts; // of any case, at most
};

// Runs those of this verdict; *count is how many there were.
static int run_those(const struct rounds *r, enum verdict which, size_t *count,
                     struct suite_run *out, struct error *err)
{
    struct again a;
    struct suite_run run = {0};
    struct plan plan = r->plan;
    int code = make_again(&a, &r->plan, out, which);
    *count = a.count;
    if (code)
        error_set(err, code, "out of memory");
    if (code || !a.count) {
        free_again(&a);
        return code;
    }
    plan.ncases = a.count;
    plan.cases = a.cases;
    // A second attempt is nothing new.
    plan.fail_fast &= which == VERDICT_UNRUN;
    for (size_t i = 0; which != VERDICT_UNRUN && i < a.count; i++)
        case_recording_put_aside(a.cases[i].record, plan.attempt - 1);
    code = r->round(r->owner, &plan, &run, err);
    if (run.results && take(out, &a, &run))
        code = error_set(err, -ENOMEM, "out of memory");
    if (run.results)
        suite_run_free(&run);
    free_again(&a);
    return code;
}

// Further attempts of what failed.
static int retry(struct rounds *r, struct suite_run *out, struct error *err)
{
    int code = 0;
    size_t count = 1;
    while (!code && count && !out->interrupted &&
           r->plan.attempt < r->attempts) {
        r->plan.attempt++;
        code = run_those(r, VERDICT_FAILED, &count, out, err);
    }
    return code;
}

static bool has_failed(const struct rounds *r, const struct suite_run *out)
{
    for (size_t i = 0; i < out->count; i++) {
        enum verdict v = out->results[i].verdict;
        if (v != VERDICT_UNRUN && verdict_fails(v, r->policy->flaky_ok))
            return true;
    }
    return false;
}

// Tells of what will not be run: rounds have not.
static void tell_unrun(const struct rounds *r, const struct suite_run *out)
{
    struct plan plan = r->plan;
    plan.attempts = 0;
    for (size_t i = 0; i < out->count && r->attempts > 1; i++)
        if (out->results[i].verdict == VERDICT_UNRUN)
            case_print(&plan, &out->results[i], NULL,
                       clock_after(clock_now_ns(), NS_PER_S));
}

static unsigned most_attempts(const struct plan *plan,
                              const struct suite_policy *policy)
{
    unsigned most = policy->retries + 1;
    for (size_t i = 0; i < plan->ncases; i++) {
        if (plan->cases[i].attempts > most)
            most = plan->cases[i].attempts;
    }
    return most;
}

int suite_attempts(const struct plan *plan, const struct suite_policy *policy,
                   suite_round *round, void *owner, struct suite_run *out,
                   struct error *err)
{
    struct rounds r = {*plan, policy, round, owner,
                       most_attempts(plan, policy)};
    r.plan.fail_fast = policy->fail_fast;
    if (r.attempts > 1) {
        r.plan.attempt = 1;
        r.plan.attempts = policy->retries + 1;
    }
    size_t unrun = 1;
    int code = round(owner, &r.plan, out, err);
    if (!code)
        code = retry(&r, out, err);
    while (!code && unrun && !out->interrupted && !has_failed(&r, out)) {
        r.plan.attempt = r.attempts > 1;
        code = run_those(&r, VERDICT_UNRUN, &unrun, out, err);
        if (!code)
            code = retry(&r, out, err);
    }
    if (out->results)
        tell_unrun(&r, out);
    return code;
}
