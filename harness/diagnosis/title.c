// SPDX-License-Identifier: Apache-2.0
// Making titles. See title.h and
// diagnosis.h.
#include "harness/diagnosis/title.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// An error code stands between an exception's name and its number: ": 0002".
static size_t without_code(const char *s, size_t n)
{
    size_t digits = 0;
    while (digits < n && isxdigit((unsigned char)s[n - 1 - digits]))
        digits++;
    bool code = digits >= 4 && n >= digits + 2 && s[n - digits - 1] == ' ' &&
                s[n - digits - 2] == ':';
    return code ? n - digits - 2 : n;
}

// The part of the line that the kind's row asks for.
static const char *core(const struct builtin_fail *kind, const char *line,
                        size_t *len)
{
    for (size_t i = 0; i < 2 && kind->from[i]; i++) {
        const char *from = strstr(line, kind->from[i]);
        if (from) {
            line = from + strlen(kind->from[i]);
            break;
        }
    }
    // "CPU: 0 PID: 1 at FILE:LINE FUNCTION" of a warning.
    const char *at = strncmp(line, "CPU: ", 5) ? NULL : strstr(line, " at ");
    line = at ? at + strlen(" at ") : line;
    size_t n = strlen(line);
    const char *until = kind->until ? strstr(line, kind->until) : NULL;
    if (until) {
        // A bracket that was opened before it is closed by it.
        n = (size_t)(until - line) + (*until == ')');
        n = without_code(line, n);
    }
    while (n && strchr(".!: \t", line[n - 1]))
        n--;
    *len = n;
    return line;
}

// An exit status has sixteen bits and is printed with thirty-two.
static void shorten_exitcode(char *title)
{
    static const char long_form[] = "exitcode=0x0000";
    char *at = strstr(title, long_form);
    if (!at || strspn(at + strlen("exitcode=0x"), "0123456789abcdef") != 8)
        return;
    char *digits = at + strlen("exitcode=0x");
    memmove(digits, digits + 4, strlen(digits + 4) + 1);
}

char *title_make(const struct title_parts *p)
{
    size_t n;
    char *title = NULL;
    const char *text = core(p->kind, p->line, &n);
    bool where = p->kind->where && *p->function;
    // A reason in words is the shortest account there is.
    bool warning = !strcmp(p->kind->name, "warning");
    const char *first = warning ? p->words : "";
    const char *last = warning ? "" : p->words;
    int code = asprintf(
        &title, "%s%s%s%s%.*s%s%s%s%s", p->kind->label ? p->kind->label : "",
        first, *first ? " " : "", warning ? "at " : "", (int)n, text,
        where ? " in " : "", where ? p->function : "", *last ? ": " : "", last);
    if (code < 0)
        return NULL;
    shorten_exitcode(title);
    return title;
}

// ---- Titles for grouping ----------------------------------------------------

// A word of a title, and the ones around it that tell what a number is.
struct word {
    const char *text;
    size_t len;
};

static bool word_is(const struct word *w, const char *text)
{
    return w->len == strlen(text) && !strncasecmp(w->text, text, w->len);
}

static bool all_of(const char *s, size_t n, const char *set)
{
    for (size_t i = 0; i < n; i++) {
        if (!strchr(set, s[i]))
            return false;
    }
    return n > 0;
}

#define DIGITS "0123456789"
#define HEX    DIGITS "abcdef"

static bool is_source_place(const struct word *w)
{
    return memmem(w->text, w->len, ".c:", 3) ||
           memmem(w->text, w->len, ".h:", 3) ||
           memmem(w->text, w->len, ".S:", 3);
}

// Addresses have nine digits and more; what is shorter means something.
static bool is_address(const char *s, size_t n)
{
    bool marked = n > 2 && s[0] == '0' && s[1] == 'x';
    return marked ? n > 6 && all_of(s + 2, n - 2, HEX)
                  : n >= 8 && all_of(s, n, HEX);
}

// How much of the word stays: before a task's number ("sh:57", "sh/82") or a
// place within a function ("foo+0x1/0x2").
static size_t kept(const struct word *w)
{
    const char *offset = memmem(w->text, w->len, "+0x", 3);
    if (offset)
        return (size_t)(offset - w->text);
    const char *value = memchr(w->text, '=', w->len);
    if (value && is_address(value + 1, w->len - (size_t)(value + 1 - w->text)))
        return (size_t)(value - w->text);
    for (size_t i = 1; i + 1 < w->len; i++) {
        size_t rest = w->len - i - 1;
        const char *s = w->text + i + 1;
        if (!isdigit((unsigned char)*s))
            continue;
        if (w->text[i] == ':' && all_of(s, rest, HEX "x"))
            return i;
        if (w->text[i] == '/' && all_of(s, rest, HEX "x/"))
            return i;
        if (w->text[i] == '#' && all_of(s, rest, DIGITS))
            return i;
    }
    return w->len;
}

static bool is_number_of(const struct word *before, const struct word *w)
{
    static const char *const owners[] = {
        "process", "pid", "pid:", "cpu", "cpu:", "task"};
    if (!all_of(w->text, w->len, DIGITS))
        return false;
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        if (word_is(before, owners[i]))
            return true;
    }
    return false;
}

static void put_word(FILE *f, const struct word *before, const struct word *w)
{
    // Punctuation around a word is none of it.
    size_t front = 0, back = w->len;
    while (front < back && strchr("([{<\"'", w->text[front]))
        front++;
    while (back > front && strchr(")]}>\"',.!;:", w->text[back - 1]))
        back--;
    struct word in = {w->text + front, back - front};
    const char *as = NULL;
    size_t n = in.len;
    if (is_number_of(before, &in))
        return;
    if (is_address(in.text, in.len))
        as = "ADDR";
    else if (in.len > 1 && in.text[in.len - 1] == 's' &&
             all_of(in.text, in.len - 1, DIGITS))
        as = "Ns";
    else if (word_is(before, "than") && all_of(in.text, in.len, DIGITS))
        as = "N";
    else if (!is_source_place(&in))
        n = kept(&in);
    fprintf(f, "%s%.*s", ftell(f) > 0 ? " " : "", (int)front, w->text);
    if (as)
        fputs(as, f);
    else
        fwrite(in.text, 1, n, f);
    fwrite(w->text + back, 1, w->len - back, f);
}

char *title_group(const char *title)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    struct word before = {"", 0};
    while (*(title += strspn(title, " \t"))) {
        struct word w = {title, strcspn(title, " \t")};
        put_word(f, &before, &w);
        before = w;
        title += w.len;
    }
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}
