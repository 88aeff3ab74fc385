// SPDX-License-Identifier: Apache-2.0
// Required literals of a pattern (literal.h): a reader of PCRE2's syntax that
// gives up on whatever it does not know.
#include "harness/console/literal.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 12

struct reader {
    const char *p, *end;
    bool caseless;
    unsigned depth;
};

// One branch of an alternation: what follows one another.
struct branch {
    struct literal run;   // the characters just now
    struct literals best; // the best of all that each match of it contains
};

static size_t shortest(const struct literals *l)
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < l->n; i++) {
        least = l->branch[i].len < least ? l->branch[i].len : least;
    }
    return l->n ? least : 0;
}

// Long literals are rare in the text; of equals the last is best: a search that
// waits for it does not begin too early.
static void consider(struct branch *b, const struct literals *l)
{
    size_t now = shortest(l);
    size_t best = shortest(&b->best);
    if (now > best || (now && now == best && l->n <= b->best.n)) {
        b->best = *l;
    }
}

static void end_run(struct branch *b)
{
    if (b->run.len) {
        struct literals one = {.n = 1};
        one.branch[0] = b->run;
        consider(b, &one);
        b->run.len = 0;
    }
}

static void add(const struct reader *r, struct branch *b, char c)
{
    // Beyond ASCII, and for the letters that have a third form there (U+017F,
    // U+212A), caseless matching is more than two cases of a byte.
    if (r->caseless && (!isascii(c) || strchr("kKsS", c))) {
        end_run(b);
        return;
    }
    if (b->run.len == LITERAL_MAX) {
        end_run(b);
    }
    b->run.text[b->run.len++] =
        r->caseless ? (char)tolower((unsigned char)c) : c;
}

// Before a quantifier that allows none: the last character goes.
static void take_back(struct branch *b)
{
    struct literal *run = &b->run;
    while (run->len &&
           ((unsigned char)run->text[run->len - 1] & 0xc0) == 0x80) {
        run->len--;
    }
    run->len -= run->len > 0;
    end_run(b);
}

static bool skip_class(struct reader *r)
{
    r->p++;
    if (r->p < r->end && *r->p == '^') {
        r->p++;
    }
    for (bool first = true; r->p < r->end; first = false) {
        if (*r->p == ']' && !first) {
            r->p++;
            return true;
        }
        if (*r->p == '[' && r->end - r->p > 1 && strchr(":.=", r->p[1])) {
            const char *close =
                memchr(r->p + 2, ']', (size_t)(r->end - r->p) - 2);
            if (close && close > r->p + 2 && close[-1] == r->p[1]) {
                r->p = close + 1;
                continue;
            }
        }
        r->p += *r->p == '\\' ? 2 : 1;
    }
    return false;
}

// Skips a group with all that is in it.
static bool skip_group(struct reader *r)
{
    unsigned depth = 0;
    while (r->p < r->end) {
        char c = *r->p;
        if (c == '\\') {
            r->p += 2;
            continue;
        }
        if (c == '[') {
            if (!skip_class(r)) {
                return false;
            }
            continue;
        }
        r->p++;
        depth += c == '(';
        depth -= c == ')';
        if (depth == 0) {
            return true;
        }
    }
    return false;
}

static bool read_escape(struct reader *r, struct branch *b)
{
    static const char shorthands[] = "dDwWsShHvVRXbBAzZGKaefNntr";
    if (r->end - r->p < 2) {
        return false;
    }
    char c = r->p[1];
    r->p += 2;
    if (ispunct((unsigned char)c) && isascii(c)) {
        add(r, b, c);
        return true;
    }
    if (c == 'n' || c == 't' || c == 'r') {
        add(r, b, (char)(c == 'n' ? '\n' : c == 't' ? '\t' : '\r'));
        return true;
    }
    end_run(b);
    if (isdigit((unsigned char)c)) {
        while (r->p < r->end && isdigit((unsigned char)*r->p)) {
            r->p++;
        }
        return true;
    }
    return c && strchr(shorthands, c) &&
           !(c == 'N' && r->p < r->end && *r->p == '{');
}

// "{2}", "{2,}", "{2,5}" are quantifiers; "{" before a letter is itself;
// anything else depends on PCRE2's version.
static bool read_brace(struct reader *r, struct branch *b)
{
    const char *q = r->p + 1;
    if (q < r->end && isalpha((unsigned char)*q)) {
        add(r, b, '{');
        r->p++;
        return true;
    }
    const char *digits = q;
    while (q < r->end && isdigit((unsigned char)*q)) {
        q++;
    }
    if (q == digits) {
        return false;
    }
    if (q < r->end && *q == ',') {
        q++;
        while (q < r->end && isdigit((unsigned char)*q)) {
            q++;
        }
    }
    if (q == r->end || *q != '}') {
        return false;
    }
    take_back(b);
    r->p = q + 1;
    return true;
}

// Inline options that do not change how the rest is read: (?m) (?s) (?ms:...).
static size_t plain_options(const char *p, const char *end)
{
    size_t n = 2;
    while (p + n < end && strchr("msUJ", p[n]) && p[n]) {
        n++;
    }
    return n > 2 && p + n < end && (p[n] == ')' || p[n] == ':') ? n + 1 : 0;
}

// What opens a group whose content each match of it contains: how many bytes,
// or 0 for one to skip (lookaround, conditions, calls).
static size_t group_opening(const char *p, const char *end)
{
    static const char *const openings[] = {"(?:", "(?>", "(?|"};
    size_t left = (size_t)(end - p);
    if (left < 3 || p[1] != '?') {
        return 1;
    }
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        if (memcmp(p, openings[i], 3) == 0) {
            return 3;
        }
    }
    size_t name = 2 + (p[2] == 'P');
    bool named = left > name + 1 && (p[name] == '<' || p[name] == '\'') &&
                 (isalpha((unsigned char)p[name + 1]) || p[name + 1] == '_');
    if (named) {
        char close = p[name] == '<' ? '>' : '\'';
        const char *stop = memchr(p + name + 1, close, left - name - 1);
        return stop ? (size_t)(stop - p) + 1 : 0;
    }
    return plain_options(p, end);
}

static bool read_branches(struct reader *r, struct literals *out);

static bool read_group(struct reader *r, struct branch *b)
{
    end_run(b);
    size_t n = group_opening(r->p, r->end);
    if (n && r->p[n - 1] == ')') {
        r->p += n; // inline options
        return true;
    }
    if (n == 0 || r->depth == DEPTH_MAX) {
        return skip_group(r);
    }
    struct literals inner;
    r->p += n;
    r->depth++;
    if (!read_branches(r, &inner) || r->p == r->end) {
        return false;
    }
    r->depth--;
    r->p++;
    if (r->p == r->end || !strchr("?*{", *r->p)) {
        consider(b, &inner);
    }
    return true;
}

static bool read_item(struct reader *r, struct branch *b)
{
    switch (*r->p) {
    case '\\':
        return read_escape(r, b);
    case '[':
        end_run(b);
        return skip_class(r);
    case '(':
        return read_group(r, b);
    case '{':
        return read_brace(r, b);
    case '?':
    case '*':
        take_back(b);
        break;
    case '+':
    case '.':
    case '^':
    case '$':
        end_run(b);
        break;
    default:
        add(r, b, *r->p);
    }
    r->p++;
    return true;
}

// Up to the end of the group (its parenthesis is not taken) or of the pattern.
// False when it can't be read; out->n is 0 when a branch has no literal.
static bool read_branches(struct reader *r, struct literals *out)
{
    bool all = true;
    out->n = 0;
    for (bool more = true; more;) {
        struct branch b = {.run = {.len = 0}};
        while (r->p < r->end && *r->p != '|' && *r->p != ')') {
            if (!read_item(r, &b)) {
                return false;
            }
        }
        end_run(&b);
        all = all && b.best.n && out->n + b.best.n <= LITERAL_BRANCHES;
        if (all) {
            memcpy(out->branch + out->n, b.best.branch,
                   b.best.n * sizeof *out->branch);
            out->n += b.best.n;
        }
        more = r->p < r->end && *r->p == '|';
        r->p += more;
    }
    out->n = all ? out->n : 0;
    return true;
}

// Things that change how the rest is read, wherever they stand.
static bool unusual(const char *p, const char *end)
{
    for (; p + 1 < end; p++) {
        if (*p == '\\' && (p[1] == 'Q' || p[1] == 'E' || p[1] == 'c')) {
            return true;
        }
        if (*p != '(') {
            continue;
        }
        if (p[1] == '*') {
            return true;
        }
        if (p[1] == '?' && p + 2 < end &&
            (p[2] == '#' || p[2] == '^' || p[2] == '-' ||
             (isalpha((unsigned char)p[2]) && p[2] != 'P' && p[2] != 'R')) &&
            !plain_options(p, end)) {
            return true;
        }
    }
    return false;
}

void literals_of(struct literals *out, const char *source, size_t len,
                 bool caseless, bool extended)
{
    *out = (struct literals){.caseless = caseless};
    struct reader r = {source, source + len, caseless, 0};
    if (!extended && !unusual(source, r.end) && len) {
        struct literals found;
        bool read = read_branches(&r, &found) && r.p == r.end;
        if (read) {
            *out = found;
            out->caseless = caseless;
        }
    }
}

size_t literals_find(const struct literals *l, const char *text, size_t len)
{
    size_t found = len;
    // An empty text may be NULL.
    for (size_t i = 0; len && i < l->n; i++) {
        const struct literal *b = &l->branch[i];
        // Up to the end of what would still be earlier.
        size_t within = found < len ? found + b->len - 1 : len;
        if (within > len) {
            within = len;
        }
        const char *at = memmem(text, within, b->text, b->len);
        if (at) {
            found = (size_t)(at - text);
        }
    }
    return found;
}
