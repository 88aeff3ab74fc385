// SPDX-License-Identifier: Apache-2.0
// What of a trend's changes is acknowledged. See trend.h.
#include "harness/history/trend.h"

#include <errno.h>
#include <stdlib.h>

static bool is_label(void *owner, const char *commit)
{
    const struct trend_point *p = owner;
    return p->is_commit && acknowledge_is_commit(commit, p->label);
}

// How many of them alarm, or -ENOMEM.
static int acknowledge_series(const char *scenario, struct trend_series *s,
                              const struct acknowledgements *a, int64_t now)
{
    int alarms = 0;
    free(s->known);
    s->known = calloc(s->nchanges + 1, sizeof(*s->known));
    if (!s->known)
        return -ENOMEM;
    for (size_t i = 0; i < s->nchanges; i++) {
        const struct change_point *c = &s->changes[i];
        double by = c->after / c->before - 1;
        const struct slowdown found = {
            scenario, s->mark, c->before, by, by, change_defaults.min_effect};
        if (c->after <= c->before)
            continue;
        s->known[i] = acknowledge(a, &found, now, is_label, &s->points[c->at]);
        alarms += s->known[i].state != ACKNOWLEDGED_HOLDS;
    }
    return alarms;
}

int trends_acknowledge(struct trends *t, const struct acknowledgements *a,
                       int64_t now, struct error *err)
{
    int alarms = 0;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t n = 0; n < t->list[i].nseries; n++) {
            int more = acknowledge_series(t->list[i].scenario,
                                          &t->list[i].series[n], a, now);
            if (more < 0)
                return error_set(err, more, "out of memory");
            alarms += more;
        }
    }
    return alarms;
}
