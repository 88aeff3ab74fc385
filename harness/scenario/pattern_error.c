// SPDX-License-Identifier: Apache-2.0
// What PCRE2 says against a pattern, told at the place that is to be changed,
// with its cure. For the parser only.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "harness/scenario/parse_pattern.h"

#include <ctype.h>
#include <pcre2.h>
#include <string.h>

// Where the caret goes: PCRE2 points behind some mistakes, and at the end of
// the pattern for what is never closed.
enum where {
    AT_OFFSET,
    AT_CLASS,  // the `[` that is open
    AT_GROUP,  // the `(` that is open
    AT_ESCAPE, // the backslash before
    AT_HYPHEN,
    AT_BRACE,   // the `{` before
    AT_PAREN,   // the `(` before
    AT_NAME,    // the name before
    AT_REPEATS, // a quantifier, {2} too
};

struct advice {
    int number;
    enum where where;
    const char *message; // instead of PCRE2's own, or NULL
    const char *hint;
};

#define CHARACTER(c) "`\\" c "` is the character"

// pcre2api(3), "COMPILATION ERROR CODES"
static const struct advice advices[] = {
    {PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS, AT_GROUP, NULL,
     "this `(` is never closed: add a `)`; " CHARACTER("(")},
    {PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS, AT_OFFSET, NULL,
     "no `(` is open here; " CHARACTER(")")},
    {PCRE2_ERROR_MISSING_SQUARE_BRACKET, AT_CLASS, NULL,
     "this `[` is never closed: add a `]`; " CHARACTER("[")},
    {PCRE2_ERROR_QUANTIFIER_INVALID, AT_REPEATS, NULL,
     "nothing that can be repeated stands before it"},
    {PCRE2_ERROR_QUANTIFIER_OUT_OF_ORDER, AT_BRACE, NULL,
     "the smaller number stands first: {2,3}"},
    {PCRE2_ERROR_QUANTIFIER_TOO_BIG, AT_BRACE, NULL,
     "65535 is the largest number"},
    {PCRE2_ERROR_CLASS_RANGE_ORDER, AT_OFFSET, NULL,
     "the lower character stands first: [a-z]; `\\-` is a hyphen"},
    {PCRE2_ERROR_CLASS_INVALID_RANGE, AT_HYPHEN, NULL,
     "a class like \\d can't begin or end a range; `\\-` is a hyphen"},
    {PCRE2_ERROR_POSIX_CLASS_NOT_IN_CLASS, AT_OFFSET, NULL,
     "write it in double brackets: [[:alpha:]]"},
    {PCRE2_ERROR_UNKNOWN_POSIX_CLASS, AT_OFFSET, NULL, NULL},
    {PCRE2_ERROR_MALFORMED_UNICODE_PROPERTY, AT_ESCAPE, NULL,
     "a property is written \\p{Lu} or \\pL"},
    {PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY, AT_ESCAPE, NULL, NULL},
    {PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH, AT_OFFSET, NULL,
     "no `*`, `+`, `?` or {1,2} in it: each of its alternatives has one "
     "length; \\K forgets what was matched before it"},
    {PCRE2_ERROR_DUPLICATE_SUBPATTERN_NAME, AT_NAME,
     "two groups have the same name", "a name is one variable"},
    {PCRE2_ERROR_INVALID_SUBPATTERN_NAME, AT_OFFSET, NULL,
     "a named group is written (?<name>...)"},
    {PCRE2_ERROR_MISSING_NAME_TERMINATOR, AT_OFFSET, NULL,
     "a named group is written (?<name>...)"},
    {PCRE2_ERROR_SUBPATTERN_NAME_EXPECTED, AT_OFFSET, NULL,
     "a named group is written (?<name>...)"},
    {PCRE2_ERROR_SUBPATTERN_NAME_TOO_LONG, AT_NAME, NULL, NULL},
    {PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE, AT_ESCAPE, NULL, NULL},
    {PCRE2_ERROR_INVALID_AFTER_PARENS_QUERY, AT_OFFSET, NULL,
     "groups are (...), (?:...), (?<name>...), (?=...), (?!...), "
     "(?<=...); " CHARACTER("(")},
    {PCRE2_ERROR_VERB_UNKNOWN, AT_PAREN, NULL,
     CHARACTER("(") ", and `\\*` is a star"},
    {PCRE2_ERROR_UNKNOWN_ESCAPE, AT_ESCAPE, NULL,
     "`\\\\` is a backslash; a letter alone needs none before it"},
    {PCRE2_ERROR_MISSING_COMMENT_CLOSING, AT_GROUP,
     "missing closing parenthesis of a comment",
     "this `(?#` is never closed: add a `)`"},
    {PCRE2_ERROR_UNSUPPORTED_ESCAPE_SEQUENCE, AT_ESCAPE, NULL,
     "\\x{201c} is a character by its number"},
    {PCRE2_ERROR_BACKSLASH_C_CALLER_DISABLED, AT_ESCAPE,
     "\\C would match half of a character", "`.` is a character"},
    {PCRE2_ERROR_CODE_POINT_TOO_BIG, AT_ESCAPE, NULL,
     "10ffff is the largest number of a character"},
    {PCRE2_ERROR_UNICODE_DISALLOWED_CODE_POINT, AT_ESCAPE, NULL, NULL},
};

// ---- Where ------------------------------------------------------------------

static size_t back_to(const char *tried, size_t offset, char c)
{
    size_t at = offset;
    while (at && tried[at] != c)
        at--;
    return tried[at] == c ? at : offset;
}

// The backslash of the escape that ends at or before offset, if it is one.
static size_t escape_start(const char *tried, size_t offset)
{
    size_t at = offset;
    while (at && tried[at - 1] != '\\') {
        unsigned char c = (unsigned char)tried[--at];
        if (!isalnum(c) && !strchr("{}<>'^+-_&=: ", c))
            return offset;
    }
    return at ? at - 1 : offset;
}

static size_t name_start(const char *tried, size_t offset)
{
    size_t at = offset;
    if (at && !is_name(tried[at - 1]))
        at--;
    while (at &&
           (isalnum((unsigned char)tried[at - 1]) || tried[at - 1] == '_'))
        at--;
    return at;
}

// Where the caret begins in what was tried.
static size_t begin_of(enum where where, const char *tried, size_t offset)
{
    switch (where) {
    case AT_ESCAPE:
        return escape_start(tried, offset);
    case AT_HYPHEN:
        return back_to(tried, offset, '-');
    case AT_BRACE:
        return back_to(tried, offset, '{');
    case AT_PAREN:
        return back_to(tried, offset, '(');
    case AT_NAME:
        return name_start(tried, offset);
    case AT_REPEATS:
        return tried[offset] == '}' ? back_to(tried, offset, '{') : offset;
    case AT_OFFSET:
    case AT_CLASS:
    case AT_GROUP:
        break;
    }
    return offset;
}

// ---- Hints ------------------------------------------------------------------

static const char *const posix_classes[] = {
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph",
    "lower", "print", "punct", "space", "upper", "word",  "xdigit",
};

static const char *const properties[] = {
    "Any",   "C",   "Cc",     "L",        "L&",       "Ll",     "Lu",
    "M",     "N",   "Nd",     "P",        "Pd",       "S",      "Sc",
    "Sm",    "So",  "Xan",    "Z",        "Zs",       "Arabic", "Cyrillic",
    "Greek", "Han", "Hebrew", "Hiragana", "Katakana", "Latin",
};

#define OFFER_ALL(n, table)                                                    \
    for (size_t i = 0; i < sizeof(table) / sizeof((table)[0]); i++)            \
    nearest_offer(n, (table)[i])

static const char *hint_for(struct parser *p, const struct trial *t, int number,
                            size_t begin, size_t offset)
{
    const char *tried = t->text;
    if (number == PCRE2_ERROR_UNKNOWN_POSIX_CLASS) {
        size_t len = 0;
        while (isalpha((unsigned char)tried[offset + len]))
            len++;
        struct nearest n = nearest_to(tried + offset, len);
        OFFER_ALL(&n, posix_classes);
        return n.best ? nearest_hint(&n, p->arena)
                      : "they are alnum, alpha, blank, digit, lower, punct, "
                        "space, upper, xdigit ...";
    }
    if (number == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY) {
        size_t from = begin + 2, len = 0;
        while (from < offset && strchr("{^", tried[from]))
            from++;
        while (from + len < offset && isalpha((unsigned char)tried[from + len]))
            len++;
        struct nearest n = nearest_to(tried + from, len);
        OFFER_ALL(&n, properties);
        return n.best ? nearest_hint(&n, p->arena)
                      : "properties are L, Lu, Ll, N, Nd, P, S, Z ..., and "
                        "scripts: Greek, Latin ...";
    }
    if (number == PCRE2_ERROR_BAD_SUBPATTERN_REFERENCE)
        return t->scan.captures == 0
                   ? "the pattern has no group: (...)"
                   : arena_printf(p->arena, "the pattern has %u group%s",
                                  t->scan.captures,
                                  t->scan.captures == 1 ? "" : "s");
    return NULL;
}

// A quantifier at the very start, or one behind another.
static const char *hint_repeats(struct parser *p, const struct trial *t,
                                size_t begin)
{
    char sign = t->text[begin], before = begin ? t->text[begin - 1] : 0;
    if (before && strchr("*+?}", before))
        return arena_printf(p->arena,
                            "what stands before it is repeated already; `\\%c` "
                            "is the character",
                            sign);
    return arena_printf(p->arena,
                        "nothing to repeat stands before it: `.%s` is any "
                        "text; `\\%c` is the character",
                        sign == '+' ? "+" : "*", sign);
}

static const char *hint_class(struct parser *p, const char *open,
                              const char *hint)
{
    const char *first = open + 1 + (open[1] == '^');
    if (*first != ']')
        return hint;
    return arena_printf(p->arena,
                        "a `]` that stands first is a member: `%.*s]`",
                        (int)(first + 1 - open), open);
}

// ---- The whole --------------------------------------------------------------

void report_pattern(struct parser *p, const struct trial *t, int number,
                    size_t offset, const char *message)
{
    static const struct advice unknown = {0, AT_OFFSET, NULL, NULL};
    const struct advice *a = &unknown;
    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
        if (number && advices[i].number == number)
            a = &advices[i];
    if (offset > t->len)
        offset = t->len;
    size_t begin = begin_of(a->where, t->text, offset);
    // Beyond the end there is nothing to point at.
    if (begin == t->len && begin)
        do
            begin--;
        while (begin && ((unsigned char)t->text[begin] & 0xc0) == 0x80);
    const char *from = trial_source(t, begin);
    const char *to = offset > begin ? trial_source(t, offset) : from;
    const char *hint =
        a->hint ? a->hint : hint_for(p, t, number, begin, offset);
    if (a->where == AT_REPEATS)
        hint = hint_repeats(p, t, begin);
    if (a->where == AT_GROUP && t->scan.open_group)
        from = to = t->scan.open_group;
    if (a->where == AT_CLASS && t->scan.open_class) {
        from = to = t->scan.open_class;
        hint = hint_class(p, from, hint);
    }
    struct cursor at = t->token->body, end;
    while (at.at < from)
        cursor_step(&at);
    unsigned width = 0;
    for (end = at; end.at < to && *end.at != '\n'; width++)
        cursor_step(&end);
    parse_error(p, &at, width, hint, "this pattern is wrong: %s",
                a->message ? a->message : message);
}
