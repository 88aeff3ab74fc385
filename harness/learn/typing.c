// SPDX-License-Identifier: Apache-2.0
// Keys and the line that they edit. See typing.h.
#include "harness/learn/typing.h"

#include "src/base/clock.h"

#include <string.h>

#define ESC '\x1b'

// A terminal sends the bytes of one key at once.
#define ONE_KEY_NS (50 * NS_PER_MS)

static enum stroke_kind kind_of(char byte)
{
    switch (byte) {
    case '\r':
    case '\n':
        return STROKE_ENTER;
    case '\b':
    case '\x7f':
        return STROKE_ERASE;
    case 'W' - '@':
        return STROKE_WORD;
    case 'U' - '@':
        return STROKE_KILL;
    case 'C' - '@':
    case 'D' - '@':
    case 'Z' - '@':
    case '\\' - '@':
        return STROKE_STOP;
    default:
        return (unsigned char)byte < ' ' ? STROKE_EDIT : STROKE_TEXT;
    }
}

static void hand_out(enum stroke_kind kind, const char *bytes, size_t len,
                     uint64_t ns, stroke_fn *stroke, void *owner)
{
    struct stroke out = {.kind = kind, .len = len};
    memcpy(out.bytes, bytes, len);
    stroke(owner, &out, ns);
}

// Bytes of a UTF-8 character that begins with this one; 1 where none does.
static size_t utf8_len(char byte)
{
    unsigned char b = (unsigned char)byte;
    return b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc0 ? 2 : 1;
}

// Whether held[0..len) is all of a key, or of an answer.
static bool is_whole(const struct strokes *s)
{
    char last = s->held[s->len - 1];
    if (s->held[0] != ESC)
        return s->len >= utf8_len(s->held[0]);
    if (s->len == 1)
        return false;
    if (s->string)
        return last == '\a' || (last == '\\' && s->held[s->len - 2] == ESC);
    if (s->held[1] == '[')
        return s->len > 2 && last >= '@' && last <= '~';
    return s->held[1] != 'O' || s->len > 2;
}

// A cursor's place, attributes, a paste's frame.
static bool is_answer(const struct strokes *s)
{
    char last = s->held[s->len - 1];
    if (s->string)
        return true;
    if (s->len < 4 || s->held[1] != '[')
        return false;
    bool paste = s->len == 6 && (!memcmp(s->held + 2, "200~", 4) ||
                                 !memcmp(s->held + 2, "201~", 4));
    return paste || s->held[2] == '?' || s->held[2] == '>' ||
           (last == 'R' && memchr(s->held, ';', s->len)) || last == 'n' ||
           last == 'c';
}

static void hand_out_held(struct strokes *s, uint64_t ns, stroke_fn *stroke,
                          void *owner)
{
    if (s->len && !is_answer(s)) {
        enum stroke_kind kind = kind_of(s->held[0]);
        size_t len = s->len < STROKE_BYTES ? s->len : STROKE_BYTES;
        hand_out(kind, s->held, len, ns, stroke, owner);
    }
    s->len = 0;
    s->string = false;
}

static void take_byte(struct strokes *s, char byte, uint64_t ns,
                      stroke_fn *stroke, void *owner)
{
    bool after_esc = s->len == 1 && s->held[0] == ESC;
    if (after_esc && (byte == ESC || ns - s->held_ns > ONE_KEY_NS))
        hand_out_held(s, s->held_ns, stroke, owner);
    if (!s->len)
        s->held_ns = ns;
    // An answer that is too long goes on being dropped.
    if (s->len < sizeof(s->held))
        s->len++;
    else
        s->held[s->len - 2] = s->held[s->len - 1];
    s->held[s->len - 1] = byte;
    if (s->len == 2 && s->held[0] == ESC && strchr("]P_^", byte) && byte)
        s->string = true;
    if (is_whole(s) || (s->len == sizeof(s->held) && !s->string))
        hand_out_held(s, ns, stroke, owner);
}

void strokes_feed(struct strokes *s, const void *bytes, size_t len, uint64_t ns,
                  stroke_fn *stroke, void *owner)
{
    const char *at = bytes;
    for (size_t i = 0; i < len; i++)
        take_byte(s, at[i], ns, stroke, owner);
}

void strokes_end(struct strokes *s, stroke_fn *stroke, void *owner)
{
    hand_out_held(s, s->held_ns, stroke, owner);
}

static void add(char *to, size_t *len, struct typed *t, const struct stroke *k)
{
    if (*len + k->len > TYPED_MAX) {
        t->cut = true;
        return;
    }
    memcpy(to + *len, k->bytes, k->len);
    *len += k->len;
}

static void erase(struct typed *t)
{
    while (t->len && ((unsigned char)t->text[t->len - 1] & 0xc0) == 0x80)
        t->len--;
    if (t->len)
        t->len--;
}

static void erase_word(struct typed *t)
{
    while (t->len && strchr(" \t", t->text[t->len - 1]))
        t->len--;
    while (t->len && !strchr(" \t", t->text[t->len - 1]))
        t->len--;
}

void typed_take(struct typed *t, const struct stroke *stroke)
{
    add(t->raw, &t->raw_len, t, stroke);
    switch (stroke->kind) {
    case STROKE_TEXT:
        add(t->text, &t->len, t, stroke);
        break;
    case STROKE_ERASE:
        erase(t);
        break;
    case STROKE_WORD:
        erase_word(t);
        break;
    case STROKE_KILL:
        t->len = 0;
        break;
    case STROKE_STOP:
    case STROKE_ENTER:
        break;
    case STROKE_EDIT:
        t->edited = true;
        break;
    }
}

void typed_forget(struct typed *t)
{
    explicit_bzero(t, sizeof(*t));
}
