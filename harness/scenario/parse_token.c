// SPDX-License-Identifier: Apache-2.0
// The present token, what is said when it is the wrong one, and options. For
// the parser only.
#include "harness/scenario/parser.h"

#include <string.h>

void parser_next(struct parser *p)
{
    if (p->tape && p->tok.kind != TOKEN_NEWLINE && p->tok.kind != TOKEN_END)
        *(struct token *)list_add(p->arena, p->tape, sizeof(p->tok)) = p->tok;
    p->last_end = p->tok.end;
    lexer_next(&p->lx, &p->tok);
}

struct token parser_peek(const struct parser *p, unsigned n)
{
    struct lexer ahead = p->lx;
    struct token t = p->tok;
    while (n--)
        lexer_next(&ahead, &t);
    return t;
}

// ---- Errors -----------------------------------------------------------------

void parse_error(struct parser *p, const struct cursor *at, unsigned width,
                 const char *hint, const char *fmt, ...)
{
    if (p->st.failed)
        return;
    p->st.failed = true;
    va_list args;
    va_start(args, fmt);
    diag_add(p->diags, SEVERITY_ERROR, lexer_pos(&p->lx, at), width, hint, fmt,
             args);
    va_end(args);
}

static const char *describe(const struct parser *p, const struct token *t)
{
    switch (t->kind) {
    case TOKEN_END:
        return "the end of the file";
    case TOKEN_NEWLINE:
        return "the end of the line";
    case TOKEN_TEXT:
        return "a text";
    case TOKEN_PATTERN:
        return "a pattern";
    case TOKEN_WORD:
    case TOKEN_NUMBER:
    case TOKEN_BARE:
    case TOKEN_OPEN:
    case TOKEN_CLOSE:
    case TOKEN_COMPARE:
    case TOKEN_PLUS:
    case TOKEN_BAD:
        break;
    }
    return arena_printf(p->arena, "`%.200s`", token_spelling(&p->lx, t));
}

// A token that is wrong by itself says so better than the grammar can.
static bool report_bad_token(struct parser *p)
{
    const struct token *t = &p->tok;
    if (t->kind != TOKEN_BAD)
        return false;
    parse_error(p, &t->bad, t->bad_width, t->hint, "%s", t->message);
    return true;
}

bool parse_expected(struct parser *p, const char *what, const char *hint)
{
    if (!report_bad_token(p))
        parse_error(p, &p->tok.begin, p->tok.width, hint,
                    "expected %s, found %s", what, describe(p, &p->tok));
    return false;
}

bool parse_unknown(struct parser *p, const char *kind, const struct nearest *n)
{
    parse_error(p, &p->tok.begin, p->tok.width, nearest_hint(n, p->arena),
                "unknown %s `%.200s`", kind, token_spelling(&p->lx, &p->tok));
    return false;
}

const char *place_name(struct parser *p, const struct source_pos *pos)
{
    if (pos->file == p->lx.file)
        return arena_printf(p->arena, "line %u", pos->line);
    return arena_printf(p->arena, "%.200s:%u", pos->file, pos->line);
}

// ---- Options ----------------------------------------------------------------

bool at_end_of_statement(const struct parser *p)
{
    return p->tok.kind == TOKEN_NEWLINE || p->tok.kind == TOKEN_END ||
           p->tok.kind == TOKEN_CLOSE;
}

bool accept_word(struct parser *p, const char *word)
{
    if (!token_is(&p->tok, word))
        return false;
    parser_next(p);
    return true;
}

static bool unknown_option(struct parser *p, const struct nearest *n)
{
    const char *hint = nearest_hint(n, p->arena);
    if (!hint && token_is(&p->tok, "on"))
        hint = arena_printf(p->arena, "`on ttyS1` stands directly behind `%s`",
                            p->st.word);
    parse_error(p, &p->tok.begin, p->tok.width, hint,
                "unknown option of `%s`: `%.200s`", p->st.word,
                token_spelling(&p->lx, &p->tok));
    return false;
}

bool parse_options(struct parser *p, struct step *out,
                   const struct option *options, size_t count)
{
    unsigned seen = 0;
    while (p->tok.kind == TOKEN_WORD) {
        size_t i = 0;
        while (i < count && !token_is(&p->tok, options[i].word))
            i++;
        if (i == count) {
            struct nearest n = nearest_to(p->tok.begin.at, p->tok.width);
            for (i = 0; i < count; i++)
                nearest_offer(&n, options[i].word);
            return unknown_option(p, &n);
        }
        if (seen & 1u << i) {
            parse_error(p, &p->tok.begin, p->tok.width, NULL,
                        "`%s` stands here twice", options[i].word);
            return false;
        }
        seen |= 1u << i;
        parser_next(p);
        if (!options[i].parse(p, out))
            return false;
    }
    return true;
}
