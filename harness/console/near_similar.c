// SPDX-License-Identifier: Apache-2.0
// The text that differs least from a literal of the pattern: near_miss.h.
// Approximate search as of G. Myers, "A fast bit-vector algorithm for
// approximate string matching" (J. ACM 46, 1999): a column of the table of edit
// distances is two machine words, so a byte of text costs the same whatever the
// literal.
#include "harness/console/near_internal.h"

#include <ctype.h>
#include <string.h>

// A literal shorter than this is near to everything.
#define SHORTEST 3

_Static_assert(LITERAL_MAX <= 64, "a literal's characters are bits of a word");

struct bits {
    uint64_t where[256]; // bit i: the literal's byte i is this one
    uint64_t up, down;   // of the column's differences: +1, -1
    uint64_t top;        // the last byte's bit
    size_t distance;     // in the column's last row
};

static void set_up(struct bits *b, const struct literal *l, bool caseless,
                   bool backwards)
{
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < l->len; i++) {
        unsigned char c =
            (unsigned char)l->text[backwards ? l->len - 1 - i : i];
        b->where[c] |= UINT64_C(1) << i;
        if (caseless) {
            b->where[toupper(c)] |= UINT64_C(1) << i;
        }
    }
    b->up = UINT64_MAX;
    b->top = UINT64_C(1) << (l->len - 1);
    b->distance = l->len;
}

// The column of the next byte. anchored: a match begins with the first byte,
// not anywhere.
static void feed(struct bits *b, unsigned char c, bool anchored)
{
    uint64_t eq = b->where[c];
    uint64_t vertical = eq | b->down;
    uint64_t diagonal = (((eq & b->up) + b->up) ^ b->up) | eq;
    uint64_t plus = b->down | ~(diagonal | b->up);
    uint64_t minus = b->up & diagonal;
    b->distance += (plus & b->top) != 0;
    b->distance -= (minus & b->top) != 0;
    plus = plus << 1 | anchored;
    minus <<= 1;
    b->up = minus | ~(vertical | plus);
    b->down = plus & vertical;
}

// Where the nearest text that ends at `end` begins: the literal read backwards.
static size_t find_start(const struct literal *l, bool caseless,
                         const char *text, size_t end)
{
    struct bits b;
    set_up(&b, l, caseless, true);
    size_t best = l->len;
    size_t start = end;
    size_t least = end > 2 * l->len ? end - 2 * l->len : 0;
    for (size_t i = end; i > least; i--) {
        feed(&b, (unsigned char)text[i - 1], true);
        // Of equals the longer: it shows what else was there.
        if (b.distance <= best) {
            best = b.distance;
            start = i - 1;
        }
    }
    return start;
}

static bool look(const struct literals *l, size_t branch, const char *text,
                 size_t len, struct near_similar *best)
{
    const struct literal *literal = &l->branch[branch];
    size_t limit = (literal->len + 1) / 3;
    if (literal->len < SHORTEST) {
        return false;
    }
    struct bits b;
    set_up(&b, literal, l->caseless, false);
    bool found = false;
    size_t end = 0;
    for (size_t i = 0; i < len; i++) {
        feed(&b, (unsigned char)text[i], false);
        // Of equals the last.
        if (b.distance <= limit) {
            limit = b.distance;
            end = i + 1;
            found = true;
        }
    }
    if (found) {
        *best = (struct near_similar){
            find_start(literal, l->caseless, text, end), end, branch, limit};
    }
    return found;
}

bool near_similar(const struct pattern *p, const char *text, size_t len,
                  struct near_budget *budget, struct near_similar *out)
{
    const struct literals *l = &p->literals;
    size_t agree = 0;
    for (size_t i = 0; i < l->n && budget->left; i++) {
        // The last of the text, when not all of it can be looked at.
        size_t n = len < budget->left ? len : budget->left;
        budget->left -= n;
        struct near_similar here;
        if (!look(l, i, text + len - n, n, &here)) {
            continue;
        }
        size_t same = l->branch[i].len - here.different;
        if (same > agree) {
            agree = same;
            here.start += len - n;
            here.end += len - n;
            *out = here;
        }
    }
    return agree > 0;
}
