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
    m->lift.settle_ns = m->arrival.settle_ns;
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

// The lifted view's place of a received offset can't be known while the text
// there may be the beginning of a kernel message.
static void raise_lifted(struct matcher *m)
{
    uint64_t from = lift_from(&m->lift, m->kept[AS_RECEIVED].from);
    struct kept *k = &m->kept[LIFTED];
    k->from = from > k->from ? from : k->from;
    k->floor = k->floor > k->from ? k->floor : k->from;
}

void matcher_feed(struct matcher *m, const uint8_t *bytes, size_t len,
                  const struct stamp *stamps, size_t nstamps)
{
    matcher_trim(m);
    struct arrival_feed feed = {bytes, len, stamps, nstamps, 0, 0};
    struct piece piece;
    while (arrival_next(&m->arrival, &feed, &piece)) {
        if (piece.quiet) {
            settle_all(m, piece.quiet_ns);
        }
        bool open = m->lift.done < m->kept[AS_RECEIVED].from;
        filter_feed(&m->filter, &m->received, &piece);
        settle_feed(m);
        if (open) {
            raise_lifted(m);
        }
        // Nobody looked for a whole window: memory stays bounded all the same.
        for (int i = 0; i < VIEWS; i++) {
            enum view v = (enum view)i;
            uint64_t end = text_end(view_text(m, v));
            if (end - m->kept[v].floor > 2 * (m->window + m->block)) {
                m->kept[v].floor = view_window(m, v, end);
                matcher_trim(m);
            }
        }
    }
}

void matcher_consume(struct matcher *m, uint64_t upto)
{
    struct kept *k = &m->kept[AS_RECEIVED];
    k->from = upto;
    k->floor = k->floor > upto ? k->floor : upto;
    m->settles_from = k->floor;
    raise_lifted(m);
    m->ncursors = 0;
}

void matcher_started(struct matcher *m, uint64_t ns)
{
    m->lift.clock.started_ns = ns;
}

bool matcher_was_printed(const struct matcher *m, uint64_t clock_us,
                         uint64_t from_ns, uint64_t to_ns)
{
    return lift_was_printed(&m->lift, clock_us, from_ns, to_ns);
}

void matcher_skip(struct matcher *m)
{
    matcher_consume(m, text_end(&m->received));
}

uint64_t matcher_overflowed(const struct matcher *m)
{
    const struct kept *k = &m->kept[AS_RECEIVED];
    return k->floor - k->from;
}

uint64_t matcher_last_ns(const struct matcher *m)
{
    return m->arrival.last_ns;
}

uint64_t matcher_last_plain_ns(const struct matcher *m)
{
    return lift_plain_ns(&m->lift);
}

struct text_span matcher_pending(const struct matcher *m)
{
    uint64_t floor = m->kept[AS_RECEIVED].floor;
    return (struct text_span){text_at(&m->received, floor),
                              text_end(&m->received) - floor};
}

uint64_t matcher_pending_ns(const struct matcher *m)
{
    uint64_t floor = m->kept[AS_RECEIVED].floor;
    return floor < text_end(&m->received) ? text_ns(&m->received, floor) : 0;
}
