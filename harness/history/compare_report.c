// SPDX-License-Identifier: Apache-2.0
// Comparisons in words and numbers. See compare_report.h.
#include "harness/history/compare_report.h"

#include "harness/history/trend.h"

#include <math.h>
#include <string.h>

static double percent(double ratio)
{
    return 100 * (ratio - 1);
}

// "slower", "same (5.1 % would have been seen)", "too few samples (24 needed)".
static void verdict(FILE *f, const struct mark_comparison *m)
{
    fputs(change_name(m->change), f);
    if (m->change == CHANGE_SAME)
        fprintf(f, " (%.1f %% would have been seen)", 100 * m->detectable);
    else if (m->change == CHANGE_TOO_FEW)
        fprintf(f, " (%zu of each would do)", m->needed);
}

enum gate compared_gate(const struct compared *c)
{
    enum gate gate = GATE_HOLDS;
    for (size_t i = 0; i < c->nmarks; i++) {
        if (c->marks[i].result.change == CHANGE_SLOWER)
            return GATE_BROKEN;
        if (c->marks[i].result.change == CHANGE_TOO_FEW)
            gate = GATE_OPEN;
    }
    return gate;
}

void compared_terminal(FILE *f, const struct compared *c)
{
    fprintf(f, "%s: %s against %s\n", c->scenario, c->head, c->base);
    fprintf(f, "  %-16s %11s %11s %8s %18s %8s  %s\n", "mark", "base", "head",
            "change", "95 % interval", "p", "verdict");
    for (size_t i = 0; i < c->nmarks; i++) {
        const struct mark_comparison *m = &c->marks[i].result;
        char base[TREND_TIME];
        char head[TREND_TIME];
        fprintf(f, "  %-16s ", c->marks[i].name);
        if (m->change == CHANGE_ABSENT)
            fprintf(f, "%60s  ", "");
        else
            fprintf(f, "%11s %11s %+6.1f %% %+7.1f to %+5.1f %% %8.2g  ",
                    trend_time(base, m->base), trend_time(head, m->head),
                    percent(m->ratio), percent(m->low), percent(m->high),
                    m->p_adjusted);
        verdict(f, m);
        fprintf(f, " [%zu, %zu]\n", m->base_n, m->head_n);
    }
    fprintf(f,
            "  slower, faster: p <= %g over all marks, and %g %% or more; "
            "[runs of base, of head]\n",
            c->options->alpha, 100 * c->options->min_effect);
    if (c->warning && *c->warning)
        fprintf(f, "  warning: %s\n", c->warning);
}

void compared_markdown(FILE *f, const struct compared *c)
{
    static const char *const signs[] = {
        [CHANGE_SLOWER] = "&#x1F534; ",
        [CHANGE_FASTER] = "&#x1F7E2; ",
        [CHANGE_SAME] = "",
        [CHANGE_TOO_FEW] = "&#x26A0; ",
        [CHANGE_ABSENT] = "",
    };
    fprintf(f, "### %s: `%s` against `%s`\n\n", c->scenario, c->head, c->base);
    fputs("| mark | base | head | change | 95 % interval | p | verdict |\n"
          "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
          f);
    for (size_t i = 0; i < c->nmarks; i++) {
        const struct mark_comparison *m = &c->marks[i].result;
        char base[TREND_TIME];
        char head[TREND_TIME];
        fprintf(f, "| `%s` | ", c->marks[i].name);
        if (m->change == CHANGE_ABSENT)
            fputs("| | | | | ", f);
        else
            fprintf(f, "%s | %s | %+.1f %% | %+.1f to %+.1f %% | %.2g | ",
                    trend_time(base, m->base), trend_time(head, m->head),
                    percent(m->ratio), percent(m->low), percent(m->high),
                    m->p_adjusted);
        fputs(signs[m->change], f);
        verdict(f, m);
        fputs(" |\n", f);
    }
    if (c->warning && *c->warning)
        fprintf(f, "\n> %s\n", c->warning);
    fputc('\n', f);
}

// ---- JSON
// ----------------------------------------------------------------------

static void json_text(FILE *f, const char *text)
{
    fputc('"', f);
    for (; text && *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c < 0x20)
            fprintf(f, "\\u%04x", c);
        else
            fputc(c, f);
    }
    fputc('"', f);
}

static void json_number(FILE *f, const char *name, double value)
{
    if (isfinite(value))
        fprintf(f, ",\"%s\":%.9g", name, value);
    else
        fprintf(f, ",\"%s\":null", name);
}

static void json_mark(FILE *f, const struct compared_mark *mark)
{
    const struct mark_comparison *m = &mark->result;
    fputs("{\"mark\":", f);
    json_text(f, mark->name);
    fputs(",\"verdict\":", f);
    json_text(f, change_name(m->change));
    fprintf(f, ",\"base_n\":%zu,\"head_n\":%zu", m->base_n, m->head_n);
    if (m->change != CHANGE_ABSENT) {
        json_number(f, "base_ns", m->base);
        json_number(f, "head_ns", m->head);
        json_number(f, "ratio", m->ratio);
        json_number(f, "low", m->low);
        json_number(f, "high", m->high);
        json_number(f, "dominance", m->dominance);
        json_number(f, "p", m->p);
        json_number(f, "p_adjusted", m->p_adjusted);
        json_number(f, "detectable", m->detectable);
        fprintf(f, ",\"needed\":%zu", m->needed);
    }
    fputc('}', f);
}

void compared_json(FILE *f, const struct compared *c)
{
    static const char *const gates[] = {
        [GATE_HOLDS] = "holds",
        [GATE_BROKEN] = "broken",
        [GATE_OPEN] = "too few samples",
    };
    fputs("{\"comparison\":1,\"scenario\":", f);
    json_text(f, c->scenario);
    fputs(",\"base\":", f);
    json_text(f, c->base);
    fputs(",\"head\":", f);
    json_text(f, c->head);
    fprintf(f, ",\"gate\":\"%s\"", gates[compared_gate(c)]);
    json_number(f, "alpha", c->options->alpha);
    json_number(f, "min_effect", c->options->min_effect);
    json_number(f, "target", c->options->target);
    json_number(f, "power", c->options->power);
    fprintf(f, ",\"interleaved\":%s",
            c->options->interleaved ? "true" : "false");
    fputs(",\"warning\":", f);
    json_text(f, c->warning);
    fputs(",\"marks\":[", f);
    for (size_t i = 0; i < c->nmarks; i++) {
        if (i)
            fputc(',', f);
        json_mark(f, &c->marks[i]);
    }
    fputs("]}\n", f);
}
