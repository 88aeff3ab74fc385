// SPDX-License-Identifier: Apache-2.0
// A hash table of names. For harness/scenario only.
#include "harness/scenario/symbols.h"

#include <stdint.h>
#include <string.h>

// FNV-1a.
static size_t hash(const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32);
}

// The slot of a name, or the free one where it belongs.
static struct symbol *slot(const struct symbols *s, const char *name)
{
    size_t i = hash(name) & (s->nslots - 1);
    while (s->slots[i].name && strcmp(s->slots[i].name, name) != 0)
        i = (i + 1) & (s->nslots - 1);
    return &s->slots[i];
}

static void grow(struct symbols *s, struct arena *arena)
{
    struct symbols old = *s;
    s->nslots = old.nslots ? 2 * old.nslots : 64;
    s->slots = arena_alloc(arena, s->nslots * sizeof(*s->slots));
    for (size_t i = 0; i < old.nslots; i++)
        if (old.slots[i].name)
            *slot(s, old.slots[i].name) = old.slots[i];
}

void symbols_add(struct symbols *s, struct arena *arena, const char *name,
                 unsigned bits)
{
    if (2 * s->count >= s->nslots)
        grow(s, arena);
    struct symbol *at = slot(s, name);
    if (!at->name) {
        at->name = name;
        s->count++;
    }
    at->bits |= bits;
}

unsigned symbols_find(const struct symbols *s, const char *name)
{
    return s->nslots ? slot(s, name)->bits : 0;
}

void symbols_offer(const struct symbols *s, unsigned bits, struct nearest *n)
{
    for (size_t i = 0; i < s->nslots; i++)
        if (s->slots[i].name && s->slots[i].bits & bits)
            nearest_offer(n, s->slots[i].name);
}
