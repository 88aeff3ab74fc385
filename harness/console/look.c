// SPDX-License-Identifier: Apache-2.0
// A look at the console: which of the patterns is decided first, in which of
// the two views, and what exactly matched (matcher.h).
#include "harness/console/matcher_internal.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>

// A search that goes on with a long partial match starts at its beginning. In a
// stream without a pause that is done again only when the text has grown by an
// eighth of it, or there is a pause of LAG_NS: linear work, the same result.
#define LAG_MIN ((uint64_t)64 << 10)
#define LAG_NS  (4 * NS_PER_MS)

// Cursors for these patterns: those of the last look where they are the same.
static bool take_cursors(struct matcher *m, const struct pattern *const *list,
                         size_t n)
{
    if (n * VIEWS > m->ncursors) {
        struct cursor *grown =
            realloc(m->cursors, n * VIEWS * sizeof *m->cursors);
        if (!grown) {
            return false;
        }
        m->cursors = grown;
    }
    for (size_t i = 0; i < n * VIEWS; i++) {
        const struct pattern *p = list[i / VIEWS];
        struct cursor *c = &m->cursors[i];
        if (i >= m->ncursors || c->pattern != p || c->born_ns != p->born_ns) {
            cursor_reset(m, c, p);
        }
    }
    m->ncursors = n * VIEWS;
    return true;
}

// The views are the same as far as the search sees, context included: the
// second adds nothing.
static bool same_views(const struct matcher *m)
{
    return m->lift.last == 0 || m->lift.last + LOOKBEHIND <= m->floor;
}

static bool may_lag(const struct matcher *m, const struct cursor *c,
                    enum view v, uint64_t now_ns)
{
    uint64_t held = text_end(view_text(m, v)) - c->resume;
    return c->partial && now_ns <= m->arrival.last_ns && held >= LAG_MIN &&
           text_end(&m->received) - c->seen < held / 8;
}

static bool earlier(const struct decision *a, const struct decision *b)
{
    if (a->at != b->at) {
        return a->at < b->at;
    }
    if (a->settled != b->settled) {
        return !a->settled;
    }
    return a->view != b->view ? a->view < b->view : a->index < b->index;
}

// Advances the cursors (those that may lag only if `all`); true when the
// earliest decision is in best.
static bool advance(struct matcher *m, const struct pattern *const *list,
                    size_t n, uint64_t now_ns, bool all, bool *lagging,
                    struct decision *best)
{
    bool found = false;
    *lagging = false;
    for (size_t i = 0; i < n * VIEWS; i++) {
        enum view v = i % VIEWS;
        struct cursor *c = &m->cursors[i];
        if (v == LIFTED && same_views(m)) {
            continue;
        }
        if (!all && may_lag(m, c, v, now_ns)) {
            *lagging = true;
            continue;
        }
        struct decision d;
        if (cursor_advance(m, c, v, list[i / VIEWS], &d)) {
            d.index = i / VIEWS;
            if (!found || earlier(&d, best)) {
                *best = d;
            }
            found = true;
        }
    }
    return found;
}

static struct text_span span(const struct matcher *m, enum view v,
                             uint64_t start, uint64_t end)
{
    if (start >= end) {
        return (struct text_span){"", 0};
    }
    return (struct text_span){text_at(view_text(m, v), start), end - start};
}

static void fill_groups(const struct matcher *m, const struct decision *d,
                        size_t count, struct match *out)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->scratch.data);
    out->ngroups = count;
    for (size_t i = 0; i < count; i++) {
        if (at[2 * i] != PCRE2_UNSET) {
            out->groups[i] = span(m, d->view, d->start + at[2 * i],
                                  d->start + at[2 * i + 1]);
        }
    }
}

// Times: an empty match has those of the last byte that was there.
static void fill_times(const struct matcher *m, const struct decision *d,
                       uint64_t start, uint64_t end, struct match *out)
{
    uint64_t last_ns = d->at ? text_ns(&m->received, d->at - 1) : 0;
    out->start_ns = start < end ? view_ns(m, d->view, start) : last_ns;
    out->end_ns = start < end ? view_ns(m, d->view, end - 1) : last_ns;
    out->decided_ns = d->settled ? d->settle_ns : last_ns;
}

static void fill(struct matcher *m, const struct decision *d, size_t count,
                 struct match *out)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->scratch.data);
    enum view v = d->view;
    uint64_t end = d->start + at[1];
    uint64_t start = at[0] < at[1] ? d->start + at[0] : end;
    fill_groups(m, d, count, out);
    out->index = d->index;
    out->lifted = v == LIFTED;
    out->all = span(m, v, start, end);
    uint64_t window = window_start(m, d->at);
    out->before = span(m, v, view_from(m, v, window), start);
    out->before_lifted = v == LIFTED
                             ? out->before
                             : span(m, LIFTED, view_from(m, LIFTED, window),
                                    view_from(m, LIFTED, start));
    fill_times(m, d, start, end, out);
    if (v == AS_RECEIVED) {
        matcher_consume(m, end);
    } else if (end > view_from(m, v, m->from)) {
        matcher_consume(m, lift_source(&m->lift, end - 1) + 1);
    } else {
        matcher_consume(m, m->from);
    }
}

static enum match_status conclude(struct matcher *m, const struct pattern *p,
                                  const struct decision *d, struct match *out,
                                  struct error *err)
{
    int code;
    enum exec_result r = cursor_exec(m, d->view, p, d->start, d->end, d->resume,
                                     d->settled, &code);
    if (r == EXEC_FULL) {
        // 0: more groups than fit, which pattern_compile refused.
        fill(m, d, code > 0 ? (size_t)code : MATCH_GROUPS, out);
        return MATCH_FOUND;
    }
    out->index = d->index;
    out->lifted = d->view == LIFTED;
    pattern_limit_error(p, code, d->at, "the console's text", err);
    m->ncursors = 0;
    return MATCH_LIMIT;
}

// What no search will see again, as the cursors stand.
static void raise_floor(struct matcher *m)
{
    uint64_t seen = text_end(&m->received);
    for (size_t i = 0; i < m->ncursors; i++) {
        const struct cursor *c = &m->cursors[i];
        bool unused = i % VIEWS == LIFTED && same_views(m);
        seen = !unused && c->seen < seen ? c->seen : seen;
    }
    uint64_t start = window_start(m, seen);
    m->floor = start > m->floor ? start : m->floor;
}

enum match_status matcher_look(struct matcher *m,
                               const struct pattern *const *patterns, size_t n,
                               uint64_t now_ns, struct match *out,
                               struct error *err)
{
    *out = (struct match){.wake_ns = CLOCK_NEVER};
    uint64_t quiet_ns = arrival_quiet_ns(&m->arrival);
    if (now_ns >= quiet_ns && m->arrival.started) {
        matcher_settle(m, quiet_ns);
        quiet_ns = CLOCK_NEVER;
    }
    if (!take_cursors(m, patterns, n) || m->received.failed ||
        m->lift.text.failed) {
        error_set(err, -ENOMEM, "out of memory for the console's text");
        return MATCH_LIMIT;
    }
    bool lagging;
    struct decision best;
    if (advance(m, patterns, n, now_ns, false, &lagging, &best)) {
        if (lagging) {
            struct decision late;
            if (advance(m, patterns, n, now_ns, true, &lagging, &late) &&
                earlier(&late, &best)) {
                best = late;
            }
        }
        return conclude(m, patterns[best.index], &best, out, err);
    }
    raise_floor(m);
    out->wake_ns = quiet_ns;
    if (lagging) {
        out->wake_ns = clock_after(m->arrival.last_ns, LAG_NS);
        out->wake_ns = out->wake_ns < quiet_ns ? out->wake_ns : quiet_ns;
    }
    return MATCH_PENDING;
}
