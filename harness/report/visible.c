// SPDX-License-Identifier: Apache-2.0
// Hostile bytes made readable. See visible.h.
#include "harness/report/visible.h"

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

// The control pictures are U+2400 + code, and U+2421 for DEL.
static void picture(FILE *f, uint32_t c)
{
    unsigned symbol = c == 0x7f ? 0x21 : c;
    fprintf(f, "\xe2\x90%c", (int)(0x80 | symbol));
}

static void character(FILE *f, const char *bytes, size_t n, uint32_t c)
{
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
        picture(f, c);
    else if (visible_is_hidden(c))
        fprintf(f, "\\u{%X}", (unsigned)c);
    else
        fwrite(bytes, 1, n, f);
}

void visible_text(FILE *f, const char *bytes, size_t len,
                  const char *(*escape)(uint32_t character))
{
    size_t n = 0;
    for (size_t i = 0; i < len; i += n ? n : 1) {
        uint32_t c = 0;
        n = visible_decode(bytes + i, len - i, &c);
        if (!n) {
            fprintf(f, "\\x%02X", (unsigned)(unsigned char)bytes[i]);
            continue;
        }
        if (c == '\r' && i + 1 < len && bytes[i + 1] == '\n')
            continue;
        const char *instead = escape ? escape(c) : NULL;
        if (instead)
            fputs(instead, f);
        else
            character(f, bytes + i, n, c);
    }
}
