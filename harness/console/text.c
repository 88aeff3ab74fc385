// SPDX-License-Identifier: Apache-2.0
// Console text in memory (text.h). Appending is amortised: the kept bytes are
// moved to the front only when at least half as many were dropped before them.
#include "harness/console/text.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_FIRST_CAP 8192
#define RUNS_FIRST_CAP 256

void text_free(struct text *t)
{
    free(t->buf);
    free(t->runs);
    *t = (struct text){0};
}

char *text_room(struct text *t, size_t n)
{
    if (t->buf && t->cap - t->head - t->len >= n) {
        return t->buf + t->head + t->len;
    }
    // Sliding pays when it gains about as much room as it moves.
    if (t->buf && t->head * 2 >= t->len && t->cap - t->len >= n) {
        memmove(t->buf, t->buf + t->head, t->len);
        t->head = 0;
        return t->buf + t->len;
    }
    size_t cap = t->cap ? t->cap * 2 : TEXT_FIRST_CAP;
    while (cap - t->len < n) {
        cap *= 2;
    }
    char *grown = malloc(cap);
    if (!grown) {
        t->failed = true;
        return NULL;
    }
    if (t->buf) {
        memcpy(grown, t->buf + t->head, t->len);
    }
    free(t->buf);
    t->buf = grown;
    t->cap = cap;
    t->head = 0;
    return t->buf + t->len;
}

void text_append(struct text *t, const char *bytes, size_t n)
{
    char *room = text_room(t, n);
    if (room) {
        memcpy(room, bytes, n);
        text_commit(t, n);
    }
}

struct text_run *text_run_room(struct text *t, size_t n)
{
    if (t->runs && t->run_cap - t->run_head - t->nruns >= n) {
        return t->runs + t->run_head + t->nruns;
    }
    if (t->runs && t->run_head * 2 > t->nruns && t->run_cap - t->nruns >= n) {
        memmove(t->runs, t->runs + t->run_head, t->nruns * sizeof *t->runs);
        t->run_head = 0;
        return t->runs + t->nruns;
    }
    size_t cap = t->run_cap ? t->run_cap * 2 : RUNS_FIRST_CAP;
    while (cap - t->nruns < n) {
        cap *= 2;
    }
    struct text_run *grown = malloc(cap * sizeof *grown);
    if (!grown) {
        t->failed = true;
        return NULL;
    }
    if (t->runs) {
        memcpy(grown, t->runs + t->run_head, t->nruns * sizeof *grown);
    }
    free(t->runs);
    t->runs = grown;
    t->run_cap = cap;
    t->run_head = 0;
    return t->runs + t->nruns;
}

void text_stamp(struct text *t, uint64_t off, uint64_t ns)
{
    struct text_run *last =
        t->nruns ? t->runs + t->run_head + t->nruns - 1 : NULL;
    if (last && last->ns == ns) {
        return;
    }
    if (last && last->off == off) {
        last->ns = ns;
        return;
    }
    struct text_run *next = text_run_room(t, 1);
    if (next) {
        *next = (struct text_run){off, ns};
        text_run_commit(t, 1);
    }
}

// How many runs begin at or before off.
static size_t runs_until(const struct text *t, uint64_t off)
{
    if (!t->runs) {
        return 0;
    }
    const struct text_run *runs = t->runs + t->run_head;
    size_t lo = 0;
    size_t hi = t->nruns;
    if (hi && runs[hi - 1].off <= off) {
        return hi; // most questions are about the end
    }
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (runs[mid].off <= off) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

uint64_t text_ns(const struct text *t, uint64_t off)
{
    size_t n = runs_until(t, off);
    return n ? t->runs[t->run_head + n - 1].ns : 0;
}

uint64_t text_run_end(const struct text *t, uint64_t off)
{
    size_t n = runs_until(t, off);
    uint64_t end = text_end(t);
    return n < t->nruns && t->runs[t->run_head + n].off < end
               ? t->runs[t->run_head + n].off
               : end;
}

void text_copy(struct text *t, const struct text *from, uint64_t off,
               uint64_t end)
{
    size_t first = runs_until(from, off);
    if (first) {
        const struct text_run *run = from->runs + from->run_head + first - 1;
        const struct text_run *stop = from->runs + from->run_head + from->nruns;
        uint64_t at = text_end(t);
        text_stamp(t, at, run->ns);
        size_t n = 0;
        while (run + 1 + n < stop && run[1 + n].off < end) {
            n++;
        }
        struct text_run *room = n ? text_run_room(t, n) : NULL;
        for (size_t i = 0; room && i < n; i++) {
            room[i] =
                (struct text_run){at + (run[1 + i].off - off), run[1 + i].ns};
        }
        text_run_commit(t, room ? n : 0);
    }
    text_append(t, text_at(from, off), end - off);
}

void text_drop(struct text *t, uint64_t off)
{
    if (off <= t->base) {
        return;
    }
    size_t n = off < text_end(t) ? (size_t)(off - t->base) : t->len;
    t->head += n;
    t->len -= n;
    t->base += n;
    size_t past = runs_until(t, t->base);
    if (past > 1) {
        t->run_head += past - 1;
        t->nruns -= past - 1;
    }
}

uint64_t text_align(const struct text *t, uint64_t off)
{
    while (off < text_end(t) &&
           ((unsigned char)*text_at(t, off) & 0xc0) == 0x80) {
        off++;
    }
    return off;
}
