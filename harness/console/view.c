// SPDX-License-Identifier: Apache-2.0
// The matcher's two views and its window: which text a search sees.
#include "harness/console/matcher_internal.h"

// Characters before the window that stay: what a \b or lookbehind at its first
// character sees.
#define CONTEXT 16

const struct text *view_text(const struct matcher *m, enum view v)
{
    return v == LIFTED ? &m->lift.text : &m->received;
}

// The window moves in steps of a block, at offsets that the stream alone
// determines: when (k*block, (k+1)*block] bytes of the view have come since the
// last match, a search sees those from k*block - window on. So what is dropped
// depends neither on the pieces nor on when somebody looked, and as long as no
// kernel message has come since the last match it is the same in both views.
// Each view has a window of its own: a flood of messages drops nothing of what
// they cut.
uint64_t view_window(const struct matcher *m, enum view v, uint64_t len)
{
    const struct kept *k = &m->kept[v];
    uint64_t n = len > k->from ? len - k->from : 0;
    uint64_t blocks = n ? (n - 1) / m->block * m->block : 0;
    uint64_t start = k->from + (blocks > m->window ? blocks - m->window : 0);
    start = start > k->floor ? start : k->floor;
    return start > k->from ? text_align(view_text(m, v), start) : k->from;
}

uint64_t view_len(const struct matcher *m, enum view v, uint64_t at)
{
    return v == LIFTED ? lift_len(&m->lift, at) : at;
}

uint64_t view_from(const struct matcher *m, enum view v, uint64_t src)
{
    return v == LIFTED ? lift_from(&m->lift, src) : src;
}

uint64_t view_reached(const struct matcher *m, enum view v, uint64_t len)
{
    if (v == AS_RECEIVED) {
        return len;
    }
    uint64_t at = len ? lift_joined(&m->lift, len - 1) : 0;
    uint64_t from = m->kept[AS_RECEIVED].from;
    at = at > from ? at : from;
    return at > m->received.base ? text_align(&m->received, at) : at;
}

void matcher_trim(struct matcher *m)
{
    uint64_t keep[VIEWS];
    for (int v = 0; v < VIEWS; v++) {
        uint64_t floor = m->kept[v].floor;
        keep[v] = floor > CONTEXT ? floor - CONTEXT : 0;
    }
    lift_drop(&m->lift, keep[LIFTED]);
    // The byte before the next message says how long before that it came.
    uint64_t done = m->lift.done ? m->lift.done - 1 : 0;
    text_drop(&m->received,
              keep[AS_RECEIVED] < done ? keep[AS_RECEIVED] : done);
    settle_trim(m);
}
