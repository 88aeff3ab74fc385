// SPDX-License-Identifier: Apache-2.0
// E-Divisive. See changes.h; the equations are those of the paper, section 2.
#include "harness/history/changes.h"

#include "harness/history/random.h"
#include "harness/history/stats.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SHUFFLES 499
#define SEED     UINT64_C(0x6368616e676573)

const struct change_options change_defaults = {
    .alpha = 0.01,
    .least = 5,
    .min_effect = 0.02,
};

// Owned by changes_find.
struct search {
    const struct change_options *options;
    size_t n;
    double *series;   // logarithms, as measured
    double *shuffled; // of one stretch
    double *scratch;
    size_t count;
    struct change_point *found; // room for n
};

struct split {
    size_t at; // 0: the stretch is too short
    double q;
};

// The split of v[0..n) with the largest divergence Q (equation 5, alpha 1): the
// sums of distances within and between are carried along as it moves.
static struct split best_split(const double *v, size_t n, size_t least)
{
    struct split best = {0, -1};
    if (n < 2 * least)
        return best;
    double left = 0;
    double right = 0;
    double between = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++)
            right += fabs(v[i] - v[j]);
    }
    for (size_t at = 1; at + least <= n; at++) {
        // v[at - 1] goes over to the left.
        double to_left = 0;
        double to_right = 0;
        for (size_t j = 0; j + 1 < at; j++)
            to_left += fabs(v[at - 1] - v[j]);
        for (size_t j = at; j < n; j++)
            to_right += fabs(v[at - 1] - v[j]);
        left += to_left;
        right -= to_right;
        between += to_right - to_left;
        if (at < least)
            continue;
        double a = (double)at;
        double b = (double)(n - at);
        double e = 2 * between / (a * b) - left * 2 / (a * (a - 1)) -
                   right * 2 / (b * (b - 1));
        double q = a * b / (a + b) * e;
        if (q > best.q)
            best = (struct split){at, q};
    }
    return best;
}

// How often does a shuffled stretch split as well? (section 2.4)
static double significance(struct search *s, const double *v, size_t n,
                           double q)
{
    struct random_source random = {SEED};
    memcpy(s->shuffled, v, n * sizeof(*v));
    size_t above = 0;
    for (size_t r = 0; r < SHUFFLES; r++) {
        for (size_t i = n - 1; i > 0; i--) {
            size_t j = random_below(&random, i + 1);
            double swap = s->shuffled[i];
            s->shuffled[i] = s->shuffled[j];
            s->shuffled[j] = swap;
        }
        above += best_split(s->shuffled, n, s->options->least).q >= q;
        // No hope left: the rest need not be counted.
        if ((double)above > s->options->alpha * (SHUFFLES + 1))
            return (double)(above + 1) / (double)(r + 2);
    }
    return (double)(above + 1) / (SHUFFLES + 1);
}

static double middle(struct search *s, size_t from, size_t to)
{
    memcpy(s->scratch, s->series + from, (to - from) * sizeof(*s->scratch));
    return exp(stats_median(s->scratch, to - from));
}

// Splits [from, to) again and again; depth is bounded by n / least.
static void divide(struct search *s, size_t from, size_t to)
{
    const double *v = s->series + from;
    struct split best = best_split(v, to - from, s->options->least);
    if (!best.at)
        return;
    double p = significance(s, v, to - from, best.q);
    if (p > s->options->alpha)
        return;
    size_t at = from + best.at;
    divide(s, from, at);
    s->found[s->count++] = (struct change_point){.at = at, .p = p};
    divide(s, at, to);
}

// Medians of the stretches; a change that is too small joins them again.
static void measure(struct search *s)
{
    size_t i = 0;
    while (i < s->count) {
        struct change_point *c = &s->found[i];
        size_t from = i ? s->found[i - 1].at : 0;
        size_t to = i + 1 < s->count ? s->found[i + 1].at : s->n;
        c->before = middle(s, from, c->at);
        c->after = middle(s, c->at, to);
        if (fabs(log(c->after / c->before)) >= log1p(s->options->min_effect)) {
            i++;
            continue;
        }
        memmove(c, c + 1, (s->count - i - 1) * sizeof(*c));
        s->count--;
        // The one before has a longer stretch behind it now.
        if (i)
            i--;
    }
}

int changes_find(const double *values, size_t n,
                 const struct change_options *options,
                 struct change_point **out, size_t *count, struct error *err)
{
    double *room = calloc(3 * n + 1, sizeof(*room));
    struct change_point *found = calloc(n + 1, sizeof(*found));
    bool ok = room && found;
    struct search s = {.options = options, .n = n, .found = found};
    if (ok) {
        s.series = room;
        s.shuffled = room + n;
        s.scratch = room + 2 * n;
    }
    for (size_t i = 0; ok && i < n; i++)
        s.series[i] = log(values[i]);
    if (ok) {
        divide(&s, 0, n);
        measure(&s);
    } else {
        free(found);
        found = NULL;
    }
    free(room);
    *out = found;
    *count = s.count;
    return ok ? 0 : error_set(err, -ENOMEM, "out of memory");
}
