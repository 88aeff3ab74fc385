// SPDX-License-Identifier: Apache-2.0
// What is kept of a run. See keep.h.
#include "harness/cli/keep.h"

#include "harness/cli/cli.h"
#include "harness/cli/exact_fingerprint.h"
#include "harness/history/origin.h"
#include "harness/history/samples.h"
#include "harness/report/output.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATH 4200

static const char *handover(void)
{
    const char *folder = accel_inside_rig() ? getenv(KEEP_HANDOVER) : NULL;
    return folder && *folder ? folder : NULL;
}

static const char *join(char out[PATH], const char *folder, const char *name)
{
    // A path that is too long is no path: whoever opens it says so.
    if (snprintf(out, PATH, "%s/%s", folder, name) >= PATH)
        *out = '\0';
    return out;
}

bool keep_wants(const struct keep *k)
{
    return k->history || k->results;
}

int keep_begin(struct keep *k, const struct options *o, struct error *err)
{
    *k = (struct keep){
        .split = k->split,
        // A shard's runs are kept by whoever merges them: see shard.c.
        .history = o->shard.count ? NULL : o->history,
        .results = o->results,
        .inside = handover(),
        .began_ns = clock_now_ns(),
        .bundle = {.shard = o->shard.index,
                   .shards = o->shard.count,
                   .borrows = true},
    };
    char id[HISTORY_ID];
    history_new_id(id);
    if (!keep_wants(k))
        return 0;
    k->bundle.id = strdup(id);
    k->bundle.version = strdup(TOYVMM_VERSION);
    if (!k->bundle.id || !k->bundle.version)
        return error_set(err, -ENOMEM, "out of memory");
    // The process outside of the rig has looked.
    if (k->inside)
        return 0;
    int code = k->results ? output_check(k->results, err) : 0;
    struct history *h = NULL;
    if (!code && k->history)
        code = history_open(k->history, &h, err);
    history_close(h);
    return code;
}

void keep_free(struct keep *k)
{
    bundle_free(&k->bundle);
    *k = (struct keep){0};
}

int keep_boots(struct keep *k, const struct boots *b,
               const struct suite_run *run)
{
    int code = 0;
    if (!keep_wants(k))
        return 0;
    k->bundle.interrupted |= run->interrupted;
    for (size_t i = 0; !code && i < run->count; i++) {
        const struct plan_case *c = &b->cases[i];
        char id[HISTORY_ID];
        history_new_id(id);
        code = bundle_add(&k->bundle, id, c->name, c->side, c->number,
                          c->warmup, &run->results[i]);
        const char *accelerator = run->results[i].accelerator;
        if (!code && !k->bundle.accelerator && accelerator) {
            k->bundle.accelerator = strdup(accelerator);
            code = k->bundle.accelerator ? 0 : -ENOMEM;
        }
    }
    return code;
}

int keep_in_history(const char *url, const struct bundle *b, bool quiet,
                    struct error *err)
{
    struct history *h = NULL;
    size_t added = 0;
    int code = history_open(url, &h, err);
    if (!code)
        code = samples_add(h, b, &added, err);
    history_close(h);
    if (!code && !quiet)
        printf("history: %zu run%s kept\n", added, added == 1 ? "" : "s");
    return code;
}

static void complain_to(FILE *complaints, const struct error *err, int code,
                        int *failed)
{
    if (!code)
        return;
    fflush(stdout);
    fprintf(complaints, "toyvmm-test: %s\n", err->text);
    *failed = code;
}

// On the host itself.
static int keep_here(const struct keep *k, struct bundle *b, FILE *complaints)
{
    struct error err = {""};
    int failed = 0;
    if (k->split && !b->split)
        b->split = strdup(k->split);
    complain_to(complaints, &err, samples_identify(b, &err), &failed);
    if (b->accelerator && !strcmp(b->accelerator, "exact") && !b->fingerprint)
        complain_to(complaints, &err, exact_fingerprint(&b->fingerprint, &err),
                    &failed);
    if (k->results)
        complain_to(complaints, &err, bundle_save(b, k->results, &err),
                    &failed);
    if (k->history)
        complain_to(complaints, &err,
                    keep_in_history(k->history, b, true, &err), &failed);
    return failed;
}

int keep_end(struct keep *k, FILE *complaints)
{
    struct bundle *b = &k->bundle;
    struct error err = {""};
    struct timespec now;
    char path[PATH];
    int failed = 0;
    if (!keep_wants(k))
        return 0;
    clock_gettime(CLOCK_REALTIME, &now);
    b->duration_ns = clock_now_ns() - k->began_ns;
    b->started_unix_ns = (uint64_t)now.tv_sec * NS_PER_S +
                         (uint64_t)now.tv_nsec - b->duration_ns;
    if (!k->inside)
        return keep_here(k, b, complaints);
    complain_to(complaints, &err,
                bundle_save(b, join(path, k->inside, "results"), &err),
                &failed);
    return failed;
}

// ---- Around the rig ---------------------------------------------------------

FILE *keep_open_cases(void)
{
    char path[PATH];
    const char *folder = handover();
    return folder ? fopen(join(path, folder, "cases"), "re") : NULL;
}

static int write_cases(FILE *f, const void *owner)
{
    const struct selection *s = owner;
    for (size_t i = 0; i < s->count; i++)
        fprintf(f, "%s/%s\n", s->list[i].suite, s->list[i].name);
    return 0;
}

static int make_folder(char out[PATH], struct error *err)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(out, PATH, "%.4000s/toyvmm-keep-XXXXXX",
             tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(out))
        return error_errno(err, errno, "%s can't be made", out);
    return 0;
}

static void remove_folder(const char *folder)
{
    char path[PATH];
    unlink(join(path, folder, "cases"));
    unlink(join(path, folder, "results"));
    rmdir(folder);
}

// What the one inside left. Nothing is there when it ended before anything was
// booted, which its exit code tells.
static void take_over(const struct keep *k, const char *folder, int *exit_code)
{
    char path[PATH];
    struct bundle b;
    struct error err = {""};
    join(path, folder, "results");
    if (access(path, F_OK)) {
        if (*exit_code == EXIT_PASSED || *exit_code == EXIT_FAILED) {
            fprintf(stderr, "toyvmm-test: the rig left no results to keep\n");
            *exit_code = EXIT_UNABLE;
        }
        return;
    }
    int code = bundle_load(&b, path, &err);
    if (code)
        fprintf(stderr, "toyvmm-test: %s\n", err.text);
    else
        code = keep_here(k, &b, stderr);
    bundle_free(&b);
    if (code && *exit_code != EXIT_INTERRUPTED)
        *exit_code = EXIT_UNABLE;
}

int keep_in_rig(struct keep *k, int argc, char **argv, struct rig_needs *needs,
                const struct selection *names, int *exit_code,
                struct error *err)
{
    char folder[PATH], results[PATH], cases[PATH];
    int code = make_folder(folder, err);
    if (code)
        return code;
    join(results, folder, "results");
    join(cases, folder, "cases");
    // launch.c leaves room for it.
    size_t i = 0;
    while (i < RIG_OUTPUTS - 1 && needs->outputs[i])
        i++;
    needs->outputs[i] = results;
    if (names)
        code = output_write(cases, write_cases, names, err);
    if (!code && setenv(KEEP_HANDOVER, folder, 1))
        code = error_set(err, -ENOMEM, "out of memory");
    if (!code)
        code = accel_run_rig(argc, argv, needs, exit_code, err);
    if (!code)
        take_over(k, folder, exit_code);
    unsetenv(KEEP_HANDOVER);
    remove_folder(folder);
    return code;
}
