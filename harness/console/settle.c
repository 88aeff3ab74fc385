// SPDX-License-Identifier: Apache-2.0
// The matcher's quiet moments: those of all that is received, and those of the
// lifted view, in one order. For harness/console only.
#include "harness/console/matcher_internal.h"
#include "src/base/clock.h"

#include <stdlib.h>
#include <string.h>

static void add(struct matcher *m, const struct settle *s)
{
    if (!m->settles || m->nsettles == m->settle_cap) {
        size_t cap = m->settle_cap ? m->settle_cap * 2 : 64;
        struct settle *grown = realloc(m->settles, cap * sizeof *grown);
        if (!grown) {
            m->received.failed = true;
            return;
        }
        m->settles = grown;
        m->settle_cap = cap;
    }
    m->settles[m->nsettles++] = *s;
}

static void add_lifted(struct matcher *m, const struct lift_quiet *q)
{
    add(m, &(struct settle){.len = {q->at, lift_len(&m->lift, q->at)},
                            .in = {[LIFTED] = true},
                            .ns = q->ns});
}

void settle_feed(struct matcher *m)
{
    struct lift_quiet q;
    while (lift_feed(&m->lift, &m->received, &q)) {
        add_lifted(m, &q);
    }
}

void settle_all(struct matcher *m, uint64_t ns)
{
    struct lift_quiet q;
    if (lift_tick(&m->lift, &m->received, ns, &q)) {
        add_lifted(m, &q);
    }
    uint64_t at = text_end(&m->received);
    const struct settle *last =
        m->nsettles ? &m->settles[m->nsettles - 1] : NULL;
    bool told = last && last->in[AS_RECEIVED] && last->len[AS_RECEIVED] == at;
    if (filter_at_rest(&m->filter) && !told) {
        bool whole = lift_at_rest(&m->lift, &m->received);
        add(m, &(struct settle){.len = {at, text_end(&m->lift.text)},
                                .in = {true, whole},
                                .ns = ns});
    }
}

void settle_tick(struct matcher *m, uint64_t now_ns)
{
    struct lift_quiet q;
    if (lift_tick(&m->lift, &m->received, now_ns, &q)) {
        add_lifted(m, &q);
    }
    uint64_t quiet_ns = arrival_quiet_ns(&m->arrival);
    if (m->arrival.started && now_ns >= quiet_ns) {
        settle_all(m, quiet_ns);
    }
}

uint64_t settle_wake_ns(const struct matcher *m, uint64_t now_ns)
{
    uint64_t lifted = lift_wake_ns(&m->lift, &m->received);
    uint64_t all = arrival_quiet_ns(&m->arrival);
    all = all > now_ns ? all : CLOCK_NEVER;
    return lifted < all ? lifted : all;
}

// While the kernel prints on, the lifted view stays as long as it is: the first
// of its settles counts, however much was received since.
static bool is_needed(const struct matcher *m, const struct settle *s,
                      size_t kept)
{
    const struct settle *before = kept ? &m->settles[kept - 1] : NULL;
    return s->in[LIFTED] && s->len[LIFTED] >= m->kept[LIFTED].floor &&
           s->len[AS_RECEIVED] >= m->settles_from &&
           !(before && before->len[LIFTED] == s->len[LIFTED]);
}

void settle_trim(struct matcher *m)
{
    uint64_t floor = m->kept[AS_RECEIVED].floor;
    size_t kept = 0;
    size_t i = 0;
    for (; i < m->nsettles && m->settles[i].len[AS_RECEIVED] < floor; i++) {
        if (is_needed(m, &m->settles[i], kept)) {
            m->settles[kept++] = m->settles[i];
            continue;
        }
        for (size_t c = 0; c < m->ncursors; c++) {
            m->cursors[c].settles -= m->cursors[c].settles > kept;
        }
    }
    if (kept == i) {
        return;
    }
    m->nsettles -= i - kept;
    memmove(m->settles + kept, m->settles + i,
            (m->nsettles - kept) * sizeof *m->settles);
}
