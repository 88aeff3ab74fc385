// SPDX-License-Identifier: Apache-2.0
// The `expect` statements: a pattern, the first of several, an event of the
// machine's life, silence. See steps.h.
#include "harness/runner/steps.h"

#include "src/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *event_name(enum guest_event e)
{
    static const char *const names[] = {
        [GUEST_RESET] = "reset",
        [GUEST_POWEROFF] = "poweroff",
        [GUEST_HALT] = "halt",
        [GUEST_PANIC] = "a kernel panic",
        [GUEST_TRIPLE_FAULT] = "a triple fault",
        [GUEST_TIMEOUT] = "timeout",
    };
    return names[e];
}

// What a match leaves behind.
static enum flow matched(struct run *r, const struct pattern *p,
                         const struct match *m)
{
    run_match_mark(r, m);
    if (m->lifted) {
        char *where = run_where(&r->step->pos);
        result_add_note(r->result, false, m->end_ns - r->options->started_ns,
                        where,
                        "/%s/ matched only after kernel messages were removed",
                        pattern_source(p));
        free(where);
    }
    if (!run_take_groups(r, p, m)) {
        struct error err = {"out of memory"};
        return run_error(r, "memory", &err);
    }
    return FLOW_NEXT;
}

static char *pattern_what(const struct pattern *p)
{
    char *what = NULL;
    return asprintf(&what, "/%s/", pattern_source(p)) < 0 ? NULL : what;
}

enum flow step_expect(struct run *r, const struct step *s)
{
    struct pattern *owned;
    const struct pattern *p = run_pattern(r, &s->u.expect.pattern, &owned);
    if (!p)
        return FLOW_END;
    char *what = pattern_what(p);
    struct wait w = {.patterns = &p,
                     .npatterns = 1,
                     .within_ns = s->u.expect.within_ns,
                     .what = what ? what : "the pattern"};
    enum flow flow = FLOW_END;
    if (run_wait(r, &w) == WAIT_MATCH) {
        flow = matched(r, p, &w.match);
        if (flow == FLOW_NEXT && s->u.expect.mark)
            run_mark(r, s->u.expect.mark, w.match.end_ns);
    }
    free(what);
    pattern_free(owned);
    return flow;
}

// The branches' patterns side by side, and which branch each belongs to.
struct alternatives {
    size_t n;
    const struct pattern **patterns;
    struct pattern **owned;
    size_t *branch;
    unsigned events;
};

static void alternatives_free(struct alternatives *a)
{
    for (size_t i = 0; a->owned && i < a->n; i++)
        pattern_free(a->owned[i]);
    free(a->owned);
    free(a->patterns);
    free(a->branch);
}

static bool alternatives_make(struct run *r, const struct step *s,
                              struct alternatives *a)
{
    size_t n = s->u.one.nbranches;
    *a = (struct alternatives){
        .patterns = calloc(n + 1, sizeof(void *)),
        .owned = calloc(n + 1, sizeof(void *)),
        .branch = calloc(n + 1, sizeof(*a->branch)),
    };
    if (!a->patterns || !a->owned || !a->branch) {
        struct error err = {"out of memory"};
        run_error(r, "memory", &err);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct branch *b = &s->u.one.branches[i];
        if (b->is_event) {
            a->events |= 1U << b->event;
            continue;
        }
        a->patterns[a->n] = run_pattern(r, &b->pattern, &a->owned[a->n]);
        if (!a->patterns[a->n])
            return false;
        a->branch[a->n++] = i;
    }
    return true;
}

static const struct branch *event_branch(const struct step *s,
                                         enum guest_event e)
{
    for (size_t i = 0; i < s->u.one.nbranches; i++) {
        const struct branch *b = &s->u.one.branches[i];
        if (b->is_event && b->event == e)
            return b;
    }
    return NULL;
}

enum flow step_expect_one(struct run *r, const struct step *s)
{
    struct alternatives a;
    const struct branch *taken = NULL;
    enum flow flow = FLOW_NEXT;
    if (alternatives_make(r, s, &a)) {
        struct wait w = {.patterns = a.patterns,
                         .npatterns = a.n,
                         .events = a.events,
                         .within_ns = s->u.one.within_ns,
                         .what = "one of the branches"};
        enum wait_outcome out = run_wait(r, &w);
        if (out == WAIT_MATCH) {
            taken = &s->u.one.branches[a.branch[w.match.index]];
            flow = matched(r, a.patterns[w.match.index], &w.match);
        } else if (out == WAIT_EVENT)
            taken = event_branch(s, w.event);
        else if (out == WAIT_TIMEOUT)
            taken = event_branch(s, GUEST_TIMEOUT);
    }
    alternatives_free(&a);
    if (!taken || flow == FLOW_END)
        return FLOW_END;
    return run_block(r, &taken->body);
}

enum flow step_expect_event(struct run *r, const struct step *s)
{
    struct wait w = {.events = 1U << s->u.event.event,
                     .within_ns = s->u.event.within_ns,
                     .what = event_name(s->u.event.event)};
    return run_wait(r, &w) == WAIT_EVENT ? FLOW_NEXT : FLOW_END;
}

enum flow step_expect_idle(struct run *r, const struct step *s)
{
    uint64_t idle = run_scaled(r, s->u.idle_ns);
    struct wait w = {
        .quiet_ns = idle,
        .within_ns = clock_after(s->u.idle_ns, r->scenario->step_timeout_ns),
        .what = "silence of the guest"};
    return run_wait(r, &w) == WAIT_QUIET ? FLOW_NEXT : FLOW_END;
}
