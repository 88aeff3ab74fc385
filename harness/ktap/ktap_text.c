// SPDX-License-Identifier: Apache-2.0
// The texts of a KTAP document in bounded memory: names, and the lines about a
// test.
#include "harness/ktap/ktap_internal.h"

#include <stdlib.h>
#include <string.h>

size_t ktap_whole(const char *text, size_t len, size_t max)
{
    if (len <= max)
        return len;
    // Not between a character's first byte and its last.
    while (max && ((unsigned char)text[max] & 0xc0) == 0x80)
        max--;
    return max;
}

char *ktap_copy(struct ktap *k, struct ktap_span s)
{
    char *copy = strndup(s.text, ktap_whole(s.text, s.len, KTAP_NAME_MAX));
    if (!copy)
        k->failed = true;
    return copy;
}

char *ktap_plain(struct ktap *k, struct ktap_span s)
{
    char *plain = malloc(s.len + 1);
    size_t n = 0;
    if (!plain) {
        k->failed = true;
        return NULL;
    }
    for (size_t i = 0; i < s.len; i++) {
        bool escapes = s.text[i] == '\\' && i + 1 < s.len &&
                       (s.text[i + 1] == '\\' || s.text[i + 1] == '#');
        i += escapes;
        plain[n++] = s.text[i];
    }
    char *copy = ktap_copy(k, (struct ktap_span){plain, n});
    free(plain);
    return copy;
}

static bool room(struct ktap_text *t, size_t n)
{
    if (t->len + n < t->cap)
        return true;
    size_t cap = t->cap ? t->cap * 2 : 256;
    while (cap <= t->len + n)
        cap *= 2;
    char *bytes = realloc(t->bytes, cap);
    if (!bytes)
        return false;
    t->bytes = bytes;
    t->cap = cap;
    return true;
}

void ktap_text_add(struct ktap *k, struct ktap_text *t, struct ktap_span line)
{
    size_t n = line.len + 1;
    if (t->left_out || t->len + n > KTAP_DETAIL_MAX ||
        k->details + n > KTAP_DETAILS_MAX) {
        t->left_out++;
        return;
    }
    if (!room(t, n)) {
        k->failed = true;
        return;
    }
    memcpy(t->bytes + t->len, line.text, line.len);
    t->len += n;
    t->bytes[t->len - 1] = '\n';
    t->bytes[t->len] = '\0';
    k->details += n;
}

void ktap_text_move(struct ktap *k, struct ktap_text *to,
                    struct ktap_text *from)
{
    if (!to->bytes) {
        *to = *from;
        *from = (struct ktap_text){0};
        return;
    }
    uint64_t left_out = from->left_out;
    k->details -= from->len;
    for (size_t at = 0; at < from->len;) {
        const char *line = from->bytes + at;
        size_t n = strcspn(line, "\n");
        ktap_text_add(k, to, (struct ktap_span){line, n});
        at += n + 1;
    }
    to->left_out += left_out;
    free(from->bytes);
    *from = (struct ktap_text){0};
}

struct ktap_span ktap_unindented(struct ktap_span line, size_t indent)
{
    size_t at = 0;
    size_t column = 0;
    while (at < line.len && column < indent &&
           (line.text[at] == ' ' || line.text[at] == '\t')) {
        column = line.text[at] == '\t' ? (column | 7) + 1 : column + 1;
        at++;
    }
    return (struct ktap_span){line.text + at, line.len - at};
}

static bool starts(struct ktap_span s, const char *word)
{
    size_t n = strlen(word);
    return s.len >= n && !memcmp(s.text, word, n);
}

static size_t word_length(struct ktap_span s)
{
    size_t n = 0;
    while (n < s.len && s.text[n] != ' ' && s.text[n] != '\t')
        n++;
    return n;
}

static void skip(struct ktap_span *s, size_t n)
{
    s->text += n;
    s->len -= n;
}

static void skip_spaces(struct ktap_span *s)
{
    while (s->len && *s->text == ' ')
        skip(s, 1);
}

// KUnit's tests are functions; "note:" and "Expected:" are none.
static bool is_function(struct ktap_span s)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    for (size_t i = 0; i < s.len; i++) {
        if (!memchr(allowed, s.text[i], sizeof(allowed) - 1))
            return false;
    }
    return s.len && memchr(s.text, '_', s.len);
}

struct ktap_span ktap_guess(struct ktap_span s)
{
    static const char run[] = "RUN ";
    skip_spaces(&s);
    if (starts(s, "selftests: "))
        return s;
    if (starts(s, run)) {
        skip(&s, strlen(run));
        skip_spaces(&s);
        s.len = word_length(s);
        return s;
    }
    size_t n = word_length(s);
    s.len = n && s.text[n - 1] == ':' ? n - 1 : 0;
    if (!is_function(s))
        s.len = 0;
    return s;
}
