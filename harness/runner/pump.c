// SPDX-License-Identifier: Apache-2.0
// Takes what the console gives and shows it to all who look: the matcher, the
// fail patterns, the record, the automatic marks. Used by the runner only.
#include "harness/runner/run.h"

#include "src/base/clock.h"

#include <errno.h>
#include <string.h>

static const char *const line_mark_names[LINE_MARKS] = {
    "kernel_banner",
    "init_started",
};

void run_mark(struct run *r, const char *name, uint64_t ns)
{
    uint64_t cpu_ns = 0;
    uint64_t exits = 0;
    const struct run_machine *m = r->options->machine;
    if (m && m->usage)
        m->usage(m->owner, &cpu_ns, &exits);
    uint64_t start = r->options->started_ns;
    result_add_mark(r->result, name, ns > start ? ns - start : 0, cpu_ns,
                    exits);
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
        uint64_t start = r->options->started_ns;
        if (marks[i].kind == e->kind)
            result_add_mark(r->result, marks[i].mark,
                            e->ns > start ? e->ns - start : 0, e->cpu_ns,
                            e->exits);
    }
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

static void take_hit(struct run *r, const struct watch_hit *hit)
{
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
        struct watch_hit hit;
        if (watch_feed(r->rules.watch, part.bytes, part.len, part.stamps,
                       part.nstamps, &hit))
            take_hit(r, &hit);
        for (size_t i = 0; i < LINE_MARKS; i++) {
            if (!r->line_marks[i] ||
                !watch_feed(r->line_marks[i], part.bytes, part.len, part.stamps,
                            part.nstamps, &hit))
                continue;
            run_mark(r, line_mark_names[i], hit.ns);
            watch_free(r->line_marks[i]);
            r->line_marks[i] = NULL;
        }
        from = to;
    }
}

static void take_bytes(struct run *r, const struct console_batch *b)
{
    if (b->port != 0 || !b->len)
        return;
    if (!r->printed)
        run_mark(r, "first_byte", b->stamps[0].ns);
    r->printed = true;
    if (r->options->printed)
        r->options->printed(r->options->owner, b->bytes, b->len);
    console_record_feed(r->record, b->bytes, b->len, b->stamps, b->nstamps);
    matcher_feed(r->matcher, b->bytes, b->len, b->stamps, b->nstamps);
    feed_watches(r, b);
}

// An unfinished line is judged when the guest went quiet in it, or ended.
static void tick_watch(struct run *r, uint64_t now_ns)
{
    struct watch_hit hit;
    if (watch_tick(r->rules.watch, now_ns, &hit))
        take_hit(r, &hit);
}

bool run_pump(struct run *r, uint64_t deadline_ns)
{
    struct error err = {""};
    struct console_batch *b = r->batch;
    uint64_t tick_ns = watch_wake_ns(r->rules.watch);
    int code =
        console_read(r->options->console, b,
                     tick_ns < deadline_ns ? tick_ns : deadline_ns, &err);
    if (code == -EINTR) {
        r->interrupted = true;
        run_fail(r, VERDICT_ERROR, NULL, "interrupted", "interrupted");
        return false;
    }
    if (code) {
        run_error(r, "console", &err);
        return false;
    }
    r->now_ns = b->now_ns;
    if (b->kind == CONSOLE_BYTES)
        take_bytes(r, b);
    else if (b->kind == CONSOLE_EVENT)
        take_event(r, &b->event);
    tick_watch(r, r->ended ? CLOCK_NEVER : r->now_ns);
    return true;
}

void run_drain(struct run *r, uint64_t quiet_ns, uint64_t limit_ns)
{
    struct error err = {""};
    uint64_t end = clock_after(r->now_ns, run_scaled(r, limit_ns));
    quiet_ns = run_scaled(r, quiet_ns);
    while (!r->ended && r->now_ns < end) {
        uint64_t quiet = clock_after(r->now_ns, quiet_ns);
        struct console_batch *b = r->batch;
        if (console_read(r->options->console, b, quiet < end ? quiet : end,
                         &err))
            return;
        if (b->kind == CONSOLE_TIMEOUT)
            return;
        r->now_ns = b->now_ns;
        if (b->kind == CONSOLE_EVENT)
            take_event(r, &b->event);
        else if (b->port == 0)
            console_record_feed(r->record, b->bytes, b->len, b->stamps,
                                b->nstamps);
    }
}
