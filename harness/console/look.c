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
            cursor_reset(m, c, i % VIEWS, p);
        }
    }
    m->ncursors = n * VIEWS;
    return true;
}

// Nothing was lifted out of what the search sees, context included: the second
// view adds nothing.
static bool same_views(const struct matcher *m)
{
    return m->lift.last == 0 ||
           m->lift.last + LOOKBEHIND <= m->kept[AS_RECEIVED].from;
}

static bool may_lag(const struct matcher *m, const struct cursor *c,
                    enum view v, uint64_t now_ns)
{
    uint64_t end = text_end(view_text(m, v));
    uint64_t held = end - c->resume;
    return c->partial && now_ns <= m->arrival.last_ns && held >= LAG_MIN &&
           end - c->seen < held / 8;
}

static bool earlier(const struct decision *a, const struct decision *b)
{
    if (a->at != b->at) {
        return a->at < b->at;
    }
    if (a->settled != b->settled) {
        return !a->settled;
    }
    if (a->settled && a->settle_ns != b->settle_ns) {
        return a->settle_ns < b->settle_ns;
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

// When the last byte was received of what was there at the decision. Where the
// text as received is gone, the view knows when its own last byte came.
static uint64_t last_received_ns(const struct matcher *m,
                                 const struct decision *d)
{
    if (d->at > m->received.base) {
        return text_ns(&m->received, d->at - 1);
    }
    return d->end ? lift_joined_ns(&m->lift, d->end - 1) : 0;
}

// Times: an empty match has those of the last byte that was there.
static void fill_times(const struct matcher *m, const struct decision *d,
                       uint64_t start, uint64_t end, struct match *out)
{
    const struct text *t = view_text(m, d->view);
    uint64_t last_ns = last_received_ns(m, d);
    out->start_ns = start < end ? text_ns(t, start) : last_ns;
    out->end_ns = start < end ? text_ns(t, end - 1) : last_ns;
    out->decided_ns = d->settled ? d->settle_ns : last_ns;
}

// The text before the match: in the view that matched, in the lifted one, and
// as received.
static void fill_before(const struct matcher *m, const struct decision *d,
                        uint64_t start, const uint64_t window[VIEWS],
                        struct match *out)
{
    enum view v = d->view;
    uint64_t until = v == LIFTED ? start : view_from(m, LIFTED, start);
    out->before = span(m, v, window[v], start);
    out->before_lifted = span(m, LIFTED, window[LIFTED], until);
    out->before_lost = window[LIFTED] - m->kept[LIFTED].from;
    uint64_t received = v == AS_RECEIVED ? start : lift_source(&m->lift, start);
    received = start < d->end ? received : d->at;
    out->before_received = span(m, AS_RECEIVED, window[AS_RECEIVED], received);
    out->before_received_lost = window[AS_RECEIVED] - m->kept[AS_RECEIVED].from;
    // Messages behind the byte that was consumed last, which is kept as
    // context, belong to this text.
    uint64_t first = m->kept[LIFTED].from;
    uint64_t earlier =
        first > m->lift.text.base ? lift_count(&m->lift, first - 1) : 0;
    out->messages = lift_count(&m->lift, until) - earlier;
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
    // What the windows held at the decision is all that later searches have,
    // whatever else is still in memory.
    uint64_t window[VIEWS];
    for (int i = 0; i < VIEWS; i++) {
        enum view each = (enum view)i;
        uint64_t len = each == v ? d->end : view_len(m, each, d->at);
        window[i] = view_window(m, each, len);
        m->kept[i].floor = window[i];
    }
    fill_before(m, d, start, window, out);
    fill_times(m, d, start, end, out);
    if (v == AS_RECEIVED) {
        matcher_consume(m, end);
    } else if (end > m->kept[v].from) {
        matcher_consume(m, lift_source(&m->lift, end - 1) + 1);
    } else {
        matcher_consume(m, m->kept[AS_RECEIVED].from);
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
static void raise_floors(struct matcher *m)
{
    bool same = same_views(m);
    for (int i_view = 0; i_view < VIEWS; i_view++) {
        enum view v = (enum view)i_view;
        uint64_t seen = text_end(view_text(m, v));
        for (size_t i = (size_t)v; i < m->ncursors && !(v && same);
             i += VIEWS) {
            seen = m->cursors[i].seen < seen ? m->cursors[i].seen : seen;
        }
        uint64_t start = view_window(m, v, seen);
        struct kept *k = &m->kept[v];
        k->floor = start > k->floor ? start : k->floor;
    }
}

enum match_status matcher_look(struct matcher *m,
                               const struct pattern *const *patterns, size_t n,
                               uint64_t now_ns, struct match *out,
                               struct error *err)
{
    *out = (struct match){.wake_ns = CLOCK_NEVER};
    settle_tick(m, now_ns);
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
    raise_floors(m);
    out->wake_ns = settle_wake_ns(m, now_ns);
    uint64_t late_ns = clock_after(m->arrival.last_ns, LAG_NS);
    if (lagging && late_ns < out->wake_ns) {
        out->wake_ns = late_ns;
    }
    return MATCH_PENDING;
}
