// SPDX-License-Identifier: Apache-2.0
// Rounds of a run. See attempts.h.
#include "harness/suite/attempts.h"

#include "harness/suite/recording.h"

#include <errno.h>
#include <stdlib.h>

// The cases of a round after the first.
struct again {
    size_t count;
    size_t *indices; // in the whole plan
    struct plan_case *cases;
};

static int make_again(struct again *a, const struct plan *plan,
                      const struct suite_run *run)
{
    *a = (struct again){
        .indices = calloc(plan->ncases + 1, sizeof(*a->indices)),
        .cases = calloc(plan->ncases + 1, sizeof(*a->cases)),
    };
    if (!a->indices || !a->cases)
        return -ENOMEM;
    for (size_t i = 0; i < plan->ncases; i++) {
        if (run->results[i].verdict != VERDICT_FAILED)
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

// Each result takes the place of the one before it, and keeps it. A round that
// could not begin has left none.
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
        if (result_add_attempt(&now, before))
            code = -ENOMEM;
        *before = now;
    }
    out->interrupted |= round->interrupted;
    return code;
}

static void put_recordings_aside(const struct again *a, unsigned attempt)
{
    for (size_t i = 0; i < a->count; i++)
        case_recording_put_aside(a->cases[i].record, attempt);
}

static int run_again(const struct plan *plan, const struct again *a,
                     suite_round *round, void *owner, struct suite_run *out,
                     struct error *err)
{
    struct plan once_more = *plan;
    struct suite_run run;
    once_more.ncases = a->count;
    once_more.cases = a->cases;
    put_recordings_aside(a, plan->attempt - 1);
    int code = round(owner, &once_more, &run, err);
    if (!run.results)
        return code;
    if (take(out, a, &run))
        code = error_set(err, -ENOMEM, "out of memory");
    suite_run_free(&run);
    return code;
}

int suite_attempts(const struct plan *plan, const struct suite_policy *policy,
                   suite_round *round, void *owner, struct suite_run *out,
                   struct error *err)
{
    struct plan p = *plan;
    if (policy->retries) {
        p.attempt = 1;
        p.attempts = policy->retries + 1;
    }
    int code = round(owner, &p, out, err);
    while (!code && !out->interrupted && p.attempt < p.attempts) {
        struct again a;
        p.attempt++;
        code = make_again(&a, &p, out);
        if (code)
            error_set(err, code, "out of memory");
        bool done = !a.count;
        if (!code && !done)
            code = run_again(&p, &a, round, owner, out, err);
        free_again(&a);
        if (done)
            break;
    }
    return code;
}
