// SPDX-License-Identifier: Apache-2.0
// The longest common subsequence of lines, as hunks. See diff.h.
#include "harness/cli/diff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 3
// Beyond so many pairs of lines, what differs is one block.
#define PAIRS_MAX ((size_t)16 << 20)

struct lines {
    size_t count;
    const char **at; // of count + 1: where each begins, and the end
};

// A place where the texts differ: lines old - old_end became new - new_end.
struct change {
    size_t old, old_end, new, new_end;
};

struct diff {
    struct lines old, new;
    size_t head, tail; // equal lines at both ends
    size_t nchanges;
    struct change *changes;
};

// ---- Lines ------------------------------------------------------------------

static bool cut(struct lines *l, const char *text)
{
    size_t n = 0;
    for (const char *at = text; *at; n++) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    l->at = calloc(n + 1, sizeof(*l->at));
    if (!l->at)
        return false;
    for (l->count = 0; l->count < n; l->count++) {
        l->at[l->count] = text;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    l->at[n] = text;
    return true;
}

static size_t length(const struct lines *l, size_t i)
{
    return (size_t)(l->at[i + 1] - l->at[i]);
}

static bool equal(const struct diff *d, size_t i, size_t k)
{
    return length(&d->old, i) == length(&d->new, k) &&
           !memcmp(d->old.at[i], d->new.at[k], length(&d->old, i));
}

// ---- Where they differ ------------------------------------------------------

static void trim(struct diff *d)
{
    size_t n = d->old.count, m = d->new.count;
    while (d->head < n && d->head < m && equal(d, d->head, d->head))
        d->head++;
    while (d->head + d->tail < n && d->head + d->tail < m &&
           equal(d, n - 1 - d->tail, m - 1 - d->tail))
        d->tail++;
}

// longest[i][k]: the most lines that the rests from i and from k have in
// common.
static void fill(const struct diff *d, uint32_t *longest, size_t n, size_t m)
{
    for (size_t i = n; i-- > 0;) {
        for (size_t k = m; k-- > 0;) {
            const uint32_t *here = &longest[i * (m + 1) + k];
            uint32_t best = here[1] > here[m + 1] ? here[1] : here[m + 1];
            if (equal(d, d->head + i, d->head + k))
                best = here[m + 2] + 1;
            longest[i * (m + 1) + k] = best;
        }
    }
}

static void add_change(struct diff *d, size_t old, size_t old_end, size_t new,
                       size_t new_end)
{
    if (old < old_end || new < new_end)
        d->changes[d->nchanges++] = (struct change){old, old_end, new, new_end};
}

// The changes between the lines that both have.
static void walk(struct diff *d, const uint32_t *longest, size_t n, size_t m)
{
    size_t old = 0, new = 0; // behind the last common line
    for (size_t i = 0, k = 0; i < n && k < m;) {
        const uint32_t *here = &longest[i * (m + 1) + k];
        if (equal(d, d->head + i, d->head + k)) {
            add_change(d, d->head + old, d->head + i, d->head + new,
                       d->head + k);
            old = ++i;
            new = ++k;
        } else if (here[m + 1] >= here[1]) {
            i++;
        } else {
            k++;
        }
    }
    add_change(d, d->head + old, d->head + n, d->head + new, d->head + m);
}

static bool find_changes(struct diff *d)
{
    trim(d);
    size_t n = d->old.count - d->head - d->tail;
    size_t m = d->new.count - d->head - d->tail;
    bool large = n && m > PAIRS_MAX / n;
    d->changes = calloc(n + 2, sizeof(*d->changes));
    if (!d->changes)
        return false;
    if (large) {
        add_change(d, d->head, d->head + n, d->head, d->head + m);
        return true;
    }
    uint32_t *longest = calloc((n + 1) * (m + 1), sizeof(*longest));
    if (!longest)
        return false;
    fill(d, longest, n, m);
    walk(d, longest, n, m);
    free(longest);
    return true;
}

// ---- Hunks ------------------------------------------------------------------

static void put_lines(FILE *f, char sign, const struct lines *l, size_t from,
                      size_t to)
{
    for (; from < to; from++) {
        size_t len = length(l, from);
        fputc(sign, f);
        fwrite(l->at[from], 1, len, f);
        if (l->at[from][len - 1] != '\n')
            fputs("\n\\ No newline at end of file\n", f);
    }
}

static void put_range(FILE *f, size_t from, size_t to)
{
    // A range of no lines names the line before it.
    fprintf(f, "%zu", from + (to > from));
    if (to - from != 1)
        fprintf(f, ",%zu", to - from);
}

static size_t context(size_t there)
{
    return there < CONTEXT ? there : CONTEXT;
}

// Changes from - to, without the latter, which are near each other.
static void put_hunk(FILE *f, const struct diff *d, size_t from, size_t to)
{
    const struct change *first = &d->changes[from];
    const struct change *last = &d->changes[to - 1];
    size_t before = context(first->old);
    size_t after = context(d->old.count - last->old_end);
    fputs("@@ -", f);
    put_range(f, first->old - before, last->old_end + after);
    fputs(" +", f);
    put_range(f, first->new - before, last->new_end + after);
    fputs(" @@\n", f);
    size_t at = first->old - before;
    for (const struct change *c = first; c <= last; c++) {
        put_lines(f, ' ', &d->old, at, c->old);
        put_lines(f, '-', &d->old, c->old, c->old_end);
        put_lines(f, '+', &d->new, c->new, c->new_end);
        at = c->old_end;
    }
    put_lines(f, ' ', &d->old, at, at + after);
}

static void put_hunks(FILE *f, const struct diff *d)
{
    for (size_t from = 0, to; from < d->nchanges; from = to) {
        for (to = from + 1; to < d->nchanges; to++)
            if (d->changes[to].old - d->changes[to - 1].old_end >
                (size_t)2 * CONTEXT)
                break;
        put_hunk(f, d, from, to);
    }
}

int diff_print(FILE *f, const char *name, const char *note, const char *old,
               const char *new, struct error *err)
{
    struct diff d = {.head = 0};
    bool good = cut(&d.old, old) && cut(&d.new, new) && find_changes(&d);
    if (good && strcmp(old, new) != 0) {
        fprintf(f, "--- %s\n+++ %s (%s)\n", name, name, note);
        put_hunks(f, &d);
    }
    free(d.old.at);
    free(d.new.at);
    free(d.changes);
    return good ? 0 : error_set(err, -ENOMEM, "out of memory");
}
