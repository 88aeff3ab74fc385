// SPDX-License-Identifier: Apache-2.0
// From results to tables. See series.h.
#include "harness/cli/series.h"

#include "harness/history/mark_list.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int series_collect(struct series *s, const struct boots *b,
                   const struct result *results, size_t selected, unsigned side)
{
    *s = (struct series){.boots = calloc(b->count + 1, sizeof(*s->boots))};
    if (!s->boots)
        return -ENOMEM;
    for (size_t i = 0; i < b->count; i++) {
        const struct boot *boot = &b->list[i];
        const struct result *r = &results[i];
        if (boot->selected != selected || boot->side != side ||
            r->verdict == VERDICT_SKIPPED || r->verdict == VERDICT_UNRUN)
            continue;
        bool passed = r->verdict == VERDICT_PASSED;
        if (!passed && !s->failure)
            s->failure = r;
        s->failed += !passed;
        if (passed && boot->warmup)
            s->warmups++;
        else if (passed)
            s->boots[s->count++] = (struct series_boot){boot->number, r};
    }
    return 0;
}

void series_free(struct series *s)
{
    free(s->boots);
    *s = (struct series){0};
}

int series_print(FILE *f, const struct series *s, const char *title,
                 struct error *err)
{
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++)
        most += s->boots[i].result->nmarks;
    struct stat_sample *samples = calloc(most + 1, sizeof(*samples));
    if (!samples)
        return error_set(err, -ENOMEM, "out of memory");
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct result *r = s->boots[i].result;
        for (size_t k = 0; k < r->nmarks; k++)
            samples[n++] = (struct stat_sample){
                r->marks[k].name, r->marks[k].wall_ns, r->marks[k].cpu_ns};
    }
    const struct stat_series told = {title,      s->count, s->failed,
                                     s->warmups, n,        samples};
    double unsure = 0;
    int code = stat_table(f, &told, err);
    if (!code)
        code = stat_unsure(&told, &unsure, err);
    if (!code && unsure > 0.05)
        fprintf(f,
                "  warning: the last mark's median is known to %.0f %% only: "
                "more boots, or a quieter host\n",
                100 * unsure);
    free(samples);
    return code;
}

static bool listed(const char *const *names, size_t n, const char *name,
                   size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(names[i]) == len && !memcmp(names[i], name, len))
            return true;
    }
    return false;
}

// What of "a,b" is none of the names.
static int check_wanted(const char *wanted, const char *const *names, size_t n,
                        struct error *err)
{
    char there[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof(there) - 40; i++)
        used += (size_t)snprintf(there + used, sizeof(there) - used, "%s%.30s",
                                 i ? ", " : "", names[i]);
    for (const char *at = wanted; at && *at;) {
        size_t len = strcspn(at, ",");
        if (!listed(names, n, at, len))
            return error_set(err, -EINVAL,
                             "--mark %.*s: no boot reached it; there are: %s",
                             (int)len, at, there);
        at += len + (at[len] == ',');
    }
    return 0;
}

int series_marks(const struct series *sides, size_t nsides, const char *wanted,
                 const char ***out, size_t *count, struct error *err)
{
    size_t most = 1, all = 0, n = 0;
    for (size_t s = 0; s < nsides; s++)
        for (size_t i = 0; i < sides[s].count; i++)
            most += sides[s].boots[i].result->nmarks;
    const char **names = calloc(most, sizeof(*names));
    if (!names)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t s = 0; s < nsides; s++) {
        for (size_t i = 0; i < sides[s].count; i++) {
            const struct result *r = sides[s].boots[i].result;
            for (size_t k = 0; k < r->nmarks; k++) {
                const char *name = r->marks[k].name;
                if (r->marks[k].wall_ns &&
                    !listed(names, all, name, strlen(name)))
                    names[all++] = name;
            }
        }
    }
    int code = check_wanted(wanted, names, all, err);
    for (size_t i = 0; i < all; i++) {
        if (mark_listed(wanted, names[i]))
            names[n++] = names[i];
    }
    if (code)
        free(names);
    *out = code ? NULL : names;
    *count = n;
    return code;
}

static double value_of(const struct result *r, const char *mark, bool cpu)
{
    const struct result_mark *m = result_mark(r, mark);
    return m ? (double)(cpu ? m->cpu_ns : m->wall_ns) : NAN;
}

double *series_table(const struct series *s, const char *const *marks,
                     size_t nmarks, bool cpu)
{
    double *values = calloc(s->count * nmarks + 1, sizeof(*values));
    for (size_t i = 0; values && i < s->count; i++)
        for (size_t k = 0; k < nmarks; k++)
            values[i * nmarks + k] =
                value_of(s->boots[i].result, marks[k], cpu);
    return values;
}

static int parts_of(const struct result *r, bool cpu, struct cause_run *out)
{
    out->values = calloc(r->nmarks + r->nreadings + r->ninitcalls + 1,
                         sizeof(*out->values));
    if (!out->values)
        return -ENOMEM;
    for (size_t i = 0; i < r->nmarks; i++)
        out->values[out->count++] = (struct cause_value){
            CAUSE_MARK, r->marks[i].name,
            (double)(cpu ? r->marks[i].cpu_ns : r->marks[i].wall_ns)};
    for (size_t i = 0; i < r->nreadings; i++)
        out->values[out->count++] = (struct cause_value){
            CAUSE_TOLD, r->readings[i].name, (double)r->readings[i].ns};
    for (size_t i = 0; i < r->ninitcalls; i++)
        out->values[out->count++] =
            (struct cause_value){CAUSE_INITCALL, r->initcalls[i].name,
                                 1000 * (double)r->initcalls[i].us};
    return 0;
}

int series_parts(const struct series *s, bool cpu, struct cause_side *out)
{
    int code = 0;
    *out =
        (struct cause_side){.runs = calloc(s->count + 1, sizeof(*out->runs))};
    if (!out->runs)
        return -ENOMEM;
    for (size_t i = 0; !code && i < s->count; i++)
        code = parts_of(s->boots[i].result, cpu, &out->runs[out->count++]);
    return code;
}

void series_parts_free(struct cause_side *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        free(parts->runs[i].values);
    free(parts->runs);
    *parts = (struct cause_side){0};
}

void series_pair(struct series *a, struct series *b)
{
    size_t n = 0, i = 0, k = 0;
    // Both are in the order of their numbers.
    while (i < a->count && k < b->count) {
        if (a->boots[i].number < b->boots[k].number) {
            i++;
        } else if (a->boots[i].number > b->boots[k].number) {
            k++;
        } else {
            a->boots[n] = a->boots[i++];
            b->boots[n++] = b->boots[k++];
        }
    }
    a->count = b->count = n;
}
