// SPDX-License-Identifier: Apache-2.0
// The comparison: shuffles, the correction for many marks, verdicts. See
// compare.h.
#include "harness/history/compare.h"

#include "harness/history/random.h"
#include "harness/history/ranks.h"
#include "harness/history/stats.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHUFFLES   10000
#define SEED       UINT64_C(0x636f6d70617265)
#define INTERVAL_Z 1.959964 // 95 %

// Interleaved runs of each side in a block: few enough that the machine is the
// same throughout, enough that an outlier does not move the block's median.
#define BLOCK_RUNS 4

const struct compare_options compare_defaults = {
    .alpha = 0.01,
    .min_effect = 0.02,
    .target = 0.05,
    .power = 0.95,
};

const char *change_name(enum change c)
{
    static const char *const names[] = {
        [CHANGE_SLOWER] = "slower",   [CHANGE_FASTER] = "faster",
        [CHANGE_SAME] = "same",       [CHANGE_TOO_FEW] = "too few samples",
        [CHANGE_ABSENT] = "not seen", [CHANGE_IDENTICAL] = "identical",
    };
    return names[c];
}

// What the shuffles work on. Owned by compare_runs.
struct work {
    const struct run_table *base, *head;
    const struct compare_options *options;
    size_t marks, runs, shuffles;
    struct ranks *ranks;       // one for each mark
    double *seen;              // |z| as measured, of each mark
    size_t *order;             // marks, the largest |z| first
    size_t *above, *above_all; // shuffles with a z as large: alone, step-down
    double *largest;           // of each shuffle, over all marks
    size_t nblocks;
    size_t *block;           // of each run, base's first
    size_t *members, *first; // runs of block b: members[first[b]..first[b+1])
    bool *labels;            // true: head's
    double *scratch;         // of both sides
    double critical;         // |z| that alpha of the shuffles exceed
};

static double logarithm(const struct run_table *t, size_t run, size_t mark)
{
    double v = t->values[run * t->marks + mark];
    return v > 0 && isfinite(v) ? log(v) : NAN;
}

// ---- Statistics ------------------------------------------------------------

static bool rank_mark(struct work *w, size_t mark)
{
    size_t n = 0;
    for (size_t i = 0; i < w->base->runs; i++)
        w->scratch[n++] = logarithm(w->base, i, mark);
    for (size_t i = 0; i < w->head->runs; i++)
        w->scratch[n++] = logarithm(w->head, i, mark);
    return ranks_make(w->scratch, w->block, n, w->nblocks, &w->ranks[mark]);
}

// Block by block (Fisher and Yates): members[] lists the runs of each.
static void shuffle(struct work *w, struct random_source *random)
{
    for (size_t b = 0; b < w->nblocks; b++) {
        const size_t *member = w->members + w->first[b];
        for (size_t i = w->first[b + 1] - w->first[b] - 1; i > 0; i--) {
            size_t j = random_below(random, i + 1);
            bool swap = w->labels[member[i]];
            w->labels[member[i]] = w->labels[member[j]];
            w->labels[member[j]] = swap;
        }
    }
}

// A block that would be short goes with the one before.
static void make_blocks(struct work *w)
{
    size_t each = w->options->interleaved ? BLOCK_RUNS : w->runs;
    w->nblocks = w->base->runs / each ? w->base->runs / each : 1;
    for (size_t i = 0; i < w->runs; i++) {
        size_t place = i < w->base->runs ? i : i - w->base->runs;
        size_t b = w->options->interleaved ? place / each : 0;
        w->block[i] = b < w->nblocks ? b : w->nblocks - 1;
    }
    size_t n = 0;
    for (size_t b = 0; b < w->nblocks; b++) {
        w->first[b] = n;
        for (size_t i = 0; i < w->runs; i++) {
            if (w->block[i] == b)
                w->members[n++] = i;
        }
    }
    w->first[w->nblocks] = n;
}

// Rounding must not make an equal statistic a smaller one.
static bool as_large(double z, double seen)
{
    return z >= seen - 1e-9;
}

// One shuffle of whole runs; maxT's step-down looks at the marks from the
// least to the most extreme.
static double count_shuffle(struct work *w)
{
    double largest = 0;
    for (size_t i = w->marks; i-- > 0;) {
        size_t mark = w->order[i];
        double z = fabs(ranks_z(&w->ranks[mark], w->labels));
        if (as_large(z, w->seen[mark]))
            w->above[mark]++;
        if (z > largest)
            largest = z;
        if (as_large(largest, w->seen[mark]))
            w->above_all[mark]++;
    }
    return largest;
}

static void order_marks(struct work *w)
{
    for (size_t i = 0; i < w->marks; i++) {
        size_t at = i;
        while (at > 0 && w->seen[w->order[at - 1]] < w->seen[i]) {
            w->order[at] = w->order[at - 1];
            at--;
        }
        w->order[at] = i;
    }
}

static void run_shuffles(struct work *w)
{
    struct random_source random = {SEED};
    for (size_t i = 0; i < w->runs; i++)
        w->labels[i] = i >= w->base->runs;
    for (size_t mark = 0; mark < w->marks; mark++)
        w->seen[mark] = fabs(ranks_z(&w->ranks[mark], w->labels));
    order_marks(w);
    for (size_t s = 0; s < w->shuffles; s++) {
        shuffle(w, &random);
        w->largest[s] = count_shuffle(w);
    }
    stats_sort(w->largest, w->shuffles);
    w->critical =
        stats_quantile(w->largest, w->shuffles, 1 - w->options->alpha);
}

// ---- One mark --------------------------------------------------------------

// The aligned logarithms of a mark into scratch, base's first; the medians of
// what was measured come along.
static void collect(struct work *w, size_t mark, struct mark_comparison *out)
{
    const struct ranks *r = &w->ranks[mark];
    double *to = w->scratch;
    double *raw = w->scratch + w->runs;
    const struct run_table *sides[2] = {w->base, w->head};
    size_t counts[2] = {0};
    double medians[2] = {0};
    size_t at = 0;
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < sides[s]->runs; i++, at++) {
            if (!r->has[at])
                continue;
            raw[counts[s]++] = sides[s]->values[i * sides[s]->marks + mark];
            *to++ = r->aligned[at];
        }
        medians[s] = counts[s] ? stats_median(raw, counts[s]) : 0;
    }
    out->base_n = counts[0];
    out->head_n = counts[1];
    out->base = medians[0];
    out->head = medians[1];
}

// How many runs of each side are needed so that a shift has this error.
static size_t runs_for(double error, double wanted, size_t runs, size_t least)
{
    double ratio = error / wanted;
    double n = ceil((double)runs * ratio * ratio);
    if (!(n < 1e9))
        return 1000000000;
    return n < (double)least ? least : (size_t)n;
}

// With fewer runs no arrangement of the labels is rare enough: there are
// C(2n,n) of them, and each mark has its own extreme one.
static size_t fewest_runs(const struct work *w)
{
    double ways = 1;
    double n = 0;
    while (2 * (double)w->marks / ways > w->options->alpha) {
        n++;
        ways *= 2 * n * (2 * n - 1) / (n * n);
    }
    // Blocks have fewer arrangements than the whole.
    return (size_t)n + (w->options->interleaved ? BLOCK_RUNS : 1);
}

static void judge(const struct work *w, const struct shift *s,
                  struct mark_comparison *out)
{
    const struct compare_options *o = w->options;
    size_t runs = out->base_n < out->head_n ? out->base_n : out->head_n;
    // The error of the shift; that of a small sample is itself uncertain.
    double error =
        (s->high - s->low) / (2 * INTERVAL_Z) * (1 + 1 / sqrt((double)runs));
    double z = stats_normal_quantile(o->power);
    size_t least = fewest_runs(w);
    out->detectable = exp(error * (w->critical + z)) - 1;
    size_t seen =
        runs_for(error, log1p(o->target) / (w->critical + z), runs, least);
    // A change of `target` must also be measured as more than min_effect.
    size_t beyond = runs_for(
        error, (log1p(o->target) - log1p(o->min_effect)) / z, runs, least);
    out->needed = seen > beyond ? seen : beyond;
    // One run scatters in no way that is known, whatever its rank is.
    bool sure = runs > 1 && out->p_adjusted <= o->alpha;
    if (sure && s->middle >= log1p(o->min_effect))
        out->change = CHANGE_SLOWER;
    else if (sure && s->middle <= -log1p(o->min_effect))
        out->change = CHANGE_FASTER;
    else
        out->change = runs >= out->needed ? CHANGE_SAME : CHANGE_TOO_FEW;
}

static bool compare_mark(struct work *w, size_t mark,
                         struct mark_comparison *out)
{
    *out = (struct mark_comparison){.change = CHANGE_ABSENT};
    collect(w, mark, out);
    size_t total = w->shuffles + 1;
    out->p = (double)(w->above[mark] + 1) / (double)total;
    out->p_adjusted = (double)(w->above_all[mark] + 1) / (double)total;
    if (!out->base_n || !out->head_n)
        return true;
    double *base = w->scratch;
    double *head = w->scratch + out->base_n;
    struct shift s;
    if (!shift_make(base, out->base_n, head, out->head_n, INTERVAL_Z, &s))
        return false;
    out->ratio = exp(s.middle);
    out->low = exp(s.low);
    out->high = exp(s.high);
    out->dominance = s.dominance;
    judge(w, &s, out);
    return true;
}

// A mark can't be surer than one with a larger statistic.
static void make_monotone(struct work *w)
{
    for (size_t i = 1; i < w->marks; i++) {
        size_t before = w->above_all[w->order[i - 1]];
        if (w->above_all[w->order[i]] < before)
            w->above_all[w->order[i]] = before;
    }
}

// ---- The whole -------------------------------------------------------------

static bool allocate(struct work *w)
{
    size_t both = w->base->runs + w->head->runs;
    w->ranks = calloc(w->marks + 1, sizeof(*w->ranks));
    w->seen = calloc(w->marks + 1, sizeof(*w->seen));
    w->order = calloc(w->marks + 1, sizeof(*w->order));
    w->above = calloc(w->marks + 1, sizeof(*w->above));
    w->above_all = calloc(w->marks + 1, sizeof(*w->above_all));
    w->largest = calloc(w->shuffles, sizeof(*w->largest));
    w->labels = calloc(both + 1, sizeof(*w->labels));
    w->block = calloc(both + 1, sizeof(*w->block));
    w->members = calloc(both + 1, sizeof(*w->members));
    w->first = calloc(both + 2, sizeof(*w->first));
    w->scratch = calloc(2 * both + 1, sizeof(*w->scratch));
    return w->ranks && w->seen && w->order && w->above && w->above_all &&
           w->largest && w->labels && w->block && w->members && w->first &&
           w->scratch;
}

static void release(struct work *w)
{
    for (size_t i = 0; w->ranks && i < w->marks; i++)
        ranks_free(&w->ranks[i]);
    void *const blocks[] = {w->ranks,     w->seen,    w->order,  w->above,
                            w->above_all, w->largest, w->labels, w->block,
                            w->members,   w->first,   w->scratch};
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
        free(blocks[i]);
}

static int check_shapes(const struct run_table *base,
                        const struct run_table *head,
                        const struct compare_options *o, struct error *err)
{
    if (base->marks != head->marks)
        return error_set(err, -EINVAL, "%zu marks against %zu", base->marks,
                         head->marks);
    if (o->interleaved && base->runs != head->runs)
        return error_set(err, -EINVAL,
                         "interleaved runs are as many of each: %zu and %zu",
                         base->runs, head->runs);
    if (!base->runs || !head->runs)
        return error_set(err, -EINVAL, "there is nothing to compare");
    if (!(o->alpha > 0 && o->alpha < 1 && o->power > 0.5 && o->power < 1 &&
          o->min_effect >= 0 && o->target > o->min_effect))
        return error_set(err, -EINVAL,
                         "a comparison needs 0 < alpha < 1, 0.5 < power < 1 "
                         "and a target above the minimum effect");
    return 0;
}

int compare_runs(const struct run_table *base, const struct run_table *head,
                 const struct compare_options *options,
                 struct mark_comparison *out, struct error *err)
{
    int code = check_shapes(base, head, options, err);
    if (code)
        return code;
    struct work w = {
        .base = base,
        .head = head,
        .options = options,
        .marks = base->marks,
        .runs = base->runs + head->runs,
        .shuffles = options->shuffles ? options->shuffles : SHUFFLES,
    };
    bool ok = allocate(&w);
    if (ok)
        make_blocks(&w);
    for (size_t mark = 0; ok && mark < w.marks; mark++)
        ok = rank_mark(&w, mark);
    if (ok) {
        run_shuffles(&w);
        make_monotone(&w);
    }
    for (size_t mark = 0; ok && mark < w.marks; mark++)
        ok = compare_mark(&w, mark, &out[mark]);
    release(&w);
    return ok ? 0 : error_set(err, -ENOMEM, "out of memory");
}
