// SPDX-License-Identifier: Apache-2.0
// Comparing what was measured at different times. See compare_history.h.
#include "harness/cli/compare_history.h"

#include "harness/cli/cli.h"
#include "harness/cli/compare_runs.h"
#include "harness/cli/compare_tell.h"
#include "harness/cli/launch.h"
#include "harness/history/exact_compare.h"
#include "harness/history/mark_list.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- One group: the same scenario, guest and environment --------------------

static bool is_same(const struct recorded *a, const struct recorded *b)
{
    return !strcmp(a->scenario, b->scenario) && !strcmp(a->guest, b->guest) &&
           !strcmp(a->environment, b->environment);
}

static struct told_boots count_same(const struct side *s,
                                    const struct recorded *like, size_t before)
{
    struct told_boots n = {0};
    for (size_t i = 0; i < before; i++) {
        if (!is_same(&s->runs[i], like))
            continue;
        n.passed += s->runs[i].passed;
        n.failed += !s->runs[i].passed;
    }
    return n;
}

static bool has_any(const struct side *s, const struct recorded *like,
                    size_t before)
{
    const struct told_boots n = count_same(s, like, before);
    return n.passed || n.failed;
}

// The marks that boots of either side have and that are wanted, in the order of
// the first boot that has them.
struct mark_names {
    size_t count, room;
    const char **list;
};

static int add_name(struct mark_names *names, const char *mark)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!strcmp(names->list[i], mark))
            return 0;
    }
    if (names->count == names->room) {
        size_t room = names->room ? names->room * 2 : 16;
        const char **list =
            reallocarray(names->list, room, sizeof(const char *));
        if (!list)
            return -ENOMEM;
        names->list = list;
        names->room = room;
    }
    names->list[names->count++] = mark;
    return 0;
}

// like: of its group only; NULL: of all.
static int list_marks(const struct compared_runs *all,
                      const struct recorded *like, const char *wanted,
                      struct mark_names *names)
{
    int code = 0;
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < all->side[s].count; i++) {
            const struct recorded *r = &all->side[s].runs[i];
            if (like && !is_same(r, like))
                continue;
            for (size_t m = 0; !code && m < r->count; m++) {
                const char *mark = r->values[m].mark;
                if (wanted ? mark_listed(wanted, mark)
                           : strcmp(mark, "process_start") != 0)
                    code = add_name(names, mark);
            }
        }
    }
    return code;
}

// A mark of --mark that no boot has is a slip, unless none has any.
static int check_wanted(const struct compared_runs *all, const char *wanted,
                        struct error *err)
{
    struct mark_names names = {0};
    int code = list_marks(all, NULL, NULL, &names);
    if (code)
        error_set(err, code, "out of memory");
    for (const char *at = wanted; !code && names.count && at && *at;) {
        size_t len = strcspn(at, ",");
        size_t i = 0;
        while (i < names.count && (strlen(names.list[i]) != len ||
                                   memcmp(names.list[i], at, len) != 0))
            i++;
        if (i == names.count)
            code = error_set(err, -EINVAL,
                             "--mark %.*s: no boot of %.12s or %.12s reached "
                             "it; there is, for one, %.40s",
                             (int)len, at, all->side[0].commit,
                             all->side[1].commit, names.list[0]);
        at += len + (at[len] == ',');
    }
    free(names.list);
    return code;
}

static void fill_row(double *row, const struct recorded *r,
                     const struct mark_names *names)
{
    for (size_t k = 0; k < names->count; k++) {
        row[k] = NAN;
        for (size_t m = 0; m < r->count; m++) {
            if (!strcmp(r->values[m].mark, names->list[k]))
                row[k] = r->values[m].value;
        }
    }
}

// The newest boot with a seed, or NULL: all of them are the same boot.
static const struct recorded *
with_seed(const struct side *s, const struct recorded *like, uint64_t seed)
{
    for (size_t i = s->count; i-- > 0;) {
        const struct recorded *r = &s->runs[i];
        if (r->passed && is_same(r, like) && r->seed == seed)
            return r;
    }
    return NULL;
}

// Whether a boot is a row of its side's table: of the exact rig each seed that
// both sides have once.
static bool is_row(const struct side *s, const struct side *other,
                   const struct recorded *r, const struct recorded *like)
{
    if (!r->passed || !is_same(r, like))
        return false;
    return !r->seeded || (with_seed(s, like, r->seed) == r &&
                          with_seed(other, like, r->seed));
}

static size_t count_rows(const struct side *s, const struct side *other,
                         const struct recorded *like)
{
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++)
        n += is_row(s, other, &s->runs[i], like);
    return n;
}

// Of the exact rig, the rows are in base's order on both sides.
static double *make_table(const struct compared_runs *all, size_t side,
                          const struct recorded *like,
                          const struct mark_names *names, size_t n)
{
    const struct side *base = &all->side[0], *head = &all->side[1];
    const struct side *s = like->seeded ? base : &all->side[side];
    const struct side *other = s == base ? head : base;
    double *values = calloc(n * names->count + 1, sizeof(*values));
    size_t row = 0;
    for (size_t i = 0; values && i < s->count; i++) {
        const struct recorded *r = &s->runs[i];
        if (!is_row(s, other, r, like))
            continue;
        if (side && like->seeded)
            r = with_seed(head, like, r->seed);
        fill_row(values + row++ * names->count, r, names);
    }
    return values;
}

// The boots of a side's table, row by row; the list is the caller's.
static struct cause_side list_parts(const struct compared_runs *all,
                                    size_t side, const struct recorded *like,
                                    size_t n)
{
    const struct side *base = &all->side[0], *head = &all->side[1];
    const struct side *s = like->seeded ? base : &all->side[side];
    const struct side *other = s == base ? head : base;
    struct cause_run *runs = calloc(n + 1, sizeof(*runs));
    size_t row = 0;
    for (size_t i = 0; runs && i < s->count; i++) {
        const struct recorded *r = &s->runs[i];
        if (!is_row(s, other, r, like))
            continue;
        if (side && like->seeded)
            r = with_seed(head, like, r->seed);
        runs[row++] = r->parts;
    }
    return (struct cause_side){row, runs};
}

static int compare_tables(struct telling *t, const struct compared_runs *all,
                          const struct recorded *like, struct error *err)
{
    const struct side *sides = all->side;
    const size_t rows[2] = {count_rows(&sides[0], &sides[1], like),
                            count_rows(&sides[1], &sides[0], like)};
    struct mark_names names = {0};
    int code = list_marks(all, like, t->o->marks, &names);
    size_t n = names.count;
    struct mark_comparison *out = calloc(n + 1, sizeof(*out));
    struct compared_mark *marks = calloc(n + 1, sizeof(*marks));
    double *a = make_table(all, 0, like, &names, rows[0]);
    double *b = make_table(all, 1, like, &names, rows[1]);
    const struct cause_side parts[2] = {list_parts(all, 0, like, rows[0]),
                                        list_parts(all, 1, like, rows[1])};
    if (!out || !marks || !a || !b || !parts[0].runs || !parts[1].runs)
        code = -ENOMEM;
    if (!code && n) {
        const struct run_table base = {rows[0], n, a}, head = {rows[1], n, b};
        code = like->seeded ? compare_exact(&base, &head, &t->how, out, err)
                            : compare_runs(&base, &head, &t->how, out, err);
    }
    for (size_t i = 0; !code && i < n; i++)
        marks[i] = (struct compared_mark){names.list[i], out[i]};
    if (!code)
        code = telling_case(t, like->scenario, like->scenario, marks, n, parts,
                            err);
    free(parts[0].runs);
    free(parts[1].runs);
    free(names.list);
    free(out);
    free(marks);
    free(a);
    free(b);
    return code;
}

static int compare_group(struct telling *t, const struct compared_runs *all,
                         const struct recorded *like, struct error *err)
{
    const struct side *base = &all->side[0], *head = &all->side[1];
    const struct told_boots before = count_same(base, like, base->count);
    const struct told_boots after = count_same(head, like, head->count);
    const char *warning = t->warning;
    telling_exact(t, like->seeded);
    int code = 0;
    if (!telling_failures(t, like->scenario, &before, &after))
        code = compare_tables(t, all, like, err);
    t->warning = warning;
    return code;
}

// Of a group that one side doesn't have nothing follows, but it is said.
static void tell_alone(const struct compared_runs *all, size_t side)
{
    const struct side *has = &all->side[side], *lacks = &all->side[!side];
    for (size_t i = 0; i < has->count; i++) {
        const struct recorded *like = &has->runs[i];
        if (has_any(has, like, i) || has_any(lacks, like, lacks->count))
            continue;
        const struct told_boots n = count_same(has, like, has->count);
        fprintf(stderr,
                "%s on %s: %.12s has %zu boots of it and %.12s none in the "
                "same environment\n",
                like->scenario, like->guest, has->commit, n.passed + n.failed,
                lacks->commit);
    }
}

static int compare_groups(struct telling *t, const struct compared_runs *all,
                          struct error *err)
{
    const struct side *base = &all->side[0], *head = &all->side[1];
    size_t groups = 0;
    int code = check_wanted(all, t->o->marks, err);
    for (size_t i = 0; !code && i < base->count; i++) {
        const struct recorded *like = &base->runs[i];
        // The first of its group stands for it.
        if (has_any(base, like, i) || !has_any(head, like, head->count))
            continue;
        code = compare_group(t, all, like, err);
        groups++;
    }
    for (size_t i = 0; !code && i < 2; i++)
        tell_alone(all, i);
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
    struct compared_runs all = {
        .side = {{o->paths[0], NULL, 0, NULL}, {o->paths[1], NULL, 0, NULL}}};
    if (telling_begin(&t, o, &err))
        return complain(&err, EXIT_WRONG);
    t.base = o->paths[0];
    t.head = o->paths[1];
    t.covers = compare_runs_covers;
    t.covers_owner = &all;
    t.warning = "measured at different times: a host that changed meanwhile "
                "looks like a change; boots by turns don't have that";
    int code = history_open(o->history, &h, &err);
    if (!code)
        code = compare_runs_read(&all, o, h, &err);
    if (!code)
        code = compare_groups(&t, &all, &err);
    history_close(h);
    int exit_code = telling_end(&t, code != 0);
    compare_runs_free(&all);
    return code ? complain(&err, exit_for(code)) : exit_code;
}
