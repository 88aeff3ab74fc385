// SPDX-License-Identifier: Apache-2.0
// Seeds compared. See exact_compare.h.
#include "harness/history/exact_compare.h"

#include "harness/history/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SEEDS 1000 // that are ever asked for

const struct compare_options exact_defaults = {
    .alpha = 0.01,
    .min_effect = 0.0005,
    .floor = 1e6,
    .target = 0.001,
    .power = 0.95,
    .interleaved = true,
};

// One mark's times of the seeds that both sides have, as logarithms.
struct pairs {
    size_t n;
    double *base, *head;
};

static bool is_time(double value)
{
    return value > 0 && isfinite(value);
}

static double mean_of(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return sum / (double)n;
}

static double squares(const double *v, size_t n)
{
    double mean = mean_of(v, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (v[i] - mean) * (v[i] - mean);
    return sum;
}

// A mean difference against a spread. deviation: of one seed's difference.
struct test {
    double deviation, p;
    size_t freedom;
};

static double error_of(const struct test *t, size_t n)
{
    return t->deviation / sqrt((double)n);
}

static void test_it(struct test *t, double difference, size_t n)
{
    double error = error_of(t, n);
    if (error > 0)
        t->p = stats_student_beyond(difference / error, t->freedom);
    else
        t->p = difference < 0 || difference > 0 ? 0 : 1;
}

// Differences seed by seed, and what both sides scatter: the one that tells
// more.
static struct test better_test(const struct pairs *s, double *room)
{
    size_t n = s->n;
    for (size_t i = 0; i < n; i++)
        room[i] = s->head[i] - s->base[i];
    double difference = mean_of(room, n);
    struct test paired = {
        .deviation = sqrt(squares(room, n) / (double)(n - 1)),
        .freedom = n - 1,
    };
    struct test pooled = {
        .deviation =
            sqrt((squares(s->base, n) + squares(s->head, n)) / (double)(n - 1)),
        .freedom = 2 * n - 2,
    };
    test_it(&paired, difference, n);
    test_it(&pooled, difference, n);
    struct test best = paired.p < pooled.p ? paired : pooled;
    best.p = best.p < 0.5 ? 2 * best.p : 1;
    return best;
}

// The smallest change that n seeds show with this power; both tests count, so
// each has half of alpha.
static double visible(const struct test *t, size_t n, bool paired,
                      const struct compare_options *o, size_t marks)
{
    size_t freedom = paired ? n - 1 : 2 * n - 2;
    double reach =
        stats_student_quantile(o->alpha / (double)marks / 2, freedom) +
        stats_student_quantile(2 * (1 - o->power), freedom);
    return expm1(reach * error_of(t, n));
}

static void plan(struct mark_comparison *m, const struct test *t, size_t n,
                 const struct compare_options *o, size_t marks)
{
    bool paired = t->freedom == n - 1;
    m->detectable = visible(t, n, paired, o, marks);
    m->needed = 2;
    while (m->needed < MOST_SEEDS &&
           visible(t, m->needed, paired, o, marks) > o->target)
        m->needed++;
}

static size_t count_side(const struct run_table *t, size_t mark)
{
    size_t n = 0;
    for (size_t i = 0; i < t->runs; i++)
        n += is_time(t->values[i * t->marks + mark]);
    return n;
}

// Takes the pairs of a mark; what needs no test is filled in. True when all are
// equal.
static bool take_pairs(const struct run_table *base,
                       const struct run_table *head, size_t mark,
                       struct pairs *s, struct mark_comparison *m)
{
    double sums[2] = {0, 0};
    int slower = 0;
    bool equal = true;
    s->n = 0;
    for (size_t i = 0; i < base->runs; i++) {
        double a = base->values[i * base->marks + mark];
        double b = head->values[i * head->marks + mark];
        // A mark that one side misses is no equal boot.
        if (!is_time(a) || !is_time(b)) {
            equal &= !is_time(a) && !is_time(b);
            continue;
        }
        equal &= a <= b && a >= b;
        slower += (b > a) - (b < a);
        sums[0] += a;
        sums[1] += b;
        s->base[s->n] = log(a);
        s->head[s->n++] = log(b);
    }
    *m = (struct mark_comparison){.base_n = count_side(base, mark),
                                  .head_n = count_side(head, mark),
                                  .ratio = 1,
                                  .low = 1,
                                  .high = 1,
                                  .p = 1,
                                  .p_adjusted = 1};
    if (s->n) {
        m->base = sums[0] / (double)s->n;
        m->head = sums[1] / (double)s->n;
        m->dominance = (double)slower / (double)s->n;
    }
    return equal;
}

static void judge(struct pairs *s, bool equal, double *room,
                  const struct compare_options *o, size_t marks,
                  struct mark_comparison *m)
{
    if (!s->n) {
        m->change = CHANGE_ABSENT;
        return;
    }
    if (equal) {
        m->change = CHANGE_IDENTICAL;
        m->needed = s->n;
        return;
    }
    double difference = mean_of(s->head, s->n) - mean_of(s->base, s->n);
    m->ratio = exp(difference);
    if (s->n < 2) {
        m->change = CHANGE_TOO_FEW;
        m->low = m->high = m->detectable = NAN;
        m->needed = 2;
        return;
    }
    const struct test t = better_test(s, room);
    double half = error_of(&t, s->n) * stats_student_quantile(0.05, t.freedom);
    m->low = exp(difference - half);
    m->high = exp(difference + half);
    m->p = t.p;
    plan(m, &t, s->n, o, marks);
    // Settled once all marks' p are known.
    m->change = CHANGE_SAME;
}

// Holm: the smallest p counts as often as there are marks, the next one once
// less, ...; none is smaller than one before it.
static void adjust(struct mark_comparison *out, size_t marks)
{
    for (size_t i = 0; i < marks; i++) {
        double p = 0;
        for (size_t k = 0; k < marks; k++) {
            if (out[k].p > out[i].p || out[k].change == CHANGE_ABSENT)
                continue;
            size_t rank = 0, count = 0;
            for (size_t j = 0; j < marks; j++) {
                bool tested = out[j].change != CHANGE_ABSENT;
                count += tested;
                rank += tested && (out[j].p < out[k].p ||
                                   (out[j].p <= out[k].p && j < k));
            }
            double adjusted = out[k].p * (double)(count - rank);
            p = adjusted > p ? adjusted : p;
        }
        out[i].p_adjusted = p < 1 ? p : 1;
    }
}

static void settle(struct mark_comparison *m, const struct compare_options *o)
{
    if (m->change != CHANGE_SAME)
        return;
    double least = o->floor / m->base;
    if (least < o->min_effect)
        least = o->min_effect;
    double size = m->ratio > 1 ? m->ratio - 1 : 1 / m->ratio - 1;
    if (m->p_adjusted <= o->alpha && size >= least)
        m->change = m->ratio > 1 ? CHANGE_SLOWER : CHANGE_FASTER;
    else if (m->detectable > o->target)
        m->change = CHANGE_TOO_FEW;
    // More seeds don't help against that.
    if (m->detectable < least)
        m->detectable = least;
}

int compare_exact(const struct run_table *base, const struct run_table *head,
                  const struct compare_options *options,
                  struct mark_comparison *out, struct error *err)
{
    const struct compare_options *o = options;
    size_t marks = base->marks;
    if (marks != head->marks || base->runs != head->runs || !(o->alpha > 0) ||
        !(o->alpha < 1) || !(o->power > 0) || !(o->power < 1) ||
        !(o->target > 0))
        return error_set(err, -EINVAL,
                         "a comparison by seeds needs the same seeds and marks "
                         "on both sides");
    double *room = calloc(3 * base->runs + 1, sizeof(*room));
    if (!room)
        return error_set(err, -ENOMEM, "out of memory");
    struct pairs s = {.base = room, .head = room + base->runs};
    for (size_t i = 0; i < marks; i++) {
        bool equal = take_pairs(base, head, i, &s, &out[i]);
        judge(&s, equal, room + 2 * base->runs, o, marks, &out[i]);
    }
    adjust(out, marks);
    for (size_t i = 0; i < marks; i++)
        settle(&out[i], o);
    free(room);
    return 0;
}
