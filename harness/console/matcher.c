// SPDX-License-Identifier: Apache-2.0
// The matcher's life and its input: bytes through the filters into the two
// views (matcher.h). look.c searches them.
#include "harness/console/matcher_internal.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>

#define WINDOW_DEFAULT ((size_t)1 << 20)
#define WINDOW_MIN     ((size_t)64)

struct matcher *matcher_new(const struct matcher_options *options,
                            struct error *err)
{
    struct matcher *m = calloc(1, sizeof *m);
    if (!m) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    m->window = options && options->window ? options->window : WINDOW_DEFAULT;
    m->window = m->window > WINDOW_MIN ? m->window : WINDOW_MIN;
    m->block = m->window / 4;
    m->arrival.settle_ns =
        options && options->settle_ns ? options->settle_ns : SETTLE_DEFAULT_NS;
    filter_init(&m->filter);
    if (pattern_scratch_init(&m->scratch, err) < 0) {
        free(m);
        return NULL;
    }
    return m;
}

void matcher_free(struct matcher *m)
{
    if (m) {
        text_free(&m->received);
        lift_free(&m->lift);
        pattern_scratch_free(&m->scratch);
        free(m->settles);
        free(m->cursors);
        free(m);
    }
}

void matcher_settle(struct matcher *m, uint64_t ns)
{
    uint64_t at = text_end(&m->received);
    if (!filter_at_rest(&m->filter) ||
        (m->nsettles && m->settles[m->nsettles - 1].at == at)) {
        return;
    }
    if (m->nsettles == m->settle_cap) {
        size_t cap = m->settle_cap ? m->settle_cap * 2 : 64;
        struct settle *grown = realloc(m->settles, cap * sizeof *grown);
        if (!grown) {
            m->received.failed = true;
            return;
        }
        m->settles = grown;
        m->settle_cap = cap;
    }
    m->settles[m->nsettles++] = (struct settle){
        .at = at,
        .ns = ns,
        .lifted = lift_at_rest(&m->lift, &m->received),
    };
}

void matcher_feed(struct matcher *m, const uint8_t *bytes, size_t len,
                  const struct stamp *stamps, size_t nstamps)
{
    matcher_trim(m);
    struct arrival_feed feed = {bytes, len, stamps, nstamps, 0, 0};
    struct piece piece;
    while (arrival_next(&m->arrival, &feed, &piece)) {
        if (piece.quiet) {
            matcher_settle(m, piece.quiet_ns);
        }
        filter_feed(&m->filter, &m->received, &piece);
        lift_feed(&m->lift, &m->received);
        // Nobody looked for a whole window: memory stays bounded all the same.
        uint64_t end = text_end(&m->received);
        if (end - m->floor > 2 * (m->window + m->block)) {
            m->floor = window_start(m, end);
            matcher_trim(m);
        }
    }
}

void matcher_consume(struct matcher *m, uint64_t upto)
{
    m->from = upto;
    m->floor = m->floor > upto ? m->floor : upto;
    m->ncursors = 0;
}

void matcher_skip(struct matcher *m)
{
    matcher_consume(m, text_end(&m->received));
}

uint64_t matcher_overflowed(const struct matcher *m)
{
    return m->floor - m->from;
}

uint64_t matcher_last_ns(const struct matcher *m)
{
    return m->arrival.last_ns;
}

struct text_span matcher_pending(const struct matcher *m)
{
    return (struct text_span){text_at(&m->received, m->floor),
                              text_end(&m->received) - m->floor};
}
