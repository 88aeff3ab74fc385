// SPDX-License-Identifier: Apache-2.0
// One pattern in one view: where in the stream is it decided? Found without
// looking at each byte, yet as if each byte had been looked at.
//
// What makes that possible: with PCRE2_PARTIAL_HARD a search that finds a match
// never came near the end of the text, so with more text it runs just the same.
// "Decided" is therefore monotone in the length of the text, and the shortest
// text with a decision can be bisected. A search that says "partial" names the
// earliest place where a match may still begin: the next one starts there.
#include "harness/console/matcher_internal.h"

void cursor_reset(const struct matcher *m, struct cursor *c, enum view v,
                  const struct pattern *p)
{
    *c = (struct cursor){
        .pattern = p,
        .born_ns = p->born_ns,
        .fresh = true,
        .seen = m->kept[v].floor,
    };
}

// Whether view offset off is where a line begins.
static bool at_line_start(const struct text *t, uint64_t off)
{
    if (off == t->base) {
        return true; // of the stream: context is kept otherwise
    }
    char before = *text_at(t, off - 1);
    return before == '\n' || before == '\r';
}

enum exec_result cursor_exec(struct matcher *m, enum view v,
                             const struct pattern *p, uint64_t start,
                             uint64_t end, uint64_t resume, bool settled,
                             int *code)
{
    const struct text *t = view_text(m, v);
    uint32_t options = settled ? 0 : PCRE2_PARTIAL_HARD;
    // Text that was consumed is out of sight; but where it ended in the middle
    // of a line, no line starts.
    if (p->multiline && !at_line_start(t, start)) {
        options |= PCRE2_NOTBOL;
    }
    return pattern_exec(p, &m->scratch, text_at(t, start), end - start,
                        resume - start, options, false, code);
}

// Searching for more literals than these, one after the other, takes longer
// than the search that it saves.
#define LITERALS_WORTH 3

// A range of prefixes of the text for which a search sees the same beginning.
struct segment {
    uint64_t lo, hi; // view lengths to look at, lo <= hi
    uint64_t start;  // view offset: the subject begins here
    uint64_t first;  // view offset: matches begin here or later
};

// The last prefix that is known to be undecided and the first decided one,
// moved together.
static uint64_t first_decided(struct matcher *m, enum view v,
                              const struct pattern *p,
                              const struct segment *seg, uint64_t resume,
                              uint64_t match_end)
{
    const struct text *t = view_text(m, v);
    uint64_t good = seg->hi;
    // A match isn't decided before it is there.
    uint64_t probe = text_align(t, seg->lo > match_end ? seg->lo : match_end);
    uint64_t bad = probe;
    int code;
    for (uint64_t step = 1; probe < good; step *= 2) {
        enum exec_result r =
            cursor_exec(m, v, p, seg->start, probe, resume, false, &code);
        if (r == EXEC_FULL || r == EXEC_LIMIT) {
            good = probe;
            break;
        }
        bad = probe;
        probe = text_align(t, probe + step);
    }
    if (good == bad) {
        return good;
    }
    for (;;) {
        uint64_t next = text_align(t, bad + 1);
        if (next >= good) {
            return good;
        }
        probe = text_align(t, bad + (good - bad) / 2);
        probe = probe <= bad || probe >= good ? next : probe;
        enum exec_result r =
            cursor_exec(m, v, p, seg->start, probe, resume, false, &code);
        if (r == EXEC_FULL || r == EXEC_LIMIT) {
            good = probe;
        } else {
            bad = probe;
        }
    }
}

// False when the text can't contain a match for want of a literal.
static bool literal_ahead(struct matcher *m, struct cursor *c, enum view v,
                          const struct pattern *p, uint64_t end)
{
    const struct literals *l = &p->literals;
    if (l->n == 0 || l->n > LITERALS_WORTH || l->caseless) {
        return true;
    }
    uint64_t from = c->literal > c->resume ? c->literal : c->resume;
    if (from > end) {
        return false;
    }
    const char *s = text_at(view_text(m, v), from);
    size_t n = end - from;
    size_t at = literals_find(l, s, n);
    if (at < n) {
        c->literal = from + at;
        return true;
    }
    // The beginning of one may be the end of the text.
    size_t tail = LITERAL_MAX - 1;
    c->literal = n > tail ? end - tail : from;
    return false;
}

// What the text says without being settled, over a segment.
static bool look_at_text(struct matcher *m, struct cursor *c, enum view v,
                         const struct pattern *p, const struct segment *seg,
                         struct decision *out)
{
    c->resume = c->resume > seg->first ? c->resume : seg->first;
    c->partial = false;
    if (!literal_ahead(m, c, v, p, seg->hi)) {
        return false;
    }
    uint64_t from = p->whole ? seg->first : c->resume;
    int code;
    enum exec_result r =
        cursor_exec(m, v, p, seg->start, seg->hi, from, false, &code);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->scratch.data);
    switch (r) {
    case EXEC_NONE:
        c->resume = seg->hi;
        return false;
    case EXEC_PARTIAL:
        c->resume = seg->start + at[0];
        c->partial = true;
        return false;
    case EXEC_FULL:
    case EXEC_LIMIT:
        break;
    }
    uint64_t end = r == EXEC_FULL ? seg->start + at[1] : from;
    *out = (struct decision){
        .view = v,
        .start = seg->start,
        .resume = from,
        .end = first_decided(m, v, p, seg, from, end),
    };
    out->at = view_reached(m, v, out->end);
    return true;
}

// What it says at a settle point.
static bool look_at_settle(struct matcher *m, struct cursor *c, enum view v,
                           const struct pattern *p, const struct segment *seg,
                           const struct settle *s, struct decision *out)
{
    // Without a partial match nothing waits for the end of the text.
    if (!c->partial || seg->first > seg->hi) {
        return false;
    }
    c->resume = c->resume > seg->first ? c->resume : seg->first;
    uint64_t from = p->whole ? seg->first : c->resume;
    int code;
    enum exec_result r =
        cursor_exec(m, v, p, seg->start, seg->hi, from, true, &code);
    *out = (struct decision){
        .at = s->len[AS_RECEIVED],
        .settled = true,
        .settle_ns = s->ns,
        .view = v,
        .start = seg->start,
        .end = seg->hi,
        .resume = from,
    };
    return r == EXEC_FULL || r == EXEC_LIMIT;
}

static struct segment segment_of(const struct matcher *m, enum view v,
                                 const struct cursor *c, uint64_t stop)
{
    const struct text *t = view_text(m, v);
    uint64_t from = m->kept[v].from;
    struct segment seg = {
        .lo = c->fresh ? c->seen : text_align(t, c->seen + 1),
        .hi = stop,
        .start = from,
        .first = view_window(m, v, stop),
    };
    if (seg.first > from) {
        uint64_t back = seg.first - from;
        back = back < LOOKBEHIND ? back : LOOKBEHIND;
        seg.start = text_align(t, seg.first - back);
    }
    seg.lo = seg.lo > seg.first ? seg.lo : seg.first;
    return seg;
}

// The last prefix that has the same window as those after c->seen.
static uint64_t block_end(const struct matcher *m, enum view v,
                          const struct cursor *c)
{
    const struct text *t = view_text(m, v);
    uint64_t from = m->kept[v].from;
    uint64_t stop = from + ((c->seen - from) / m->block + 1) * m->block;
    if (stop >= text_end(t)) {
        return text_end(t);
    }
    uint64_t whole = stop - 3; // where the character that reaches over stop
    uint64_t down = whole;     // may begin
    while (text_align(t, whole) <= stop) {
        down = text_align(t, whole);
        whole = down + 1;
    }
    return down > c->seen ? down : text_align(t, c->seen + 1);
}

bool cursor_advance(struct matcher *m, struct cursor *c, enum view v,
                    const struct pattern *p, struct decision *out)
{
    uint64_t end = text_end(view_text(m, v));
    uint64_t floor = m->kept[v].floor;
    c->seen = c->seen > floor ? c->seen : floor;
    for (;;) {
        const struct settle *s =
            c->settles < m->nsettles ? m->settles + c->settles : NULL;
        bool past = s && s->len[AS_RECEIVED] < m->settles_from;
        if (s && (past || !s->in[v] || s->len[v] < c->seen)) {
            c->settles++; // of the other view, or dropped before it was seen
            continue;
        }
        uint64_t stop = block_end(m, v, c);
        stop = s && s->len[v] < stop ? s->len[v] : stop;
        struct segment seg = segment_of(m, v, c, stop);
        if ((c->fresh || stop > c->seen) && seg.lo <= seg.hi &&
            look_at_text(m, c, v, p, &seg, out)) {
            return true;
        }
        c->seen = stop;
        c->fresh = false;
        if (s && s->len[v] == stop) {
            c->settles++;
            if (look_at_settle(m, c, v, p, &seg, s, out)) {
                return true;
            }
        } else if (stop == end) {
            return false;
        }
    }
}
