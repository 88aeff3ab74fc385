// SPDX-License-Identifier: Apache-2.0
// From runs to series of points. See trend.h.
#include "harness/history/trend.h"

#include "harness/history/mark_list.h"
#include "harness/history/trend_causes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// What is gathered while runs come, oldest first.
struct samples {
    size_t n, capacity;
    double *values;
};

struct gather {
    struct trends *out;
    const char *mark;
    enum trend_unit unit;
    // samples[trend][series][point] as one list, found by these three.
    size_t nkeys, capacity;
    struct key {
        size_t trend, series, point;
        struct samples samples;
    } * keys;
};

static int no_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "out of memory");
}

static struct trend *find_trend(struct gather *g, const struct history_run *r)
{
    struct trends *t = g->out;
    for (size_t i = 0; i < t->count; i++) {
        struct trend *one = &t->list[i];
        if (!strcmp(one->environment_id, r->environment_id) &&
            !strcmp(one->scenario, r->scenario) &&
            !strcmp(one->guest, r->guest))
            return one;
    }
    struct trend *list = reallocarray(t->list, t->count + 1, sizeof(*list));
    if (!list)
        return NULL;
    t->list = list;
    struct trend *one = &list[t->count];
    *one = (struct trend){
        .scenario = strdup(r->scenario),
        .guest = strdup(r->guest),
        .host = strdup(r->environment.host_cpu),
        .accelerator = strdup(r->environment.accelerator),
    };
    memcpy(one->environment_id, r->environment_id, sizeof(r->environment_id));
    t->count++;
    return one->scenario && one->guest && one->host && one->accelerator ? one
                                                                        : NULL;
}

static struct trend_series *find_series(struct trend *t, const char *mark)
{
    for (size_t i = 0; i < t->nseries; i++) {
        if (!strcmp(t->series[i].mark, mark))
            return &t->series[i];
    }
    struct trend_series *list =
        reallocarray(t->series, t->nseries + 1, sizeof(*list));
    char *copy = strdup(mark);
    if (list)
        t->series = list;
    if (!list || !copy) {
        free(copy);
        return NULL;
    }
    list[t->nseries] = (struct trend_series){.mark = copy};
    return &list[t->nseries++];
}

// A commit that is measured again later keeps its place.
static struct trend_point *find_point(struct trend_series *s,
                                      const struct history_run *r)
{
    const char *label = trend_label(r);
    for (size_t i = s->npoints; i-- > 0;) {
        if (!strcmp(s->points[i].label, label))
            return &s->points[i];
    }
    struct trend_point *list =
        reallocarray(s->points, s->npoints + 1, sizeof(*list));
    if (!list)
        return NULL;
    s->points = list;
    struct trend_point *p = &list[s->npoints];
    *p = (struct trend_point){
        .label = strdup(label),
        .branch = r->branch ? strdup(r->branch) : NULL,
        .is_commit = r->commit,
        .first_unix_ns = r->started_unix_ns,
    };
    s->npoints++;
    return p->label && (!r->branch || p->branch) ? p : NULL;
}

// The newest keys are the likeliest.
static struct samples *find_samples(struct gather *g, size_t trend,
                                    size_t series, size_t point)
{
    for (size_t i = g->nkeys; i-- > 0;) {
        struct key *k = &g->keys[i];
        if (k->trend == trend && k->series == series && k->point == point)
            return &k->samples;
    }
    if (g->nkeys == g->capacity) {
        size_t capacity = g->capacity ? 2 * g->capacity : 64;
        struct key *keys = reallocarray(g->keys, capacity, sizeof(*keys));
        if (!keys)
            return NULL;
        g->keys = keys;
        g->capacity = capacity;
    }
    g->keys[g->nkeys] = (struct key){trend, series, point, {0}};
    return &g->keys[g->nkeys++].samples;
}

static bool add_sample(struct samples *s, double value)
{
    if (s->n == s->capacity) {
        size_t capacity = s->capacity ? 2 * s->capacity : 16;
        double *values = reallocarray(s->values, capacity, sizeof(*values));
        if (!values)
            return false;
        s->values = values;
        s->capacity = capacity;
    }
    s->values[s->n++] = value;
    return true;
}

static int take_mark(struct gather *g, struct trend *t,
                     const struct history_run *r, const struct history_mark *m,
                     struct error *err)
{
    uint64_t ns = g->unit == TREND_CPU ? m->cpu_ns : m->wall_ns;
    bool wanted = g->mark ? mark_listed(g->mark, m->name)
                          : strcmp(m->name, "process_start") != 0;
    if (!wanted || !ns || !cause_is_mark(m->name))
        return 0;
    struct trend_series *s = find_series(t, m->name);
    struct trend_point *p = s ? find_point(s, r) : NULL;
    struct samples *samples =
        p ? find_samples(g, (size_t)(t - g->out->list), (size_t)(s - t->series),
                         (size_t)(p - s->points))
          : NULL;
    return samples && add_sample(samples, (double)ns) ? 0 : no_memory(err);
}

static int take_run(void *owner, const struct history_run *r, struct error *err)
{
    struct gather *g = owner;
    struct trend *t = find_trend(g, r);
    int code =
        t && !trend_keep_run(t, r, g->unit == TREND_CPU) ? 0 : no_memory(err);
    for (size_t i = 0; !code && i < r->nmarks; i++)
        code = take_mark(g, t, r, &r->marks[i], err);
    return code;
}

static int summarise(struct gather *g, struct error *err)
{
    int code = 0;
    for (size_t i = 0; !code && i < g->nkeys; i++) {
        const struct key *k = &g->keys[i];
        struct trend_series *s = &g->out->list[k->trend].series[k->series];
        code = stats_summarize(k->samples.values, k->samples.n,
                               &s->points[k->point].summary, err);
    }
    return code;
}

static int find_changes(struct trend_series *s, struct error *err)
{
    double *medians = calloc(s->npoints + 1, sizeof(*medians));
    if (!medians)
        return no_memory(err);
    for (size_t i = 0; i < s->npoints; i++)
        medians[i] = s->points[i].summary.p50;
    int code = changes_find(medians, s->npoints, &change_defaults, &s->changes,
                            &s->nchanges, err);
    free(medians);
    return code;
}

int trends_read(struct history *h, const struct history_query *query,
                const char *mark, enum trend_unit unit, struct trends *out,
                struct error *err)
{
    *out = (struct trends){.unit = unit};
    struct gather g = {.out = out, .mark = mark, .unit = unit};
    struct history_query passed = *query;
    passed.passed_only = true;
    int code = history_read(h, &passed, take_run, &g, err);
    if (!code)
        code = summarise(&g, err);
    for (size_t i = 0; i < g.nkeys; i++)
        free(g.keys[i].samples.values);
    free(g.keys);
    for (size_t i = 0; !code && i < out->count; i++) {
        for (size_t n = 0; !code && n < out->list[i].nseries; n++)
            code = find_changes(&out->list[i].series[n], err);
        for (size_t n = 0; !code && n < out->list[i].nseries; n++)
            code =
                trend_find_causes(&out->list[i], &out->list[i].series[n], err);
    }
    if (code)
        trends_free(out);
    return code;
}

static void free_series(struct trend_series *s)
{
    for (size_t i = 0; i < s->npoints; i++) {
        free(s->points[i].label);
        free(s->points[i].branch);
    }
    free(s->points);
    for (size_t i = 0; s->grew && i < s->nchanges; i++)
        causes_free(&s->grew[i]);
    free(s->grew);
    free(s->known);
    free(s->changes);
    free(s->mark);
}

void trends_free(struct trends *t)
{
    for (size_t i = 0; i < t->count; i++) {
        struct trend *one = &t->list[i];
        for (size_t n = 0; n < one->nseries; n++)
            free_series(&one->series[n]);
        free(one->series);
        trend_free_runs(one);
        free(one->scenario);
        free(one->guest);
        free(one->host);
        free(one->accelerator);
    }
    free(t->list);
    *t = (struct trends){0};
}
