// SPDX-License-Identifier: Apache-2.0
// Patterns: each is compiled as it is read. One with variables is compiled with
// something in their places, which is sound because a variable may only stand
// where any text may stand. For the parser only.
#include "harness/scenario/parse_pattern.h"

#include <string.h>

// ---- Trials -----------------------------------------------------------------

const char *trial_value(enum variable_place place)
{
    switch (place) {
    case PLACE_RANGE_LOW:
        return "\\x{0}";
    case PLACE_RANGE_HIGH:
        return "\\x{10ffff}";
    case PLACE_TEXT:
    case PLACE_CONSTRUCT:
    case PLACE_ESCAPE:
    case PLACE_QUOTED:
    case PLACE_COMMENT:
        break;
    }
    return "x"; // a letter is right in a class as well, and may be repeated
}

// Of the variable of that number. The lexer found as many as the scan, which
// nothing here shall rely on.
static enum variable_place place_of(const struct trial *t, size_t variable)
{
    return variable < t->scan.nplaces ? t->scan.places[variable]
                                      : PLACE_CONSTRUCT;
}

const char *trial_source(const struct trial *t, size_t offset)
{
    const struct text *text = &t->token->text;
    const char *at = t->token->body.at;
    for (size_t i = 0, variable = 0; i < text->npieces; i++) {
        const struct text_piece *piece = &text->pieces[i];
        size_t tried = piece->len, written = piece->len;
        if (piece->variable) {
            tried = strlen(trial_value(place_of(t, variable++)));
            written = piece->len + strlen("${}");
        }
        if (offset < tried)
            return piece->variable ? at : at + offset;
        offset -= tried;
        at += written;
    }
    return at;
}

static const struct {
    const char *message, *hint;
} misplaced[] = {
    [PLACE_CONSTRUCT] = {"a variable is text, and can't be a part of this "
                         "construct",
                         "write out what stands here"},
    [PLACE_ESCAPE] = {"a variable can't follow this escape: its text could be "
                      "read as a part of it",
                      "put (?:) between them"},
    [PLACE_QUOTED] = {"a variable can't stand between \\Q and \\E",
                      "its value is quoted anyway: write \\E before it"},
    [PLACE_COMMENT] = {"a variable can't stand in a pattern's comment: its "
                       "text could end it",
                       "\\${ are the characters `${`"},
};

// False, and reported, when a variable stands where its text would not be text.
static bool check_places(struct parser *p, const struct trial *t)
{
    const struct text *text = &t->token->text;
    for (size_t i = 0, variable = 0; i < text->npieces; i++) {
        const struct text_piece *piece = &text->pieces[i];
        if (!piece->variable)
            continue;
        enum variable_place place = place_of(t, variable++);
        if (place < PLACE_CONSTRUCT)
            continue;
        struct cursor at = {.line = piece->pos.line,
                            .column = piece->pos.column};
        parse_error(p, &at, (unsigned)piece->len + 3, misplaced[place].hint,
                    "%s", misplaced[place].message);
        return false;
    }
    return true;
}

// Joins the pieces; places are known.
static void make_text(struct parser *p, struct trial *t)
{
    const struct text *text = &t->token->text;
    size_t most = 1, variable = 0;
    for (size_t i = 0; i < text->npieces; i++)
        most += text->pieces[i].variable ? strlen("\\x{10ffff}")
                                         : text->pieces[i].len;
    t->text = arena_alloc(p->arena, most);
    for (size_t i = 0; i < text->npieces; i++) {
        const struct text_piece *piece = &text->pieces[i];
        const char *bytes = piece->bytes;
        size_t len = piece->len;
        if (piece->variable) {
            bytes = trial_value(place_of(t, variable++));
            len = strlen(bytes);
        }
        memcpy(t->text + t->len, bytes, len);
        t->len += len;
    }
}

// ---- Compiling --------------------------------------------------------------

static void free_pattern(void *what)
{
    pattern_free(what);
}

static void keep_groups(struct parser *p, const struct pattern *compiled,
                        struct pattern_node *out)
{
    size_t count = pattern_names(compiled);
    const char **groups = arena_alloc(p->arena, (count + 1) * sizeof(*groups));
    for (size_t i = 0; i < count; i++) {
        unsigned number;
        groups[i] = arena_string(p->arena, pattern_name(compiled, i, &number));
    }
    out->ngroups = count;
    out->groups = groups;
}

static bool has_variables(const struct text *t)
{
    for (size_t i = 0; i < t->npieces; i++)
        if (t->pieces[i].variable)
            return true;
    return false;
}

static size_t written_length(const struct text *t)
{
    size_t len = 0;
    for (size_t i = 0; i < t->npieces; i++)
        len += t->pieces[i].len + (t->pieces[i].variable ? strlen("${}") : 0);
    return len;
}

// Compiles what the token holds, or a trial of it when it has variables.
static bool compile(struct parser *p, const struct token *token,
                    struct pattern_node *out)
{
    struct trial t = {.token = token};
    struct error err = {0};
    int number;
    size_t offset;
    pattern_scan(p->arena, token->body.at,
                 token->body.at + written_length(&token->text),
                 token->flags & PATTERN_EXTENDED, &t.scan);
    if (!check_places(p, &t))
        return false;
    make_text(p, &t);
    struct pattern *compiled = pattern_compile_numbered(
        t.text, t.len, out->flags, &offset, &number, &err);
    if (!compiled) {
        report_pattern(p, &t, number, offset, err.text);
        return false;
    }
    arena_defer(p->arena, free_pattern, compiled);
    if (!has_variables(&out->source))
        out->compiled = compiled;
    keep_groups(p, compiled, out);
    return true;
}

bool parse_pattern(struct parser *p, struct pattern_node *out)
{
    const struct token t = p->tok;
    const char *hint = NULL;
    if (t.kind == TOKEN_TEXT)
        hint = "a pattern is written /.../, or m{...} when it is full of "
               "slashes";
    else if (token_is(&t, "on"))
        hint = "fail patterns watch all ports";
    if (t.kind != TOKEN_PATTERN)
        return parse_expected(p, "a pattern", hint);
    out->pos = lexer_pos(&p->lx, &t.begin);
    out->source = t.text;
    out->flags = t.flags;
    if (!t.text.npieces) {
        parse_error(p, &t.begin, t.width, "write what to wait for",
                    "an empty pattern matches anything");
        return false;
    }
    if (!compile(p, &t, out))
        return false;
    parser_next(p);
    return true;
}

void parse_builtin_pattern(struct parser *p, const struct builtin_fail *b,
                           struct pattern_node *out)
{
    struct token t = {.body = {.at = b->pattern}};
    out->pos = lexer_pos(&p->lx, &p->tok.begin);
    out->source = literal_text(p, out->pos, b->pattern, strlen(b->pattern));
    t.text = out->source;
    compile(p, &t, out);
    parser_next(p);
}
