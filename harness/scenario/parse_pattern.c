// SPDX-License-Identifier: Apache-2.0
// Patterns: compiled as they are read, so that PCRE2's complaints are shown at
// the right column. For the parser only.
#include "harness/scenario/parser.h"
#include "harness/scenario/pattern_text.h"

#include <stdlib.h>
#include <string.h>

// What stands for each variable while a pattern is only tried: a letter is
// right in a class as well, and may be repeated.
static const char probe_value[] = "x";

static const char *probe(void *owner, const char *name, size_t *len)
{
    (void)owner;
    (void)name;
    *len = 1;
    return probe_value;
}

static void free_pattern(void *what)
{
    pattern_free(what);
}

// Where byte `offset` of the tried pattern stands in the source.
static struct cursor source_of(const struct token *t, size_t offset)
{
    size_t skip = 0;
    for (size_t i = 0; i < t->text.npieces; i++) {
        const struct text_piece *piece = &t->text.pieces[i];
        size_t tried = piece->variable ? 1 : piece->len;
        size_t written = piece->variable ? piece->len + 3 : piece->len;
        if (offset < tried) {
            skip += piece->variable ? 0 : offset;
            offset = 0;
            break;
        }
        offset -= tried;
        skip += written;
    }
    struct cursor at = t->body;
    const char *end = at.at + skip + offset;
    while (at.at < end)
        cursor_step(&at);
    return at;
}

// PCRE2 points at what it could not take. What is missing is missing at the
// end; anything else that it finds there is the last character.
static void report(struct parser *p, const struct token *t, const char *tried,
                   size_t len, size_t offset, const char *message)
{
    bool missing = strstr(message, "missing") != NULL;
    if (offset >= len)
        offset = len;
    if (offset == len && offset && !missing) {
        do
            offset--;
        while (offset && ((unsigned char)tried[offset] & 0xc0) == 0x80);
    }
    struct cursor at = source_of(t, offset);
    parse_error(p, &at, 1, NULL, "this pattern is wrong: %s", message);
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

// Compiles the pattern, or a try of it when it has variables.
static bool compile(struct parser *p, struct pattern_node *out)
{
    struct error err = {0};
    char *tried;
    size_t len, offset = 0;
    if (text_join(&out->source, probe, NULL, &tried, &len, &err)) {
        parse_error(p, &p->tok.begin, 1, NULL, "%s", err.text);
        return false;
    }
    arena_adopt(p->arena, tried, len);
    struct pattern *compiled =
        pattern_compile(tried, len, out->flags, &offset, &err);
    if (!compiled) {
        report(p, &p->tok, tried, len, offset, err.text);
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
    const struct token *t = &p->tok;
    if (t->kind != TOKEN_PATTERN)
        return parse_expected(p, "a pattern",
                              t->kind == TOKEN_TEXT
                                  ? "a pattern is written /.../, or m{...} "
                                    "when it is full of slashes"
                                  : NULL);
    out->pos = lexer_pos(&p->lx, &t->begin);
    out->source = t->text;
    out->flags = t->flags;
    if (!t->text.npieces) {
        parse_error(p, &t->begin, t->width, "write what to wait for",
                    "an empty pattern matches anything");
        return false;
    }
    if (!compile(p, out))
        return false;
    parser_next(p);
    return true;
}

void parse_builtin_pattern(struct parser *p, const struct builtin_fail *b,
                           struct pattern_node *out)
{
    struct text_piece *piece = arena_alloc(p->arena, sizeof(*piece));
    out->pos = lexer_pos(&p->lx, &p->tok.begin);
    piece->bytes = b->pattern;
    piece->len = strlen(b->pattern);
    piece->pos = out->pos;
    out->source = (struct text){out->pos, 1, piece};
    compile(p, out);
    parser_next(p);
}
