// SPDX-License-Identifier: Apache-2.0
// Unique names, in time that does not depend on how often one comes. See
// ktap_names.h.
#include "harness/ktap/ktap_names.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// FNV-1a, 64 bits.
static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return h;
}

// The name's slot, or the empty one where it would stand.
static struct ktap_name *find(const struct ktap_names *names, const char *text)
{
    size_t mask = names->nslots - 1;
    size_t at = (size_t)hash(text) & mask;
    while (names->slots[at].text && strcmp(names->slots[at].text, text) != 0)
        at = (at + 1) & mask;
    return &names->slots[at];
}

static int grow(struct ktap_names *names)
{
    struct ktap_names larger = {.nslots =
                                    names->nslots ? names->nslots * 2 : 64};
    if (names->count * 2 < names->nslots)
        return 0;
    larger.slots = calloc(larger.nslots, sizeof(*larger.slots));
    if (!larger.slots)
        return -1;
    for (size_t i = 0; i < names->nslots; i++) {
        if (names->slots[i].text)
            *find(&larger, names->slots[i].text) = names->slots[i];
    }
    larger.count = names->count;
    free(names->slots);
    *names = larger;
    return 0;
}

// 1: taken; 0: it was there; -1: out of memory.
static int take(struct ktap_names *names, const char *text)
{
    if (grow(names))
        return -1;
    struct ktap_name *slot = find(names, text);
    if (slot->text)
        return 0;
    slot->text = strdup(text);
    slot->uses = 1;
    names->count += slot->text != NULL;
    return slot->text ? 1 : -1;
}

char *ktap_unique(struct ktap_names *names, const char *name)
{
    int taken = take(names, name);
    if (taken)
        return taken > 0 ? strdup(name) : NULL;
    size_t n = find(names, name)->uses;
    char *other = NULL;
    while (!taken) {
        free(other);
        if (asprintf(&other, "%s (%zu)", name, ++n) < 0)
            return NULL;
        taken = take(names, other);
    }
    find(names, name)->uses = n;
    if (taken > 0)
        return other;
    free(other);
    return NULL;
}

void ktap_names_free(struct ktap_names *names)
{
    for (size_t i = 0; i < names->nslots; i++)
        free(names->slots[i].text);
    free(names->slots);
    *names = (struct ktap_names){0};
}
