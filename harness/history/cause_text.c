// SPDX-License-Identifier: Apache-2.0
// What grew, in words and numbers. See cause_text.h.
#include "harness/history/cause_text.h"

#include "harness/history/trend.h"
#include "harness/report/markdown.h"
#include "harness/report/visible.h"

#include <math.h>
#include <string.h>

// "+12.1 ms"
static const char *signed_time(char buf[TREND_TIME], double ns)
{
    char size[TREND_TIME];
    trend_time(size, fabs(ns));
    snprintf(buf, TREND_TIME, "%c%.*s", ns < 0 ? '-' : '+', TREND_TIME - 2,
             size);
    return buf;
}

// A guest chose the names of initcalls, and of marks somebody.
static void name_text(FILE *f, const char *name)
{
    visible_text(f, name, strlen(name), NULL);
}

static void describe(FILE *f, const struct cause *c,
                     void (*name)(FILE *f, const char *text))
{
    switch (c->kind) {
    case CAUSE_PHASE:
        name(f, c->name);
        fputs(" to ", f);
        name(f, c->until);
        break;
    case CAUSE_MARK:
        fputs("mark ", f);
        name(f, c->name);
        break;
    case CAUSE_INITCALL:
        fputs("initcall ", f);
        name(f, c->name);
        break;
    case CAUSE_TOLD:
        name(f, c->name);
        break;
    }
}

// Is it a part of a phase, by the guest's own clock?
static bool is_within(const struct cause *c)
{
    return c->kind == CAUSE_INITCALL || c->kind == CAUSE_TOLD;
}

static const char *which_side(const struct cause *c)
{
    return c->head_n ? "new" : "gone";
}

static double alone_time(const struct cause *c)
{
    return c->head_n ? c->head : c->base;
}

static const char note[] =
    "* by the guest's clock, within a phase: not added to the phases";

// How far the sides' own reach is known: of initcalls only the slowest are.
static const char *slowest(const struct cause *c)
{
    return c->kind == CAUSE_INITCALL ? " among the slowest" : "";
}

// ---- Terminal ---------------------------------------------------------------

void causes_terminal(FILE *f, const struct causes *c, int indent)
{
    char time[TREND_TIME];
    size_t shown = c->count < CAUSES_SHOWN ? c->count : CAUSES_SHOWN;
    bool within = false;
    fprintf(f, "%*swhat grew until ", indent, "");
    name_text(f, c->mark);
    fprintf(f, ", %s:\n", signed_time(time, c->growth));
    for (size_t i = 0; i < shown; i++) {
        const struct cause *one = &c->list[i];
        if (one->change == CHANGE_ABSENT)
            continue;
        fprintf(f, "%*s%12s %6.1f %%  ", indent, "",
                signed_time(time, one->growth), 100 * one->share);
        describe(f, one, name_text);
        fputs(is_within(one) ? " *\n" : "\n", f);
        within |= is_within(one);
    }
    fprintf(f, "%*s%12s %6.1f %%  nothing that was measured explains\n", indent,
            "", signed_time(time, c->rest), 100 * c->rest / c->growth);
    for (size_t i = 0; i < shown; i++) {
        const struct cause *one = &c->list[i];
        if (one->change != CHANGE_ABSENT)
            continue;
        fprintf(f, "%*s%s%s: ", indent + 2, "", which_side(one), slowest(one));
        describe(f, one, name_text);
        fprintf(f, ", %s\n", trend_time(time, alone_time(one)));
    }
    if (shown < c->count)
        fprintf(f, "%*sand %zu more: see the JSON report\n", indent + 2, "",
                c->count - shown);
    if (within)
        fprintf(f, "%*s%s\n", indent + 2, "", note);
}

// ---- Markdown ---------------------------------------------------------------

void causes_markdown(FILE *f, const struct causes *c)
{
    char time[TREND_TIME], low[TREND_TIME], high[TREND_TIME];
    size_t shown = c->count < CAUSES_SHOWN ? c->count : CAUSES_SHOWN;
    fputs("\n<details><summary>What grew until ", f);
    markdown_text(f, c->mark);
    fprintf(f,
            ", %s</summary>\n\n"
            "| what | growth | 95 %% interval | share |\n"
            "| --- | ---: | ---: | ---: |\n",
            signed_time(time, c->growth));
    for (size_t i = 0; i < shown; i++) {
        const struct cause *one = &c->list[i];
        fputs("| ", f);
        describe(f, one, markdown_name);
        if (one->change == CHANGE_ABSENT)
            fprintf(f, " | %s%s: %s | | |\n", which_side(one), slowest(one),
                    trend_time(time, alone_time(one)));
        else
            fprintf(f, "%s | %s | %s to %s | %.1f %% |\n",
                    is_within(one) ? " \\*" : "",
                    signed_time(time, one->growth), signed_time(low, one->low),
                    signed_time(high, one->high), 100 * one->share);
    }
    fprintf(f, "| nothing that was measured explains | %s | | %.1f %% |\n\n",
            signed_time(time, c->rest), 100 * c->rest / c->growth);
    if (shown < c->count)
        fprintf(f, "And %zu more. ", c->count - shown);
    fputs("Shares are of the phases, which together are the whole time; \\* by "
          "the guest's clock, within a phase.\n\n</details>\n",
          f);
}

// ---- JSON -------------------------------------------------------------------

static void cause_object(struct json *j, const struct cause *c)
{
    json_open(j, NULL, '{');
    json_text(j, "kind", cause_kind_name(c->kind));
    json_text(j, "name", c->name);
    json_text(j, "until", c->until);
    json_text(j, "verdict",
              c->change == CHANGE_ABSENT ? which_side(c)
                                         : change_name(c->change));
    json_number(j, "base_n", c->base_n);
    json_number(j, "head_n", c->head_n);
    json_real(j, "base_ns", c->base);
    json_real(j, "head_ns", c->head);
    json_real(j, "growth_ns", c->growth);
    json_real(j, "low_ns", c->low);
    json_real(j, "high_ns", c->high);
    json_real(j, "share", c->change == CHANGE_ABSENT ? NAN : c->share);
    json_real(j, "p_adjusted", c->p_adjusted);
    json_close(j, '}');
}

void causes_json(struct json *j, const struct causes *c)
{
    json_open(j, NULL, '{');
    json_text(j, "mark", c->mark);
    json_real(j, "growth_ns", c->growth);
    json_real(j, "unexplained_ns", c->rest);
    json_number(j, "looked_at", c->looked_at);
    json_open(j, "causes", '[');
    for (size_t i = 0; i < c->count; i++)
        cause_object(j, &c->list[i]);
    json_close(j, ']');
    json_close(j, '}');
}
