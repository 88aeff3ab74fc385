// SPDX-License-Identifier: Apache-2.0
// Walks over a pattern's groups, classes, escapes and comments
// (pattern_scan.h). For harness/scenario only.
#include "harness/scenario/pattern_scan.h"
#include "harness/scenario/lexer.h"

#include <ctype.h>
#include <string.h>

// No [:name:] is longer.
#define POSIX_MAX 64

struct group {
    const char *open;
    bool extended; // outside of it
};

struct scan {
    struct arena *arena;
    const char *at, *end;
    bool extended;      // the flag x holds here
    struct list places; // enum variable_place
    struct list groups; // struct group: those that are open
    struct pattern_scan *out;
};

// The character n further, or NUL behind the end.
static char ahead(const struct scan *s, size_t n)
{
    return n < (size_t)(s->end - s->at) ? s->at[n] : 0;
}

static bool at_variable(const struct scan *s)
{
    return ahead(s, 0) == '$' && ahead(s, 1) == '{';
}

static bool take_variable(struct scan *s, enum variable_place place)
{
    if (!at_variable(s))
        return false;
    *(enum variable_place *)list_add(s->arena, &s->places, sizeof(place)) =
        place;
    while (ahead(s, 0) && ahead(s, 0) != '}')
        s->at++;
    s->at += ahead(s, 0) == '}';
    return true;
}

// Skips all up to `close` and that, too. A backslash does no more here than
// keep "${" from being a variable.
// False when there is none.
static bool skip_past(struct scan *s, char close, enum variable_place place)
{
    while (s->at < s->end) {
        if (take_variable(s, place))
            continue;
        char c = *s->at++;
        if (c == close)
            return true;
        if (c == '\\' && (ahead(s, 0) == '$' || ahead(s, 0) == '\\'))
            s->at++;
    }
    return false;
}

static void skip_quoted(struct scan *s)
{
    while (s->at < s->end) {
        if (take_variable(s, PLACE_QUOTED))
            continue;
        char c = *s->at++, next = ahead(s, 0);
        if (c != '\\' || !next)
            continue;
        // In \\E the second backslash belongs to the E.
        bool last = next == 'E' || (next == '\\' && ahead(s, 1) == 'E');
        s->at += next == '$' || next == '\\' || next == 'E';
        s->at += last && next == '\\';
        if (last)
            return;
    }
}

static void skip_set(struct scan *s, const char *set, unsigned most)
{
    while (most-- && ahead(s, 0) && strchr(set, ahead(s, 0)))
        s->at++;
}

// What follows the letter of an escape that takes more: \p{Lu}, \x41, \g-1.
static void scan_argument(struct scan *s, char letter)
{
    char c = ahead(s, 0);
    if (c == '{') {
        s->at++;
        skip_past(s, '}', PLACE_CONSTRUCT);
        return;
    }
    if ((letter == 'g' || letter == 'k') && (c == '<' || c == '\'')) {
        s->at++;
        skip_past(s, c == '<' ? '>' : c, PLACE_CONSTRUCT);
        return;
    }
    if (letter == 'x') {
        const char *digits = s->at;
        skip_set(s, "0123456789abcdefABCDEF", 2);
        if (s->at == digits + 2)
            return;
    } else if (letter == 'g') {
        skip_set(s, "+-", 1);
        skip_set(s, "0123456789", 9);
    } else if (isalpha((unsigned char)c)) {
        s->at++;
        return;
    }
    take_variable(s, PLACE_ESCAPE);
}

// At a backslash.
static void scan_escape(struct scan *s)
{
    char letter = ahead(s, 1);
    s->at += letter ? 2 : 1;
    if (letter == 'Q') {
        skip_quoted(s);
    } else if (letter && strchr("pPxoNgk", letter)) {
        scan_argument(s, letter);
    } else if (isdigit((unsigned char)letter)) {
        skip_set(s, "0123456789", 9);
        take_variable(s, PLACE_ESCAPE);
    } else if (letter == 'c') {
        take_variable(s, PLACE_ESCAPE);
    }
}

// ---- Classes ----------------------------------------------------------------

// [:name:] within a class; false when it isn't one.
static bool scan_posix(struct scan *s)
{
    if (ahead(s, 0) != '[' || ahead(s, 1) != ':')
        return false;
    size_t left = (size_t)(s->end - s->at);
    left = left < POSIX_MAX ? left : POSIX_MAX; // nor look far each time
    const char *close = memmem(s->at, left, ":]", 2);
    const char *bracket = memchr(s->at, ']', left);
    if (!close || bracket != close + 1 ||
        memchr(s->at, '\\', (size_t)(close - s->at)))
        return false;
    while (s->at < close)
        if (!take_variable(s, PLACE_CONSTRUCT))
            s->at++;
    s->at = close + 2;
    return true;
}

// At a `[`.
static void scan_class(struct scan *s)
{
    const char *open = s->at++;
    bool low = false;  // the last item may begin a range
    bool dash = false; // a range wants its end
    s->at += ahead(s, 0) == '^';
    for (const char *first = s->at; s->at < s->end;) {
        if (*s->at == ']' && s->at > first) {
            s->at++;
            return;
        }
        if (*s->at == '-' && low && ahead(s, 1) != ']') {
            dash = true;
            low = false;
            s->at++;
            continue;
        }
        if (at_variable(s)) {
            size_t place = s->places.count;
            take_variable(s, dash ? PLACE_RANGE_HIGH : PLACE_TEXT);
            enum variable_place *places = s->places.items;
            if (!dash && ahead(s, 0) == '-' && ahead(s, 1) != ']')
                places[place] = PLACE_RANGE_LOW;
        } else if (*s->at == '\\') {
            scan_escape(s);
        } else if (!scan_posix(s)) {
            s->at++;
        }
        low = !dash;
        dash = false;
    }
    s->out->open_class = open;
}

// ---- Groups -----------------------------------------------------------------

static void open_group(struct scan *s, const char *open)
{
    struct group *g = list_add(s->arena, &s->groups, sizeof(*g));
    *g = (struct group){open, s->extended};
}

// The letters of (?i-x) or (?i-x:...).
static void scan_options(struct scan *s, const char *open)
{
    bool on = true, extended = s->extended;
    while (isalpha((unsigned char)ahead(s, 0)) || ahead(s, 0) == '-' ||
           ahead(s, 0) == '^') {
        char c = *s->at++;
        if (c == '-')
            on = false;
        else if (c == '^')
            extended = false;
        else if (c == 'x')
            extended = on;
    }
    while (take_variable(s, PLACE_CONSTRUCT)) {
    }
    if (ahead(s, 0) != ')')
        open_group(s, open);
    s->at += ahead(s, 0) == ')' || ahead(s, 0) == ':';
    s->extended = extended;
}

// Behind `(?`, when a name and `close` follow.
static void scan_named(struct scan *s, const char *open, char close)
{
    s->at++;
    skip_past(s, close, PLACE_CONSTRUCT);
    s->out->captures++;
    open_group(s, open);
}

// Behind `(?`.
static void scan_special(struct scan *s, const char *open)
{
    char c = ahead(s, 0), next = ahead(s, 1);
    bool look = c == '<' && next && strchr("=!*", next);
    bool number = isdigit((unsigned char)c) ||
                  ((c == '+' || c == '-') && isdigit((unsigned char)next));
    if (c == '#') {
        if (!skip_past(s, ')', PLACE_COMMENT))
            open_group(s, open);
    } else if (look || (c && strchr("|>:=!*", c))) {
        s->at += look ? 2 : 1;
        open_group(s, open);
    } else if (c == '<' || c == '\'') {
        scan_named(s, open, c == '<' ? '>' : c);
    } else if (c == 'P' && next == '<') {
        s->at++;
        scan_named(s, open, '>');
    } else if (c == 'P' || number || (c && strchr("&RC", c))) {
        skip_past(s, ')', PLACE_CONSTRUCT); // it is no group
    } else if (c == '(') {
        open_group(s, open);
        if (next == '?' || next == '*')
            return; // its condition is a group
        s->at++;
        skip_past(s, ')', PLACE_CONSTRUCT);
    } else {
        scan_options(s, open);
    }
}

// At a `(`.
static void scan_group(struct scan *s)
{
    const char *open = s->at++;
    if (ahead(s, 0) == '?') {
        s->at++;
        scan_special(s, open);
    } else if (ahead(s, 0) == '*') {
        s->at++;
        while (islower((unsigned char)ahead(s, 0)) || ahead(s, 0) == '_')
            s->at++;
        bool assertion = ahead(s, 0) == ':'; // (*atomic:...), (*pla:...)
        if (assertion)
            open_group(s, open);
        else
            skip_past(s, ')', PLACE_CONSTRUCT);
    } else {
        s->out->captures++;
        open_group(s, open);
    }
}

static void close_group(struct scan *s)
{
    const struct group *groups = s->groups.items;
    s->at++;
    if (s->groups.count)
        s->extended = groups[--s->groups.count].extended;
}

// ---- The whole --------------------------------------------------------------

void pattern_scan(struct arena *arena, const char *begin, const char *end,
                  bool extended, struct pattern_scan *out)
{
    struct scan s = {.arena = arena,
                     .at = begin,
                     .end = end,
                     .extended = extended,
                     .out = out};
    *out = (struct pattern_scan){0};
    while (s.at < s.end) {
        if (take_variable(&s, PLACE_TEXT))
            continue;
        if (*s.at == '\\')
            scan_escape(&s);
        else if (*s.at == '[')
            scan_class(&s);
        else if (*s.at == '(')
            scan_group(&s);
        else if (*s.at == ')')
            close_group(&s);
        else if (*s.at == '#' && s.extended)
            skip_past(&s, '\n', PLACE_COMMENT);
        else
            s.at++;
    }
    const struct group *groups = s.groups.items;
    if (s.groups.count)
        out->open_group = groups[s.groups.count - 1].open;
    out->nplaces = s.places.count;
    out->places = s.places.items;
}
