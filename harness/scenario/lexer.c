// SPDX-License-Identifier: Apache-2.0
// Blanks, comments, words, numbers and operators; texts and patterns are in
// lexer_text.c. For harness/scenario only.
#include "harness/scenario/lexer.h"
#include "harness/scenario/utf8.h"

#include <ctype.h>
#include <string.h>

struct lexer lexer_new(const char *file, const char *source,
                       struct arena *arena)
{
    return (struct lexer){
        .file = file,
        .cur = {.at = source, .line = 1, .column = 1},
        .arena = arena,
    };
}

struct source_pos lexer_pos(const struct lexer *lx, const struct cursor *at)
{
    return (struct source_pos){lx->file, at->line, at->column};
}

void cursor_step(struct cursor *c)
{
    if (*c->at == '\n') {
        c->line++;
        c->column = 1;
        c->at++;
        return;
    }
    c->column++;
    do
        c->at++;
    while (((unsigned char)*c->at & 0xc0) == 0x80);
}

void token_end(struct lexer *lx, struct token *t, enum token_kind kind)
{
    t->kind = kind;
    t->end = lx->cur;
    struct cursor c = t->begin;
    for (t->width = 0; c.at < t->end.at && *c.at != '\n'; t->width++)
        cursor_step(&c);
}

void token_bad(struct lexer *lx, struct token *t, struct cursor at,
               unsigned width, const char *message, const char *hint)
{
    token_end(lx, t, TOKEN_BAD);
    t->bad = at;
    t->bad_width = width;
    t->message = message;
    t->hint = hint;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_alnum(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

bool is_name_start(char c)
{
    return is_letter(c) || c == '_';
}

bool is_name(char c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

size_t name_length(const char *text)
{
    size_t len = 0;
    if (is_name_start(*text))
        while (is_name(text[len]))
            len++;
    return len;
}

char *token_spelling(const struct lexer *lx, const struct token *t)
{
    return arena_copy(lx->arena, t->begin.at,
                      (size_t)(t->end.at - t->begin.at));
}

bool token_is(const struct token *t, const char *word)
{
    size_t len = (size_t)(t->end.at - t->begin.at);
    return t->kind == TOKEN_WORD && strlen(word) == len &&
           !memcmp(t->begin.at, word, len);
}

static void lex_word(struct lexer *lx, struct token *t)
{
    struct cursor foreign = {0};
    for (;; cursor_step(&lx->cur)) {
        char c = *lx->cur.at;
        bool ascii = !((unsigned char)c & 0x80);
        if (ascii && !is_name(c) && c != '.')
            break;
        if (!ascii && !foreign.at)
            foreign = lx->cur;
    }
    token_end(lx, t, TOKEN_WORD);
    if (foreign.at)
        token_bad(lx, t, foreign, 1,
                  arena_printf(lx->arena, "`%.200s` is not a word",
                               token_spelling(lx, t)),
                  "words are made of the letters a to z, digits, `_` and `-`");
}

static void lex_number(struct lexer *lx, struct token *t)
{
    do
        cursor_step(&lx->cur);
    while (is_name(*lx->cur.at) || *lx->cur.at == '.');
    token_end(lx, t, TOKEN_NUMBER);
}

struct operator_name {
    const char *spelling;
    enum token_kind kind;
    enum compare_op op;
};

// Longer ones first.
static const struct operator_name operators[] = {
    {"==", TOKEN_COMPARE, OP_EQ}, {"!=", TOKEN_COMPARE, OP_NE},
    {"<=", TOKEN_COMPARE, OP_LE}, {">=", TOKEN_COMPARE, OP_GE},
    {"<", TOKEN_COMPARE, OP_LT},  {">", TOKEN_COMPARE, OP_GT},
    {"{", TOKEN_OPEN, OP_EQ},     {"}", TOKEN_CLOSE, OP_EQ},
    {"+", TOKEN_PLUS, OP_EQ},
};

static bool lex_operator(struct lexer *lx, struct token *t)
{
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        const struct operator_name *o = &operators[i];
        size_t len = strlen(o->spelling);
        if (strncmp(lx->cur.at, o->spelling, len) != 0)
            continue;
        for (size_t n = 0; n < len; n++)
            cursor_step(&lx->cur);
        token_end(lx, t, o->kind);
        t->op = o->op;
        return true;
    }
    return false;
}

// What people write, or paste, instead of what they mean.
static const struct {
    uint32_t character;
    const char *hint;
} mistaken[] = {
    {'=', "`==` compares"},
    {'!', "`!=` is \"not equal\""},
    {';', "a statement ends with its line"},
    {',', "words of a list stand apart by blanks"},
    {'-', "words begin with a letter"},
    {'$', "${name} works inside of \"...\" and patterns"},
    {'`', "a text is written \"...\" or '...'"},
    {'\\', "a statement is one line; only m{...} goes over several"},
    {0xa0, "a no-break space: use a plain one"},
    {0xfeff, "a byte order mark may only be the first character of a file"},
    {0x2018, "a text is written \"...\" or '...', with straight quotes"},
    {0x2019, "a text is written \"...\" or '...', with straight quotes"},
    {0x201c, "a text is written \"...\" or '...', with straight quotes"},
    {0x201d, "a text is written \"...\" or '...', with straight quotes"},
};

static void lex_unexpected(struct lexer *lx, struct token *t)
{
    uint32_t c = 0;
    const char *at = lx->cur.at, *hint = NULL;
    size_t len = utf8_decode(at, strnlen(at, 4), &c);
    for (size_t i = 0; i < sizeof(mistaken) / sizeof(mistaken[0]); i++)
        if (mistaken[i].character == c)
            hint = mistaken[i].hint;
    const char *message =
        c < 0x7f
            ? arena_printf(lx->arena, "unexpected character `%c`", (int)c)
            : arena_printf(lx->arena, "unexpected character `%.*s` (U+%04X)",
                           (int)len, at, (unsigned)c);
    cursor_step(&lx->cur);
    token_bad(lx, t, t->begin, 1, message, hint);
}

void lexer_next(struct lexer *lx, struct token *out)
{
    struct cursor *cur = &lx->cur;
    while (*cur->at == ' ' || *cur->at == '\t')
        cursor_step(cur);
    if (*cur->at == '#')
        while (*cur->at && *cur->at != '\n')
            cursor_step(cur);

    *out = (struct token){.begin = *cur};
    char c = *cur->at;
    if (!c) {
        token_end(lx, out, TOKEN_END);
    } else if (c == '\n') {
        cursor_step(cur);
        token_end(lx, out, TOKEN_NEWLINE);
    } else if (c == '"') {
        lex_quoted(lx, out);
    } else if (c == '\'') {
        lex_raw(lx, out);
    } else if (starts_pattern(cur->at)) {
        lex_pattern(lx, out);
    } else if (is_name_start(c)) {
        lex_word(lx, out);
    } else if (isdigit((unsigned char)c) ||
               (c == '-' && isdigit((unsigned char)cur->at[1]))) {
        lex_number(lx, out);
    } else if (!lex_operator(lx, out)) {
        lex_unexpected(lx, out);
    }
}

void lexer_bare(struct lexer *lx, struct token *t, bool variables)
{
    if (t->kind == TOKEN_TEXT || t->kind == TOKEN_END ||
        t->kind == TOKEN_NEWLINE || t->kind == TOKEN_OPEN ||
        t->kind == TOKEN_CLOSE)
        return;
    char first = *t->begin.at;
    if (first == '"' || first == '\'')
        return; // BAD, and says so better
    struct cursor begin = t->begin;
    lx->cur = begin;
    while (*lx->cur.at && !strchr(" \t\n", *lx->cur.at))
        cursor_step(&lx->cur);
    *t = (struct token){.begin = begin};
    lex_bare_text(lx, t, variables);
}
