// SPDX-License-Identifier: Apache-2.0
// Where kallsyms' tables are, given a copy of the memory around them. See
// kallsyms.h.
#include "harness/symbols/kallsyms.h"

#include <errno.h>
#include <string.h>

#define TOKENS     ((size_t)256)
#define TOKEN_MAX  512
#define PER_MARKER ((size_t)256)
#define COUNT_MAX  ((size_t)4 << 20)
#define SEQ_SIZE   3

// The longest name there can be: its length, and a byte for each character.
#define NAME_BYTES (2 + KSYMS_NAME_MAX)

// Names that are read in vain, before a hostile image is given up.
#define STEPS_MAX ((size_t)32 << 20)

// Where the string at `at` ends, behind its NUL; 0 when it has none.
static size_t string_end(const struct kallsyms *k, size_t at)
{
    size_t left = k->n - at;
    const uint8_t *nul =
        memchr(k->bytes + at, 0, left < TOKEN_MAX ? left : TOKEN_MAX);
    return nul ? (size_t)(nul - k->bytes) + 1 : 0;
}

bool kallsyms_tokens(struct kallsyms *k, size_t digits)
{
    size_t end = digits;
    for (size_t i = '0'; i < TOKENS; i++) {
        end = end < k->n ? string_end(k, end) : 0;
        if (!end)
            return false;
    }
    k->index = kallsyms_align(end);
    if (k->index > k->n || k->n - k->index < TOKENS * sizeof(uint16_t))
        return false;
    size_t before = kallsyms_number(k, k->index + sizeof(uint16_t) * '0', 2);
    if (before > digits)
        return false;
    k->tokens = digits - before;
    size_t at = k->tokens;
    for (size_t i = 0; i < TOKENS; i++) {
        if (kallsyms_number(k, k->index + i * 2, 2) != at - k->tokens)
            return false;
        at = at < k->n ? string_end(k, at) : 0;
        if (!at)
            return false;
    }
    return at == end;
}

// A guess at where the markers are, to be proved by the names before them.
struct guess {
    size_t markers, width, n; // n of width bytes
    size_t most;              // symbols
    size_t least;
};

// Whether the names begin at `names`: they are as long as the markers say, and
// end where the markers begin.
static bool names_fit(const struct kallsyms *k, const struct guess *g,
                      size_t names, size_t count, size_t *steps)
{
    size_t at = names;
    for (size_t i = 0; i < count; i++) {
        size_t marker = g->markers + i / PER_MARKER * g->width;
        if (i % PER_MARKER == 0 &&
            kallsyms_number(k, marker, g->width) != at - names)
            return false;
        size_t len = kallsyms_length(k, &at, g->markers);
        if (!len || !*steps)
            return false;
        at += len;
        (*steps)--;
    }
    return g->markers - at < 8;
}

static bool find_names(struct kallsyms *k, const struct guess *g, size_t *steps)
{
    uint64_t last =
        kallsyms_number(k, g->markers + (g->n - 1) * g->width, g->width);
    if (last >= g->markers)
        return false;
    size_t end = g->markers - (size_t)last;
    size_t most = PER_MARKER * NAME_BYTES + 8;
    size_t first = kallsyms_align(end > most ? end - most : 8);
    for (size_t at = first > 8 ? first : 8; at <= end; at += 8) {
        size_t count = kallsyms_number(k, at - 8, 4);
        if (count < g->least || count > g->most ||
            !names_fit(k, g, at, count, steps))
            continue;
        k->num = at - 8;
        k->names = at;
        k->markers = g->markers;
        k->count = count;
        return true;
    }
    return false;
}

// Ascending numbers from a 0 on, up to `end` at most.
static size_t ascending(const struct kallsyms *k, size_t at, size_t width,
                        size_t end)
{
    if (end - at < width || kallsyms_number(k, at, width) != 0)
        return 0;
    size_t n = 1;
    uint64_t last = 0;
    for (at += width; end - at >= width; at += width, n++) {
        uint64_t value = kallsyms_number(k, at, width);
        if (value <= last || value - last > PER_MARKER * NAME_BYTES)
            break;
        last = value;
    }
    return n;
}

// With nothing but padding between markers and tokens, or with the seqs.
static bool guess_at(const struct kallsyms *k, size_t at, size_t width,
                     struct guess *g)
{
    size_t n = ascending(k, at, width, k->tokens);
    size_t space = k->tokens - at;
    if (!n)
        return false;
    *g = (struct guess){.markers = at, .width = width, .n = n};
    if (kallsyms_align(n * width) == space) {
        g->most = n * PER_MARKER;
        g->least = g->most - PER_MARKER + 1;
        return true;
    }
    // The seqs may go on ascending: the count follows from the space.
    for (; n > 0; n--) {
        size_t seqs = space - kallsyms_align(n * width);
        g->n = n;
        g->most = seqs / SEQ_SIZE;
        g->least = seqs > 7 ? (seqs - 7 + SEQ_SIZE - 1) / SEQ_SIZE : 1;
        if (g->most > (n - 1) * PER_MARKER && g->least <= n * PER_MARKER)
            return true;
        if (g->most > n * PER_MARKER)
            return false;
    }
    return false;
}

int kallsyms_names(struct kallsyms *k, const struct ksyms *s, struct error *err)
{
    static const size_t widths[] = {4, 8};
    size_t steps = STEPS_MAX;
    size_t most = COUNT_MAX * SEQ_SIZE;
    size_t least = k->tokens > most ? k->tokens - most : 0;
    size_t at = k->tokens & ~(size_t)7;
    for (size_t n = 0; at >= least + 8 && steps; at -= 8, n++) {
        int code = table_check(s, n, err);
        if (code)
            return code;
        for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
            struct guess g;
            if (guess_at(k, at - 8, widths[i], &g) && find_names(k, &g, &steps))
                return 0;
        }
    }
    return -ENOENT;
}
