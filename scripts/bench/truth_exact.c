// SPDX-License-Identifier: Apache-2.0
// Every four seeds of real boots in the exact rig, compared. See truth_exact.h.
//
// A boot there is the same each time, so all that a comparison depends on is
// which seeds it has: with the boots of 24 seeds, 10,626 comparisons are made
// that each could have been somebody's. They share boots, so their rates are
// not those of as many independent ones.
#include "scripts/bench/truth_exact.h"

#include "harness/history/exact_compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MARKS  8
#define MOST_IMAGES 32
#define MOST_SEEDS  64
#define SEEDS       4 // of a comparison
#define NAME        40

struct image {
    char name[NAME];
    double effect; // injected, a fraction
    size_t count;
    unsigned long seeds[MOST_SEEDS];
    double marks[MOST_SEEDS][MOST_MARKS];
};

struct pool {
    size_t marks, count;
    struct image images[MOST_IMAGES];
};

static struct image *find(struct pool *p, const char *name, double effect)
{
    for (size_t i = 0; i < p->count; i++) {
        struct image *one = &p->images[i];
        if (!strcmp(one->name, name) && fabs(one->effect - effect) < 1e-9)
            return one;
    }
    if (p->count == MOST_IMAGES)
        return NULL;
    struct image *one = &p->images[p->count++];
    snprintf(one->name, sizeof(one->name), "%s", name);
    one->effect = effect;
    return one;
}

static bool take_line(struct pool *p, char *line)
{
    char *rest = NULL;
    const char *name = strtok_r(line, " \n", &rest);
    const char *effect = strtok_r(NULL, " \n", &rest);
    const char *seed = strtok_r(NULL, " \n", &rest);
    struct image *one = seed ? find(p, name, strtod(effect, NULL) / 100) : NULL;
    if (!one || one->count == MOST_SEEDS)
        return false;
    size_t n = 0;
    const char *word;
    while (n < MOST_MARKS && (word = strtok_r(NULL, " \n", &rest)))
        one->marks[one->count][n++] = strtod(word, NULL);
    one->seeds[one->count++] = strtoul(seed, NULL, 10);
    if (!p->marks)
        p->marks = n;
    return n && n == p->marks;
}

static bool read_pool(struct pool *p, const char *path)
{
    FILE *f = fopen(path, "re");
    char line[512];
    bool good = f != NULL;
    while (good && fgets(line, sizeof(line), f))
        good = take_line(p, line);
    if (f)
        fclose(f);
    return good && p->count;
}

// Of one kind of comparison.
struct outcome {
    unsigned made, slower, same, identical, too_few, alarms;
    double least, most; // that was said
};

// boots of both sides, SEEDS of each, as they were chosen.
static void judge(const struct pool *p, const double *const base[SEEDS],
                  const double *const head[SEEDS], bool changed,
                  struct outcome *out)
{
    double a[SEEDS * MOST_MARKS], b[SEEDS * MOST_MARKS];
    struct mark_comparison c[MOST_MARKS];
    struct error err = {""};
    for (size_t i = 0; i < SEEDS; i++) {
        memcpy(a + i * p->marks, base[i], p->marks * sizeof(*a));
        memcpy(b + i * p->marks, head[i], p->marks * sizeof(*b));
    }
    const struct run_table ta = {SEEDS, p->marks, a}, tb = {SEEDS, p->marks, b};
    if (compare_exact(&ta, &tb, &exact_defaults, c, &err)) {
        fprintf(stderr, "truth: %s\n", err.text);
        exit(1);
    }
    const struct mark_comparison *last = &c[p->marks - 1];
    out->least =
        out->made && out->least < last->ratio ? out->least : last->ratio;
    out->most = out->made && out->most > last->ratio ? out->most : last->ratio;
    out->made++;
    out->slower += last->change == CHANGE_SLOWER;
    out->same += last->change == CHANGE_SAME;
    out->too_few += last->change == CHANGE_TOO_FEW;
    out->identical += last->change == CHANGE_IDENTICAL;
    bool alarm = false;
    for (size_t i = 0; i < p->marks; i++) {
        bool told =
            c[i].change == CHANGE_SLOWER || c[i].change == CHANGE_FASTER;
        // What comes before the delay didn't change.
        alarm |= told && !(changed && i == p->marks - 1 &&
                           c[i].change == CHANGE_SLOWER);
    }
    out->alarms += alarm;
}

// All choices of seeds that both images have.
static void compare_pairs(const struct pool *p, const struct image *base,
                          const struct image *head, struct outcome *out)
{
    const double *a[MOST_SEEDS], *b[MOST_SEEDS];
    size_t n = 0;
    for (size_t i = 0; i < base->count; i++) {
        for (size_t k = 0; k < head->count; k++) {
            if (base->seeds[i] != head->seeds[k])
                continue;
            a[n] = base->marks[i];
            b[n++] = head->marks[k];
        }
    }
    bool changed = head->effect > base->effect;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            for (size_t k = j + 1; k < n; k++)
                for (size_t l = k + 1; l < n; l++)
                    judge(p, (const double *[]){a[i], a[j], a[k], a[l]},
                          (const double *[]){b[i], b[j], b[k], b[l]}, changed,
                          out);
}

static void print(const char *what, double effect, const struct outcome *o)
{
    if (!o->made)
        return;
    printf("%-22s %6.2f%% %8u %+7.3f to %+6.3f%% %7.1f%% %6.1f%% %6.1f%% "
           "%6.1f%% %7u\n",
           what, 100 * effect, o->made, 100 * (o->least - 1),
           100 * (o->most - 1), 100.0 * o->slower / o->made,
           100.0 * o->same / o->made, 100.0 * o->identical / o->made,
           100.0 * o->too_few / o->made, o->alarms);
    fflush(stdout);
}

// As if the states of both sides had nothing to do with each other, whose boots
// are those of one image: four seeds against four others.
static void compare_strangers(const struct pool *p, const struct image *one,
                              struct outcome *out)
{
    const size_t n = one->count;
    for (size_t from = 0; from + 1 < n && n >= 2 * (size_t)SEEDS; from++) {
        for (size_t step = 1; step <= n / SEEDS / 2; step++) {
            const double *a[SEEDS], *b[SEEDS];
            for (size_t i = 0; i < SEEDS; i++) {
                a[i] = one->marks[(from + 2 * i * step) % n];
                b[i] = one->marks[(from + (2 * i + 1) * step) % n];
            }
            judge(p, a, b, false, out);
            judge(p, b, a, false, out);
        }
    }
}

// Alike in what matters: against each other, and against themselves.
static void compare_alike(const struct pool *p)
{
    const struct image *first = &p->images[0];
    struct outcome itself = {0}, strangers = {0}, others = {0};
    for (size_t i = 0; i < p->count; i++) {
        const struct image *one = &p->images[i];
        if (one->effect > 0)
            continue;
        compare_pairs(p, one, one, &itself);
        compare_strangers(p, one, &strangers);
        for (size_t k = 1; k < p->count; k++) {
            if (k != i && i && !(p->images[k].effect > 0))
                compare_pairs(p, one, &p->images[k], &others);
        }
    }
    print("equal", 0, &itself);
    print("equal, other seeds", 0, &strangers);
    for (size_t k = 1; k < p->count; k++) {
        struct outcome pairs = {0};
        if (p->images[k].effect > 0)
            continue;
        compare_pairs(p, first, &p->images[k], &pairs);
        print(p->images[k].name, 0, &pairs);
    }
    print("these among themselves", 0, &others);
}

// The first image, and those that are like it, against one with a delay.
static void compare_delayed(const struct pool *p, const struct image *head)
{
    struct outcome first = {0}, others = {0};
    for (size_t i = 0; i < p->count; i++) {
        if (!(p->images[i].effect > 0))
            compare_pairs(p, &p->images[i], head, i ? &others : &first);
    }
    print("delayed", head->effect, &first);
    print("delayed, other bytes", head->effect, &others);
}

static int by_effect(const void *a, const void *b)
{
    const struct image *x = a, *y = b;
    return (x->effect > y->effect) - (x->effect < y->effect);
}

int truth_exact(const char *path)
{
    static struct pool p;
    size_t boots = 0;
    if (!read_pool(&p, path) || p.images[0].effect > 0) {
        fprintf(stderr, "truth: %s holds no boots\n", path);
        return 2;
    }
    for (size_t i = 0; i < p.count; i++)
        boots += p.images[i].count;
    printf("%zu real boots; all choices of %d seeds\n"
           "%-22s %7s %8s %19s %8s %7s %7s %7s %7s\n",
           boots, SEEDS, "sides", "effect", "compared", "said", "slower",
           "same", "ident.", "few", "alarms");
    compare_alike(&p);
    qsort(p.images + 1, p.count - 1, sizeof(p.images[0]), by_effect);
    for (size_t i = 1; i < p.count; i++) {
        if (p.images[i].effect > 0)
            compare_delayed(&p, &p.images[i]);
    }
    return 0;
}
