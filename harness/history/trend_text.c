// SPDX-License-Identifier: Apache-2.0
// Trends for a terminal, for a spreadsheet and for Prometheus. See trend.h.
#include "harness/history/trend.h"

#include "harness/history/cause_text.h"
#include "harness/report/visible.h"

#include <inttypes.h>
#include <string.h>

const char *trend_time(char buf[TREND_TIME], double ns)
{
    if (ns >= 1e9)
        snprintf(buf, TREND_TIME, "%.3f s", ns / 1e9);
    else if (ns >= 1e6)
        snprintf(buf, TREND_TIME, "%.1f ms", ns / 1e6);
    else
        snprintf(buf, TREND_TIME, "%.1f us", ns / 1e3);
    return buf;
}

// ---- Terminal ---------------------------------------------------------------

// Block elements U+2581..U+2588, from the smallest median to the largest.
static void sparkline(FILE *f, const struct trend_series *s, size_t width)
{
    size_t first = s->npoints > width ? s->npoints - width : 0;
    double low = s->points[first].summary.p50;
    double high = low;
    for (size_t i = first; i < s->npoints; i++) {
        double v = s->points[i].summary.p50;
        low = v < low ? v : low;
        high = v > high ? v : high;
    }
    // Less than 2 % from top to bottom is a flat line, not a mountain range.
    double range = high - low < 0.02 * low ? 0.02 * low : high - low;
    for (size_t i = first; i < s->npoints; i++) {
        double part = (s->points[i].summary.p50 - low) / range;
        fprintf(f, "\xe2\x96%c", (char)(0x81 + (int)(part * 7 + 0.5)));
    }
    for (size_t i = s->npoints - first; i < width; i++)
        fputc(' ', f);
}

static void terminal_changes(FILE *f, const struct trend_series *s)
{
    for (size_t i = 0; i < s->nchanges; i++) {
        const struct change_point *c = &s->changes[i];
        const struct trend_point *p = &s->points[c->at];
        char before[TREND_TIME];
        char after[TREND_TIME];
        fprintf(f, "    %+.1f %% at %s%.12s: %s, then %s (p = %.3g)\n",
                100 * (c->after / c->before - 1),
                p->is_commit ? "" : "session ", p->label,
                trend_time(before, c->before), trend_time(after, c->after),
                c->p);
        if (s->known && s->known[i].line) {
            char text[ACKNOWLEDGE_TEXT];
            acknowledge_text(&s->known[i], text);
            fputs("      ", f);
            visible_text(f, text, strlen(text), NULL);
            fputc('\n', f);
        }
        if (s->grew && s->grew[i].mark)
            causes_terminal(f, &s->grew[i], 6);
    }
}

void trends_terminal(FILE *f, const struct trends *t, unsigned columns)
{
    size_t width = columns > 78 ? columns - 58 : columns ? 20 : 22;
    for (size_t i = 0; i < t->count; i++) {
        const struct trend *one = &t->list[i];
        fprintf(f, "%s%s, guest %s, %s on %s\n", i ? "\n" : "", one->scenario,
                one->guest, one->accelerator, one->host);
        for (size_t n = 0; n < one->nseries; n++) {
            const struct trend_series *s = &one->series[n];
            const struct trend_point *last = &s->points[s->npoints - 1];
            char median[TREND_TIME];
            char spread[TREND_TIME];
            fprintf(f, "  %-20.20s ", s->mark);
            sparkline(f, s, width);
            fprintf(f, " %10s, MAD %9s, n %zu\n",
                    trend_time(median, last->summary.p50),
                    trend_time(spread, last->summary.mad), last->summary.n);
            terminal_changes(f, s);
        }
    }
    if (!t->count)
        fputs("the history holds no such runs\n", f);
}

// ---- CSV --------------------------------------------------------------------

static void csv_field(FILE *f, const char *text)
{
    if (!text)
        return;
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, f);
        return;
    }
    fputc('"', f);
    for (; *text; text++)
        fprintf(f, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', f);
}

static void csv_row(FILE *f, const struct trend *t,
                    const struct trend_series *s, size_t at)
{
    const struct trend_point *p = &s->points[at];
    bool change = false;
    for (size_t i = 0; i < s->nchanges; i++)
        change = change || s->changes[i].at == at;
    const char *const texts[] = {t->scenario,
                                 t->guest,
                                 t->accelerator,
                                 t->host,
                                 t->environment_id,
                                 s->mark,
                                 p->is_commit ? p->label : NULL,
                                 p->branch};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        csv_field(f, texts[i]);
        fputc(',', f);
    }
    const struct summary *m = &p->summary;
    fprintf(f, "%" PRIu64 ",%zu,%.6f,%.6f,%.6f,%.6f,%.6f,%.6f,%.6f,%d\r\n",
            p->first_unix_ns / 1000000000, m->n, m->min / 1e9, m->p50 / 1e9,
            m->p90 / 1e9, m->p99 / 1e9, m->mad / 1e9, m->low / 1e9,
            m->high / 1e9, change);
}

void trends_csv(FILE *f, const struct trends *t)
{
    fputs("scenario,guest,accelerator,host,environment,mark,commit,branch,"
          "first_unix_s,n,min_s,p50_s,p90_s,p99_s,mad_s,p50_low_s,p50_high_s,"
          "change\r\n",
          f);
    for (size_t i = 0; i < t->count; i++) {
        for (size_t n = 0; n < t->list[i].nseries; n++) {
            const struct trend_series *s = &t->list[i].series[n];
            for (size_t at = 0; at < s->npoints; at++)
                csv_row(f, &t->list[i], s, at);
        }
    }
}

// ---- OpenMetrics ------------------------------------------------------------

// A label's value: OpenMetrics 1.0, "escaped-string".
static void label(FILE *f, const char *name, const char *value, bool first)
{
    fprintf(f, "%s%s=\"", first ? "{" : ",", name);
    for (; value && *value; value++) {
        if (*value == '\n')
            fputs("\\n", f);
        else if (*value == '"' || *value == '\\')
            fprintf(f, "\\%c", *value);
        else
            fputc(*value, f);
    }
    fputc('"', f);
}

static void metric(FILE *f, const char *name, const struct trend *t,
                   const struct trend_series *s, const char *quantile,
                   double value)
{
    fputs(name, f);
    label(f, "scenario", t->scenario, true);
    label(f, "guest", t->guest, false);
    label(f, "accelerator", t->accelerator, false);
    label(f, "mark", s->mark, false);
    if (quantile)
        label(f, "quantile", quantile, false);
    fprintf(f, "} %.9g\n", value);
}

void trends_openmetrics(FILE *f, const struct trends *t)
{
    fputs("# TYPE toyvmm_boot_seconds gauge\n"
          "# UNIT toyvmm_boot_seconds seconds\n"
          "# HELP toyvmm_boot_seconds Time from process start to a mark, "
          "newest commit.\n",
          f);
    for (size_t i = 0; i < t->count; i++) {
        for (size_t n = 0; n < t->list[i].nseries; n++) {
            const struct trend_series *s = &t->list[i].series[n];
            const struct summary *m = &s->points[s->npoints - 1].summary;
            metric(f, "toyvmm_boot_seconds", &t->list[i], s, "0.5",
                   m->p50 / 1e9);
            metric(f, "toyvmm_boot_seconds", &t->list[i], s, "0.9",
                   m->p90 / 1e9);
            metric(f, "toyvmm_boot_seconds", &t->list[i], s, "0.99",
                   m->p99 / 1e9);
        }
    }
    fputs("# TYPE toyvmm_boot_samples gauge\n"
          "# HELP toyvmm_boot_samples Boots behind toyvmm_boot_seconds.\n",
          f);
    for (size_t i = 0; i < t->count; i++) {
        for (size_t n = 0; n < t->list[i].nseries; n++) {
            const struct trend_series *s = &t->list[i].series[n];
            metric(f, "toyvmm_boot_samples", &t->list[i], s, NULL,
                   (double)s->points[s->npoints - 1].summary.n);
        }
    }
    fputs("# EOF\n", f);
}
