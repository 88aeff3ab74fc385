// SPDX-License-Identifier: Apache-2.0
// One class of cases after the other. See beside.h.
#include "harness/suite/beside.h"

#include "harness/suite/case.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>

// The cases that run together.
struct class
{
    size_t count;
    size_t *indices; // in the whole plan
    struct plan_case *cases;
};

static unsigned beside(const struct plan_case *c, unsigned jobs)
{
    return c->beside ? c->beside : jobs;
}

// The largest number below `below` that a case has; 0: there is none.
static unsigned next_class(const struct plan *plan, unsigned jobs,
                           unsigned below)
{
    unsigned most = 0;
    for (size_t i = 0; i < plan->ncases; i++) {
        unsigned n = beside(&plan->cases[i], jobs);
        if (n < below && n > most)
            most = n;
    }
    return most;
}

static void fill(struct class *c, const struct plan *plan, unsigned jobs,
                 unsigned n)
{
    c->count = 0;
    for (size_t i = 0; i < plan->ncases; i++) {
        if (beside(&plan->cases[i], jobs) != n)
            continue;
        c->indices[c->count] = i;
        c->cases[c->count++] = plan->cases[i];
    }
}

// Of a class that does not begin.
static int leave(const struct plan *plan, const struct class *c,
                 struct suite_run *out)
{
    int code = 0;
    for (size_t i = 0; !code && i < c->count; i++) {
        size_t index = c->indices[i];
        struct result *r = &out->results[index];
        if (plan->cases[index].skip) {
            code = case_skip(plan, index, r);
        } else if (!out->interrupted) {
            code = case_unrun(plan, index, r);
        } else {
            r->verdict = VERDICT_ERROR;
            code = case_describe(plan, index, r);
            if (!code)
                code = result_set(&r->kind, "interrupted");
            if (!code)
                code =
                    result_set(&r->message, "interrupted before it was done");
        }
        case_print(plan, r, NULL, clock_after(clock_now_ns(), NS_PER_S));
    }
    return code;
}

// Runs the class, whose results go to *out; *failed: one did not pass.
static int run_class(const struct plan *plan, const struct class *c,
                     unsigned jobs, suite_beside *run, void *owner,
                     struct suite_run *out, bool *failed, struct error *err)
{
    struct suite_run part = {0};
    struct plan some = *plan;
    some.ncases = c->count;
    some.cases = c->cases;
    int code = run(owner, &some, jobs, &part, err);
    for (size_t i = 0; part.results && i < part.count; i++) {
        out->results[c->indices[i]] = part.results[i];
        result_init(&part.results[i]);
        *failed |= verdict_fails(out->results[c->indices[i]].verdict, true);
    }
    out->interrupted |= part.interrupted;
    if (part.results)
        suite_run_free(&part);
    return code;
}

int suite_by_room(const struct plan *plan, unsigned jobs, suite_beside *run,
                  void *owner, struct suite_run *out, struct error *err)
{
    unsigned n = next_class(plan, jobs, UINT32_MAX);
    // The usual case.
    if (!n || !next_class(plan, jobs, n))
        return run(owner, plan, n ? n : jobs, out, err);
    struct class c = {
        .indices = calloc(plan->ncases, sizeof(*c.indices)),
        .cases = calloc(plan->ncases, sizeof(*c.cases)),
    };
    *out = (struct suite_run){
        .results = calloc(plan->ncases + 1, sizeof(*out->results)),
        .count = plan->ncases};
    int code = c.indices && c.cases && out->results ? 0 : -ENOMEM;
    bool failed = false;
    for (size_t i = 0; !code && i < plan->ncases; i++)
        result_init(&out->results[i]);
    for (; !code && n; n = next_class(plan, jobs, n)) {
        fill(&c, plan, jobs, n);
        if (out->interrupted || (plan->fail_fast && failed))
            code = leave(plan, &c, out);
        else
            code = run_class(plan, &c, n, run, owner, out, &failed, err);
    }
    free(c.indices);
    free(c.cases);
    return code == -ENOMEM ? error_set(err, code, "out of memory") : code;
}
