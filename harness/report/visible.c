// SPDX-License-Identifier: Apache-2.0
// Hostile bytes made readable. See visible.h.
#include "harness/report/visible.h"

#include <string.h>

size_t visible_decode(const char *bytes, size_t len, uint32_t *out)
{
    const unsigned char *s = (const unsigned char *)bytes;
    static const struct {
        unsigned char mask, lead;
        uint32_t min;
    } forms[] = {
        {0x80, 0x00, 0},
        {0xe0, 0xc0, 0x80},
        {0xf0, 0xe0, 0x800},
        {0xf8, 0xf0, 0x10000},
    };
    size_t n = 1;
    while (n <= 4 && (s[0] & forms[n - 1].mask) != forms[n - 1].lead)
        n++;
    if (n > 4 || n > len)
        return 0;
    uint32_t c = s[0] & (0xffU ^ forms[n - 1].mask);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fU);
    }
    bool surrogate = c >= 0xd800 && c <= 0xdfff;
    if (c < forms[n - 1].min || c > 0x10ffff || surrogate)
        return 0;
    *out = c;
    return n;
}

bool visible_is_hidden(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x80, 0x9f},     {0x200b, 0x200f}, {0x2028, 0x202e},
        {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfffe, 0xffff},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

// One character, or one byte that is none, and what stands for it.
struct step {
    size_t taken;
    const char *text; // not ended by a NUL
    size_t len;
    char room[16]; // "\\u{10FFFF}"
};

// The control pictures are U+2400 + code, and U+2421 for DEL.
static int picture(char *to, size_t size, uint32_t c)
{
    unsigned symbol = c == 0x7f ? 0x21 : c;
    return snprintf(to, size, "\xe2\x90%c", (int)(0x80 | symbol));
}

static void character(struct step *s, const char *bytes, uint32_t c)
{
    int len;
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
        len = picture(s->room, sizeof(s->room), c);
    } else if (visible_is_hidden(c)) {
        len = snprintf(s->room, sizeof(s->room), "\\u{%X}", (unsigned)c);
    } else {
        s->text = bytes;
        s->len = s->taken;
        return;
    }
    s->text = s->room;
    s->len = (size_t)len;
}

// The first of at least one byte.
static void step(struct step *s, const char *bytes, size_t len,
                 const char *(*escape)(uint32_t character))
{
    uint32_t c = 0;
    size_t n = visible_decode(bytes, len, &c);
    s->taken = n ? n : 1;
    s->text = s->room;
    s->len = 0;
    if (!n) {
        s->len = (size_t)snprintf(s->room, sizeof(s->room), "\\x%02X",
                                  (unsigned)(unsigned char)*bytes);
        return;
    }
    if (c == '\r' && len > 1 && bytes[1] == '\n')
        return;
    const char *instead = escape ? escape(c) : NULL;
    if (!instead) {
        character(s, bytes, c);
        return;
    }
    s->text = instead;
    s->len = strlen(instead);
}

void visible_text(FILE *f, const char *bytes, size_t len,
                  const char *(*escape)(uint32_t character))
{
    struct step s;
    for (size_t i = 0; i < len; i += s.taken) {
        step(&s, bytes + i, len - i, escape);
        fwrite(s.text, 1, s.len, f);
    }
}

size_t visible_width(const char *bytes, size_t len,
                     const char *(*escape)(uint32_t character))
{
    struct step s;
    size_t width = 0;
    for (size_t i = 0; i < len; i += s.taken) {
        step(&s, bytes + i, len - i, escape);
        width += s.len;
    }
    return width;
}

size_t visible_fit(const char *bytes, size_t len, size_t room,
                   const char *(*escape)(uint32_t character))
{
    struct step s;
    size_t i = 0;
    for (; i < len; i += s.taken) {
        step(&s, bytes + i, len - i, escape);
        if (s.len > room)
            break;
        room -= s.len;
    }
    return i;
}
