// SPDX-License-Identifier: Apache-2.0
// The record of a console for reports (record.h): the first bytes, and a ring
// of the last ones.
#include "harness/console/record.h"

#include "harness/console/filter.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_DEFAULT ((size_t)256 << 10)
#define TAIL_DEFAULT ((size_t)1 << 20)
// Bytes of one line that follow one another this fast share a time: a stamp for
// each would take sixteen times the memory of the bytes.
#define GRAIN_NS NS_PER_MS

// One thread. Bytes go to the head until it is full, then to the tail; bytes
// that the tail had to forget are the elided ones.
struct console_record {
    size_t head_max, tail_max;
    struct text head; // raw bytes with their times
    struct text tail; // its base is the stream offset, as head ends at head_max
    uint64_t elided;
    uint64_t total;
};

struct console_record *console_record_new(size_t head, size_t tail,
                                          struct error *err)
{
    struct console_record *r = calloc(1, sizeof *r);
    if (!r) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    r->head_max = head ? head : HEAD_DEFAULT;
    r->tail_max = tail ? tail : TAIL_DEFAULT;
    return r;
}

void console_record_free(struct console_record *r)
{
    if (r) {
        text_free(&r->head);
        text_free(&r->tail);
        free(r);
    }
}

// Gives the n bytes at input offset `at`, now at offset off of t, their times.
static void stamp(struct text *t, uint64_t off, size_t at, size_t n,
                  const struct stamp *stamps, size_t nstamps)
{
    for (size_t i = 0; i < nstamps && stamps[i].at < at + n; i++) {
        if (i + 1 < nstamps && stamps[i + 1].at <= at) {
            continue; // over before these bytes
        }
        uint64_t to = off + (stamps[i].at > at ? stamps[i].at - at : 0);
        uint64_t last = text_ns(t, to);
        bool line_start = to > t->base && *text_at(t, to - 1) == '\n';
        if (!last || line_start || stamps[i].ns - last >= GRAIN_NS) {
            text_stamp(t, to, stamps[i].ns);
        }
    }
}

static void append(struct console_record *r, struct text *t,
                   const uint8_t *bytes, size_t at, size_t n,
                   const struct stamp *stamps, size_t nstamps)
{
    uint64_t off = text_end(t);
    text_append(t, (const char *)bytes + at, n);
    if (text_end(t) == off) {
        r->elided += n; // out of memory: said, not hidden
        return;
    }
    stamp(t, off, at, n, stamps, nstamps);
}

void console_record_feed(struct console_record *r, const uint8_t *bytes,
                         size_t len, const struct stamp *stamps, size_t nstamps)
{
    r->total += len;
    size_t head = r->head_max - r->head.len;
    head = head < len ? head : len;
    if (head) {
        append(r, &r->head, bytes, 0, head, stamps, nstamps);
    }
    // What would be forgotten at once is not taken.
    size_t rest = len - head;
    size_t at = rest > r->tail_max ? len - r->tail_max : head;
    r->elided += at - head;
    if (at < len) {
        append(r, &r->tail, bytes, at, len - at, stamps, nstamps);
    }
    if (r->tail.len > r->tail_max) {
        r->elided += r->tail.len - r->tail_max;
        text_drop(&r->tail, text_end(&r->tail) - r->tail_max);
    }
}

uint64_t console_record_total(const struct console_record *r)
{
    return r->total;
}

uint64_t console_record_elided(const struct console_record *r)
{
    return r->elided;
}

// What stands between head and tail; its length.
#define NOTE_SIZE 64
static size_t elision_note(const struct console_record *r, char note[NOTE_SIZE])
{
    *note = '\0';
    if (r->elided) {
        snprintf(note, NOTE_SIZE, "\n[... %llu bytes left out ...]\n",
                 (unsigned long long)r->elided);
    }
    return strlen(note);
}

char *console_record_text(const struct console_record *r, size_t *len)
{
    char note[NOTE_SIZE];
    size_t n = elision_note(r, note);
    char *out = malloc(r->head.len + n + r->tail.len + 1);
    if (!out) {
        return NULL;
    }
    char *p = out;
    if (r->head.len) {
        p = mempcpy(p, text_at(&r->head, r->head.base), r->head.len);
    }
    p = mempcpy(p, note, n);
    if (r->tail.len) {
        p = mempcpy(p, text_at(&r->tail, r->tail.base), r->tail.len);
    }
    *p = '\0';
    *len = (size_t)(p - out);
    return out;
}

// Lines that begin in t, whose first byte stands at offset. `fresh`: one begins
// with it. Returns whether one begins behind its end.
static bool begins_in(const struct text *t, size_t offset, bool fresh,
                      void (*line)(void *owner, size_t offset, uint64_t ns),
                      void *owner)
{
    for (uint64_t at = t->base; at < text_end(t);) {
        if (fresh) {
            line(owner, offset + (size_t)(at - t->base), text_ns(t, at));
        }
        const char *s = text_at(t, at);
        const char *newline = memchr(s, '\n', text_end(t) - at);
        fresh = newline != NULL;
        at = newline ? at + (uint64_t)(newline - s) + 1 : text_end(t);
    }
    return fresh;
}

void console_record_begins(const struct console_record *r,
                           void (*line)(void *owner, size_t offset,
                                        uint64_t ns),
                           void *owner)
{
    char note[NOTE_SIZE];
    size_t behind = r->head.len + elision_note(r, note);
    bool fresh = begins_in(&r->head, 0, true, line, owner);
    begins_in(&r->tail, behind, fresh && !r->elided, line, owner);
}

// ---- The last lines, as text -----------------------------------------------

// Appends what raw bytes [at, stop) of t are as text.
static void filter_raw(struct filter *f, struct text *out, const struct text *t,
                       uint64_t at, uint64_t stop)
{
    while (at < stop) {
        uint64_t end = text_run_end(t, at);
        end = end < stop ? end : stop;
        struct stamp s = {0, text_ns(t, at)};
        struct piece piece = {
            .bytes = (const uint8_t *)text_at(t, at),
            .len = end - at,
            .stamps = &s,
            .stamps_end = &s + 1,
        };
        filter_feed(f, out, &piece);
        at = end;
    }
}

// Where the last max lines begin, of which the last may be unfinished; not more
// than this many bytes for each of them.
#define LINE_BYTES ((uint64_t)4096)

static uint64_t last_lines(const struct text *t, size_t max)
{
    if (!t->len) {
        return t->base;
    }
    uint64_t at = text_end(t) - (*text_at(t, text_end(t) - 1) == '\n');
    uint64_t least =
        t->len / LINE_BYTES > max ? at - max * LINE_BYTES : t->base;
    for (size_t lines = 0; at > least; at--) {
        lines += *text_at(t, at - 1) == '\n';
        if (lines == max) {
            break;
        }
    }
    return at;
}

static void each_line(const struct text *t, uint64_t at,
                      void (*line)(void *owner, uint64_t ns, const char *text,
                                   size_t len),
                      void *owner)
{
    while (at < text_end(t)) {
        const char *s = text_at(t, at);
        const char *newline = memchr(s, '\n', text_end(t) - at);
        size_t n = newline ? (size_t)(newline - s) : text_end(t) - at;
        line(owner, text_ns(t, at), s, n);
        at += n + 1;
    }
}

void console_record_tail(const struct console_record *r, size_t max,
                         void (*line)(void *owner, uint64_t ns,
                                      const char *text, size_t len),
                         void *owner)
{
    if (max == 0) {
        return;
    }
    struct filter f;
    struct text text = {0};
    filter_init(&f);
    uint64_t from = last_lines(&r->tail, max);
    if (from == r->tail.base && r->elided == 0) {
        filter_raw(&f, &text, &r->head, last_lines(&r->head, max),
                   text_end(&r->head));
    }
    filter_raw(&f, &text, &r->tail, from, text_end(&r->tail));
    each_line(&text, last_lines(&text, max), line, owner);
    text_free(&text);
}

// Where the complete lines from offset `from` on end.
static uint64_t complete_end(const struct text *t, uint64_t from)
{
    const char *s = text_at(t, from);
    const char *newline = memrchr(s, '\n', text_end(t) - from);
    return newline ? from + (uint64_t)(newline - s) + 1 : from;
}

uint64_t console_record_end(const struct console_record *r)
{
    return r->head.len + text_end(&r->tail);
}

uint64_t console_record_lines(const struct console_record *r, uint64_t from,
                              void (*line)(void *owner, uint64_t ns,
                                           const char *text, size_t len),
                              void *owner)
{
    struct filter f;
    struct text text = {0};
    filter_init(&f);
    uint64_t head = r->head.len; // offsets above it are the tail's
    uint64_t at = from > head ? from - head : 0;
    at = at > r->tail.base ? at : r->tail.base;
    uint64_t end = complete_end(&r->tail, at);
    uint64_t next = head + end;
    if (from < head) {
        uint64_t stop = end > at ? head : complete_end(&r->head, from);
        filter_raw(&f, &text, &r->head, from, stop);
        next = end > at ? next : stop;
    }
    filter_raw(&f, &text, &r->tail, at, end);
    each_line(&text, text.base, line, owner);
    text_free(&text);
    return next;
}
