// SPDX-License-Identifier: Apache-2.0
// Reading one line of KTAP. See ktap_line.h.
#include "harness/ktap/ktap_line.h"

#include <string.h>
#include <strings.h>

static const char *const directives[] = {
    [KTAP_NONE] = "",       [KTAP_SKIP] = "SKIP",
    [KTAP_TODO] = "TODO",   [KTAP_XFAIL] = "XFAIL",
    [KTAP_XPASS] = "XPASS", [KTAP_TIMED_OUT] = "TIMEOUT",
    [KTAP_ERROR] = "ERROR",
};
#define DIRECTIVES (sizeof(directives) / sizeof(directives[0]))

const char *ktap_directive_name(enum ktap_directive d)
{
    return directives[d];
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip(struct ktap_span *s, size_t n)
{
    s->text += n;
    s->len -= n;
}

static void skip_blanks(struct ktap_span *s)
{
    while (s->len && is_blank(*s->text))
        skip(s, 1);
}

static void trim(struct ktap_span *s)
{
    while (s->len && is_blank(s->text[s->len - 1]))
        s->len--;
    skip_blanks(s);
}

// Takes the word off the front of s.
static bool take(struct ktap_span *s, const char *word)
{
    size_t n = strlen(word);
    if (s->len < n || memcmp(s->text, word, n) != 0)
        return false;
    skip(s, n);
    return true;
}

static bool take_any_case(struct ktap_span *s, const char *word)
{
    size_t n = strlen(word);
    if (s->len < n || strncasecmp(s->text, word, n) != 0)
        return false;
    skip(s, n);
    return true;
}

static bool take_number(struct ktap_span *s, uint64_t *out)
{
    if (!s->len || !is_digit(*s->text))
        return false;
    uint64_t n = 0;
    for (; s->len && is_digit(*s->text); skip(s, 1)) {
        n = n * 10 + (uint64_t)(*s->text - '0');
        if (n > KTAP_NUMBER_MAX)
            n = KTAP_NUMBER_MAX;
    }
    *out = n;
    return true;
}

// A directive off the front of s, and what divides it from its reason. "SKIP"
// may be longer ("SKIPPED").
static enum ktap_directive take_directive(struct ktap_span *s)
{
    for (size_t i = 1; i < DIRECTIVES; i++) {
        struct ktap_span rest = *s;
        if (!take_any_case(&rest, directives[i]))
            continue;
        while (i == KTAP_SKIP && rest.len && is_letter(*rest.text))
            skip(&rest, 1);
        if (rest.len && (is_letter(*rest.text) || is_digit(*rest.text) ||
                         *rest.text == '_'))
            continue;
        while (rest.len && (is_blank(*rest.text) || *rest.text == ':'))
            skip(&rest, 1);
        *s = rest;
        return (enum ktap_directive)i;
    }
    return KTAP_NONE;
}

// Cuts "text # SKIP why" at a "#" that is a word's beginning, and is followed
// by a blank or a directive: "issue #42" has none.
static void cut_reason(struct ktap_span *text, struct ktap_line *out)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->text[i] != '#' || (i && !is_blank(text->text[i - 1])))
            continue;
        struct ktap_span rest = {text->text + i + 1, text->len - i - 1};
        bool apart = !rest.len || is_blank(*rest.text);
        skip_blanks(&rest);
        out->directive = take_directive(&rest);
        if (!apart && out->directive == KTAP_NONE)
            continue;
        out->reason = rest;
        text->len = i;
        break;
    }
    trim(text);
}

static bool read_version(struct ktap_span s, struct ktap_line *out)
{
    uint64_t version;
    out->is_ktap = take(&s, "K");
    return take(&s, "TAP version ") && take_number(&s, &version) && !s.len;
}

static bool read_plan(struct ktap_span s, struct ktap_line *out)
{
    if (!take(&s, "1..") || !take_number(&s, &out->number))
        return false;
    if (s.len && !is_blank(*s.text))
        return false;
    skip_blanks(&s);
    if (s.len && *s.text != '#')
        return false;
    cut_reason(&s, out);
    return true;
}

static bool read_result(struct ktap_span s, struct ktap_line *out)
{
    out->ok = !take(&s, "not ");
    if (!take(&s, "ok") || (s.len && !is_blank(*s.text)))
        return false;
    skip_blanks(&s);
    struct ktap_span number = s;
    uint64_t n = 0;
    if (take_number(&number, &n) &&
        (!number.len || is_blank(*number.text) || *number.text == '-')) {
        out->numbered = true;
        out->number = n;
        s = number;
        skip_blanks(&s);
    }
    bool dash = s.len && *s.text == '-' && (s.len == 1 || is_blank(s.text[1]));
    if (dash)
        skip(&s, 1);
    out->weak = out->ok && !out->numbered && !dash;
    cut_reason(&s, out);
    out->name = s;
    return true;
}

static bool read_subtest(struct ktap_span s, struct ktap_line *out)
{
    if (!take(&s, "#"))
        return false;
    skip_blanks(&s);
    if (!take(&s, "Subtest"))
        return false;
    if (s.len && !take(&s, ":"))
        return false;
    trim(&s);
    out->name = s;
    return true;
}

static bool read_bail(struct ktap_span s, struct ktap_line *out)
{
    if (!take_any_case(&s, "Bail out!"))
        return false;
    trim(&s);
    out->reason = s;
    return true;
}

static bool read_diagnostic(struct ktap_span s, struct ktap_line *out)
{
    if (!take(&s, "#"))
        return false;
    if (s.len && is_blank(*s.text))
        skip(&s, 1);
    out->reason = s;
    return true;
}

void ktap_line_read(const char *text, size_t len, struct ktap_line *out)
{
    static const struct {
        enum ktap_kind kind;
        bool (*read)(struct ktap_span s, struct ktap_line *out);
    } forms[] = {
        {KTAP_RESULT, read_result},   {KTAP_PLAN, read_plan},
        {KTAP_VERSION, read_version}, {KTAP_SUBTEST, read_subtest},
        {KTAP_BAIL, read_bail},       {KTAP_DIAGNOSTIC, read_diagnostic},
    };
    struct ktap_span s = {text, len};
    size_t indent = 0;
    for (; s.len && is_blank(*s.text); skip(&s, 1))
        indent = *s.text == '\t' ? (indent | 7) + 1 : indent + 1;
    trim(&s);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        *out = (struct ktap_line){.kind = forms[i].kind,
                                  .indent = indent,
                                  .name = {s.text, 0},
                                  .reason = {s.text, 0}};
        if (forms[i].read(s, out))
            return;
    }
    *out = (struct ktap_line){
        .kind = KTAP_TEXT, .indent = indent, .name = {s.text, 0}, .reason = s};
}
