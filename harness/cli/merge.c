// SPDX-License-Identifier: Apache-2.0
// `merge`: the reports of several runs, as if they had been one. See
// commands.h.
#include "harness/cli/cli.h"
#include "harness/cli/commands.h"
#include "harness/cli/keep.h"
#include "harness/cli/launch.h"
#include "harness/cli/report_files.h"
#include "harness/report/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct merged {
    size_t count;
    struct bundle *list;
    bool incomplete; // a shard is missing, or shards don't fit together
};

static int later_last(const void *a, const void *b)
{
    const struct bundle *x = a, *y = b;
    if (x->shard != y->shard)
        return x->shard < y->shard ? -1 : 1;
    return (x->started_unix_ns > y->started_unix_ns) -
           (x->started_unix_ns < y->started_unix_ns);
}

static void drop(struct merged *m, size_t index)
{
    bundle_free(&m->list[index]);
    memmove(&m->list[index], &m->list[index + 1],
            (m->count - index - 1) * sizeof(*m->list));
    m->count--;
}

// A file that was given twice counts once, and of a shard that was run again
// the last run counts.
static void drop_repeated(struct merged *m)
{
    for (size_t i = 0; i < m->count; i++) {
        for (size_t k = m->count; k-- > i + 1;) {
            if (!strcmp(m->list[i].id, m->list[k].id))
                drop(m, k);
        }
    }
    qsort(m->list, m->count, sizeof(*m->list), later_last);
    for (size_t i = 1; i < m->count;) {
        const struct bundle *a = &m->list[i - 1], *b = &m->list[i];
        if (a->shard && a->shard == b->shard && a->shards == b->shards) {
            fprintf(stderr,
                    "toyvmm-test: shard %u/%u was run again: its last run "
                    "counts\n",
                    (unsigned)b->shard, (unsigned)b->shards);
            drop(m, i - 1);
        } else {
            i++;
        }
    }
}

// Shards of one split, all of them.
static void check_shards(struct merged *m)
{
    const struct bundle *first = NULL;
    uint64_t next = 1;
    for (size_t i = 0; i < m->count; i++) {
        const struct bundle *b = &m->list[i];
        if (!b->shard)
            continue;
        first = first ? first : b;
        if (b->shards != first->shards ||
            strcmp(b->split ? b->split : "",
                   first->split ? first->split : "") != 0) {
            fprintf(stderr,
                    "toyvmm-test: shard %u/%u and shard %u/%u were not split "
                    "alike: scenarios may have run twice or never; give all "
                    "shards the same files and the same history\n",
                    (unsigned)b->shard, (unsigned)b->shards,
                    (unsigned)first->shard, (unsigned)first->shards);
            m->incomplete = true;
        }
        for (; next < b->shard; next++) {
            fprintf(stderr, "toyvmm-test: shard %u/%u is missing\n",
                    (unsigned)next, (unsigned)b->shards);
            m->incomplete = true;
        }
        next = b->shard + 1;
    }
    for (; first && next <= first->shards; next++) {
        fprintf(stderr, "toyvmm-test: shard %u/%u is missing\n", (unsigned)next,
                (unsigned)first->shards);
        m->incomplete = true;
    }
}

static int load(struct merged *m, const struct options *o, struct error *err)
{
    m->list = calloc(o->npaths + 1, sizeof(*m->list));
    if (!m->list)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; i < o->npaths; i++) {
        int code = bundle_load(&m->list[m->count], o->paths[i], err);
        if (code)
            return code;
        m->count++;
    }
    drop_repeated(m);
    check_shards(m);
    return 0;
}

static const char *common_accelerator(const struct merged *m)
{
    const char *one = NULL;
    for (size_t i = 0; i < m->count; i++) {
        const char *other = m->list[i].accelerator;
        if (other && one && strcmp(other, one) != 0)
            return NULL;
        one = one ? one : other;
    }
    return one;
}

// The run from its first start to its last end.
static void span(const struct merged *m, struct report_run *run)
{
    uint64_t end = 0;
    run->started_unix_ns = UINT64_MAX;
    for (size_t i = 0; i < m->count; i++) {
        const struct bundle *b = &m->list[i];
        if (b->started_unix_ns < run->started_unix_ns)
            run->started_unix_ns = b->started_unix_ns;
        if (b->started_unix_ns + b->duration_ns > end)
            end = b->started_unix_ns + b->duration_ns;
        run->interrupted |= b->interrupted;
    }
    run->duration_ns = end - run->started_unix_ns;
}

static int tell(const struct options *o, struct merged *m,
                struct result *results, struct error *err)
{
    struct report_run run = {
        .results = {0, results},
        .version = m->list[0].version,
        .accelerator = common_accelerator(m),
        .flaky_ok = o->flaky_ok,
    };
    span(m, &run);
    int exit_code = m->incomplete ? EXIT_UNABLE : EXIT_PASSED;
    bool failed = false;
    for (size_t i = 0; i < m->count; i++) {
        for (size_t k = 0; k < m->list[i].count; k++) {
            const struct result *r = &m->list[i].entries[k].result;
            results[run.results.count++] = *r;
            failed |= verdict_fails(r->verdict, o->flaky_ok);
        }
    }
    struct report_files files;
    if (report_files_begin(&files, o, err) ||
        report_files_end(&files, &run, stderr))
        return complain(err, EXIT_UNABLE);
    for (size_t i = 0; o->history && i < m->count; i++) {
        if (keep_in_history(o->history, &m->list[i], o->quiet, err))
            return complain(err, EXIT_UNABLE);
    }
    if (!o->quiet)
        terminal_summary(stdout, &run.results, run.duration_ns);
    return failed ? EXIT_FAILED : exit_code;
}

int merge_main(const struct options *o, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct error err = {""};
    struct merged m = {0};
    if (!o->npaths)
        return complain(&(struct error){"merge takes files of --results; see "
                                        "--help"},
                        EXIT_WRONG);
    int code = report_files_check(o, &err);
    if (!code)
        code = load(&m, o, &err);
    size_t total = 1;
    for (size_t i = 0; i < m.count; i++)
        total += m.list[i].count;
    struct result *results = code ? NULL : calloc(total, sizeof(*results));
    int exit_code = code       ? complain(&err, EXIT_WRONG)
                    : !results ? EXIT_UNABLE
                               : tell(o, &m, results, &err);
    free(results);
    for (size_t i = 0; i < m.count; i++)
        bundle_free(&m.list[i]);
    free(m.list);
    return exit_code;
}
