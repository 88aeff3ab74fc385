// SPDX-License-Identifier: Apache-2.0
// The text filter (filter.h): a terminal parser after ECMA-48, driven by the
// tables of filter_states.c, with a fast path that copies runs of plain text
// sixteen bytes at a time.
#include "harness/console/filter.h"
#include "harness/console/filter_states.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// Where in the stamps the bytes that are looked at lie.
struct stamp_cursor {
    const struct stamp *at, *end; // *at is the stamp in force
    size_t base;                  // what stamps count from lies so far before
};

// Copies plain text: printable ASCII, "\n", tab, backspace. Returns how many
// of the n bytes it took. `to` has room for n + 16.
static size_t copy_plain(char *to, const uint8_t *from, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(0x20);
    const __m128i del = _mm_set1_epi8(0x7f);
    const __m128i newline = _mm_set1_epi8('\n');
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        _mm_storeu_si128((__m128i *)(void *)(to + i), v);
        // Signed: 80..ff are below the space as well.
        __m128i odd = _mm_andnot_si128(_mm_cmpeq_epi8(v, newline),
                                       _mm_cmplt_epi8(v, space));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, del));
        unsigned mask = (unsigned)_mm_movemask_epi8(odd);
        if (mask) {
            i += (size_t)__builtin_ctz(mask);
            break;
        }
    }
#endif
    while (i < n && ((from[i] >= 0x20 && from[i] < 0x7f) || from[i] == '\n' ||
                     from[i] == '\t' || from[i] == '\b')) {
        to[i] = (char)from[i];
        i++;
    }
    return i;
}

// What is written is committed to the text at the end of a piece: room for it
// is made at its beginning. A byte becomes at most U+FFFD, after at most an
// incomplete character and a carriage return.
#define ROOM_FOR(n) (3 * (n) + 32)

static char *emit(struct filter *f, char *to, const char *s, size_t n)
{
    if (f->cr && *s != '\n' && !f->line_start) {
        *to++ = '\r';
    }
    f->cr = false;
    f->line_start = *s == '\n';
    memcpy(to, s, n);
    return to + n;
}

// The first byte of a character: how many must follow and from which range the
// next is (Unicode 15, table 3-7). False: it can't be a first byte.
static bool utf8_lead(struct filter *f, uint8_t byte)
{
    f->low = 0x80;
    f->high = 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) {
        f->need = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
        f->need = 2;
        f->low = byte == 0xe0 ? 0xa0 : 0x80;
        f->high = byte == 0xed ? 0x9f : 0xbf;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        f->need = 3;
        f->low = byte == 0xf0 ? 0x90 : 0x80;
        f->high = byte == 0xf4 ? 0x8f : 0xbf;
    } else {
        return false;
    }
    f->utf8[0] = byte;
    f->have = 1;
    return true;
}

static char *replace(struct filter *f, char *to)
{
    f->have = 0;
    return emit(f, to, "\xef\xbf\xbd", 3);
}

static char *take_high(struct filter *f, char *to, uint8_t byte)
{
    if (f->have && byte >= f->low && byte <= f->high) {
        f->utf8[f->have++] = byte;
        f->low = 0x80;
        f->high = 0xbf;
        if (--f->need == 0) {
            size_t n = f->have;
            f->have = 0;
            return emit(f, to, (const char *)f->utf8, n);
        }
        return to;
    }
    if (f->have) {
        to = replace(f, to);
    }
    return utf8_lead(f, byte) ? to : replace(f, to);
}

// Any byte in any state: returns the end of what it added.
static char *take(struct filter *f, char *to, uint8_t byte)
{
    enum byte_class class = filter_classes[byte];
    if (f->have && class != HIGH) {
        to = replace(f, to);
    }
    struct step step = filter_steps[f->state][class];
    if (step.next == GROUND || step.next == ESCAPE) {
        f->skipped = 0;
    } else if (++f->skipped > filter_limits[step.next]) {
        step.next = GROUND;
    }
    f->state = step.next;
    if (!step.text) {
        return to;
    }
    if (class == HIGH) {
        return take_high(f, to, byte);
    }
    if (class == RETN) {
        f->cr = true;
        return to;
    }
    char c = (char)byte;
    return emit(f, to, &c, 1);
}

// The length of the whole, valid character of two or three bytes that s begins
// with, or 0: look closely.
static size_t whole_character(const uint8_t *s, size_t n)
{
    if (n < 3 || s[0] < 0xc2 || (s[1] & 0xc0) != 0x80) {
        return 0;
    }
    if (s[0] < 0xe0) {
        return 2;
    }
    bool valid = s[0] < 0xf0 && (s[2] & 0xc0) == 0x80 &&
                 (s[0] != 0xe0 || s[1] >= 0xa0) &&
                 (s[0] != 0xed || s[1] <= 0x9f);
    return valid ? 3 : 0;
}

// What else is common, in the ground state with nothing held back: returns how
// many bytes it took, 0: take() the next one.
static size_t take_common(struct filter *f, char **to, const uint8_t *bytes,
                          size_t n)
{
    if (n >= 2 && bytes[0] == '\r' && bytes[1] == '\n') {
        return 1; // and the newline is plain
    }
    // Colours: ESC [ 1 ; 3 4 m
    if (n >= 3 && bytes[0] == 0x1b && bytes[1] == '[') {
        size_t i = 2;
        while (i < n && i < 16 && bytes[i] >= '0' && bytes[i] <= ';') {
            i++;
        }
        return i < n && bytes[i] == 'm' ? i + 1 : 0;
    }
    size_t len = whole_character(bytes, n);
    if (len) {
        *to = emit(f, *to, (const char *)bytes, len);
    }
    return len;
}

// Gives the text that input bytes [at, at + n) became, now at stream offset
// off, their times.
static void stamp_run(struct text *out, struct stamp_cursor *c, size_t at,
                      size_t n, uint64_t off)
{
    if (c->at + 1 == c->end) {
        text_stamp(out, off, c->at->ns);
        return;
    }
    at += c->base;
    while (c->at + 1 < c->end && c->at[1].at <= at) {
        c->at++;
    }
    text_stamp(out, off, c->at->ns);
    const struct stamp *s = c->at + 1;
    if (s == c->end || s->at >= at + n) {
        return;
    }
    // A stamp for each byte is what a guest gives: quick.
    size_t most = (size_t)(c->end - s) < n ? (size_t)(c->end - s) : n;
    struct text_run *runs = text_run_room(out, most);
    size_t used = 0;
    uint64_t last = c->at->ns;
    for (; runs && used < most && s < c->end && s->at < at + n; s++) {
        runs[used] = (struct text_run){off + (s->at - at), s->ns};
        used += s->ns != last;
        last = s->ns;
    }
    c->at = s - 1;
    if (runs) {
        text_run_commit(out, used);
    }
}

void filter_init(struct filter *f)
{
    *f = (struct filter){.line_start = true};
}

void filter_feed(struct filter *f, struct text *out, const struct piece *in)
{
    static const struct stamp none = {0, 0};
    struct stamp_cursor cursor = {in->stamps, in->stamps_end, in->base};
    if (cursor.at == cursor.end) {
        cursor = (struct stamp_cursor){&none, &none + 1, 0};
    }
    char *start = text_room(out, ROOM_FOR(in->len));
    if (!start) {
        return;
    }
    uint64_t off = text_end(out);
    char *to = start;
    for (size_t i = 0; i < in->len;) {
        char *before = to;
        const uint8_t *bytes = in->bytes + i;
        size_t left = in->len - i;
        size_t n = 0;
        if (f->state == GROUND && !f->cr && !f->have) {
            n = copy_plain(to, bytes, left);
            to += n;
            if (n) {
                f->line_start = to[-1] == '\n';
                stamp_run(out, &cursor, i, n, off + (uint64_t)(before - start));
                i += n;
                bytes += n;
                left -= n;
                before = to;
            }
            n = take_common(f, &to, bytes, left);
        }
        if (n == 0 && left) {
            to = take(f, to, *bytes);
            n = 1;
        }
        if (to > before) { // its time is that of the last of these bytes
            stamp_run(out, &cursor, i + n - 1, 1,
                      off + (uint64_t)(before - start));
        }
        i += n;
    }
    text_commit(out, (size_t)(to - start));
}
