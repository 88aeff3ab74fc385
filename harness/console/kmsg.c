// SPDX-License-Identifier: Apache-2.0
// Recognising the kernel's message prefix (kmsg.h).
#include "harness/console/kmsg.h"

#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// No clock and no task number is longer than that.
#define NUMBER_MAX 11

struct prefix {
    const char *text;
    size_t len, at;
    bool short_of; // the text ended where more was needed
};

// The next character if it is from low to high; else it stays.
static bool range(struct prefix *p, char low, char high)
{
    if (p->at == p->len) {
        p->short_of = true;
        return false;
    }
    char c = p->text[p->at];
    p->at += c >= low && c <= high;
    return c >= low && c <= high;
}

static bool accept(struct prefix *p, char c)
{
    return range(p, c, c);
}

static size_t repeat(struct prefix *p, char low, char high, size_t most)
{
    size_t n = 0;
    while (n < most && range(p, low, high)) {
        n++;
    }
    return n;
}

// "%*s": padded with spaces to `width`, wider only when the number is. With
// `caller` a T (task) or C (CPU) stands before the number.
static bool padded(struct prefix *p, bool caller, size_t width)
{
    size_t before = repeat(p, ' ', ' ', width - 1);
    size_t most = before ? width - before : NUMBER_MAX;
    if (caller) {
        if (!accept(p, 'T') && !accept(p, 'C')) {
            return false;
        }
        before++;
        most -= before > 1;
    }
    size_t number = repeat(p, '0', '9', most);
    return number && before + number >= width;
}

static bool whole_prefix(struct prefix *p)
{
    if (accept(p, '<') && !(repeat(p, '0', '9', 3) && accept(p, '>'))) {
        return false;
    }
    if (!accept(p, '[') || !padded(p, false, 5) || !accept(p, '.') ||
        repeat(p, '0', '9', 6) < 6 || !accept(p, ']')) {
        return false;
    }
    if (accept(p, '[') && !(padded(p, true, 6) && accept(p, ']'))) {
        return false;
    }
    return accept(p, ' ');
}

#ifdef __SSE2__
// "[    3.141592] ", the usual prefix: bit i of a mask stands for byte i.
static bool usual_prefix(const char *s)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)s);
    __m128i zero = _mm_set1_epi8('0');
    __m128i above = _mm_sub_epi8(v, zero); // 0..9 for digits, as unsigned
    __m128i digit =
        _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(9)), above);
    __m128i space = _mm_cmpeq_epi8(v, _mm_set1_epi8(' '));
    unsigned digits = (unsigned)_mm_movemask_epi8(digit);
    unsigned spaces = (unsigned)_mm_movemask_epi8(space);
    // Bytes 1 to 4 are spaces, then digits.
    unsigned pad = digits >> 1 & 0xf;
    bool padding = (spaces >> 1 & 0xf) == (pad ^ 0xf) &&
                   (((pad ^ 0xf) + 1) & (pad ^ 0xf)) == 0;
    return s[0] == '[' && s[6] == '.' && s[13] == ']' && s[14] == ' ' &&
           (digits & 0x1fa0) == 0x1fa0 && padding;
}
#endif

enum kmsg kmsg_prefix(const char *text, size_t len, size_t *used)
{
#ifdef __SSE2__
    if (len >= 16 && usual_prefix(text)) {
        *used = 15;
        return KMSG_YES;
    }
#endif
    // Most brackets are none: "[M]", "[#  ]", "<https:".
    bool bracket = text[0] == '[' || text[0] == '<';
    if (len > 1 && bracket && !(text[1] >= '0' && text[1] <= '9') &&
        !(text[1] == ' ' && text[0] == '[')) {
        *used = 2;
        return KMSG_NO;
    }
    struct prefix p = {text, len, 0, false};
    if (whole_prefix(&p)) {
        *used = p.at;
        return KMSG_YES;
    }
    if (p.short_of) {
        return KMSG_MAYBE;
    }
    *used = p.at + 1;
    return KMSG_NO;
}

#ifdef __SSE2__
// Eight digits, the first in the lowest byte; what is not there is zero.
static uint64_t eight_digits(uint64_t v)
{
    v &= UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v * 10 + (v >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v * 100 + (v >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (v * 10000 + (v >> 32)) & UINT64_C(0xffffffff);
}

// Of the usual prefix; the low four bits of a space are those of a zero.
static uint64_t usual_clock_us(const char *s)
{
    uint64_t seconds, micros;
    memcpy(&seconds, s, sizeof seconds);   // "[    3.1"
    memcpy(&micros, s + 5, sizeof micros); // "3.141592"
    return eight_digits(seconds << 16 & ~UINT64_C(0xffffff)) * 1000000 +
           eight_digits(micros & ~UINT64_C(0xffff));
}
#endif

uint64_t kmsg_clock_us(const char *text, size_t used)
{
#ifdef __SSE2__
    if (used == 15 && text[6] == '.' && text[13] == ']') {
        return usual_clock_us(text);
    }
#endif
    size_t at = 0;
    uint64_t us = 0;
    while (at < used && text[at] != '[') {
        at++;
    }
    for (at++; at < used && text[at] != ']'; at++) {
        if (text[at] >= '0' && text[at] <= '9') {
            us = us * 10 + (uint64_t)(text[at] - '0');
        }
    }
    return us;
}

size_t kmsg_candidate(const char *text, size_t len)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i bracket = _mm_set1_epi8('[');
    const __m128i angle = _mm_set1_epi8('<');
    for (; i + 16 <= len; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(text + i));
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(v, bracket), _mm_cmpeq_epi8(v, angle)));
        if (mask) {
            return i + (size_t)__builtin_ctz(mask);
        }
    }
#endif
    while (i < len && text[i] != '[' && text[i] != '<') {
        i++;
    }
    return i;
}
