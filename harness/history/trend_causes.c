// SPDX-License-Identifier: Apache-2.0
// What grew at the changes of a trend. See trend_causes.h.
#include "harness/history/trend_causes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_RUNS 100 // of a side

const char *trend_label(const struct history_run *r)
{
    return r->commit ? r->commit : r->session;
}

int trend_keep_run(struct trend *t, const struct history_run *r, bool cpu)
{
    if (t->nruns == t->runs_capacity) {
        size_t capacity = t->runs_capacity ? 2 * t->runs_capacity : 64;
        struct trend_run *runs = reallocarray(t->runs, capacity, sizeof(*runs));
        if (!runs)
            return -ENOMEM;
        t->runs = runs;
        t->runs_capacity = capacity;
    }
    struct trend_run *run = &t->runs[t->nruns++];
    *run = (struct trend_run){.label = strdup(trend_label(r))};
    return run->label ? cause_run_of(r, cpu, &run->parts) : -ENOMEM;
}

void trend_free_runs(struct trend *t)
{
    for (size_t i = 0; i < t->nruns; i++) {
        free(t->runs[i].label);
        free(t->runs[i].parts.values);
    }
    free(t->runs);
}

static bool is_in(const struct trend_series *s, size_t from, size_t to,
                  const char *label)
{
    for (size_t i = from; i < to; i++) {
        if (!strcmp(s->points[i].label, label))
            return true;
    }
    return false;
}

// Runs of points from..to-1, those nearest to the change: the last ones before
// it, the first ones after it.
static bool take_side(const struct trend *t, const struct trend_series *s,
                      size_t from, size_t to, bool last, struct cause_side *out)
{
    *out = (struct cause_side){.runs = calloc(MOST_RUNS, sizeof(*out->runs))};
    for (size_t k = 0; out->runs && k < t->nruns && out->count < MOST_RUNS;
         k++) {
        const struct trend_run *r = &t->runs[last ? t->nruns - 1 - k : k];
        if (is_in(s, from, to, r->label))
            out->runs[out->count++] = r->parts;
    }
    return out->runs;
}

static int find_cause(const struct trend *t, const struct trend_series *s,
                      size_t change, struct causes *out, struct error *err)
{
    size_t at = s->changes[change].at;
    size_t from = change ? s->changes[change - 1].at : 0;
    size_t to =
        change + 1 < s->nchanges ? s->changes[change + 1].at : s->npoints;
    struct cause_side sides[2];
    bool ok = take_side(t, s, from, at, true, &sides[0]);
    ok = take_side(t, s, at, to, false, &sides[1]) && ok;
    int code =
        ok ? causes_find(sides, s->mark, &compare_defaults, false, out, err)
           : error_set(err, -ENOMEM, "out of memory");
    free(sides[0].runs);
    free(sides[1].runs);
    return code;
}

int trend_find_causes(const struct trend *t, struct trend_series *s,
                      struct error *err)
{
    s->grew = calloc(s->nchanges + 1, sizeof(*s->grew));
    int code = s->grew ? 0 : error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; !code && i < s->nchanges; i++) {
        const struct change_point *c = &s->changes[i];
        if (c->after > c->before && cause_is_moment(s->mark))
            code = find_cause(t, s, i, &s->grew[i], err);
    }
    return code;
}
