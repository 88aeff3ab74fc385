// SPDX-License-Identifier: Apache-2.0
// The matcher's two views and its window: which text a search sees.
#include "harness/console/matcher_internal.h"

#include <string.h>

// Characters before the window that stay: what a \b or lookbehind at its first
// character sees.
#define CONTEXT 16

// The window moves in steps of a block, at offsets that the stream alone
// determines: with text of (k*block, (k+1)*block] bytes a search sees what was
// received from k*block - window on. So what is dropped depends neither on the
// pieces nor on when somebody looked.
uint64_t window_start(const struct matcher *m, uint64_t at)
{
    uint64_t blocks = at ? (at - 1) / m->block * m->block : 0;
    uint64_t start = blocks > m->window ? blocks - m->window : 0;
    start = start > m->floor ? start : m->floor;
    return start > m->from ? text_align(&m->received, start) : m->from;
}

const struct text *view_text(const struct matcher *m, enum view v)
{
    return v == LIFTED ? &m->lift.text : &m->received;
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
    at = at > m->from ? at : m->from;
    return text_align(&m->received, at);
}

uint64_t view_ns(const struct matcher *m, enum view v, uint64_t off)
{
    return text_ns(&m->received,
                   v == LIFTED ? lift_source(&m->lift, off) : off);
}

void matcher_trim(struct matcher *m)
{
    uint64_t keep = m->floor > CONTEXT ? m->floor - CONTEXT : 0;
    uint64_t lifted = view_from(m, LIFTED, m->floor);
    lift_drop(&m->lift, lifted > CONTEXT ? lifted - CONTEXT : 0);
    keep = keep < m->lift.done ? keep : m->lift.done;
    text_drop(&m->received, keep);

    size_t past = 0;
    while (past < m->nsettles && m->settles[past].at < m->floor) {
        past++;
    }
    if (past == 0) {
        return;
    }
    m->nsettles -= past;
    memmove(m->settles, m->settles + past, m->nsettles * sizeof *m->settles);
    for (size_t i = 0; i < m->ncursors; i++) {
        struct cursor *c = &m->cursors[i];
        c->settles = c->settles > past ? c->settles - past : 0;
    }
}
