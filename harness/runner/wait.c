// SPDX-License-Identifier: Apache-2.0
// The one wait of the runner: for patterns, events, silence or a deadline,
// whichever is first in the stream. See waiting.h.
#include "harness/runner/waiting.h"

#include "src/base/clock.h"

#include <string.h>

void run_fail_wait(struct run *r, const struct wait *w, size_t npatterns)
{
    const struct diagnosis_wait told = {.patterns = w->patterns,
                                        .npatterns = npatterns,
                                        .what = w->what,
                                        .started_ns = w->started_ns};
    run_fail_timeout(r, &told, w->deadline_ns);
}

static bool guest_event_of(enum toyvmm_event_kind kind, enum guest_event *out)
{
    static const struct {
        enum toyvmm_event_kind kind;
        enum guest_event event;
    } table[] = {
        {TOYVMM_EVENT_RESET, GUEST_RESET},
        {TOYVMM_EVENT_POWEROFF, GUEST_POWEROFF},
        {TOYVMM_EVENT_HALT, GUEST_HALT},
        {TOYVMM_EVENT_TRIPLE_FAULT, GUEST_TRIPLE_FAULT},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].kind == kind) {
            *out = table[i].event;
            return true;
        }
    }
    return false;
}

static bool expects(const struct wait *w, enum guest_event e)
{
    return w->events & 1U << e;
}

// A fail pattern fired. The kernel's panic is an event for those who expect it.
static enum wait_outcome on_hit(struct run *r, struct wait *w)
{
    if (expects(w, GUEST_PANIC) && rules_is_panic(&r->rules, &r->hit_data)) {
        r->hit = false;
        r->panicked = true;
        w->event = GUEST_PANIC;
        run_skip(r);
        return WAIT_EVENT;
    }
    run_fail_hit(r);
    return WAIT_FAILED;
}

static enum wait_outcome on_end(struct run *r, struct wait *w)
{
    enum guest_event e;
    if (!r->end_seen && guest_event_of(r->end.kind, &e) && expects(w, e)) {
        r->end_seen = true;
        // As on a PC: what resets it, and what shuts its processor down,
        // starts it anew.
        r->restart_due = e == GUEST_RESET || e == GUEST_TRIPLE_FAULT;
        w->event = e;
        run_skip(r);
        return WAIT_EVENT;
    }
    run_fail_end(r);
    return WAIT_FAILED;
}

static void start(struct run *r, struct wait *w)
{
    w->started_ns = r->now_ns;
    uint64_t within =
        w->within_ns ? w->within_ns : r->scenario->step_timeout_ns;
    w->deadline_ns = clock_after(r->now_ns, run_scaled(r, within));
    if (w->deadline_ns > r->deadline_ns)
        w->deadline_ns = r->deadline_ns;
}

// An allowed panic is nothing but what `expect panic` waits for.
static bool hit_counts(const struct run *r, const struct wait *w)
{
    return r->hit && (!r->rules.fails[r->hit_data.index].tolerated ||
                      expects(w, GUEST_PANIC));
}

// When silence is long enough: since the last byte, or since the wait began.
static uint64_t quiet_end(const struct run *r, const struct wait *w,
                          uint64_t since_ns)
{
    uint64_t last = w->kernel_talks ? matcher_last_plain_ns(r->matcher)
                                    : matcher_last_ns(r->matcher);
    if (last < since_ns)
        last = since_ns;
    return w->quiet_ns ? clock_after(last, w->quiet_ns) : CLOCK_NEVER;
}

// A guest may print faster than its patterns can be searched. What came before
// the deadline counts as long as the reader is not far behind.
#define BEHIND (500 * NS_PER_MS)

static bool is_over(struct run *r, const struct wait *w)
{
    return r->now_ns >= w->deadline_ns ||
           console_now(r->options->console) >=
               clock_after(w->deadline_ns, BEHIND);
}

// Is what was read until now enough? False: read on until *wake_ns.
static bool decided(struct run *r, struct wait *w, uint64_t since_ns,
                    enum wait_outcome *out, uint64_t *wake_ns)
{
    struct error err = {""};
    enum match_status found = MATCH_PENDING;
    w->match.wake_ns = CLOCK_NEVER;
    // Nothing follows the end of a machine: its last text has settled.
    uint64_t now =
        r->ended ? clock_after(r->now_ns, 3600 * NS_PER_S) : r->now_ns;
    if (w->npatterns)
        found = matcher_look(r->matcher, w->patterns, w->npatterns, now,
                             &w->match, &err);
    bool hit_first = hit_counts(r, w) && (found != MATCH_FOUND ||
                                          r->hit_data.ns < w->match.decided_ns);
    uint64_t quiet = quiet_end(r, w, since_ns);
    if (hit_first)
        *out = on_hit(r, w);
    else if (found == MATCH_FOUND)
        *out = WAIT_MATCH;
    else if (found == MATCH_LIMIT) {
        run_error(r, "pattern-limit", &err);
        *out = WAIT_FAILED;
    } else if (r->ended)
        *out = w->leaves_end ? WAIT_END : on_end(r, w);
    else if (is_over(r, w)) {
        *out = expects(w, GUEST_TIMEOUT) ? WAIT_TIMEOUT : WAIT_FAILED;
        if (*out == WAIT_FAILED)
            run_fail_wait(r, w, w->npatterns);
    } else if (r->now_ns >= quiet)
        *out = WAIT_QUIET;
    else {
        *wake_ns = w->deadline_ns;
        if (w->match.wake_ns < *wake_ns)
            *wake_ns = w->match.wake_ns;
        if (quiet < *wake_ns)
            *wake_ns = quiet;
        return false;
    }
    return true;
}

enum wait_outcome run_wait(struct run *r, struct wait *w)
{
    if (run_revive(r) == FLOW_END)
        return WAIT_FAILED;
    if (!w->deadline_ns)
        start(r, w);
    uint64_t since = r->now_ns;
    enum wait_outcome out;
    uint64_t wake_ns;
    while (!decided(r, w, since, &out, &wake_ns)) {
        if (!run_pump(r, wake_ns))
            return WAIT_FAILED;
    }
    // The scenario's own deadline can't be caught by a `timeout` branch.
    if (out == WAIT_TIMEOUT && w->deadline_ns >= r->deadline_ns) {
        run_fail_wait(r, w, w->npatterns);
        return WAIT_FAILED;
    }
    return out;
}
