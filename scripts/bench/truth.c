// SPDX-License-Identifier: Apache-2.0
// Proves the comparison: how often `compare` cries wolf, and how often it sees
// a change of known size. On simulated boots with the number of runs that it
// asks for itself; on samples of real ones with given numbers. Run by truth.sh.
//
// A simulated boot has the troubles of real ones: a skewed body, outliers of up
// to a third (a busy neighbour), a slow drift of the machine over the session,
// and marks that share most of their time.
#include "harness/history/compare.h"
#include "harness/history/random.h"
#include "scripts/bench/truth_exact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARKS    6
#define MAX_RUNS 400
#define MOST     60 // that `compare` makes unless it is told otherwise

static double uniform(struct random_source *r)
{
    return ((double)(random_next(r) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct random_source *r)
{
    return sqrt(-2 * log(uniform(r))) * cos(2 * M_PI * uniform(r));
}

struct host {
    double noise;    // of a boot, as a fraction
    double outliers; // share of boots that are slowed down
    double drift;    // of the machine from boot to boot, as a fraction
};

struct session {
    struct random_source random;
    const struct host *host;
    double speed; // wanders
};

// One boot: each mark comes after a part of its own, so that they hang
// together. The last two are delayed by effect.
static void boot(struct session *s, double effect, double *marks)
{
    static const double parts[MARKS] = {0.05, 0.30, 0.60, 0.25, 0.15, 0.40};
    struct random_source *r = &s->random;
    s->speed *= exp(s->host->drift * normal(r));
    s->speed = pow(s->speed, 0.98);
    double slow = uniform(r) < s->host->outliers ? 1 + uniform(r) / 3 : 1;
    double shared = exp(s->host->noise * normal(r));
    double at = 0;
    for (size_t i = 0; i < MARKS; i++) {
        double own = exp(s->host->noise * normal(r));
        at += parts[i] * own * shared * slow * s->speed;
        marks[i] = at;
    }
    // A delay at the end of the boot: it makes the last mark `effect` later.
    marks[MARKS - 1] += effect * marks[MARKS - 1];
}

struct outcome {
    unsigned alarms, detected, too_few, trials;
    double needed; // sum
};

struct tables {
    double base[MAX_RUNS * MARKS], head[MAX_RUNS * MARKS];
};

static void measure(struct session *s, size_t from, size_t runs, double effect,
                    bool interleaved, struct tables *t)
{
    for (size_t i = from; i < runs; i++) {
        boot(s, 0, t->base + i * MARKS);
        if (interleaved)
            boot(s, effect, t->head + i * MARKS);
    }
    for (size_t i = from; i < runs && !interleaved; i++)
        boot(s, effect, t->head + i * MARKS);
}

static void compare(const struct tables *t, size_t runs,
                    const struct compare_options *o,
                    struct mark_comparison out[MARKS])
{
    struct error err = {""};
    const struct run_table base = {runs, MARKS, t->base};
    const struct run_table head = {runs, MARKS, t->head};
    if (compare_runs(&base, &head, o, out, &err)) {
        fprintf(stderr, "truth: %s\n", err.text);
        exit(1);
    }
}

// As `compare` does it: a first look with `first` runs; then as many more as it
// asks for, judged once. Runs that lie apart in time can't go on where they
// were: they are measured anew.
static void trial(struct session *s, size_t first, double effect,
                  const struct compare_options *o, struct outcome *out)
{
    static struct tables t;
    struct mark_comparison c[MARKS];
    measure(s, 0, first, effect, o->interleaved, &t);
    compare(&t, first, o, c);
    size_t runs = first;
    for (size_t i = 0; i < MARKS; i++) {
        if (c[i].needed > runs)
            runs = c[i].needed;
    }
    if (runs > MOST)
        runs = MOST;
    measure(s, o->interleaved ? first : 0, runs, effect, o->interleaved, &t);
    compare(&t, runs, o, c);
    out->trials++;
    out->needed += (double)runs;
    bool alarm = false;
    for (size_t i = 0; i < MARKS; i++) {
        bool changed =
            c[i].change == CHANGE_SLOWER || c[i].change == CHANGE_FASTER;
        if (changed && (i < MARKS - 1 || effect <= 0))
            alarm = true;
    }
    out->alarms += alarm;
    out->detected += c[MARKS - 1].change == CHANGE_SLOWER;
    out->too_few += c[MARKS - 1].change == CHANGE_TOO_FEW;
}

// ---- Samples of real boots --------------------------------------------------

#define REAL_MARKS 2 // before the delay, and after it
#define BLOCK      5 // neighbouring pairs that are drawn together
#define SAMPLES    400

// Pairs of boots without any delay: what was injected is taken off again, so
// that pairs of all effects tell of the host's noise.
struct pairs {
    size_t count;
    double base[MAX_RUNS][REAL_MARKS], head[MAX_RUNS][REAL_MARKS];
};

// Numbers of a line; how many there are, at most most.
static size_t numbers(char *line, double *out, size_t most)
{
    size_t n = 0;
    for (char *end; n < most; line = end) {
        out[n] = strtod(line, &end);
        if (end == line)
            break;
        n++;
    }
    return n;
}

// The first line is the delay, then a line for each pair; all nanoseconds.
static bool read_pairs(const char *path, struct pairs *p)
{
    FILE *f = fopen(path, "re");
    char line[256];
    double delay = 0, v[2L * REAL_MARKS];
    bool good =
        f && fgets(line, sizeof(line), f) && numbers(line, &delay, 1) == 1;
    while (good && p->count < MAX_RUNS && fgets(line, sizeof(line), f)) {
        good = numbers(line, v, 2L * REAL_MARKS) == 2L * REAL_MARKS;
        if (!good)
            break;
        memcpy(p->base[p->count], v, sizeof(p->base[0]));
        memcpy(p->head[p->count], v + REAL_MARKS, sizeof(p->head[0]));
        p->head[p->count++][1] -= delay;
    }
    if (f)
        fclose(f);
    return good;
}

// runs pairs, in blocks, their sides dealt anew; then the delay is put on.
static void draw(struct random_source *r, const struct pairs *p, size_t runs,
                 double effect, struct tables *t)
{
    size_t from = 0;
    for (size_t i = 0; i < runs; i++) {
        if (i % BLOCK == 0)
            from = random_next(r) % (p->count - BLOCK + 1);
        const double *a = p->base[from + i % BLOCK];
        const double *b = p->head[from + i % BLOCK];
        bool swap = random_next(r) >> 63;
        memcpy(t->base + i * REAL_MARKS, swap ? b : a, sizeof(p->base[0]));
        memcpy(t->head + i * REAL_MARKS, swap ? a : b, sizeof(p->head[0]));
        t->head[i * REAL_MARKS + 1] *= 1 + effect;
    }
}

static void sample(const struct pairs *p, size_t runs, double effect,
                   struct outcome *out)
{
    static struct tables t;
    struct compare_options o = compare_defaults;
    struct random_source random = {1000 * runs + (uint64_t)(effect * 100)};
    o.interleaved = true;
    o.shuffles = 2000;
    for (; out->trials < SAMPLES; out->trials++) {
        struct mark_comparison c[REAL_MARKS];
        struct error err = {""};
        draw(&random, p, runs, effect, &t);
        const struct run_table base = {runs, REAL_MARKS, t.base};
        const struct run_table head = {runs, REAL_MARKS, t.head};
        if (compare_runs(&base, &head, &o, c, &err)) {
            fprintf(stderr, "truth: %s\n", err.text);
            exit(1);
        }
        bool early =
            c[0].change == CHANGE_SLOWER || c[0].change == CHANGE_FASTER;
        bool late =
            c[1].change == CHANGE_SLOWER || c[1].change == CHANGE_FASTER;
        out->alarms += early || (late && effect <= 0);
        out->detected += c[1].change == CHANGE_SLOWER;
        out->too_few += c[1].change == CHANGE_TOO_FEW;
        out->needed += (double)c[1].needed;
    }
}

static void resample(const struct pairs *p)
{
    static const size_t sizes[] = {10, 20, 40, 60, 120, 240};
    static const double effects[] = {0, 0.01, 0.02, 0.05, 0.10};
    printf("samples of %zu real pairs\n%6s %6s %8s %9s %9s %8s\n", p->count,
           "effect", "pairs", "alarms", "detected", "too few", "asked");
    for (size_t e = 0; e < sizeof(effects) / sizeof(effects[0]); e++) {
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            struct outcome out = {0};
            sample(p, sizes[k], effects[e], &out);
            printf("%5.0f%% %6zu %7.2f%% %8.1f%% %8.1f%% %8.0f\n",
                   100 * effects[e], sizes[k], 100.0 * out.alarms / out.trials,
                   100.0 * out.detected / out.trials,
                   100.0 * out.too_few / out.trials, out.needed / out.trials);
            fflush(stdout);
        }
    }
}

static void simulate(unsigned trials)
{
    const size_t first = 10;
    static const struct {
        const char *name;
        struct host host;
    } hosts[] = {
        {"quiet", {0.004, 0.01, 0.0005}},
        {"shared runner", {0.015, 0.05, 0.002}},
        {"noisy", {0.03, 0.10, 0.005}},
    };
    static const double effects[] = {0, 0.01, 0.02, 0.05, 0.10};
    printf("%-14s %-12s %6s %8s %8s %9s %9s\n", "host", "runs", "effect",
           "asked", "alarms", "detected", "too few");
    for (size_t h = 0; h < sizeof(hosts) / sizeof(hosts[0]); h++) {
        for (int paired = 1; paired >= 0; paired--) {
            for (size_t e = 0; e < sizeof(effects) / sizeof(effects[0]); e++) {
                struct compare_options o = compare_defaults;
                o.interleaved = paired;
                o.shuffles = 2000;
                struct outcome out = {0};
                struct session s = {{1000 * h + e}, &hosts[h].host, 1};
                for (unsigned i = 0; i < trials; i++)
                    trial(&s, first, effects[e], &o, &out);
                printf("%-14s %-12s %5.0f%% %8.1f %7.2f%% %8.1f%% %8.1f%%\n",
                       hosts[h].name, paired ? "interleaved" : "apart",
                       effects[e] * 100, out.needed / out.trials,
                       100.0 * out.alarms / out.trials,
                       100.0 * out.detected / out.trials,
                       100.0 * out.too_few / out.trials);
                fflush(stdout);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static struct pairs pairs;
    if (argc == 3 && !strcmp(argv[1], "simulate")) {
        simulate((unsigned)strtoul(argv[2], NULL, 10));
        return 0;
    }
    if (argc == 3 && !strcmp(argv[1], "exact"))
        return truth_exact(argv[2]);
    bool good = argc > 2 && !strcmp(argv[1], "resample");
    for (int i = 2; good && i < argc; i++)
        good = read_pairs(argv[i], &pairs);
    if (good && pairs.count >= 2L * BLOCK) {
        resample(&pairs);
        return 0;
    }
    fprintf(stderr, "usage: bench-truth simulate TRIALS\n"
                    "       bench-truth resample FILE-OF-PAIRS...\n"
                    "       bench-truth exact FILE-OF-BOOTS\n");
    return 2;
}
