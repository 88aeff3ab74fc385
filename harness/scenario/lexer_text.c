// SPDX-License-Identifier: Apache-2.0
// Texts and patterns: quotes, delimiters, escapes, ${name}. For
// harness/scenario only.
#include "harness/scenario/lexer.h"

#include <ctype.h>
#include <string.h>

// Pieces of a text while they are collected.
struct builder {
    struct lexer *lx;
    struct list pieces;
    struct cursor begin; // of the literal piece that grows in bytes
    char *bytes;
    size_t len;
};

// Room for a literal of at most `most` bytes.
static struct builder builder_new(struct lexer *lx, size_t most)
{
    struct builder b = {.lx = lx};
    b.bytes = arena_alloc(lx->arena, most + 1);
    return b;
}

static void put_byte(struct builder *b, char c)
{
    if (!b->len)
        b->begin = b->lx->cur;
    b->bytes[b->len++] = c;
}

// The character at the lexer's place, as it is.
static void put_character(struct builder *b)
{
    struct cursor from = b->lx->cur;
    if (!b->len)
        b->begin = from;
    cursor_step(&b->lx->cur);
    for (const char *at = from.at; at < b->lx->cur.at; at++)
        b->bytes[b->len++] = *at;
}

static void flush_literal(struct builder *b)
{
    if (!b->len)
        return;
    struct text_piece *piece =
        list_add(b->lx->arena, &b->pieces, sizeof(struct text_piece));
    piece->bytes = arena_copy(b->lx->arena, b->bytes, b->len);
    piece->len = b->len;
    piece->pos = lexer_pos(b->lx, &b->begin);
    b->len = 0;
}

// ${name}: false when that isn't one.
static bool put_variable(struct builder *b)
{
    struct lexer *lx = b->lx;
    const char *name = lx->cur.at + 2;
    size_t len = name_length(name);
    if (!len || name[len] != '}')
        return false;
    flush_literal(b);
    struct text_piece *piece =
        list_add(lx->arena, &b->pieces, sizeof(struct text_piece));
    piece->variable = true;
    piece->bytes = arena_copy(lx->arena, name, len);
    piece->len = len;
    piece->pos = lexer_pos(lx, &lx->cur);
    lx->cur.at += len + 3;
    lx->cur.column += (unsigned)len + 3;
    return true;
}

static bool at_variable(const struct lexer *lx)
{
    return lx->cur.at[0] == '$' && lx->cur.at[1] == '{';
}

static void finish(struct builder *b, struct token *t)
{
    flush_literal(b);
    t->text.pos = lexer_pos(b->lx, &t->begin);
    t->text.npieces = b->pieces.count;
    t->text.pieces = b->pieces.items;
}

static void skip_to(struct lexer *lx, const char *end)
{
    while (lx->cur.at < end)
        cursor_step(&lx->cur);
}

static void skip_line(struct lexer *lx)
{
    skip_to(lx, lx->cur.at + strcspn(lx->cur.at, "\n"));
}

static const char not_a_variable[] =
    "`${` is not followed by a variable's name and `}`";
static const char dollar_hint[] = "write `\\${` for the characters `${`";

// ---- Texts ------------------------------------------------------------------

static int hex_digit(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The escape at the lexer's backslash: NULL, or what is wrong.
static const char *put_escape(struct builder *b)
{
    static const char from[] = "nrte\"\\$", to[] = "\n\r\t\x1b\"\\$";
    struct lexer *lx = b->lx;
    char c = lx->cur.at[1];
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        put_byte(b, to[known - from]);
        cursor_step(&lx->cur);
        cursor_step(&lx->cur);
        return NULL;
    }
    if (c != 'x')
        return "unknown escape";
    int high = hex_digit(lx->cur.at[2]);
    int low = high < 0 ? -1 : hex_digit(lx->cur.at[3]);
    if (low < 0)
        return "`\\x` needs two hexadecimal digits";
    put_byte(b, (char)(high << 4 | low));
    for (int i = 0; i < 4; i++)
        cursor_step(&lx->cur);
    return NULL;
}

static void bad_escape(struct lexer *lx, struct token *t, const char *end,
                       const char *message)
{
    struct cursor at = lx->cur, after = at;
    cursor_step(&after);
    cursor_step(&after);
    bool hex = at.at[1] == 'x';
    if (!hex)
        message = arena_printf(lx->arena, "%s `%.*s`", message,
                               (int)(after.at - at.at), at.at);
    skip_to(lx, end + 1);
    token_bad(lx, t, at, 2, message,
              hex ? NULL
                  : "known are \\n \\r \\t \\e \\xHH \\\" \\\\ \\$; "
                    "'...' has no escapes");
}

// The closing quote of a "..." that opens at text, or NULL: it ends with its
// line.
static const char *closing_quote(const char *text)
{
    for (const char *at = text + 1; *at && *at != '\n'; at++) {
        if (*at == '"')
            return at;
        if (*at == '\\' && at[1] && at[1] != '\n')
            at++;
    }
    return NULL;
}

void lex_quoted(struct lexer *lx, struct token *t)
{
    const char *end = closing_quote(lx->cur.at);
    if (!end) {
        skip_line(lx);
        token_bad(lx, t, t->begin, 1, "this text is never closed",
                  "a text ends on its own line: add a `\"`");
        return;
    }
    struct builder b = builder_new(lx, (size_t)(end - lx->cur.at));
    cursor_step(&lx->cur);
    while (lx->cur.at < end) {
        const char *wrong = NULL;
        if (*lx->cur.at == '\\') {
            wrong = put_escape(&b);
        } else if (!at_variable(lx)) {
            put_character(&b);
        } else if (!put_variable(&b)) {
            struct cursor at = lx->cur;
            skip_to(lx, end + 1);
            token_bad(lx, t, at, 2, not_a_variable, dollar_hint);
            return;
        }
        if (wrong) {
            bad_escape(lx, t, end, wrong);
            return;
        }
    }
    cursor_step(&lx->cur);
    finish(&b, t);
    token_end(lx, t, TOKEN_TEXT);
}

void lex_raw(struct lexer *lx, struct token *t)
{
    size_t len = strcspn(lx->cur.at + 1, "'\n");
    const char *end = lx->cur.at + 1 + len;
    if (*end != '\'') {
        skip_line(lx);
        token_bad(lx, t, t->begin, 1, "this text is never closed",
                  "a text ends on its own line: add a `'`");
        return;
    }
    struct builder b = builder_new(lx, len);
    cursor_step(&lx->cur);
    while (lx->cur.at < end)
        put_character(&b);
    cursor_step(&lx->cur);
    finish(&b, t);
    token_end(lx, t, TOKEN_TEXT);
}

void lex_bare_text(struct lexer *lx, struct token *t, bool variables)
{
    const char *end = lx->cur.at;
    struct builder b = builder_new(lx, (size_t)(end - t->begin.at));
    lx->cur = t->begin;
    while (lx->cur.at < end) {
        if (!variables || !at_variable(lx)) {
            put_character(&b);
        } else if (!put_variable(&b)) {
            struct cursor at = lx->cur;
            skip_to(lx, end);
            token_bad(lx, t, at, 2, not_a_variable,
                      "put it into '...' to take it as it is");
            return;
        }
    }
    finish(&b, t);
    token_end(lx, t, TOKEN_BARE);
}

// ---- Patterns ---------------------------------------------------------------

// m{...} nests; m!...! ends at the next one, like /.../.
static const char openers[] = "{([", closers[] = "})]", plain[] = "!|,~%@";

bool starts_pattern(const char *at)
{
    if (*at == '/')
        return true;
    if (*at != 'm' || !at[1])
        return false;
    if (at[1] == '!' && at[2] == '=')
        return false; // a variable called m, compared
    return strchr(openers, at[1]) || strchr(plain, at[1]);
}

// A pattern has at most so many lines, so that not each of many that are never
// closed is looked for through the whole file.
#define PATTERN_MAX_LINES 200

// The closing delimiter of a pattern whose first character is at text, or
// NULL. A backslash takes the next character along, whatever it is.
static const char *closing_delimiter(const char *text, char open, char close)
{
    bool nests = open != close;
    size_t depth = 0, lines = 1;
    for (const char *at = text; *at; at++) {
        lines += *at == '\n';
        if (*at == '\n' && (!nests || lines > PATTERN_MAX_LINES))
            return NULL;
        if (*at == '\\' && at[1] && (at[1] != '\n' || nests))
            at++;
        else if (nests && *at == open)
            depth++;
        else if (*at == close && !depth--)
            return at;
    }
    return NULL;
}

static const struct {
    char letter;
    unsigned flag;
} flag_letters[] = {
    {'i', PATTERN_CASELESS},
    {'m', PATTERN_MULTILINE},
    {'s', PATTERN_DOTALL},
    {'x', PATTERN_EXTENDED},
    {'u', 0}, // UTF-8: always on
};

static bool add_flag(char letter, unsigned *flags)
{
    for (size_t i = 0; i < sizeof(flag_letters) / sizeof(flag_letters[0]); i++)
        if (flag_letters[i].letter == letter) {
            *flags |= flag_letters[i].flag;
            return true;
        }
    return false;
}

// The letters after a pattern; false when one is no flag (t is BAD then).
static bool lex_flags(struct lexer *lx, struct token *t)
{
    struct cursor wrong = {0};
    while (is_alnum(*lx->cur.at)) {
        if (!add_flag(*lx->cur.at, &t->flags) && !wrong.at)
            wrong = lx->cur;
        cursor_step(&lx->cur);
    }
    if (!wrong.at)
        return true;
    token_bad(
        lx, t, wrong, 1,
        arena_printf(lx->arena, "unknown flag `%c` of a pattern", *wrong.at),
        *t->begin.at == '/'
            ? "flags are i, m, s and x; a `/` in a pattern is `\\/`"
            : "flags are i, m, s and x");
    return false;
}

static void lex_unclosed_pattern(struct lexer *lx, struct token *t, char open,
                                 bool nests)
{
    lx->cur = t->begin;
    skip_line(lx);
    if (nests)
        token_bad(lx, t, t->begin, 2, "this pattern is not closed on its line",
                  arena_printf(lx->arena,
                               "`%c` nests: write `\\%c` for one alone; only "
                               "with the flag x may a pattern have lines",
                               open, open));
    else
        token_bad(lx, t, t->begin, open == '/' ? 1 : 2,
                  "this pattern is never closed",
                  arena_printf(lx->arena,
                               "a pattern ends on its own line: add a `%c`",
                               open));
}

void lex_pattern(struct lexer *lx, struct token *t)
{
    if (*lx->cur.at == 'm')
        cursor_step(&lx->cur);
    char open = *lx->cur.at;
    const char *bracket = strchr(openers, open);
    char close = bracket ? closers[bracket - openers] : open;
    const char *end = closing_delimiter(lx->cur.at + 1, open, close);
    if (!end) {
        lex_unclosed_pattern(lx, t, open, bracket != NULL);
        return;
    }
    cursor_step(&lx->cur);
    t->body = lx->cur;
    struct builder b = builder_new(lx, (size_t)(end - lx->cur.at));
    while (lx->cur.at < end) {
        if (*lx->cur.at == '\\') {
            put_character(&b);
            if (lx->cur.at < end)
                put_character(&b);
        } else if (!at_variable(lx)) {
            put_character(&b);
        } else if (!put_variable(&b)) {
            struct cursor at = lx->cur;
            skip_to(lx, end + 1);
            token_bad(lx, t, at, 2, not_a_variable, dollar_hint);
            return;
        }
    }
    bool lines = lx->cur.line != t->begin.line;
    cursor_step(&lx->cur);
    finish(&b, t);
    bool good = lex_flags(lx, t);
    // Else one brace too many would take the next statements in.
    if (lines && !(t->flags & PATTERN_EXTENDED))
        lex_unclosed_pattern(lx, t, open, true);
    else if (good)
        token_end(lx, t, TOKEN_PATTERN);
}
