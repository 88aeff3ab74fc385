// SPDX-License-Identifier: Apache-2.0
// From prompts, lines and texts to the language's patterns and texts. See
// prompt.h.
#include "harness/learn/prompt.h"

#include "harness/learn/learn.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// ---- Classes ----------------------------------------------------------------

// Whether the two differ in the numbers in them alone.
static bool same_but_digits(const char *a, const char *b)
{
    for (;;) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0123456789");
            b += strspn(b, "0123456789");
        } else if (*a != *b)
            return false;
        else if (!*a)
            return true;
        else {
            a++;
            b++;
        }
    }
}

static bool belongs(const struct prompt_class *c, const struct prompt *p)
{
    return c->first.kind == p->kind &&
           (same_but_digits(c->first.text, p->text) ||
            prompt_same_shell(&c->first, p));
}

static size_t add_class(struct prompts *all, const struct prompt *p)
{
    if (all->count == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 8;
        struct prompt_class *list = reallocarray(all->list, cap, sizeof(*list));
        if (!list)
            return SIZE_MAX;
        all->list = list;
        all->cap = cap;
    }
    all->list[all->count] = (struct prompt_class){.first = *p};
    return all->count++;
}

// Beyond the last one that has room the pattern is open enough.
static bool add_other(struct prompt_class *c, const struct prompt *p)
{
    if (!strcmp(c->first.text, p->text))
        return true;
    for (size_t i = 0; i < c->nothers; i++) {
        if (!strcmp(c->others[i], p->text))
            return true;
    }
    if (c->nothers == sizeof(c->others) / sizeof(c->others[0]))
        return true;
    char *copy = strdup(p->text);
    if (copy)
        c->others[c->nothers++] = copy;
    return copy != NULL;
}

size_t prompts_add(struct prompts *all, const struct prompt *p)
{
    for (size_t i = 0; i < all->count; i++) {
        if (belongs(&all->list[i], p))
            return add_other(&all->list[i], p) ? i : SIZE_MAX;
    }
    return add_class(all, p);
}

void prompts_free(struct prompts *all)
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; k < all->list[i].nothers; k++)
            free(all->list[i].others[k]);
    free(all->list);
    *all = (struct prompts){.count = 0};
}

// ---- Writing ----------------------------------------------------------------

// m{...} for a text with slashes, where its own braces don't mix with those.
static bool takes_braces(const char *text, size_t len)
{
    return memchr(text, '/', len) && !memchr(text, '{', len) &&
           !memchr(text, '}', len);
}

static void put_begin(FILE *f, bool braces)
{
    fputs(braces ? "m{" : "/", f);
}

static void put_end(FILE *f, bool braces)
{
    fputc(braces ? '}' : '/', f);
}

static void put_literal(FILE *f, bool braces, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool slash = text[i] == '/' && !braces;
        if (slash || (text[i] && strchr("\\^$.[]|()?*+{}", text[i])))
            fputc('\\', f);
        if (text[i] == '\t')
            fputs("\\t", f);
        else if ((unsigned char)text[i] < ' ')
            fprintf(f, "\\x%02x", (unsigned)text[i]);
        else
            fputc(text[i], f);
    }
}

void pattern_put(FILE *f, const char *before, const char *text, size_t len,
                 bool digits, const char *after)
{
    bool braces = takes_braces(text, len);
    put_begin(f, braces);
    fputs(before, f);
    for (size_t at = 0; at < len;) {
        size_t from = at;
        while (at < len && !(digits && isdigit((unsigned char)text[at])))
            at++;
        put_literal(f, braces, text + from, at - from);
        from = at;
        while (at < len && isdigit((unsigned char)text[at]))
            at++;
        if (at > from)
            fputs("\\d+", f);
    }
    fputs(after, f);
    put_end(f, braces);
}

// How far the number reaches that begins at or before `at`.
static size_t number_from(const char *text, size_t at)
{
    while (at && isdigit((unsigned char)text[at - 1]))
        at--;
    return at;
}

// The nth number of a text, its length in *len.
static const char *number_at(const char *text, size_t n, size_t *len)
{
    for (;; n--) {
        text += strcspn(text, "0123456789");
        *len = strspn(text, "0123456789");
        if (!n)
            return text;
        text += *len;
    }
}

// Numbers that are not the same in all are open.
static void put_with_numbers(FILE *f, const struct prompt_class *c)
{
    const char *text = c->first.text;
    bool braces = takes_braces(text, c->first.len);
    put_begin(f, braces);
    for (size_t n = 0; *text; n++) {
        size_t plain = strcspn(text, "0123456789");
        put_literal(f, braces, text, plain);
        text += plain;
        size_t len = strspn(text, "0123456789");
        bool same = true;
        for (size_t i = 0; same && i < c->nothers; i++) {
            size_t other_len;
            const char *other = number_at(c->others[i], n, &other_len);
            same = other_len == len && !memcmp(other, text, len);
        }
        if (same)
            put_literal(f, braces, text, len);
        else
            fputs("\\d+", f);
        text += len;
    }
    fputc('$', f);
    put_end(f, braces);
}

// What all begin with, and what all end with; the rest is open.
static void put_with_middle(FILE *f, const struct prompt_class *c)
{
    const char *text = c->first.text;
    size_t len = c->first.len, begin = len, end = len;
    for (size_t i = 0; i < c->nothers; i++) {
        const char *other = c->others[i];
        size_t other_len = strlen(other), n = 0;
        while (n < begin && n < other_len && other[n] == text[n])
            n++;
        begin = n;
        n = 0;
        while (n < end && n < other_len - begin &&
               other[other_len - 1 - n] == text[len - 1 - n])
            n++;
        end = n;
    }
    end = end < len - begin ? end : len - begin;
    begin = number_from(text, begin);
    // Not in the middle of a character, nor of a number.
    while (begin && ((unsigned char)text[begin] & 0xc0) == 0x80)
        begin--;
    while (end && (((unsigned char)text[len - end] & 0xc0) == 0x80 ||
                   isdigit((unsigned char)text[len - end])))
        end--;
    bool braces = takes_braces(text, len);
    put_begin(f, braces);
    put_literal(f, braces, text, begin);
    if (begin)
        fputs(".*", f);
    put_literal(f, braces, text + len - end, end);
    fputc('$', f);
    put_end(f, braces);
}

void prompts_put(FILE *f, const struct prompts *all, size_t which)
{
    const struct prompt_class *c = &all->list[which];
    bool digits = true;
    for (size_t i = 0; digits && i < c->nothers; i++)
        digits = same_but_digits(c->first.text, c->others[i]);
    if (digits)
        put_with_numbers(f, c);
    else
        put_with_middle(f, c);
}

// Whether a character of valid UTF-8 begins at text, and its length.
static size_t utf8_valid(const unsigned char *text, size_t len)
{
    size_t n = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool odd = (text[0] == 0xe0 && text[1] < 0xa0) ||
               (text[0] == 0xed && text[1] > 0x9f) ||
               (text[0] == 0xf0 && text[1] < 0x90) ||
               (text[0] == 0xf4 && text[1] > 0x8f);
    // C1 controls (U+0080 to U+009F) are control characters, too.
    odd |= text[0] == 0xc2 && text[1] < 0xa0;
    return odd ? 0 : n;
}

void learn_put_text(FILE *f, const char *text, size_t len)
{
    fputc('"', f);
    for (size_t i = 0; i < len;) {
        unsigned char byte = (unsigned char)text[i];
        size_t n = byte < 0x80
                       ? 1
                       : utf8_valid((const unsigned char *)text + i, len - i);
        bool variable = byte == '$' && i + 1 < len && text[i + 1] == '{';
        if (byte == '"' || byte == '\\' || variable)
            fprintf(f, "\\%c", byte);
        else if (byte == '\x1b')
            fputs("\\e", f);
        else if (byte == '\t')
            fputs("\\t", f);
        else if (byte == '\n')
            fputs("\\n", f);
        else if (byte == '\r')
            fputs("\\r", f);
        else if (byte < ' ' || byte == 0x7f || !n)
            fprintf(f, "\\x%02x", byte);
        else
            fwrite(text + i, 1, n, f);
        i += n ? n : 1;
    }
    fputc('"', f);
}
