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

static bool ends_word(struct ktap_span s)
{
    return !s.len || is_blank(*s.text) || *s.text == ':' || *s.text == '(';
}

// A directive off the front of s, and what divides it from its reason. TAP 14
// takes "SKIP" and "TODO" for the beginning of a longer word ("Skipped:"),
// KTAP's own ones are words.
static enum ktap_directive take_directive(struct ktap_span *s)
{
    for (size_t i = 1; i < DIRECTIVES; i++) {
        struct ktap_span rest = *s;
        if (!take_any_case(&rest, directives[i]))
            continue;
        while ((i == KTAP_SKIP || i == KTAP_TODO) && !ends_word(rest))
            skip(&rest, 1);
        if (!ends_word(rest))
            continue;
        while (rest.len && (is_blank(*rest.text) || *rest.text == ':'))
            skip(&rest, 1);
        *s = rest;
        return (enum ktap_directive)i;
    }
    return KTAP_NONE;
}

// Where the "#" stands that divides a text from what is said about it, or the
// text's end: the first one that is not escaped and stands between blanks (TAP
// 14). "page#skip", "#skip" and "\# skip" are words. Behind an escaped
// backslash it needs no blank: whoever escapes those has escaped each other
// "#", too.
static size_t find_hash(struct ktap_span s)
{
    bool may = true;
    for (size_t i = 0; i < s.len; i++) {
        bool follows = i + 1 < s.len;
        if (s.text[i] == '\\' && follows &&
            (s.text[i + 1] == '\\' || s.text[i + 1] == '#')) {
            may = s.text[++i] == '\\';
            continue;
        }
        if (s.text[i] == '#' && may && (!follows || is_blank(s.text[i + 1])))
            return i;
        may = is_blank(s.text[i]);
    }
    return s.len;
}

static void cut_reason(struct ktap_span *text, struct ktap_line *out)
{
    size_t at = find_hash(*text);
    if (at < text->len) {
        struct ktap_span rest = {text->text + at + 1, text->len - at - 1};
        skip_blanks(&rest);
        out->directive = take_directive(&rest);
        out->reason = rest;
        text->len = at;
    }
    trim(text);
}

// TAP 14 skips "ok 3 - #SkIp why", which has no name at all. What says "not ok"
// is never hidden by so little: many a test is called "#skip drops the first".
static bool take_bare_skip(struct ktap_span *text, struct ktap_line *out)
{
    struct ktap_span rest = *text;
    skip_blanks(&rest);
    if (!out->ok || !take(&rest, "#"))
        return false;
    enum ktap_directive directive = take_directive(&rest);
    if (directive != KTAP_SKIP && directive != KTAP_TODO)
        return false;
    out->directive = directive;
    out->reason = rest;
    text->len = 0;
    return true;
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
    if (!s.len)
        return true;
    // Nothing else may stand there, so it needs no blank behind it.
    if (!take(&s, "#"))
        return false;
    skip_blanks(&s);
    out->directive = take_directive(&s);
    out->reason = s;
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
    if (!take_bare_skip(&s, out))
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
