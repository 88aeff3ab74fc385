// SPDX-License-Identifier: Apache-2.0
// Control, groups, marks and acts on the machine. For the parser only.
#include "harness/scenario/parser.h"

#define REPEAT_MAX 1000000

enum parsed parse_mark(struct parser *p, struct step *out)
{
    out->kind = STEP_MARK;
    parse_name(p, "the name of a mark", &out->u.mark);
    return PARSED_STEP;
}

enum parsed parse_metric(struct parser *p, struct step *out)
{
    out->kind = STEP_METRIC;
    if (!parse_name(p, "the name of a metric", &out->u.metric.name))
        return PARSED_STEP;
    if (p->tok.kind == TOKEN_WORD) {
        parse_expected(p, "a number, or a text that holds one",
                       "a variable is written \"${name}\"");
        return PARSED_STEP;
    }
    if (!parse_value(p, &out->u.metric.value) || at_end_of_statement(p))
        return PARSED_STEP;
    lexer_bare(&p->lx, &p->tok, false);
    if (p->tok.kind != TOKEN_BARE) {
        parse_expected(p, "a unit", "a unit has no quotes: ms, MB/s, %");
        return PARSED_STEP;
    }
    out->u.metric.unit = token_spelling(&p->lx, &p->tok);
    parser_next(p);
    return PARSED_STEP;
}

enum parsed parse_log(struct parser *p, struct step *out)
{
    out->kind = STEP_LOG;
    parse_text(p, "a text", &out->u.log);
    return PARSED_STEP;
}

// Without a block it is the header's `repeat N`.
enum parsed parse_repeat(struct parser *p, struct step *out)
{
    uint64_t times = 0;
    parse_integer(p, "the number of times", 1, REPEAT_MAX, &times);
    while (p->st.failed && !at_end_of_statement(p) && p->tok.kind != TOKEN_OPEN)
        parser_next(p);
    if (at_end_of_statement(p)) {
        p->sc->repeats = times;
        return PARSED_HEADER;
    }
    out->kind = STEP_REPEAT;
    out->u.repeat.times = times;
    parse_block(p, &out->u.repeat.body);
    return PARSED_STEP;
}

// `else` on the line of the `}` before it, or on the next.
static bool accept_else(struct parser *p)
{
    if (accept_word(p, "else"))
        return true;
    struct lexer lx = p->lx;
    struct token t = p->tok;
    while (t.kind == TOKEN_NEWLINE)
        lexer_next(&lx, &t);
    if (!token_is(&t, "else"))
        return false;
    p->lx = lx;
    p->tok = t;
    parser_next(p);
    return true;
}

enum parsed parse_if(struct parser *p, struct step *out)
{
    out->kind = STEP_IF;
    out->u.cond.name_pos = lexer_pos(&p->lx, &p->tok.begin);
    if (parse_name(p, "the name of a variable", &out->u.cond.name) &&
        parse_compare(p, &out->u.cond.op))
        parse_value(p, &out->u.cond.value);
    parse_block(p, &out->u.cond.then);
    if (accept_else(p)) {
        if (token_is(&p->tok, "if"))
            parse_expected(p, "`{`",
                           "put the second `if` inside of "
                           "`else { ... }`");
        parse_block(p, &out->u.cond.otherwise);
    }
    return PARSED_STEP;
}

enum parsed parse_else(struct parser *p, struct step *out)
{
    struct block body;
    (void)out;
    parse_error(p, &p->st.begin, 4, "it follows the `}` of an `if`",
                "this `else` has no `if`");
    parse_block(p, &body);
    return PARSED_NOTHING;
}

enum parsed parse_group(struct parser *p, struct step *out)
{
    out->kind = STEP_GROUP;
    parse_text(p, "the title, a text", &out->u.group.title);
    parse_block(p, &out->u.group.body);
    return PARSED_STEP;
}

enum parsed parse_never(struct parser *p, struct step *out)
{
    out->kind = STEP_NEVER;
    if (p->tok.kind == TOKEN_WORD && !token_is(&p->tok, "on"))
        parse_expected(p, "a pattern", "the built-in ones are always on");
    else
        parse_pattern(p, &out->u.never.pattern);
    parse_block(p, &out->u.never.body);
    return PARSED_STEP;
}

enum parsed parse_snapshot(struct parser *p, struct step *out)
{
    out->kind = STEP_SNAPSHOT;
    parse_name(p, "the name of a snapshot", &out->u.snapshot);
    return PARSED_STEP;
}

enum parsed parse_reset(struct parser *p, struct step *out)
{
    (void)p;
    out->kind = STEP_RESET;
    return PARSED_STEP;
}

static bool poweroff_within(struct parser *p, struct step *out)
{
    return parse_wait(p, "within", &out->u.poweroff_within_ns);
}

enum parsed parse_poweroff(struct parser *p, struct step *out)
{
    static const struct option options[] = {{"within", poweroff_within}};
    out->kind = STEP_POWEROFF;
    parse_options(p, out, options, 1);
    return PARSED_STEP;
}

enum parsed parse_power(struct parser *p, struct step *out)
{
    out->kind = STEP_POWER;
    if (!accept_word(p, "button"))
        parse_expected(p, "`button`", NULL);
    return PARSED_STEP;
}

enum parsed parse_nmi(struct parser *p, struct step *out)
{
    (void)p;
    out->kind = STEP_NMI;
    return PARSED_STEP;
}
