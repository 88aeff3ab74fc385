// SPDX-License-Identifier: Apache-2.0
// Typed then, typed now. See typed.h.
#include "harness/recording/typed.h"

#include <stdlib.h>
#include <string.h>

// More than a console's queue holds (console.h): never reached by two that
// type the same.
#define WAITING_MAX ((size_t)4 << 20)

static void differ(struct typed *t, uint64_t ns)
{
    if (!t->differs)
        t->differs_ns = ns;
    t->differs = true;
}

static struct typed_piece *first(const struct typed *t, unsigned port,
                                 enum typed_side side)
{
    return t->waiting[port][side].first;
}

static void drop(struct typed *t, unsigned port, enum typed_side side, size_t n)
{
    struct typed_piece *p = first(t, port, side);
    p->at += n;
    t->waiting[port][side].len -= n;
    if (p->at < p->len)
        return;
    t->waiting[port][side].first = p->next;
    if (!p->next)
        t->waiting[port][side].end = &t->waiting[port][side].first;
    free(p);
}

static void compare(struct typed *t, unsigned port)
{
    struct typed_piece *then, *now;
    while (!t->differs && (then = first(t, port, TYPED_THEN)) &&
           (now = first(t, port, TYPED_NOW))) {
        size_t a = then->len - then->at, b = now->len - now->at;
        size_t n = a < b ? a : b;
        if (then->serial_break != now->serial_break ||
            (!then->secret && !now->secret &&
             memcmp(then->bytes + then->at, now->bytes + now->at, n) != 0))
            differ(t, then->ns);
        drop(t, port, TYPED_THEN, n);
        drop(t, port, TYPED_NOW, n);
    }
}

static void add(struct typed *t, enum typed_side side, unsigned port,
                const uint8_t *bytes, const struct typed_piece *like)
{
    size_t len = like->len;
    if (!len || t->differs)
        return;
    struct typed_piece *p = NULL;
    if (len <= WAITING_MAX - t->waiting[port][side].len)
        p = malloc(sizeof(*p) + len);
    if (!p) {
        differ(t, like->ns);
        return;
    }
    *p = *like;
    memcpy(p->bytes, bytes, len);
    if (!t->waiting[port][side].first)
        t->waiting[port][side].end = &t->waiting[port][side].first;
    *t->waiting[port][side].end = p;
    t->waiting[port][side].end = &p->next;
    t->waiting[port][side].len += len;
    compare(t, port);
}

void typed_add(struct typed *t, enum typed_side side, unsigned port,
               const uint8_t *bytes, size_t len, bool secret, uint64_t ns)
{
    add(t, side, port, bytes,
        &(struct typed_piece){.ns = ns, .secret = secret, .len = len});
}

void typed_break(struct typed *t, enum typed_side side, unsigned port,
                 uint64_t ns)
{
    const uint8_t none = 0;
    add(t, side, port, &none,
        &(struct typed_piece){.ns = ns, .serial_break = true, .len = 1});
}

void typed_finish(struct typed *t, bool cut_off)
{
    for (unsigned port = 0; port < TOYVMM_PORTS; port++) {
        const struct typed_piece *then = first(t, port, TYPED_THEN);
        const struct typed_piece *now = first(t, port, TYPED_NOW);
        if (then)
            differ(t, then->ns);
        else if (now && !cut_off)
            differ(t, now->ns);
    }
}

void typed_free(struct typed *t)
{
    for (unsigned port = 0; port < TOYVMM_PORTS; port++) {
        for (int side = 0; side < 2; side++) {
            struct typed_piece *p = t->waiting[port][side].first;
            while (p) {
                struct typed_piece *next = p->next;
                free(p);
                p = next;
            }
        }
    }
    *t = (struct typed){0};
}
