// SPDX-License-Identifier: Apache-2.0
// Comparisons in words and numbers. See compare_report.h.
#include "harness/history/compare_report.h"

#include "harness/history/cause_text.h"
#include "harness/history/trend.h"
#include "harness/report/json.h"
#include "harness/report/markdown.h"
#include "harness/report/visible.h"

#include <string.h>

// Behind the point of a percentage.
static int digits(const struct compared *c)
{
    return c->exact ? 3 : 1;
}

static double percent(double ratio)
{
    return 100 * (ratio - 1);
}

// What is acknowledged of a mark, or NULL.
static const struct acknowledgement *known_of(const struct compared *c,
                                              size_t mark)
{
    return c->acknowledged && c->acknowledged[mark].line
               ? &c->acknowledged[mark]
               : NULL;
}

// "slower", "same (5.1 % would have been seen)", "too few samples (24 needed)".
static void verdict(FILE *f, const struct compared *c,
                    const struct mark_comparison *m)
{
    fputs(change_name(m->change), f);
    if (m->change == CHANGE_SAME)
        fprintf(f, " (%.*f %% would have been seen)", digits(c),
                100 * m->detectable);
    else if (m->change == CHANGE_TOO_FEW)
        fprintf(f,
                m->base_n < 2 || m->head_n < 2 ? " (%zu of each at least)"
                                               : " (%zu of each would do)",
                m->needed);
}

// Of the exact rig to the nanosecond, for so they are meant.
static void times(const struct compared *c, const struct mark_comparison *m,
                  char base[TREND_TIME], char head[TREND_TIME])
{
    if (c->exact) {
        snprintf(base, TREND_TIME, "%.9f s", m->base / 1e9);
        snprintf(head, TREND_TIME, "%.9f s", m->head / 1e9);
    } else {
        trend_time(base, m->base);
        trend_time(head, m->head);
    }
}

enum gate compared_gate(const struct compared *c)
{
    enum gate gate = GATE_UNMEASURED;
    if (c->failed)
        return c->broken ? GATE_BROKEN : GATE_UNMEASURED;
    for (size_t i = 0; i < c->nmarks; i++) {
        enum change change = c->marks[i].result.change;
        bool known =
            c->acknowledged && c->acknowledged[i].state == ACKNOWLEDGED_HOLDS;
        if (change == CHANGE_SLOWER && !known)
            return GATE_BROKEN;
        if (change == CHANGE_TOO_FEW)
            gate = GATE_OPEN;
        else if (change != CHANGE_ABSENT && gate == GATE_UNMEASURED)
            gate = GATE_HOLDS;
    }
    return gate;
}

void compared_terminal(FILE *f, const struct compared *c)
{
    fprintf(f, "%s: %s against %s\n", c->scenario, c->head, c->base);
    if (c->failed) {
        fputs("  ", f);
        visible_text(f, c->failed, strlen(c->failed), NULL);
        fputc('\n', f);
        return;
    }
    int d = digits(c);
    int wide = c->exact ? 13 : 11;
    fprintf(f, "  %-16s %*s %*s %*s %*s %8s  %s\n", "mark", wide, "base", wide,
            "head", d + 7, "change", 2 * d + 16, "95 % interval", "p",
            "verdict");
    for (size_t i = 0; i < c->nmarks; i++) {
        const struct mark_comparison *m = &c->marks[i].result;
        char base[TREND_TIME];
        char head[TREND_TIME];
        times(c, m, base, head);
        fprintf(f, "  %-16s ", c->marks[i].name);
        if (m->change == CHANGE_ABSENT)
            fprintf(f, "%*s  ", 2 * wide + 3 * d + 35, "");
        else
            fprintf(f, "%*s %*s %+*.*f %% %+*.*f to %+*.*f %% %8.2g  ", wide,
                    base, wide, head, d + 5, d, percent(m->ratio), d + 6, d,
                    percent(m->low), d + 4, d, percent(m->high), m->p_adjusted);
        verdict(f, c, m);
        fprintf(f, " [%zu, %zu]\n", m->base_n, m->head_n);
    }
    for (size_t i = 0; i < c->nmarks; i++) {
        char text[ACKNOWLEDGE_TEXT];
        if (!known_of(c, i))
            continue;
        acknowledge_text(known_of(c, i), text);
        fprintf(f, "  %s: ", c->marks[i].name);
        visible_text(f, text, strlen(text), NULL);
        fputc('\n', f);
    }
    char floor[64] = "";
    if (c->options->floor > 0)
        snprintf(floor, sizeof(floor), " and %g ms", c->options->floor / 1e6);
    fprintf(f,
            "  slower, faster: p <= %g over all marks, and %g %%%s or more; "
            "[%s of base, of head]\n",
            c->options->alpha, 100 * c->options->min_effect, floor,
            c->exact ? "seeds" : "runs");
    if (c->ngrew)
        causes_terminal(f, &c->grew[c->ngrew - 1], 2);
    if (c->warning && *c->warning)
        fprintf(f, "  %s: %s\n", c->exact ? "note" : "warning", c->warning);
}

void compared_markdown(FILE *f, const struct compared *c)
{
    static const char *const signs[] = {
        [CHANGE_SLOWER] = "&#x1F534; ",
        [CHANGE_FASTER] = "&#x1F7E2; ",
        [CHANGE_SAME] = "",
        [CHANGE_TOO_FEW] = "&#x26A0; ",
        [CHANGE_ABSENT] = "",
        [CHANGE_IDENTICAL] = "",
    };
    int d = digits(c);
    fputs("### ", f);
    markdown_text(f, c->scenario);
    fputs(": ", f);
    markdown_name(f, c->head);
    fputs(" against ", f);
    markdown_name(f, c->base);
    fputs("\n\n", f);
    if (c->failed) {
        fputs(signs[c->broken ? CHANGE_SLOWER : CHANGE_TOO_FEW], f);
        markdown_text(f, c->failed);
        fputs("\n\n", f);
        return;
    }
    fputs("| mark | base | head | change | 95 % interval | p | verdict |\n"
          "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
          f);
    for (size_t i = 0; i < c->nmarks; i++) {
        const struct mark_comparison *m = &c->marks[i].result;
        char base[TREND_TIME];
        char head[TREND_TIME];
        times(c, m, base, head);
        fputs("| ", f);
        markdown_name(f, c->marks[i].name);
        fputs(" | ", f);
        if (m->change == CHANGE_ABSENT)
            fputs("| | | | | ", f);
        else
            fprintf(f, "%s | %s | %+.*f %% | %+.*f to %+.*f %% | %.2g | ", base,
                    head, d, percent(m->ratio), d, percent(m->low), d,
                    percent(m->high), m->p_adjusted);
        const struct acknowledgement *known = known_of(c, i);
        if (!known || known->state != ACKNOWLEDGED_HOLDS)
            fputs(signs[m->change], f);
        verdict(f, c, m);
        if (known) {
            char text[ACKNOWLEDGE_TEXT];
            fputs("; ", f);
            markdown_text(f, acknowledge_text(known, text));
        }
        fputs(" |\n", f);
    }
    if (c->ngrew)
        causes_markdown(f, &c->grew[c->ngrew - 1]);
    if (c->warning && *c->warning)
        fprintf(f, "\n> %s\n", c->warning);
    fputc('\n', f);
}

// ---- JSON -------------------------------------------------------------------

static void mark_object(struct json *j, const struct compared_mark *mark,
                        const struct acknowledgement *known)
{
    const struct mark_comparison *m = &mark->result;
    json_open(j, NULL, '{');
    json_text(j, "mark", mark->name);
    json_text(j, "verdict", change_name(m->change));
    json_number(j, "base_n", m->base_n);
    json_number(j, "head_n", m->head_n);
    if (m->change != CHANGE_ABSENT) {
        json_real(j, "base_ns", m->base);
        json_real(j, "head_ns", m->head);
        json_real(j, "ratio", m->ratio);
        json_real(j, "low", m->low);
        json_real(j, "high", m->high);
        json_real(j, "dominance", m->dominance);
        json_real(j, "p", m->p);
        json_real(j, "p_adjusted", m->p_adjusted);
        json_real(j, "detectable", m->detectable);
        json_number(j, "needed", m->needed);
    }
    acknowledge_json(j, known);
    json_close(j, '}');
}

void compared_json(FILE *f, const struct compared *c)
{
    static const char *const gates[] = {
        [GATE_HOLDS] = "holds",
        [GATE_BROKEN] = "broken",
        [GATE_OPEN] = "too few samples",
        [GATE_UNMEASURED] = "not measured",
    };
    struct json j = {.f = f};
    json_open(&j, NULL, '{');
    json_number(&j, "comparison", 1);
    json_text(&j, "scenario", c->scenario);
    json_text(&j, "base", c->base);
    json_text(&j, "head", c->head);
    json_text(&j, "gate", gates[compared_gate(c)]);
    json_real(&j, "alpha", c->options->alpha);
    json_real(&j, "min_effect", c->options->min_effect);
    json_real(&j, "target", c->options->target);
    json_real(&j, "power", c->options->power);
    json_bool(&j, "interleaved", c->options->interleaved);
    json_bool(&j, "exact", c->exact);
    json_real(&j, "floor_ns", c->options->floor);
    json_text(&j, "warning", c->warning);
    json_text(&j, "failed", c->failed);
    json_open(&j, "marks", '[');
    for (size_t i = 0; i < c->nmarks; i++)
        mark_object(&j, &c->marks[i], known_of(c, i));
    json_close(&j, ']');
    json_open(&j, "grew", '[');
    for (size_t i = 0; i < c->ngrew; i++)
        causes_json(&j, &c->grew[i]);
    json_close(&j, ']');
    json_close(&j, '}');
    fputc('\n', f);
}
