// SPDX-License-Identifier: Apache-2.0
// `expect` in its four forms: a pattern, an event of the machine's life,
// silence, or the first of several. For the parser only.
#include "harness/scenario/parser.h"

#include <string.h>

static const struct {
    const char *word;
    enum guest_event event;
} events[] = {
    {"reset", GUEST_RESET},
    {"poweroff", GUEST_POWEROFF},
    {"halt", GUEST_HALT},
    {"panic", GUEST_PANIC},
    {"triple-fault", GUEST_TRIPLE_FAULT},
    {"timeout", GUEST_TIMEOUT},
};

// Takes an event's word. False, and nothing taken, when it isn't one.
static bool accept_event(struct parser *p, enum guest_event *out)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (accept_word(p, events[i].word)) {
            *out = events[i].event;
            return true;
        }
    }
    return false;
}

static void unknown_event(struct parser *p, bool in_one)
{
    struct nearest n = nearest_to(p->tok.begin.at, p->tok.width);
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (in_one || events[i].event != GUEST_TIMEOUT)
            nearest_offer(&n, events[i].word);
    if (!in_one) {
        nearest_offer(&n, "one");
        nearest_offer(&n, "idle");
    }
    if (p->tok.kind == TOKEN_WORD)
        parse_unknown(p, "event", &n);
    else
        parse_expected(p,
                       in_one ? "a pattern, an event or `timeout`"
                              : "a pattern, an event, `idle` or `one`",
                       p->tok.kind == TOKEN_TEXT ? "a pattern is written /.../"
                                                 : NULL);
}

// ---- A pattern --------------------------------------------------------------

static bool pattern_within(struct parser *p, struct step *out)
{
    return parse_wait(p, "within", &out->u.expect.within_ns);
}

static bool pattern_mark(struct parser *p, struct step *out)
{
    return parse_name(p, "the name of a mark", &out->u.expect.mark);
}

static enum parsed expect_pattern(struct parser *p, struct step *out)
{
    static const struct option options[] = {{"within", pattern_within},
                                            {"mark", pattern_mark}};
    out->kind = STEP_EXPECT;
    if (parse_pattern(p, &out->u.expect.pattern))
        parse_options(p, out, options, 2);
    return PARSED_STEP;
}

// ---- An event, or silence ---------------------------------------------------

static bool event_within(struct parser *p, struct step *out)
{
    return parse_wait(p, "within", &out->u.event.within_ns);
}

static enum parsed expect_event(struct parser *p, struct step *out)
{
    static const struct option options[] = {{"within", event_within}};
    const struct token word = p->tok;
    out->kind = STEP_EXPECT_EVENT;
    if (!accept_event(p, &out->u.event.event))
        unknown_event(p, false);
    else if (out->u.event.event == GUEST_TIMEOUT)
        parse_error(p, &word.begin, word.width,
                    "`expect idle 5s` waits for silence",
                    "`timeout` can only be a branch of `expect one`");
    else
        parse_options(p, out, options, 1);
    return PARSED_STEP;
}

static enum parsed expect_idle(struct parser *p, struct step *out)
{
    out->kind = STEP_EXPECT_IDLE;
    if (parse_on_port(p, out))
        parse_wait(p, "idle", &out->u.idle_ns);
    return PARSED_STEP;
}

// ---- The first of several ---------------------------------------------------

static bool one_within(struct parser *p, struct step *out)
{
    return parse_wait(p, "within", &out->u.one.within_ns);
}

static void check_repeated(struct parser *p, const struct list *branches,
                           const struct branch *b, const struct token *word)
{
    const struct branch *known = branches->items;
    for (size_t i = 0; b->is_event && i < branches->count; i++)
        if (known[i].is_event && known[i].event == b->event)
            parse_error(p, &word->begin, word->width, NULL,
                        "this branch stands here again: see %s",
                        place_name(p, &known[i].pos));
}

// A branch gets back in step after an error as a statement does.
static void parse_branch(struct parser *p, void *owner)
{
    struct list *branches = owner;
    const struct token first = p->tok;
    p->st =
        (struct statement_state){.begin = first.begin, .word = "expect one"};
    struct branch b = {.pos = lexer_pos(&p->lx, &first.begin)};
    if (first.kind == TOKEN_PATTERN) {
        parse_pattern(p, &b.pattern);
    } else if (accept_event(p, &b.event)) {
        b.is_event = true;
        check_repeated(p, branches, &b, &first);
    } else {
        unknown_event(p, true);
    }
    parse_block(p, &b.body);
    if (!at_end_of_statement(p) && p->tok.kind != TOKEN_PATTERN &&
        p->tok.kind != TOKEN_WORD) {
        parse_expected(p, "the next branch or `}`", NULL);
        skip_statement(p);
    }
    if (p->st.failed) {
        struct tainted *t = list_add(p->arena, &p->tainted, sizeof(*t));
        *t = (struct tainted){first.begin.at, p->tok.begin.at};
    }
    *(struct branch *)list_add(p->arena, branches, sizeof(b)) = b;
}

static enum parsed expect_one(struct parser *p, struct step *out)
{
    static const struct option options[] = {{"within", one_within}};
    struct list branches = {0};
    out->kind = STEP_EXPECT_ONE;
    if (parse_on_port(p, out))
        parse_options(p, out, options, 1);
    const struct token open = p->tok;
    if (parse_braces(p, parse_branch, &branches) && !branches.count)
        parse_error(p, &open.begin, 1, NULL, "`expect one` has no branches");
    out->u.one.nbranches = branches.count;
    out->u.one.branches = branches.items;
    return PARSED_STEP;
}

enum parsed parse_expect(struct parser *p, struct step *out)
{
    const struct token on = p->tok;
    if (!parse_on_port(p, out))
        return PARSED_STEP;
    if (accept_word(p, "one"))
        return expect_one(p, out);
    if (accept_word(p, "idle"))
        return expect_idle(p, out);
    if (p->tok.kind == TOKEN_PATTERN)
        return expect_pattern(p, out);
    expect_event(p, out);
    if (out->port != PORT_CURRENT)
        parse_error(p, &on.begin, on.width, "leave `on` out",
                    "the machine's life has no port");
    return PARSED_STEP;
}
