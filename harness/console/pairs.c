// SPDX-License-Identifier: Apache-2.0
// Many literals in one pass (pairs.h): each two neighbouring bytes of the text
// are looked up in a table that nearly always says no.
#include "harness/console/pairs.h"

#include <ctype.h>
#include <string.h>

static uint16_t two_bytes(const char *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

// How common a byte is on consoles, roughly.
static unsigned commonness(char c)
{
    unsigned char u = (unsigned char)c;
    if (islower(u)) {
        return strchr("etaoinsrlcdmu", c) ? 6 : 4;
    }
    if (isdigit(u) || c == ' ') {
        return 7;
    }
    if (isupper(u)) {
        return 2;
    }
    return strchr(".:/-_[]=", c) ? 4 : 1;
}

static size_t rarest_pair(const struct literal *l)
{
    size_t best = 0;
    unsigned least = UINT32_MAX;
    for (size_t i = 0; i + 1 < l->len; i++) {
        unsigned n = commonness(l->text[i]) + commonness(l->text[i + 1]);
        if (n < least) {
            least = n;
            best = i;
        }
    }
    return best;
}

static char other_case(char c)
{
    return (char)toupper((unsigned char)c);
}

bool pairs_add(struct pairs *p, const struct literal *l, bool caseless,
               uint64_t bit)
{
    const size_t room = sizeof p->nodes / sizeof *p->nodes - 1;
    size_t at = rarest_pair(l);
    const char *s = l->text + at;
    unsigned cases = 0;
    char keys[4][2];
    for (unsigned i = 0; i < 4; i++) {
        char a = i & 1 ? other_case(s[0]) : s[0];
        char b = i & 2 ? other_case(s[1]) : s[1];
        if (i == 0 ||
            (caseless && (!(i & 1) || a != s[0]) && (!(i & 2) || b != s[1]))) {
            keys[cases][0] = a;
            keys[cases++][1] = b;
        }
    }
    if (l->len < 2 || p->n + cases > room) {
        return false;
    }
    for (unsigned i = 0; i < cases; i++) {
        uint8_t *first = &p->table[two_bytes(keys[i])];
        p->nodes[++p->n] = (struct pair_node){*l, caseless, at, bit, *first};
        *first = (uint8_t)p->n;
    }
    return true;
}

static bool literal_at(const struct pair_node *node, const char *text)
{
    const struct literal *l = &node->literal;
    if (!node->caseless) {
        return memcmp(text, l->text, l->len) == 0;
    }
    for (size_t i = 0; i < l->len; i++) {
        // The literal is ASCII and in lower case.
        unsigned char c = (unsigned char)text[i];
        c = c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
        if (c != (unsigned char)l->text[i]) {
            return false;
        }
    }
    return true;
}

static uint64_t confirm(const struct pairs *p, uint8_t first, const char *text,
                        size_t len, size_t at)
{
    uint64_t bits = 0;
    for (size_t i = first; i; i = p->nodes[i].next) {
        const struct pair_node *node = &p->nodes[i];
        if (at >= node->at && len - (at - node->at) >= node->literal.len &&
            literal_at(node, text + at - node->at)) {
            bits |= node->bit;
        }
    }
    return bits;
}

size_t pairs_find(const struct pairs *p, const char *text, size_t len,
                  size_t from, uint64_t *bits)
{
    const uint8_t *t = p->table;
    size_t i = from;
    while (i + 1 < len) {
        // Eight look-ups that don't wait for one another.
        while (i + 9 <= len) {
            const char *s = text + i;
            unsigned any = t[two_bytes(s)] | t[two_bytes(s + 1)] |
                           t[two_bytes(s + 2)] | t[two_bytes(s + 3)] |
                           t[two_bytes(s + 4)] | t[two_bytes(s + 5)] |
                           t[two_bytes(s + 6)] | t[two_bytes(s + 7)];
            if (any) {
                break;
            }
            i += 8;
        }
        for (size_t stop = i + 8; i < stop && i + 1 < len; i++) {
            uint8_t first = t[two_bytes(text + i)];
            if (first) {
                *bits = confirm(p, first, text, len, i);
                if (*bits) {
                    return i;
                }
            }
        }
    }
    return len;
}
