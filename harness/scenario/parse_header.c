// SPDX-License-Identifier: Apache-2.0
// The header but for the machine: title, deadlines, tags, variables, fail
// patterns, and what selects or multiplies a scenario. For the parser only.
#include "harness/scenario/parser.h"

#include <string.h>

enum parsed parse_test(struct parser *p, struct step *out)
{
    (void)out;
    parse_text(p, "the title, a text", &p->title);
    return PARSED_HEADER;
}

static enum parsed parse_deadline(struct parser *p, uint64_t *ns,
                                  struct source_pos *pos)
{
    const struct token t = p->tok;
    uint64_t given;
    if (!parse_duration(p, &given))
        return PARSED_HEADER;
    if (!given)
        parse_error(p, &t.begin, t.width, NULL,
                    "a deadline must be longer than nothing");
    if (!p->first_step.line && !pos->line && given) {
        *ns = given;
        *pos = lexer_pos(&p->lx, &t.begin);
    }
    parser_next(p);
    return PARSED_HEADER;
}

enum parsed parse_timeout(struct parser *p, struct step *out)
{
    (void)out;
    return parse_deadline(p, &p->sc->timeout_ns, &p->sc->timeout_pos);
}

enum parsed parse_step_timeout(struct parser *p, struct step *out)
{
    (void)out;
    return parse_deadline(p, &p->sc->step_timeout_ns, &p->sc->step_timeout_pos);
}

enum parsed parse_tags(struct parser *p, struct step *out)
{
    (void)out;
    do {
        const char *tag;
        if (!parse_label(p, "a tag", &tag))
            break;
        *(const char **)list_add(p->arena, &p->tags, sizeof(tag)) = tag;
    } while (!at_end_of_statement(p));
    return PARSED_HEADER;
}

// A text, or one word or number taken as it is written, with its variables.
static bool parse_word_or_text(struct parser *p, struct text *out)
{
    bool end = at_end_of_statement(p);
    bool sign = !end && strchr("=+<>{", *p->tok.begin.at);
    if (!end && !sign)
        lexer_bare(&p->lx, &p->tok, true);
    if (p->tok.kind == TOKEN_BAD && !sign)
        return parse_expected(p, "a value", NULL);
    if (p->tok.kind != TOKEN_TEXT && p->tok.kind != TOKEN_BARE) {
        parse_error(p, &p->tok.begin, p->tok.width,
                    "a name and its value stand side by side",
                    "expected a value");
        return false;
    }
    *out = p->tok.text;
    parser_next(p);
    return true;
}

// The name of a new setting, which it adds: the value is to be filled in. NULL
// after an error.
static struct setting *new_setting(struct parser *p)
{
    const struct token t = p->tok;
    struct setting s = {.pos = lexer_pos(&p->lx, &t.begin)};
    if (!parse_name(p, "the name of a variable", &s.name))
        return NULL;
    const struct setting *known = p->settings.items;
    unsigned first = symbols_find(&p->set_names, s.name);
    if (first)
        parse_error(p, &t.begin, t.width, NULL, "`%s` is set already: see %s",
                    s.name, place_name(p, &known[first - 1].pos));
    struct setting *new = list_add(p->arena, &p->settings, sizeof(s));
    *new = s;
    if (!first)
        symbols_add(&p->set_names, p->arena, s.name,
                    (unsigned)p->settings.count);
    return new;
}

enum parsed parse_set(struct parser *p, struct step *out)
{
    (void)out;
    struct setting *s = new_setting(p);
    if (s)
        parse_word_or_text(p, &s->value);
    return PARSED_HEADER;
}

// ---- matrix -----------------------------------------------------------------

static bool same_text(const struct text *a, const struct text *b)
{
    size_t la = a->npieces ? a->pieces->len : 0;
    size_t lb = b->npieces ? b->pieces->len : 0;
    return la == lb && (!la || !memcmp(a->pieces->bytes, b->pieces->bytes, la));
}

// A value of an axis, which the command line must be able to give.
static bool parse_axis_value(struct parser *p, const struct list *values,
                             struct text *out)
{
    const struct token t = p->tok;
    const struct text *known = values->items;
    *out = (struct text){0};
    if (!parse_word_or_text(p, out))
        return false;
    for (size_t i = 0; i < out->npieces; i++) {
        if (out->pieces[i].variable)
            parse_error(p, &t.begin, t.width, NULL,
                        "a value of `matrix` can't hold a variable");
        else if (memchr(out->pieces[i].bytes, 0, out->pieces[i].len))
            parse_error(p, &t.begin, t.width, NULL,
                        "a value of `matrix` can't hold a NUL character");
    }
    for (size_t i = 0; !p->st.failed && i < values->count; i++)
        if (same_text(out, &known[i]))
            parse_error(p, &t.begin, t.width, NULL,
                        "this value stands here twice");
    return !p->st.failed;
}

enum parsed parse_matrix(struct parser *p, struct step *out)
{
    (void)out;
    struct list values = {0};
    struct setting *s = new_setting(p);
    if (!s)
        return PARSED_HEADER;
    do {
        struct text value;
        if (!parse_axis_value(p, &values, &value))
            break;
        *(struct text *)list_add(p->arena, &values, sizeof(value)) = value;
    } while (!at_end_of_statement(p));
    if (p->st.failed || !values.count)
        return PARSED_HEADER;
    struct matrix_axis *axis = list_add(p->arena, &p->axes, sizeof(*axis));
    *axis = (struct matrix_axis){.pos = s->pos,
                                 .name = s->name,
                                 .nvalues = values.count,
                                 .values = values.items};
    s->value = axis->values[0];
    symbols_add(&p->axis_names, p->arena, s->name, (unsigned)p->axes.count);
    return PARSED_HEADER;
}

// ---- needs ------------------------------------------------------------------

enum parsed parse_needs(struct parser *p, struct step *out)
{
    (void)out;
    static const struct {
        const char *word;
        enum need_kind kind;
    } kinds[] = {{"kvm", NEED_KVM},
                 {"rig", NEED_RIG},
                 {"net", NEED_NET},
                 {"guest", NEED_GUEST}};
    struct need *need = list_add(p->arena, &p->needs, sizeof(*need));
    struct text *guest =
        list_add(p->arena, &p->need_guests, sizeof(struct text));
    need->pos = lexer_pos(&p->lx, &p->tok.begin);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!accept_word(p, kinds[i].word))
            continue;
        need->kind = kinds[i].kind;
        if (need->kind == NEED_GUEST)
            parse_path(p, "the name of a guest", guest);
        return PARSED_HEADER;
    }
    struct nearest n = nearest_to(p->tok.begin.at, p->tok.width);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        nearest_offer(&n, kinds[i].word);
    parse_expected(p, "`kvm`, `rig`, `net` or `guest NAME`",
                   nearest_hint(&n, p->arena));
    return PARSED_HEADER;
}

// ---- fail, allow ------------------------------------------------------------

enum parsed parse_fail(struct parser *p, struct step *out)
{
    (void)out;
    struct fail_rule *rule = list_add(p->arena, &p->fails, sizeof(*rule));
    rule->pos = lexer_pos(&p->lx, &p->st.begin);
    if (parse_pattern(p, &rule->pattern) && p->tok.kind == TOKEN_TEXT)
        parse_text(p, "a text", &rule->why);
    return PARSED_HEADER;
}

// The name of a built-in fail pattern.
static bool parse_builtin(struct parser *p, const char **out,
                          struct pattern_node *pattern)
{
    const struct builtin_fail *b;
    struct nearest n = nearest_to(p->tok.begin.at, p->tok.width);
    for (size_t i = 0; (b = builtin_fail_at(i)); i++) {
        if (token_is(&p->tok, b->name)) {
            *out = b->name;
            parse_builtin_pattern(p, b, pattern);
            return true;
        }
        nearest_offer(&n, b->name);
    }
    return parse_unknown(p, "built-in fail pattern", &n);
}

enum parsed parse_allow(struct parser *p, struct step *out)
{
    struct allow_rule rule = {.pos = lexer_pos(&p->lx, &p->st.begin)};
    bool good =
        p->tok.kind == TOKEN_PATTERN ? parse_pattern(p, &rule.pattern)
        : p->tok.kind == TOKEN_WORD
            ? parse_builtin(p, &rule.name, &rule.pattern)
            : parse_expected(p, "a pattern or a built-in one's name", NULL);
    // After an error the block tells which of the two was meant.
    while (!good && !at_end_of_statement(p) && p->tok.kind != TOKEN_OPEN)
        parser_next(p);
    if (p->tok.kind != TOKEN_OPEN) {
        *(struct allow_rule *)list_add(p->arena, &p->allows, sizeof(rule)) =
            rule;
        return PARSED_HEADER;
    }
    out->kind = STEP_NEVER;
    out->u.never.allow = true;
    out->u.never.name = rule.name;
    out->u.never.pattern = rule.pattern;
    parse_block(p, &out->u.never.body);
    return PARSED_STEP;
}
