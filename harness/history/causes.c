// SPDX-License-Identifier: Apache-2.0
// What of a slower mark grew. See causes.h.
#include "harness/history/causes.h"

#include "harness/history/exact_compare.h"
#include "harness/history/ranks.h"
#include "harness/history/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SHARE 0.01
#define INTERVAL_Z  1.959964 // 95 %
#define START       "process_start"

// A scenario that loops must not take minutes: so many marks and other times
// are looked at, the first ones.
#define MOST_EDGES 100
#define MOST_PARTS 300

// A mark at the same moment as the one before it; 0 would be no time at all.
#define NO_TIME 1.0

struct work {
    const char *mark;
    const struct compare_options *options;
    bool exact;
    size_t n[2];                     // boots that count
    const struct cause_run **run[2]; // they
    size_t nedges;                   // marks, the first phase begins at 0
    const char **edges;
    size_t nparts;
    struct part {
        enum cause_kind kind;
        const char *name, *until;
    } * parts;
    double *values[2]; // run by run, nparts each; NAN: it has none
    struct mark_comparison *verdicts;
};

static double value_of(const struct cause_run *r, enum cause_kind kind,
                       const char *name)
{
    if (kind == CAUSE_MARK && !strcmp(name, START))
        return 0;
    // The first counts, as in the history.
    for (size_t i = 0; i < r->count; i++) {
        if (r->values[i].kind == kind && !strcmp(r->values[i].name, name))
            return r->values[i].ns;
    }
    return NAN;
}

static double mark_time(const struct cause_run *r, const char *mark)
{
    double at = value_of(r, CAUSE_MARK, mark);
    return at > 0 ? at : NAN;
}

// ---- Which boots count ------------------------------------------------------

// Boots without the mark say nothing of it, and where two belong together
// neither does the other one.
static bool pick_runs(struct work *w, const struct cause_side sides[2])
{
    bool paired = w->exact || w->options->interleaved;
    for (size_t s = 0; s < 2; s++) {
        w->run[s] =
            calloc(sides[s].count + 1, sizeof(const struct cause_run *));
        if (!w->run[s])
            return false;
        for (size_t i = 0; i < sides[s].count; i++) {
            const struct cause_run *r = &sides[s].runs[i];
            bool other =
                !paired || (i < sides[!s].count &&
                            !isnan(mark_time(&sides[!s].runs[i], w->mark)));
            if (other && !isnan(mark_time(r, w->mark)))
                w->run[s][w->n[s]++] = r;
        }
    }
    return true;
}

// ---- Which phases and spans there are ---------------------------------------

static int by_time(const void *a, const void *b)
{
    const struct cause_value *x = a, *y = b;
    return (x->ns > y->ns) - (x->ns < y->ns);
}

// Marks that each boot has, not behind the judged one, in the order in which
// they came in the first boot; at holds their times, boot by boot.
struct candidates {
    size_t n, boots;
    struct cause_value *marks;
    double *at;
};

static bool take_times(const struct work *w, const char *name, double *at)
{
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < w->n[s]; i++) {
            *at = mark_time(w->run[s][i], name);
            if (!(*at++ <= mark_time(w->run[s][i], w->mark)))
                return false;
        }
    }
    return true;
}

static bool find_candidates(const struct work *w, struct candidates *c)
{
    const struct cause_run *first = w->run[0][0];
    size_t n = 0;
    if (!first)
        return false;
    c->boots = w->n[0] + w->n[1];
    c->marks = calloc(first->count + 1, sizeof(*c->marks));
    c->at = calloc((MOST_EDGES + 1) * c->boots, sizeof(*c->at));
    if (!c->marks || !c->at)
        return false;
    for (size_t i = 0; i < first->count; i++) {
        const struct cause_value *v = &first->values[i];
        if (v->kind == CAUSE_MARK && v->ns > 0 && strcmp(v->name, w->mark) != 0)
            c->marks[n++] = *v;
    }
    qsort(c->marks, n, sizeof(*c->marks), by_time);
    for (size_t i = 0; i < n && c->n < MOST_EDGES; i++) {
        if (take_times(w, c->marks[i].name, c->at + c->n * c->boots))
            c->marks[c->n++] = c->marks[i];
    }
    return true;
}

static bool is_before(const struct candidates *c, size_t a, size_t b)
{
    for (size_t i = 0; i < c->boots; i++) {
        if (c->at[a * c->boots + i] > c->at[b * c->boots + i])
            return false;
    }
    return true;
}

// As many marks as come in one order in all boots: the longest chain.
static bool find_edges(struct work *w)
{
    struct candidates c = {0};
    size_t length[MOST_EDGES], before[MOST_EDGES], end = 0;
    bool ok = find_candidates(w, &c);
    for (size_t i = 0; ok && i < c.n; i++) {
        length[i] = 1;
        before[i] = i;
        for (size_t k = 0; k < i; k++) {
            if (length[k] >= length[i] && is_before(&c, k, i)) {
                length[i] = length[k] + 1;
                before[i] = k;
            }
        }
        end = length[i] > length[end] ? i : end;
    }
    w->edges = calloc(MOST_EDGES + 1, sizeof(*w->edges));
    ok = ok && w->edges;
    if (ok && c.n) {
        w->nedges = length[end];
        for (size_t i = w->nedges; i-- > 0; end = before[end])
            w->edges[i] = c.marks[end].name;
    }
    if (ok)
        w->edges[w->nedges++] = w->mark;
    free(c.marks);
    free(c.at);
    return ok;
}

static bool is_among(const struct work *w, size_t from,
                     const struct cause_value *v)
{
    for (size_t i = from; i < w->nparts; i++) {
        if (w->parts[i].kind == v->kind && !strcmp(w->parts[i].name, v->name))
            return true;
    }
    return false;
}

// Initcalls and what the guest told come after the marks of the machine and of
// the kernel's first words: they can't explain those.
static bool is_early(const char *mark)
{
    static const char *const early[] = {START, "memory_ready", "first_kvm_run",
                                        "first_byte", "kernel_banner"};
    for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
        if (!strcmp(mark, early[i]))
            return true;
    }
    return false;
}

static bool is_looked_at(const struct work *w, const struct cause_run *r,
                         const struct cause_value *v)
{
    switch (v->kind) {
    case CAUSE_PHASE:
        return false;
    case CAUSE_MARK: // of one side, which is seen when it is counted
        for (size_t i = 0; i < w->nedges; i++) {
            if (!strcmp(w->edges[i], v->name))
                return false;
        }
        return v->ns > 0 && v->ns <= mark_time(r, w->mark);
    case CAUSE_TOLD:
        return !is_early(w->mark) && cause_is_span(v->name);
    case CAUSE_INITCALL:
        return !is_early(w->mark);
    }
    return false;
}

static bool find_parts(struct work *w)
{
    w->parts = calloc(MOST_PARTS, sizeof(*w->parts));
    if (!w->parts)
        return false;
    for (size_t i = 0; i < w->nedges; i++)
        w->parts[w->nparts++] = (struct part){
            CAUSE_PHASE, i ? w->edges[i - 1] : START, w->edges[i]};
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < w->n[s]; i++) {
            const struct cause_run *r = w->run[s][i];
            for (size_t k = 0; k < r->count && w->nparts < MOST_PARTS; k++) {
                const struct cause_value *v = &r->values[k];
                if (is_looked_at(w, r, v) && !is_among(w, w->nedges, v))
                    w->parts[w->nparts++] =
                        (struct part){v->kind, v->name, NULL};
            }
        }
    }
    return true;
}

static double part_time(const struct cause_run *r, const struct part *p)
{
    if (p->kind != CAUSE_PHASE)
        return value_of(r, p->kind, p->name);
    double took = mark_time(r, p->until) - value_of(r, CAUSE_MARK, p->name);
    return took > NO_TIME ? took : NO_TIME;
}

static bool fill_tables(struct work *w)
{
    for (size_t s = 0; s < 2; s++) {
        w->values[s] = calloc(w->n[s] * w->nparts + 1, sizeof(double));
        if (!w->values[s])
            return false;
        for (size_t i = 0; i < w->n[s]; i++)
            for (size_t k = 0; k < w->nparts; k++)
                w->values[s][i * w->nparts + k] =
                    part_time(w->run[s][i], &w->parts[k]);
    }
    w->verdicts = calloc(w->nparts + 1, sizeof(*w->verdicts));
    return w->verdicts;
}

// ---- How much each grew -----------------------------------------------------

struct growth {
    size_t n[2];
    double middle[2]; // NAN without a boot
    double by, low, high;
};

// values: of both sides, in the order of the boots; those that are NAN go.
static bool measure(const struct work *w, double *values[2], struct growth *out)
{
    *out = (struct growth){{0, 0}, {NAN, NAN}, NAN, NAN, NAN};
    for (size_t s = 0; s < 2; s++) {
        size_t n = 0;
        double sum = 0;
        for (size_t i = 0; i < w->n[s]; i++) {
            if (!isnan(values[s][i])) {
                values[s][n++] = values[s][i];
                sum += values[s][n - 1];
            }
        }
        out->n[s] = n;
        if (n)
            out->middle[s] =
                w->exact ? sum / (double)n : stats_median(values[s], n);
    }
    if (!out->n[0] || !out->n[1])
        return true;
    struct shift s;
    if (!shift_make(values[0], out->n[0], values[1], out->n[1], INTERVAL_Z, &s))
        return false;
    out->by = w->exact ? out->middle[1] - out->middle[0] : s.middle;
    out->low = s.low;
    out->high = s.high;
    return true;
}

static bool measure_part(const struct work *w, size_t part, double *scratch[2],
                         struct growth *out)
{
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < w->n[s]; i++)
            scratch[s][i] = w->values[s][i * w->nparts + part];
    return measure(w, scratch, out);
}

static bool measure_mark(const struct work *w, double *scratch[2],
                         struct growth *out)
{
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < w->n[s]; i++)
            scratch[s][i] = mark_time(w->run[s][i], w->mark);
    return measure(w, scratch, out);
}

static bool is_told(const struct causes *c, const struct part *p,
                    enum change change, const struct growth *g)
{
    if (!g->n[0] || !g->n[1])
        return g->n[0] || g->n[1];
    // A mark that both sides have is no part, it ends some.
    if (p->kind == CAUSE_MARK ||
        (change != CHANGE_SLOWER && change != CHANGE_FASTER))
        return false;
    return fabs(g->by) >= LEAST_SHARE * fabs(c->growth);
}

static bool take_causes(const struct work *w, double *scratch[2],
                        struct causes *c)
{
    struct growth g;
    if (!measure_mark(w, scratch, &g))
        return false;
    c->growth = c->rest = g.by;
    c->looked_at = w->nparts;
    c->list = calloc(w->nparts + 1, sizeof(*c->list));
    for (size_t i = 0; c->list && i < w->nparts; i++) {
        const struct part *p = &w->parts[i];
        const struct mark_comparison *v = &w->verdicts[i];
        if (!measure_part(w, i, scratch, &g))
            return false;
        if (!is_told(c, p, v->change, &g))
            continue;
        bool both = g.n[0] && g.n[1];
        c->list[c->count++] = (struct cause){
            .kind = p->kind,
            .name = p->name,
            .until = p->until,
            .change = both ? v->change : CHANGE_ABSENT,
            .base_n = g.n[0],
            .head_n = g.n[1],
            .base = g.middle[0],
            .head = g.middle[1],
            .growth = g.by,
            .low = g.low,
            .high = g.high,
            .share = g.by / c->growth,
            .p_adjusted = both ? v->p_adjusted : NAN,
        };
        if (p->kind == CAUSE_PHASE)
            c->rest -= g.by;
    }
    return c->list;
}

// What grew most first; what one side alone has at the end, the longest first.
static int by_growth(const void *a, const void *b)
{
    const struct cause *x = a, *y = b;
    bool alone = x->change == CHANGE_ABSENT;
    if (alone != (y->change == CHANGE_ABSENT))
        return alone ? 1 : -1;
    double of_x = !alone ? x->growth : x->head_n ? x->head : x->base;
    double of_y = !alone ? y->growth : y->head_n ? y->head : y->base;
    if (of_x != of_y)
        return of_x < of_y ? 1 : -1;
    int order = (int)x->kind - (int)y->kind;
    return order ? order : strcmp(x->name, y->name);
}

static int compare_parts(struct work *w, struct causes *out, struct error *err)
{
    const struct run_table base = {w->n[0], w->nparts, w->values[0]};
    const struct run_table head = {w->n[1], w->nparts, w->values[1]};
    int code = w->exact
                   ? compare_exact(&base, &head, w->options, w->verdicts, err)
                   : compare_runs(&base, &head, w->options, w->verdicts, err);
    if (code)
        return code;
    double *scratch[2];
    for (size_t s = 0; s < 2; s++)
        scratch[s] = calloc(w->n[s] + 1, sizeof(double));
    bool ok = scratch[0] && scratch[1] && take_causes(w, scratch, out);
    free(scratch[0]);
    free(scratch[1]);
    if (ok)
        qsort(out->list, out->count, sizeof(*out->list), by_growth);
    return ok ? 0 : error_set(err, -ENOMEM, "out of memory");
}

int causes_find(const struct cause_side sides[2], const char *mark,
                const struct compare_options *options, bool exact,
                struct causes *out, struct error *err)
{
    struct work w = {.mark = mark, .options = options, .exact = exact};
    *out = (struct causes){.mark = mark};
    int code = pick_runs(&w, sides) ? 0 : -ENOMEM;
    if (!code && (!w.n[0] || !w.n[1]))
        code = error_set(err, -EINVAL, "no boot of a side reached %s", mark);
    if (!code && !(find_edges(&w) && find_parts(&w) && fill_tables(&w)))
        code = -ENOMEM;
    if (code == -ENOMEM)
        error_set(err, code, "out of memory");
    if (!code)
        code = compare_parts(&w, out, err);
    for (size_t s = 0; s < 2; s++) {
        free(w.run[s]);
        free(w.values[s]);
    }
    free(w.edges);
    free(w.parts);
    free(w.verdicts);
    return code;
}

void causes_free(struct causes *c)
{
    free(c->list);
    *c = (struct causes){0};
}
