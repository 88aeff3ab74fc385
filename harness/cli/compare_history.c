// SPDX-License-Identifier: Apache-2.0
// Comparing what was measured at different times. See compare_history.h.
#include "harness/cli/compare_history.h"

#include "harness/cli/cli.h"
#include "harness/cli/compare_tell.h"
#include "harness/cli/launch.h"
#include "harness/history/history.h"
#include "harness/history/mark_list.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_PREFIX 4

struct sample {
    char *mark;
    double value; // ns
};

// One recorded boot, copied.
struct recorded {
    char *scenario, *guest;
    char environment[65];
    size_t count;
    struct sample *values;
};

struct side {
    const char *name; // as it was given
    char *commit;     // that it is
    size_t count;
    struct recorded *runs;
};

struct recordings_of {
    struct side side[2];
    bool cpu;
    unsigned seen; // runs in the history
};

static bool is_prefix(const char *prefix, const char *whole)
{
    size_t len = strlen(prefix);
    return len >= LEAST_PREFIX && whole && !strncmp(whole, prefix, len);
}

// Runs come oldest first, so that the last that fits is the newest.
static int find_commits(void *owner, const struct history_run *run,
                        struct error *err)
{
    struct recordings_of *all = owner;
    all->seen++;
    for (size_t i = 0; run->commit && i < 2; i++) {
        struct side *s = &all->side[i];
        bool branch = run->branch && !strcmp(run->branch, s->name);
        if (!branch && !is_prefix(s->name, run->commit))
            continue;
        if (s->commit && !branch && strcmp(s->commit, run->commit) != 0)
            return error_set(err, -EINVAL,
                             "%s is the beginning of several commits: %.12s, "
                             "%.12s",
                             s->name, s->commit, run->commit);
        free(s->commit);
        s->commit = strdup(run->commit);
        if (!s->commit)
            return error_set(err, -ENOMEM, "out of memory");
    }
    return 0;
}

static int copy_values(struct recorded *to, const struct history_run *run,
                       bool cpu)
{
    to->values = calloc(run->nmarks + 1, sizeof(*to->values));
    if (!to->values)
        return -ENOMEM;
    for (size_t i = 0; i < run->nmarks; i++) {
        const struct history_mark *m = &run->marks[i];
        uint64_t ns = cpu ? m->cpu_ns : m->wall_ns;
        if (!ns)
            continue;
        to->values[to->count] = (struct sample){strdup(m->name), (double)ns};
        if (!to->values[to->count++].mark)
            return -ENOMEM;
    }
    return 0;
}

struct taker {
    struct side *side;
    bool cpu;
};

static int take_run(void *owner, const struct history_run *run,
                    struct error *err)
{
    const struct taker *t = owner;
    struct side *s = t->side;
    struct recorded *runs = reallocarray(s->runs, s->count + 1, sizeof(*runs));
    if (!runs)
        return error_set(err, -ENOMEM, "out of memory");
    s->runs = runs;
    struct recorded *r = &runs[s->count++];
    *r = (struct recorded){.scenario = strdup(run->scenario),
                           .guest = strdup(run->guest)};
    memcpy(r->environment, run->environment_id, sizeof(r->environment));
    if (!r->scenario || !r->guest || copy_values(r, run, t->cpu))
        return error_set(err, -ENOMEM, "out of memory");
    return 0;
}

static int read_sides(struct recordings_of *all, const struct options *o,
                      struct history *h, struct error *err)
{
    const struct history_query every = {.scenario = o->scenario,
                                        .guest = o->guest};
    int code = history_read(h, &every, find_commits, all, err);
    for (size_t i = 0; !code && i < 2; i++) {
        struct side *s = &all->side[i];
        struct taker taker = {s, o->cpu};
        struct history_query query = {.scenario = o->scenario,
                                      .guest = o->guest,
                                      .commit = s->commit,
                                      .passed_only = true,
                                      .newest = (uint64_t)o->newest};
        if (!s->commit)
            return error_set(err, -EINVAL,
                             "%s is no branch and no commit of the history; "
                             "%u of its runs were looked at",
                             s->name, all->seen);
        code = history_read(h, &query, take_run, &taker, err);
    }
    if (!code && !strcmp(all->side[0].commit, all->side[1].commit))
        code = error_set(err, -EINVAL, "%s and %s are the same commit, %.12s",
                         all->side[0].name, all->side[1].name,
                         all->side[0].commit);
    return code;
}

static void free_sides(struct recordings_of *all)
{
    for (size_t i = 0; i < 2; i++) {
        struct side *s = &all->side[i];
        for (size_t k = 0; k < s->count; k++) {
            struct recorded *r = &s->runs[k];
            for (size_t m = 0; m < r->count; m++)
                free(r->values[m].mark);
            free(r->values);
            free(r->scenario);
            free(r->guest);
        }
        free(s->runs);
        free(s->commit);
    }
}

// ---- One group: the same scenario, guest and environment --------------------

static bool is_same(const struct recorded *a, const struct recorded *b)
{
    return !strcmp(a->scenario, b->scenario) && !strcmp(a->guest, b->guest) &&
           !strcmp(a->environment, b->environment);
}

static size_t count_same(const struct side *s, const struct recorded *like,
                         size_t before)
{
    size_t n = 0;
    for (size_t i = 0; i < before; i++)
        n += is_same(&s->runs[i], like);
    return n;
}

// The marks of a run, in the order of their times, that are wanted.
static size_t list_marks(const struct recorded *r, const char *wanted,
                         const char **names)
{
    size_t n = 0;
    for (size_t i = 0; i < r->count; i++) {
        const char *mark = r->values[i].mark;
        if (wanted ? mark_listed(wanted, mark)
                   : strcmp(mark, "process_start") != 0)
            names[n++] = mark;
    }
    return n;
}

static double *make_table(const struct side *s, const struct recorded *like,
                          const char *const *names, size_t nmarks, size_t n)
{
    double *values = calloc(n * nmarks + 1, sizeof(*values));
    size_t row = 0;
    for (size_t i = 0; values && i < s->count; i++) {
        const struct recorded *r = &s->runs[i];
        if (!is_same(r, like))
            continue;
        for (size_t k = 0; k < nmarks; k++) {
            double value = NAN;
            for (size_t m = 0; m < r->count; m++) {
                if (!strcmp(r->values[m].mark, names[k]))
                    value = r->values[m].value;
            }
            values[row * nmarks + k] = value;
        }
        row++;
    }
    return values;
}

static int compare_group(struct telling *t, const struct recordings_of *all,
                         const struct recorded *like, struct error *err)
{
    const struct side *base = &all->side[0], *head = &all->side[1];
    size_t base_n = count_same(base, like, base->count);
    size_t head_n = count_same(head, like, head->count);
    const char **names = calloc(like->count + 1, sizeof(*names));
    size_t n = names ? list_marks(like, t->o->marks, names) : 0;
    struct mark_comparison *out = calloc(n + 1, sizeof(*out));
    struct compared_mark *marks = calloc(n + 1, sizeof(*marks));
    double *a = names ? make_table(base, like, names, n, base_n) : NULL;
    double *b = names ? make_table(head, like, names, n, head_n) : NULL;
    int code = -ENOMEM;
    if (out && marks && a && b && n) {
        const struct run_table before = {base_n, n, a}, after = {head_n, n, b};
        code = compare_runs(&before, &after, &t->how, out, err);
    } else if (names && !n) {
        code = 0; // no mark is wanted of it
    }
    for (size_t i = 0; !code && i < n; i++)
        marks[i] = (struct compared_mark){names[i], out[i]};
    if (!code && n)
        telling_case(t, like->scenario, marks, n);
    free(names);
    free(out);
    free(marks);
    free(a);
    free(b);
    return code;
}

static int compare_groups(struct telling *t, const struct recordings_of *all,
                          struct error *err)
{
    const struct side *base = &all->side[0], *head = &all->side[1];
    size_t groups = 0;
    int code = 0;
    for (size_t i = 0; !code && i < base->count; i++) {
        const struct recorded *like = &base->runs[i];
        // The first of its group stands for it.
        if (count_same(base, like, i) || !count_same(head, like, head->count))
            continue;
        code = compare_group(t, all, like, err);
        groups++;
    }
    if (!code && !groups) {
        fprintf(stderr,
                "toyvmm-test: %.12s (%zu runs) and %.12s (%zu runs) share no "
                "scenario on one guest in one environment: nothing can be "
                "compared\n",
                base->commit, base->count, head->commit, head->count);
        t->unmeasured = true;
    }
    return code;
}

int compare_history(const struct options *o)
{
    struct error err = {""};
    struct telling t;
    struct history *h = NULL;
    struct recordings_of all = {
        .side = {{o->paths[0], NULL, 0, NULL}, {o->paths[1], NULL, 0, NULL}}};
    if (telling_begin(&t, o, &err))
        return complain(&err, EXIT_WRONG);
    t.base = o->paths[0];
    t.head = o->paths[1];
    t.warning = "measured at different times: a host that changed meanwhile "
                "looks like a change; boots by turns don't have that";
    int code = history_open(o->history, &h, &err);
    if (!code)
        code = read_sides(&all, o, h, &err);
    if (!code)
        code = compare_groups(&t, &all, &err);
    history_close(h);
    int exit_code = telling_end(&t, code != 0);
    free_sides(&all);
    return code ? complain(&err, exit_for(code)) : exit_code;
}
