// SPDX-License-Identifier: Apache-2.0
// Trends for programs, as JSON. See trend.h.
#include "harness/history/trend.h"

#include "harness/history/cause_text.h"
#include "harness/report/json.h"

static void point(struct json *j, const struct trend_point *p)
{
    json_open(j, NULL, '{');
    json_text(j, p->is_commit ? "commit" : "session", p->label);
    json_text(j, "branch", p->branch);
    json_time(j, "first", p->first_unix_ns);
    json_number(j, "n", p->summary.n);
    json_real(j, "p50_ns", p->summary.p50);
    json_real(j, "low_ns", p->summary.low);
    json_real(j, "high_ns", p->summary.high);
    json_close(j, '}');
}

static void change(struct json *j, const struct trend_series *s, size_t at)
{
    const struct change_point *c = &s->changes[at];
    const struct trend_point *p = &s->points[c->at];
    json_open(j, NULL, '{');
    json_text(j, p->is_commit ? "commit" : "session", p->label);
    json_number(j, "point", c->at);
    json_text(j, "verdict", c->after > c->before ? "slower" : "faster");
    json_real(j, "before_ns", c->before);
    json_real(j, "after_ns", c->after);
    json_real(j, "ratio", c->after / c->before);
    json_real(j, "p", c->p);
    acknowledge_json(j, s->known ? &s->known[at] : NULL);
    json_open(j, "grew", '[');
    if (s->grew && s->grew[at].mark)
        causes_json(j, &s->grew[at]);
    json_close(j, ']');
    json_close(j, '}');
}

static void series(struct json *j, const struct trend_series *s)
{
    json_open(j, NULL, '{');
    json_text(j, "mark", s->mark);
    json_open(j, "points", '[');
    for (size_t i = 0; i < s->npoints; i++)
        point(j, &s->points[i]);
    json_close(j, ']');
    json_open(j, "changes", '[');
    for (size_t i = 0; i < s->nchanges; i++)
        change(j, s, i);
    json_close(j, ']');
    json_close(j, '}');
}

void trends_json(FILE *f, const struct trends *t)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct trend *one = &t->list[i];
        struct json j = {.f = f};
        json_open(&j, NULL, '{');
        json_number(&j, "trend", 1);
        json_text(&j, "scenario", one->scenario);
        json_text(&j, "guest", one->guest);
        json_text(&j, "accelerator", one->accelerator);
        json_text(&j, "host", one->host);
        json_text(&j, "environment", one->environment_id);
        json_open(&j, "marks", '[');
        for (size_t n = 0; n < one->nseries; n++)
            series(&j, &one->series[n]);
        json_close(&j, ']');
        json_close(&j, '}');
        fputc('\n', f);
    }
}
