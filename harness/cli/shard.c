// SPDX-License-Identifier: Apache-2.0
// Splitting a suite over runners. See shard.h.
//
// Each runner computes the whole split for itself, from the same cases and the
// same history. So a shard never adds to it: the next one would see another
// history; `merge --history` does. Where others do it meanwhile, two shards may
// still be split differently: then their texts of the split differ, and `merge`
// tells.
#include "harness/cli/shard.h"

#include "harness/cli/keep.h"
#include "harness/history/history.h"
#include "harness/history/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// How much of the history tells how long something takes.
#define NEWEST_RUNS 20000

// ---- The split --------------------------------------------------------------

struct weighed {
    const char *name;
    double weight;
    size_t index;
};

static int heaviest_first(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    if (x->weight < y->weight || x->weight > y->weight)
        return x->weight > y->weight ? -1 : 1;
    return strcmp(x->name, y->name);
}

int shard_split(const char *const *names, const double *weights, size_t count,
                unsigned shards, unsigned *part)
{
    struct weighed *list = calloc(count + 1, sizeof(*list));
    double *load = calloc(shards, sizeof(*load));
    if (!list || !load) {
        free(list);
        free(load);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++)
        list[i] = (struct weighed){names[i], weights[i], i};
    qsort(list, count, sizeof(*list), heaviest_first);
    for (size_t i = 0; i < count; i++) {
        unsigned least = 0;
        for (unsigned k = 1; k < shards; k++) {
            if (load[k] < load[least])
                least = k;
        }
        part[list[i].index] = least;
        load[least] += list[i].weight;
    }
    free(list);
    free(load);
    return 0;
}

// ---- Weights ----------------------------------------------------------------

// One boot's duration of each scenario in the history.
struct times {
    const char *const *names;
    size_t count;
    struct list {
        size_t n, capacity;
        double *values;
    } * lists;
};

static int take_run(void *owner, const struct history_run *run,
                    struct error *err)
{
    struct times *t = owner;
    // Its time is none of a clock on the wall.
    if (!strcmp(run->environment.accelerator, "exact"))
        return 0;
    for (size_t i = 0; i < t->count; i++) {
        struct list *l = &t->lists[i];
        if (strcmp(t->names[i], run->scenario) != 0)
            continue;
        if (l->n == l->capacity) {
            size_t capacity = l->capacity ? l->capacity * 2 : 8;
            double *more = reallocarray(l->values, capacity, sizeof(*more));
            if (!more)
                return error_set(err, -ENOMEM, "out of memory");
            l->values = more;
            l->capacity = capacity;
        }
        l->values[l->n++] = (double)run->duration_ns;
    }
    return 0;
}

// A scenario that never ran takes as long as the median one.
static int fill_unknown(double *weights, size_t count)
{
    double *known = calloc(count + 1, sizeof(*known));
    size_t n = 0;
    if (!known)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (weights[i] > 0)
            known[n++] = weights[i];
    }
    double typical = n ? stats_median(known, n) : 1;
    for (size_t i = 0; i < count; i++) {
        if (!(weights[i] > 0))
            weights[i] = typical;
    }
    free(known);
    return 0;
}

static int read_times(const char *url, const char *const *names, size_t count,
                      double *weights, struct error *err)
{
    struct times t = {names, count, calloc(count + 1, sizeof(*t.lists))};
    struct history_query query = {.passed_only = true, .newest = NEWEST_RUNS};
    struct history *h = NULL;
    int code = t.lists ? history_open(url, &h, err)
                       : error_set(err, -ENOMEM, "out of memory");
    if (!code)
        code = history_read(h, &query, take_run, &t, err);
    for (size_t i = 0; t.lists && i < count; i++) {
        struct list *l = &t.lists[i];
        if (!code && l->n)
            weights[i] = stats_median(l->values, l->n);
        free(l->values);
    }
    history_close(h);
    free(t.lists);
    return code;
}

static unsigned boots_of(const struct options *o, const struct selected *one)
{
    uint64_t runs =
        o->repeat ? (uint64_t)o->repeat : one->what.scenario->repeats;
    return (unsigned)(runs ? runs : 1) + (unsigned)o->warmups;
}

// ---- The selection ----------------------------------------------------------

static int name_all(const struct selection *s, char ***out)
{
    char **names = calloc(s->count + 1, sizeof(*names));
    int code = names ? 0 : -ENOMEM;
    for (size_t i = 0; !code && i < s->count; i++) {
        if (asprintf(&names[i], "%s/%s", s->list[i].suite, s->list[i].name) <
            0) {
            names[i] = NULL;
            code = -ENOMEM;
        }
    }
    *out = names;
    return code;
}

static void free_names(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

// FNV-1a of which case is whose: told to find a mistake, not an enemy.
static int describe(char **names, const unsigned *part, size_t count,
                    char **split)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++) {
        for (const char *at = names[i]; *at; at++)
            sum = (sum ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
        sum = (sum ^ (part[i] + 256U)) * UINT64_C(0x100000001b3);
    }
    return asprintf(split, "%016" PRIx64, sum) < 0 ? -ENOMEM : 0;
}

// In the rig: what the process outside has chosen.
static void keep_listed(struct selection *s, char **names, FILE *f)
{
    char line[8192];
    bool *listed = calloc(s->count + 1, sizeof(*listed));
    while (listed && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < s->count; i++)
            listed[i] |= !strcmp(names[i], line);
    }
    for (size_t i = s->count; listed && i-- > 0;) {
        if (!listed[i])
            selection_drop(s, i);
    }
    free(listed);
}

static int split_here(const struct options *o, struct selection *s,
                      char **names, char **split, struct error *err)
{
    size_t count = s->count;
    double *weights = calloc(count + 1, sizeof(*weights));
    unsigned *part = calloc(count + 1, sizeof(*part));
    int code = -ENOMEM;
    if (weights && part)
        code = 0;
    if (!code && o->history)
        code = read_times(o->history, (const char *const *)names, count,
                          weights, err);
    if (!code)
        code = fill_unknown(weights, count);
    for (size_t i = 0; !code && i < count; i++)
        weights[i] *= boots_of(o, &s->list[i]);
    if (!code)
        code = shard_split((const char *const *)names, weights, count,
                           o->shard.count, part);
    if (!code)
        code = describe(names, part, count, split);
    for (size_t i = count; !code && i-- > 0;) {
        if (part[i] != o->shard.index - 1)
            selection_drop(s, i);
    }
    free(weights);
    free(part);
    return code;
}

int shard_apply(const struct options *o, struct selection *s, char **split,
                struct error *err)
{
    char **names = NULL;
    *split = NULL;
    if (!o->shard.count)
        return 0;
    int code = name_all(s, &names);
    FILE *chosen = keep_open_cases();
    if (!code && chosen)
        keep_listed(s, names, chosen);
    else if (!code)
        code = split_here(o, s, names, split, err);
    if (chosen)
        fclose(chosen);
    free_names(names);
    if (code && !*err->text)
        error_set(err, code, "out of memory");
    return code;
}
