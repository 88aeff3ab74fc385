// SPDX-License-Identifier: Apache-2.0
// Results as runs of the history. See samples.h.
#include "harness/history/samples.h"

#include "harness/history/causes.h"
#include "harness/history/origin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- Where a run comes from -------------------------------------------------

static int take(char **field, const char *text)
{
    if (*field || !text || !*text)
        return 0;
    *field = strdup(text);
    return *field ? 0 : -ENOMEM;
}

// The sum that an earlier entry has of the same file, or NULL.
static const char *known_sum(const struct bundle *b, size_t before,
                             const char *property_name, const char *path)
{
    bool kernel = !strcmp(property_name, "kernel");
    for (size_t i = 0; i < before; i++) {
        const struct bundle_entry *e = &b->entries[i];
        const char *other = result_property(&e->result, property_name);
        const char *sum = kernel ? e->kernel_sha256 : e->initrd_sha256;
        if (other && sum && !strcmp(other, path))
            return sum;
    }
    return NULL;
}

static int identify_image(struct bundle *b, size_t index, const char *name,
                          char **field)
{
    char sum[65];
    struct error ignored;
    const char *path = result_property(&b->entries[index].result, name);
    if (!path || *field)
        return 0;
    const char *known = known_sum(b, index, name, path);
    if (!known && !origin_file_sha256(path, sum, &ignored))
        known = sum;
    return take(field, known);
}

int samples_identify(struct bundle *b, struct error *err)
{
    struct origin_cpu cpu;
    struct origin_commit ci;
    origin_cpu("/proc/cpuinfo", &cpu);
    origin_commit(getenv, &ci);
    int failed = take(&b->host_cpu, cpu.model);
    failed |= take(&b->microcode, cpu.microcode);
    failed |= take(&b->commit, ci.commit);
    failed |= take(&b->branch, ci.branch);
    failed |= take(&b->job, ci.job);
    for (size_t i = 0; i < b->count; i++) {
        struct bundle_entry *e = &b->entries[i];
        failed |= identify_image(b, i, "kernel", &e->kernel_sha256);
        failed |= identify_image(b, i, "initrd", &e->initrd_sha256);
    }
    return failed ? error_set(err, -ENOMEM, "out of memory") : 0;
}

// ---- Rows -------------------------------------------------------------------

const char *samples_scenario(const struct bundle_entry *e,
                             char out[SAMPLES_SCENARIO])
{
    const char *hash = e->number ? strrchr(e->name, '#') : NULL;
    size_t len = hash ? (size_t)(hash - e->name) : strlen(e->name);
    snprintf(out, SAMPLES_SCENARIO, "%s/%.*s", e->result.suite,
             len < SAMPLES_SCENARIO ? (int)len : SAMPLES_SCENARIO, e->name);
    return out;
}

static bool is_boot(const struct bundle_entry *e)
{
    const struct result *r = &e->result;
    // The base of a comparison is not what the commit at hand made.
    if (e->side && !strcmp(e->side, "base"))
        return false;
    return r->verdict != VERDICT_SKIPPED && r->verdict != VERDICT_UNRUN &&
           e->kernel_sha256 && r->accelerator &&
           strcmp(r->accelerator, "replay") != 0;
}

static uint64_t memory_of(const struct result *r)
{
    const char *text = result_property(r, "memory"); // "256M"
    return text ? strtoull(text, NULL, 10) << 20 : 0;
}

static uint64_t cpus_of(const struct result *r)
{
    const char *text = result_property(r, "cpus");
    return text ? strtoull(text, NULL, 10) : 1;
}

// Decimal digits in a property, or nothing.
static bool seed_of(const struct result *r, uint64_t *seed)
{
    const char *text = result_property(r, "seed");
    *seed = text ? strtoull(text, NULL, 10) : 0;
    return text && !strcmp(r->accelerator, "exact");
}

// No host's processor makes a difference to the exact rig.
static struct history_environment environment_of(const struct bundle *b,
                                                 const struct result *r)
{
    const char *version = result_property(r, "version");
    bool exact = !strcmp(r->accelerator, "exact");
    return (struct history_environment){
        .host_cpu = exact         ? "any"
                    : b->host_cpu ? b->host_cpu
                                  : "unknown",
        .microcode = exact ? NULL : b->microcode,
        .accelerator = r->accelerator,
        .version = version ? version : "unknown",
        .memory = memory_of(r),
        .vcpus = cpus_of(r),
        .fingerprint = exact ? b->fingerprint : NULL,
    };
}

// In the exact rig each boot begins at the same time, and a history has an
// order.
static uint64_t started_of(const struct bundle *b, size_t index)
{
    const struct result *r = &b->entries[index].result;
    return strcmp(r->accelerator, "exact") ? r->started_unix_ns
                                           : b->started_unix_ns + index;
}

struct rows {
    size_t count;
    struct history_run *runs;
    char (*names)[SAMPLES_SCENARIO];
    struct history_mark *marks;
    size_t ninitcalls;
    char **initcalls; // their names in the history, owned
};

// marks: room for all of its marks, readings and initcalls.
static int fill_marks(struct rows *rows, const struct result *r,
                      struct history_mark *marks, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < r->nmarks; i++)
        marks[(*n)++] =
            (struct history_mark){r->marks[i].name, r->marks[i].wall_ns,
                                  r->marks[i].cpu_ns, r->marks[i].exits};
    for (size_t i = 0; i < r->nreadings; i++)
        marks[(*n)++] =
            (struct history_mark){r->readings[i].name, r->readings[i].ns, 0, 0};
    for (size_t i = 0; i < r->ninitcalls; i++) {
        char *name = NULL;
        if (asprintf(&name, CAUSE_INITCALL_PREFIX "%s", r->initcalls[i].name) <
            0)
            return -ENOMEM;
        rows->initcalls[rows->ninitcalls++] = name;
        marks[(*n)++] =
            (struct history_mark){name, r->initcalls[i].us * 1000, 0, 0};
    }
    return 0;
}

static int fill_run(struct rows *rows, const struct bundle *b, size_t index,
                    struct history_mark *marks)
{
    const struct bundle_entry *e = &b->entries[index];
    const struct result *r = &e->result;
    struct history_run *run = &rows->runs[rows->count];
    const char *cmdline = result_property(r, "cmdline");
    *run = (struct history_run){
        .session = b->id,
        .position = index,
        .warmup = e->warmup,
        .scenario = samples_scenario(e, rows->names[rows->count]),
        .guest = r->guest ? r->guest : "custom",
        .commit = b->commit,
        .branch = b->branch,
        .job = b->job,
        .started_unix_ns = started_of(b, index),
        .duration_ns = r->duration_ns,
        .verdict = verdict_name(r->verdict),
        .environment = environment_of(b, r),
        .subject = {.kernel_sha256 = e->kernel_sha256,
                    .initrd_sha256 = e->initrd_sha256,
                    .cmdline = cmdline ? cmdline : ""},
        .marks = marks,
    };
    snprintf(run->id, sizeof(run->id), "%s", e->id);
    run->seeded = seed_of(r, &run->seed);
    rows->count++;
    return fill_marks(rows, r, marks, &run->nmarks);
}

static void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->ninitcalls; i++)
        free(rows->initcalls[i]);
    free(rows->initcalls);
    free(rows->runs);
    free(rows->names);
    free(rows->marks);
}

int samples_add(struct history *h, const struct bundle *b, size_t *added,
                struct error *err)
{
    size_t nmarks = 0, ninitcalls = 0;
    for (size_t i = 0; i < b->count; i++) {
        nmarks += b->entries[i].result.nmarks + b->entries[i].result.nreadings;
        ninitcalls += b->entries[i].result.ninitcalls;
    }
    struct rows rows = {
        .runs = calloc(b->count + 1, sizeof(*rows.runs)),
        .names = calloc(b->count + 1, sizeof(*rows.names)),
        .marks = calloc(nmarks + ninitcalls + 1, sizeof(*rows.marks)),
        .initcalls = calloc(ninitcalls + 1, sizeof(*rows.initcalls)),
    };
    int code = rows.runs && rows.names && rows.marks && rows.initcalls
                   ? 0
                   : error_set(err, -ENOMEM, "out of memory");
    struct history_mark *at = rows.marks;
    for (size_t i = 0; !code && i < b->count; i++) {
        if (!is_boot(&b->entries[i]))
            continue;
        if (fill_run(&rows, b, i, at))
            code = error_set(err, -ENOMEM, "out of memory");
        at += rows.runs[rows.count - 1].nmarks;
    }
    if (!code && rows.count)
        code = history_add(h, rows.runs, rows.count, err);
    *added = code ? 0 : rows.count;
    free_rows(&rows);
    return code;
}
