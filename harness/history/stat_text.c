// SPDX-License-Identifier: Apache-2.0
// Distributions as a table. See stat_text.h.
#include "harness/history/stat_text.h"

#include "harness/history/stats.h"
#include "harness/history/trend.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *mark;
    struct summary wall, cpu;
};

struct rows {
    size_t count;
    struct row *list;
};

static bool seen(const struct rows *rows, const char *mark)
{
    for (size_t i = 0; i < rows->count; i++) {
        if (!strcmp(rows->list[i].mark, mark))
            return true;
    }
    return false;
}

static int summarize(const struct stat_series *s, const char *mark,
                     double *values, struct row *out, struct error *err)
{
    size_t n = 0, cpu = 0;
    for (size_t i = 0; i < s->nsamples; i++) {
        if (!strcmp(s->samples[i].mark, mark))
            values[n++] = (double)s->samples[i].wall_ns;
    }
    int code = stats_summarize(values, n, &out->wall, err);
    for (size_t i = 0; i < s->nsamples; i++) {
        if (!strcmp(s->samples[i].mark, mark))
            values[cpu++] = (double)s->samples[i].cpu_ns;
    }
    out->mark = mark;
    return code ? code : stats_summarize(values, cpu, &out->cpu, err);
}

static int by_median(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return (x->wall.p50 > y->wall.p50) - (x->wall.p50 < y->wall.p50);
}

static int make_rows(const struct stat_series *s, struct rows *rows,
                     struct error *err)
{
    double *values = calloc(s->nsamples + 1, sizeof(*values));
    *rows = (struct rows){0, calloc(s->nsamples + 1, sizeof(*rows->list))};
    int code = values && rows->list ? 0 : -ENOMEM;
    if (code)
        error_set(err, code, "out of memory");
    for (size_t i = 0; !code && i < s->nsamples; i++) {
        if (!s->samples[i].wall_ns || seen(rows, s->samples[i].mark))
            continue;
        code = summarize(s, s->samples[i].mark, values,
                         &rows->list[rows->count], err);
        rows->count++;
    }
    free(values);
    if (!code && rows->count)
        qsort(rows->list, rows->count, sizeof(*rows->list), by_median);
    return code;
}

static void print_row(FILE *f, const char *name, const struct summary *s)
{
    char text[8][TREND_TIME];
    const double values[] = {s->min, s->p50, s->p90, s->p99,
                             s->mad, s->low, s->high};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        trend_time(text[i], values[i]);
    fprintf(f, "  %-15s %3zu %9s %9s %9s %9s %9s  %s to %s\n", name, s->n,
            text[0], text[1], text[2], text[3], text[4], text[5], text[6]);
}

int stat_table(FILE *f, const struct stat_series *s, struct error *err)
{
    struct rows rows;
    int code = make_rows(s, &rows, err);
    if (!code) {
        fprintf(f, "%s: %zu boot%s", s->title, s->boots,
                s->boots == 1 ? "" : "s");
        if (s->warmups)
            fprintf(f, ", %zu warm-up%s not counted", s->warmups,
                    s->warmups == 1 ? "" : "s");
        if (s->failed)
            fprintf(f, ", %zu that did not pass not counted", s->failed);
        fprintf(f, "\n  %-15s %3s %9s %9s %9s %9s %9s  %s\n", "mark", "n",
                "min", "p50", "p90", "p99", "MAD", "95 % of the median");
    }
    for (size_t i = 0; !code && i < rows.count; i++)
        print_row(f, rows.list[i].mark, &rows.list[i].wall);
    if (!code && rows.count && rows.list[rows.count - 1].cpu.p50 > 0)
        print_row(f, "  of it, CPU", &rows.list[rows.count - 1].cpu);
    free(rows.list);
    return code;
}

int stat_unsure(const struct stat_series *s, double *out, struct error *err)
{
    struct rows rows;
    int code = make_rows(s, &rows, err);
    *out = 0;
    if (!code && rows.count) {
        const struct summary *last = &rows.list[rows.count - 1].wall;
        if (last->n > 1 && last->p50 > 0)
            *out = (last->high - last->low) / last->p50;
    }
    free(rows.list);
    return code;
}
