// SPDX-License-Identifier: Apache-2.0
// Takes what the console gives and shows it to all who look: the matcher, the
// fail patterns, the record, the automatic marks. See intake.h.
#include "harness/runner/intake.h"

#include "src/base/clock.h"

#include <string.h>

static const char *const line_mark_names[LINE_MARKS] = {
    "kernel_banner",
    "init_started",
};

static bool all_lines_seen(const struct run *r)
{
    bool all = true;
    for (size_t i = 0; i < LINE_MARKS; i++)
        all = all && r->line_seen[i];
    return all;
}

// No kernel's clock begins before its machine.
static void take_start(struct run *r, uint64_t ns)
{
    r->started_ns = ns;
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        if (r->ports[i].matcher)
            matcher_started(r->ports[i].matcher, ns);
    }
}

static void take_event(struct run *r, const struct toyvmm_event *e)
{
    static const struct {
        enum toyvmm_event_kind kind;
        const char *mark;
    } marks[] = {
        {TOYVMM_EVENT_STARTED, "first_kvm_run"},
        {TOYVMM_EVENT_USERSPACE, "userspace"},
    };
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (marks[i].kind == e->kind)
            run_event_mark(r, marks[i].mark, e);
    }
    if (e->kind == TOYVMM_EVENT_STARTED)
        take_start(r, e->ns);
    if (toyvmm_event_is_end(e->kind))
        rules_forget_reports(&r->rules);
    if (toyvmm_event_is_end(e->kind) && !r->ended) {
        r->ended = true;
        r->end = *e;
    }
}

// A part of a batch as watch_feed takes it: stamps count from its beginning.
struct slice {
    const uint8_t *bytes;
    size_t len;
    size_t nstamps;
    struct stamp stamps[CONSOLE_BATCH];
};

static void cut(const struct console_batch *b, size_t from, size_t to,
                size_t *stamp, struct slice *out)
{
    out->bytes = b->bytes + from;
    out->len = to - from;
    out->nstamps = 0;
    // The stamp that covers `from` may begin before it.
    while (*stamp + 1 < b->nstamps && b->stamps[*stamp + 1].at <= from)
        (*stamp)++;
    for (size_t i = *stamp; i < b->nstamps && b->stamps[i].at < to; i++) {
        size_t at = b->stamps[i].at > from ? b->stamps[i].at - from : 0;
        out->stamps[out->nstamps++] =
            (struct stamp){(uint32_t)at, b->stamps[i].ns};
    }
}

static void take_hit(struct run *r, unsigned port, struct watch_hit *hit)
{
    if (!rules_judge(&r->rules, port, hit, false))
        return;
    const struct rule *rule = &r->rules.fails[hit->index];
    bool waits_for_panic = r->step && r->step->kind == STEP_EXPECT_EVENT &&
                           r->step->u.event.event == GUEST_PANIC;
    bool is_panic = rules_is_panic(&r->rules, hit);
    if (rule->builtin && r->panicked)
        return;
    // An Oops or a warning before the expected panic is its beginning.
    if (rule->builtin && waits_for_panic && !is_panic)
        return;
    // A tolerated one makes room for one that is not.
    if (r->hit && !r->rules.fails[r->hit_data.index].tolerated)
        return;
    r->hit = true;
    r->hit_data = *hit;
    r->hit_port = port;
}

// A kernel's line counts once, on whichever port it comes first.
static void take_line_mark(struct run *r, const struct watch_hit *hit)
{
    if (r->line_seen[hit->index])
        return;
    r->line_seen[hit->index] = true;
    run_boot_mark(r, line_mark_names[hit->index], hit->ns);
}

// A watch tells one hit for each feed: it gets line by line.
static void feed_watches(struct run *r, const struct console_batch *b)
{
    struct slice part;
    size_t stamp = 0;
    for (size_t from = 0; from < b->len;) {
        const uint8_t *nl = memchr(b->bytes + from, '\n', b->len - from);
        size_t to = nl ? (size_t)(nl - b->bytes) + 1 : b->len;
        cut(b, from, to, &stamp, &part);
        struct watch *w = r->rules.watches[b->port];
        struct watch_hit hit;
        if (watch_feed(w, part.bytes, part.len, part.stamps, part.nstamps,
                       &hit))
            take_hit(r, b->port, &hit);
        // A pattern that explodes costs much on each line, and one is enough.
        if (r->hit && r->hit_data.limit)
            return;
        if (watch_allowed(w, &hit))
            rules_judge(&r->rules, b->port, &hit, true);
        allowed_feed(&r->rules.allowed[b->port], part.bytes, part.len,
                     part.stamps[part.nstamps - 1].ns);
        if (!all_lines_seen(r) &&
            watch_feed(r->ports[b->port].line_marks, part.bytes, part.len,
                       part.stamps, part.nstamps, &hit))
            take_line_mark(r, &hit);
        from = to;
    }
}

// The record of what a port printed.
static int take_printed(struct run *r, const struct console_batch *b,
                        struct error *err)
{
    struct run_port *p = &r->ports[b->port];
    int code = run_open_port(r, b->port, err);
    if (code)
        return code;
    if (!r->printed)
        run_boot_mark(r, "first_byte", b->stamps[0].ns);
    r->printed = true;
    p->printed = true;
    if (r->options->printed)
        r->options->printed(r->options->owner, b->port, b->bytes, b->len);
    boot_log_feed(&p->log, b->bytes, b->len);
    witness_lock(r->options->witness);
    console_record_feed(p->record, b->bytes, b->len, b->stamps, b->nstamps);
    witness_unlock(r->options->witness);
    return 0;
}

static int take_bytes(struct run *r, const struct console_batch *b,
                      struct error *err)
{
    int code = b->len ? take_printed(r, b, err) : 0;
    if (code || !b->len)
        return code;
    matcher_feed(r->ports[b->port].matcher, b->bytes, b->len, b->stamps,
                 b->nstamps);
    feed_watches(r, b);
    return 0;
}

// An unfinished line is judged when the guest went quiet in it, or ended.
static void tick_watches(struct run *r, uint64_t now_ns)
{
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        struct watch *w = r->rules.watches[i];
        struct watch_hit hit;
        if (w && watch_tick(w, now_ns, &hit))
            take_hit(r, i, &hit);
        if (w && watch_allowed(w, &hit))
            rules_judge(&r->rules, i, &hit, true);
    }
}

uint64_t run_watches_wake_ns(const struct run *r)
{
    uint64_t wake = CLOCK_NEVER;
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        uint64_t ns = r->rules.watches[i] ? watch_wake_ns(r->rules.watches[i])
                                          : CLOCK_NEVER;
        wake = ns < wake ? ns : wake;
    }
    return wake;
}

int run_take(struct run *r, struct error *err)
{
    const struct console_batch *b = r->batch;
    int code = 0;
    r->now_ns = b->now_ns;
    if (b->kind == CONSOLE_BYTES)
        code = take_bytes(r, b, err);
    if (b->kind == CONSOLE_EVENT)
        take_event(r, &b->event);
    tick_watches(r, r->ended ? CLOCK_NEVER : r->now_ns);
    return code;
}

uint64_t run_drain_end(const struct run *r, uint64_t limit_ns)
{
    uint64_t end = clock_after(r->now_ns, run_scaled(r, limit_ns));
    uint64_t last = clock_after(r->deadline_ns, NS_PER_S / 2);
    return end < last ? end : last;
}

bool run_drain_one(struct run *r, uint64_t quiet_ns, uint64_t end_ns)
{
    struct error err = {""};
    uint64_t quiet = clock_after(r->now_ns, run_scaled(r, quiet_ns));
    struct console_batch *b = r->batch;
    if (r->ended || r->now_ns >= end_ns ||
        console_now(r->options->console) >= end_ns ||
        console_read(r->options->console, b, quiet < end_ns ? quiet : end_ns,
                     &err) ||
        b->kind == CONSOLE_TIMEOUT)
        return false;
    r->now_ns = b->now_ns;
    if (b->kind == CONSOLE_BYTES)
        return !b->len || !take_printed(r, b, &err);
    take_event(r, &b->event);
    return true;
}

void run_drain(struct run *r, uint64_t quiet_ns, uint64_t limit_ns)
{
    uint64_t end = run_drain_end(r, limit_ns);
    while (run_drain_one(r, quiet_ns, end))
        ;
}
