// SPDX-License-Identifier: Apache-2.0
// JSON strings. See json.h.
#include "harness/recording/json.h"

#include <string.h>

static size_t put(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return len;
}

static size_t replacement(char *out)
{
    return put(out, "\xef\xbf\xbd", 3);
}

static size_t ascii(uint8_t c, char *out)
{
    static const char hex[] = "0123456789abcdef";
    const char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    const char quoted[] = {'\\', (char)c};
    if (c < 0x20 || c == 0x7f)
        return put(out, escape, sizeof(escape));
    if (c == '"' || c == '\\')
        return put(out, quoted, sizeof(quoted));
    *out = (char)c;
    return 1;
}

// Table 3-7 of Unicode 15: what may follow a leading byte.
static void begin(struct json_stream *s, uint8_t c)
{
    s->held[0] = c;
    s->have = 1;
    s->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    s->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    s->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
}

static size_t first(struct json_stream *s, uint8_t c, char *out)
{
    if (c < 0x80)
        return ascii(c, out);
    if (c < 0xc2 || c > 0xf4)
        return replacement(out);
    begin(s, c);
    return 0;
}

static size_t one(struct json_stream *s, uint8_t c, char *out)
{
    if (!s->need)
        return first(s, c, out);
    if (c < s->low || c > s->high) {
        s->need = 0;
        size_t n = replacement(out);
        return n + first(s, c, out + n);
    }
    s->held[s->have++] = c;
    s->low = 0x80;
    s->high = 0xbf;
    return --s->need ? 0 : put(out, (const char *)s->held, s->have);
}

size_t json_feed(struct json_stream *s, const uint8_t *bytes, size_t len,
                 char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += one(s, bytes[i], out + n);
    return n;
}

size_t json_end(struct json_stream *s, char *out)
{
    if (!s->need)
        return 0;
    s->need = 0;
    return replacement(out);
}

void json_string(FILE *f, const char *text)
{
    struct json_stream s = {0};
    char out[JSON_ROOM(1)];
    fputc('"', f);
    for (; text && *text; text++) {
        uint8_t c = (uint8_t)*text;
        fwrite(out, 1, json_feed(&s, &c, 1, out), f);
    }
    fwrite(out, 1, json_end(&s, out), f);
    fputc('"', f);
}
