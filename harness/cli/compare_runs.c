// SPDX-License-Identifier: Apache-2.0
// Which runs of a history are compared. See compare_runs.h.
#include "harness/cli/compare_runs.h"

#include "harness/history/acknowledge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_PREFIX 4 // of a commit

static bool is_prefix(const char *prefix, const char *whole)
{
    size_t len = strlen(prefix);
    return len >= LEAST_PREFIX && whole && !strncmp(whole, prefix, len);
}

// The newest is the likeliest.
static int note_commit(struct compared_runs *all, const char *commit)
{
    for (size_t i = all->ncommits; i-- > 0;) {
        if (!strcmp(all->commits[i], commit))
            return 0;
    }
    char **commits =
        reallocarray(all->commits, all->ncommits + 1, sizeof(*commits));
    char *copy = strdup(commit);
    if (commits)
        all->commits = commits;
    if (!commits || !copy) {
        free(copy);
        return -ENOMEM;
    }
    commits[all->ncommits++] = copy;
    return 0;
}

bool compare_runs_covers(void *owner, const char *commit)
{
    const struct compared_runs *all = owner;
    bool after_base = false;
    for (size_t i = 0; i < all->ncommits; i++) {
        if (after_base && acknowledge_is_commit(commit, all->commits[i]))
            return true;
        if (!strcmp(all->commits[i], all->side[1].commit))
            return false;
        after_base |= !strcmp(all->commits[i], all->side[0].commit);
    }
    return false;
}

// Runs come oldest first, so that the last that fits is the newest.
static int find_commits(void *owner, const struct history_run *run,
                        struct error *err)
{
    struct compared_runs *all = owner;
    all->seen++;
    if (run->commit && note_commit(all, run->commit))
        return error_set(err, -ENOMEM, "out of memory");
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
        if (!ns || !cause_is_mark(m->name))
            continue;
        to->values[to->count] =
            (struct recorded_mark){strdup(m->name), (double)ns};
        if (!to->values[to->count++].mark)
            return -ENOMEM;
    }
    return cause_run_of(run, cpu, &to->parts);
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
    r->passed = !strcmp(run->verdict, "passed");
    r->seeded = run->seeded;
    r->seed = run->seed;
    bool cpu = t->cpu || run->seeded;
    if (!r->scenario || !r->guest || (r->passed && copy_values(r, run, cpu)))
        return error_set(err, -ENOMEM, "out of memory");
    return 0;
}

int compare_runs_read(struct compared_runs *all, const struct options *o,
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

void compare_runs_free(struct compared_runs *all)
{
    for (size_t i = 0; i < all->ncommits; i++)
        free(all->commits[i]);
    free(all->commits);
    for (size_t i = 0; i < 2; i++) {
        struct side *s = &all->side[i];
        for (size_t k = 0; k < s->count; k++) {
            struct recorded *r = &s->runs[k];
            for (size_t m = 0; m < r->count; m++)
                free(r->values[m].mark);
            free(r->values);
            free(r->parts.values);
            free(r->scenario);
            free(r->guest);
        }
        free(s->runs);
        free(s->commit);
    }
}
