// SPDX-License-Identifier: Apache-2.0
// "Did you mean ...?": the optimal string alignment distance (insertions,
// deletions, substitutions, swaps of neighbours). See nearest.h.
#include "harness/scenario/nearest.h"

#include "harness/scenario/arena.h"

#include <stdbool.h>
#include <string.h>

// Longer words have no suggestions: nothing of the language is so long.
#define NEAREST_MAX 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

// a and b are at most NEAREST_MAX long.
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
    unsigned rows[3][NEAREST_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= nb; j++)
        last[j] = before[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned wrong = a[i - 1] != b[j - 1];
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + wrong);
            bool swapped =
                i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[nb];
}

struct nearest nearest_to(const char *word, size_t len)
{
    return (struct nearest){.word = word, .len = len};
}

void nearest_offer(struct nearest *n, const char *candidate)
{
    size_t len = strlen(candidate);
    if (!n->len || n->len > NEAREST_MAX || !len || len > NEAREST_MAX)
        return;
    unsigned limit = len < 3 ? 1 : (unsigned)(len + 1) / 3;
    unsigned d = distance(n->word, n->len, candidate, len);
    // All letters wrong is another word, not a misspelling.
    if (d > limit || d >= n->len || d >= len)
        return;
    // Of two that are as near, the one that begins alike.
    d = 2 * d + (n->word[0] != candidate[0]);
    if (!n->best || d < n->distance) {
        n->best = candidate;
        n->distance = d;
    }
}

const char *nearest_hint(const struct nearest *n, struct arena *arena)
{
    if (!n->best)
        return NULL;
    return arena_printf(arena, "did you mean `%s`?", n->best);
}
