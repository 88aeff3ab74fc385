// SPDX-License-Identifier: Apache-2.0
// Names, numbers, durations, texts and values, each with its own errors. For
// the parser only; patterns are in parse_pattern.c.
#include "harness/scenario/parser.h"

#include <inttypes.h>
#include <string.h>

bool parse_text(struct parser *p, const char *what, struct text *out)
{
    if (p->tok.kind != TOKEN_TEXT)
        return parse_expected(p, what,
                              p->tok.kind == TOKEN_WORD
                                  ? "a text stands in quotes: \"...\""
                                  : NULL);
    *out = p->tok.text;
    parser_next(p);
    return true;
}

bool parse_path(struct parser *p, const char *what, struct text *out)
{
    lexer_bare(&p->lx, &p->tok, true);
    if (p->tok.kind != TOKEN_TEXT && p->tok.kind != TOKEN_BARE)
        return parse_expected(p, what, NULL);
    if (!p->tok.text.npieces) {
        parse_error(p, &p->tok.begin, p->tok.width, NULL, "%s can't be empty",
                    what);
        return false;
    }
    *out = p->tok.text;
    parser_next(p);
    return true;
}

bool parse_name(struct parser *p, const char *what, const char **out)
{
    const struct token *t = &p->tok;
    if (t->kind != TOKEN_WORD)
        return parse_expected(p, what,
                              t->kind == TOKEN_TEXT || t->kind == TOKEN_NUMBER
                                  ? "a name begins with a letter and has no "
                                    "quotes"
                                  : NULL);
    if (memchr(t->begin.at, '.', (size_t)(t->end.at - t->begin.at))) {
        parse_error(p, &t->begin, t->width,
                    "a name is made of letters, digits, `_` and `-`",
                    "`%.200s` is not a name", token_spelling(&p->lx, t));
        return false;
    }
    *out = token_spelling(&p->lx, t);
    parser_next(p);
    return true;
}

bool parse_label(struct parser *p, const char *what, const char **out)
{
    const struct token *t = &p->tok;
    bool number = t->kind == TOKEN_NUMBER && *t->begin.at != '-';
    if (t->kind != TOKEN_WORD && !number)
        return parse_expected(
            p, what, t->kind == TOKEN_TEXT ? "it has no quotes" : NULL);
    *out = token_spelling(&p->lx, t);
    parser_next(p);
    return true;
}

// Reads the present NUMBER token; false when it isn't one, or is wrong.
static bool read_number(struct parser *p, const char *what,
                        struct quantity *out)
{
    const struct token *t = &p->tok;
    *out = (struct quantity){.whole = true};
    if (t->kind != TOKEN_NUMBER)
        return parse_expected(p, what, NULL);
    const char *wrong =
        quantity_read(t->begin.at, (size_t)(t->end.at - t->begin.at), out);
    if (!wrong)
        return true;
    parse_error(p, &t->begin, t->width,
                "durations end in ms, s or m, sizes in K, M, G or T",
                "`%.200s` %s", token_spelling(&p->lx, t), wrong);
    return false;
}

// The present number is not of the kind that is wanted here.
static bool wrong_kind(struct parser *p, const char *what, const char *hint)
{
    parse_error(p, &p->tok.begin, p->tok.width, hint, "expected %s, found `%s`",
                what, token_spelling(&p->lx, &p->tok));
    return false;
}

bool parse_integer(struct parser *p, const char *what, uint64_t min,
                   uint64_t max, uint64_t *out)
{
    struct quantity q;
    if (!read_number(p, what, &q))
        return false;
    if (q.kind != QUANTITY_NUMBER || !q.whole)
        return wrong_kind(p, what, "this is a whole number without a unit");
    if ((q.negative && q.amount) || q.amount < min || q.amount > max) {
        parse_error(p, &p->tok.begin, p->tok.width, NULL,
                    "`%s` is out of range: %s is %" PRIu64 " to %" PRIu64,
                    token_spelling(&p->lx, &p->tok), what, min, max);
        return false;
    }
    *out = q.amount;
    parser_next(p);
    return true;
}

bool parse_duration(struct parser *p, uint64_t *out)
{
    static const char what[] = "a duration";
    struct quantity q;
    if (!read_number(p, what, &q))
        return false;
    if (q.kind == QUANTITY_SIZE)
        return wrong_kind(p, what, "minutes are a small `m`");
    if (q.kind == QUANTITY_NUMBER)
        return wrong_kind(p, what, "a duration has a unit: 250ms, 5s, 2m");
    *out = q.amount;
    return true;
}

bool parse_size(struct parser *p, uint64_t *out)
{
    static const char what[] = "a size";
    struct quantity q;
    if (!read_number(p, what, &q))
        return false;
    if (q.kind == QUANTITY_DURATION)
        return wrong_kind(p, what, "mebibytes are a capital `M`");
    if (q.kind == QUANTITY_NUMBER)
        return wrong_kind(p, what, "a size has a unit: 256M, 1G");
    *out = q.amount;
    return true;
}

bool parse_wait(struct parser *p, const char *what, uint64_t *out)
{
    char is[32], whole[32];
    if (!parse_duration(p, out))
        return false;
    if (!*out) {
        parse_error(p, &p->tok.begin, p->tok.width, NULL,
                    "a wait must be longer than nothing");
        return false;
    }
    const struct scenario *sc = p->sc;
    if (*out > sc->timeout_ns)
        diag_warning(p->diags, lexer_pos(&p->lx, &p->tok.begin), p->tok.width,
                     "raise `timeout` in the header, or wait for less",
                     "%s %s is longer than the scenario's timeout, %s%s", what,
                     duration_name(*out, is, sizeof(is)),
                     duration_name(sc->timeout_ns, whole, sizeof(whole)),
                     sc->timeout_pos.line ? "" : " unless it is set");
    parser_next(p);
    return true;
}

bool parse_compare(struct parser *p, enum compare_op *out)
{
    if (p->tok.kind != TOKEN_COMPARE)
        return parse_expected(p, "a comparison", "== != < <= > >=");
    *out = p->tok.op;
    parser_next(p);
    return true;
}

struct text literal_text(struct parser *p, struct source_pos pos,
                         const char *bytes, size_t len)
{
    struct text_piece *piece = arena_alloc(p->arena, sizeof(*piece));
    *piece = (struct text_piece){.bytes = bytes, .len = len, .pos = pos};
    return (struct text){pos, 1, piece};
}

static struct text word_text(struct parser *p, const struct token *t)
{
    return literal_text(p, lexer_pos(&p->lx, &t->begin),
                        token_spelling(&p->lx, t),
                        (size_t)(t->end.at - t->begin.at));
}

bool parse_value(struct parser *p, struct value *out)
{
    static const enum value_kind kinds[] = {
        [QUANTITY_NUMBER] = VALUE_NUMBER,
        [QUANTITY_DURATION] = VALUE_DURATION,
        [QUANTITY_SIZE] = VALUE_SIZE,
    };
    static const char what[] = "a value";
    struct quantity q;
    if (p->tok.kind == TOKEN_TEXT || p->tok.kind == TOKEN_WORD) {
        out->kind = VALUE_TEXT;
        out->text =
            p->tok.kind == TOKEN_TEXT ? p->tok.text : word_text(p, &p->tok);
        parser_next(p);
        return true;
    }
    if (!read_number(p, what, &q))
        return false;
    out->kind = kinds[q.kind];
    out->number = q.number;
    if (q.kind != QUANTITY_NUMBER)
        out->quantity = q.amount;
    parser_next(p);
    return true;
}
