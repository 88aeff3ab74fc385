// SPDX-License-Identifier: Apache-2.0
// Trends for Apache Otava and Bencher. See exchange.h.
#include "harness/history/exchange.h"

#include "harness/report/json.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

// ---- Otava ------------------------------------------------------------------

static void plain_name(const struct trend *t, char out[OTAVA_NAME])
{
    snprintf(out, OTAVA_NAME - 8, "%.80s-%.30s-%.8s-%.8s", t->scenario,
             t->guest, t->accelerator, t->environment_id);
    for (char *c = out; *c; c++) {
        if (!isascii((unsigned char)*c) ||
            (!isalnum((unsigned char)*c) && !strchr("._-", *c)))
            *c = '_';
    }
    // No hidden file.
    if (*out == '.')
        *out = '_';
}

const char *otava_name(const struct trends *t, size_t index,
                       char out[OTAVA_NAME])
{
    size_t before = 0;
    plain_name(&t->list[index], out);
    for (size_t i = 0; i < index; i++) {
        char other[OTAVA_NAME];
        plain_name(&t->list[i], other);
        before += !strcmp(other, out);
    }
    if (before)
        snprintf(out + strlen(out), 8, "_%u", (unsigned)before + 1);
    return out;
}

static const struct trend_point *find_point(const struct trend_series *s,
                                            const char *label)
{
    for (size_t i = 0; i < s->npoints; i++) {
        if (!strcmp(s->points[i].label, label))
            return &s->points[i];
    }
    return NULL;
}

// The series with the most points says which there are.
static const struct trend_series *all_points(const struct trend *t)
{
    const struct trend_series *most = &t->series[0];
    for (size_t i = 1; i < t->nseries; i++) {
        if (t->series[i].npoints > most->npoints)
            most = &t->series[i];
    }
    return most;
}

static bool is_column(const struct trend *t, const struct trend_series *s)
{
    const struct trend_series *all = all_points(t);
    for (size_t i = 0; i < all->npoints; i++) {
        if (!find_point(s, all->points[i].label))
            return false;
    }
    return true;
}

static bool has_branch(const struct trend *t)
{
    const struct trend_series *all = all_points(t);
    for (size_t i = 0; i < all->npoints; i++) {
        if (all->points[i].branch)
            return true;
    }
    return false;
}

// RFC 4180; a line's end within a field would be a row's for many.
static void field(FILE *f, const char *text)
{
    fputc('"', f);
    for (; text && *text; text++)
        fprintf(f, *text == '"' ? "\"\"" : "%c",
                *text == '\n' || *text == '\r' ? ' ' : *text);
    fputc('"', f);
}

static void row(FILE *f, const struct trend *t, const struct trend_point *p,
                bool branch)
{
    char text[32];
    time_t seconds = (time_t)(p->first_unix_ns / 1000000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000", &utc);
    fprintf(f, "%s,", text);
    field(f, p->label);
    if (branch) {
        fputc(',', f);
        field(f, p->branch);
    }
    for (size_t i = 0; i < t->nseries; i++) {
        if (is_column(t, &t->series[i]))
            fprintf(f, ",%.9f",
                    find_point(&t->series[i], p->label)->summary.p50 / 1e9);
    }
    fputc('\n', f);
}

void otava_csv(FILE *f, const struct trend *t)
{
    if (!t->nseries)
        return;
    const struct trend_series *all = all_points(t);
    bool branch = has_branch(t);
    fprintf(f, "time,commit%s", branch ? ",branch" : "");
    for (size_t i = 0; i < t->nseries; i++) {
        if (!is_column(t, &t->series[i]))
            continue;
        fputc(',', f);
        field(f, t->series[i].mark);
    }
    fputc('\n', f);
    for (size_t i = 0; i < all->npoints; i++)
        row(f, t, &all->points[i], branch);
}

// A JSON string is a YAML scalar.
static void scalar(FILE *f, const char *text)
{
    struct json j = {.f = f};
    json_text(&j, NULL, text);
}

void otava_config(FILE *f, const struct trends *t)
{
    fputs("tests:\n", f);
    for (size_t i = 0; i < t->count; i++) {
        const struct trend *one = &t->list[i];
        char name[OTAVA_NAME];
        if (!one->nseries)
            continue;
        otava_name(t, i, name);
        fprintf(f,
                "  %s:\n    type: csv\n    file: %s.csv\n"
                "    time_column: time\n    attributes: [commit]\n"
                "    csv_options:\n      delimiter: \",\"\n"
                "      quote_char: '\"'\n    metrics:\n",
                name, name);
        for (size_t n = 0; n < one->nseries; n++) {
            if (!is_column(one, &one->series[n]))
                continue;
            fputs("      ", f);
            scalar(f, one->series[n].mark);
            // Less is better.
            fputs(":\n        direction: -1\n        scale: 1\n", f);
        }
    }
}

// ---- Bencher ----------------------------------------------------------------

// A line of the same scenario and guest in another environment has a newer
// point of this mark, or one as new and comes later.
static bool is_outdated(const struct trends *t, size_t index,
                        const struct trend_series *s)
{
    const struct trend *one = &t->list[index];
    uint64_t newest = s->points[s->npoints - 1].first_unix_ns;
    for (size_t i = 0; i < t->count; i++) {
        const struct trend *other = &t->list[i];
        if (i == index || strcmp(other->scenario, one->scenario) != 0 ||
            strcmp(other->guest, one->guest) != 0 ||
            strcmp(other->accelerator, one->accelerator) != 0)
            continue;
        for (size_t n = 0; n < other->nseries; n++) {
            const struct trend_series *o = &other->series[n];
            if (strcmp(o->mark, s->mark) != 0)
                continue;
            uint64_t at = o->points[o->npoints - 1].first_unix_ns;
            if (at > newest || (at == newest && i > index))
                return true;
        }
    }
    return false;
}

void bencher_json(FILE *f, const struct trends *t)
{
    struct json j = {.f = f};
    json_open(&j, NULL, '{');
    for (size_t i = 0; i < t->count; i++) {
        const struct trend *one = &t->list[i];
        for (size_t n = 0; n < one->nseries; n++) {
            const struct trend_series *s = &one->series[n];
            const struct summary *m = &s->points[s->npoints - 1].summary;
            char name[1024];
            if (is_outdated(t, i, s))
                continue;
            snprintf(name, sizeof(name), "%.600s: %.150s (%.100s, %.20s)",
                     one->scenario, s->mark, one->guest, one->accelerator);
            json_open(&j, name, '{');
            json_open(&j, t->unit == TREND_CPU ? "cpu-time" : "latency", '{');
            json_real(&j, "value", m->p50);
            json_real(&j, "lower_value", m->low);
            json_real(&j, "upper_value", m->high);
            json_close(&j, '}');
            json_close(&j, '}');
        }
    }
    json_close(&j, '}');
    fputc('\n', f);
}
