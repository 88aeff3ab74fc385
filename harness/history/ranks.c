// SPDX-License-Identifier: Apache-2.0
// Aligned ranks, Wilcoxon's statistic and the Hodges-Lehmann shift. See
// ranks.h.
#include "harness/history/ranks.h"

#include "harness/history/stats.h"

#include <math.h>
#include <stdlib.h>

struct item {
    double value;
    size_t at;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct item *)a)->value;
    double y = ((const struct item *)b)->value;
    return (x > y) - (x < y);
}

// Ranks from 1; equal values share the mean of theirs.
static void give_midranks(struct item *items, size_t n, double *rank)
{
    if (n)
        qsort(items, n, sizeof(*items), by_value);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && items[end].value <= items[i].value)
            end++;
        for (size_t j = i; j < end; j++)
            rank[items[j].at] = (double)(i + 1 + end) / 2;
        i = end;
    }
}

static bool prepare(size_t n, size_t nblocks, struct ranks *out)
{
    out->rank = calloc(n + 1, sizeof(*out->rank));
    out->aligned = calloc(n + 1, sizeof(*out->aligned));
    out->has = calloc(n + 1, sizeof(*out->has));
    out->blocks = calloc(nblocks + 1, sizeof(*out->blocks));
    return out->rank && out->aligned && out->has && out->blocks;
}

// Takes the block's median off the values of a block.
static void align(struct ranks *r, const double *values, size_t block,
                  double *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->block[i] == block && r->has[i])
            scratch[count++] = values[i];
    }
    if (!count)
        return;
    double middle = stats_median(scratch, count);
    for (size_t i = 0; i < r->n; i++) {
        if (r->block[i] == block && r->has[i])
            r->aligned[i] = values[i] - middle;
    }
}

static void describe_blocks(struct ranks *r)
{
    for (size_t i = 0; i < r->n; i++) {
        if (!r->has[i])
            continue;
        struct rank_block *b = &r->blocks[r->block[i]];
        b->count++;
        b->mean += (r->rank[i] - b->mean) / (double)b->count;
    }
    for (size_t i = 0; i < r->n; i++) {
        struct rank_block *b = &r->blocks[r->block[i]];
        double off = r->rank[i] - b->mean;
        if (r->has[i])
            b->variance += off * off / (double)b->count;
    }
}

bool ranks_make(const double *values, const size_t *block, size_t n,
                size_t nblocks, struct ranks *out)
{
    *out = (struct ranks){.n = n, .nblocks = nblocks, .block = block};
    struct item *items = calloc(n + 1, sizeof(*items));
    double *scratch = calloc(n + 1, sizeof(*scratch));
    bool ok = prepare(n, nblocks, out) && items && scratch;
    for (size_t i = 0; ok && i < n; i++)
        out->has[i] = !isnan(values[i]);
    for (size_t b = 0; ok && b < nblocks; b++)
        align(out, values, b, scratch);
    size_t count = 0;
    for (size_t i = 0; ok && i < n; i++) {
        if (out->has[i])
            items[count++] = (struct item){out->aligned[i], i};
    }
    if (ok) {
        give_midranks(items, count, out->rank);
        describe_blocks(out);
    }
    free(items);
    free(scratch);
    return ok;
}

void ranks_free(struct ranks *r)
{
    free(r->rank);
    free(r->aligned);
    free(r->has);
    free(r->blocks);
    *r = (struct ranks){0};
}

double ranks_z(struct ranks *r, const bool *head)
{
    for (size_t b = 0; b < r->nblocks; b++) {
        r->blocks[b].sum = 0;
        r->blocks[b].heads = 0;
    }
    for (size_t i = 0; i < r->n; i++) {
        if (!r->has[i] || !head[i])
            continue;
        r->blocks[r->block[i]].sum += r->rank[i];
        r->blocks[r->block[i]].heads++;
    }
    double excess = 0;
    double variance = 0;
    for (size_t i = 0; i < r->nblocks; i++) {
        const struct rank_block *b = &r->blocks[i];
        if (!b->heads || b->heads == b->count)
            continue;
        // Sampling `heads` of the ranks without replacement.
        double k = (double)b->heads;
        double n = (double)b->count;
        excess += b->sum - k * b->mean;
        variance += k * (n - k) / (n - 1) * b->variance;
    }
    return variance > 0 ? excess / sqrt(variance) : 0;
}

// The interval from the ordered differences: the rank statistic counts how many
// of them are above 0, so its quantiles are their places.
static void take_interval(double *all, size_t n, double deviation, double z,
                          struct shift *out)
{
    stats_sort(all, n);
    double k = floor((double)n / 2 - z * deviation);
    size_t place = k < 1 ? 0 : (size_t)k;
    out->middle = stats_quantile(all, n, 0.5);
    out->low = all[place];
    out->high = all[n - 1 - place];
    double balance = 0;
    for (size_t i = 0; i < n; i++)
        balance += (all[i] > 0) - (all[i] < 0);
    out->dominance = balance / (double)n;
}

bool shift_make(const double *base, size_t nb, const double *head, size_t nh,
                double z, struct shift *out)
{
    double *all = calloc(nb * nh, sizeof(*all));
    if (!all)
        return false;
    for (size_t i = 0; i < nb; i++) {
        for (size_t j = 0; j < nh; j++)
            all[i * nh + j] = head[j] - base[i];
    }
    double b = (double)nb;
    double h = (double)nh;
    take_interval(all, nb * nh, sqrt(b * h * (b + h + 1) / 12), z, out);
    free(all);
    return true;
}
