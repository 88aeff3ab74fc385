// SPDX-License-Identifier: Apache-2.0
// `check` in its seven forms. For the parser only.
#include "harness/scenario/parser.h"

// `status`, `mark` and `metric` are words of check when a name and a
// comparison follow; else they are names themselves: `check status has /x/`.
static bool names_what_follows(const struct parser *p)
{
    if (parser_peek(p, 1).kind != TOKEN_WORD)
        return false;
    return parser_peek(p, 2).kind != TOKEN_PATTERN;
}

static bool check_name(struct parser *p, struct step *out, const char *what)
{
    out->u.check.name_pos = lexer_pos(&p->lx, &p->tok.begin);
    return parse_name(p, what, &out->u.check.name);
}

static void check_status(struct parser *p, struct step *out)
{
    uint64_t status;
    out->u.check.kind = CHECK_STATUS;
    if (!check_name(p, out, "the name that a `run` got with `as`") ||
        !parse_compare(p, &out->u.check.op) ||
        !parse_integer(p, "an exit status", 0, 255, &status))
        return;
    out->u.check.value =
        (struct value){.kind = VALUE_NUMBER, .number = (double)status};
}

static void check_mark(struct parser *p, struct step *out)
{
    out->u.check.kind = CHECK_MARK;
    if (!check_name(p, out, "the name of a mark") ||
        !parse_compare(p, &out->u.check.op))
        return;
    out->u.check.value.kind = VALUE_DURATION;
    if (parse_duration(p, &out->u.check.value.quantity))
        parser_next(p);
}

static void check_metric(struct parser *p, struct step *out)
{
    out->u.check.kind = CHECK_METRIC;
    const struct token t = p->tok;
    if (!check_name(p, out, "the name of a metric") ||
        !parse_compare(p, &out->u.check.op))
        return;
    const struct token value = p->tok;
    if (parse_value(p, &out->u.check.value) &&
        out->u.check.value.kind == VALUE_TEXT)
        parse_error(p, &value.begin, value.width, NULL,
                    "the metric `%s` is compared with a number",
                    token_spelling(&p->lx, &t));
}

static void check_count(struct parser *p, struct step *out)
{
    uint64_t count;
    out->u.check.kind = CHECK_COUNT;
    if (!parse_pattern(p, &out->u.check.pattern) ||
        !parse_compare(p, &out->u.check.op) ||
        !parse_integer(p, "a count", 0, UINT32_MAX, &count))
        return;
    out->u.check.value =
        (struct value){.kind = VALUE_NUMBER, .number = (double)count};
}

// NAME has, lacks, count or a comparison.
static void check_named(struct parser *p, struct step *out)
{
    if (!check_name(p, out, "a name to check"))
        return;
    if (accept_word(p, "has")) {
        out->u.check.kind = CHECK_HAS;
        parse_pattern(p, &out->u.check.pattern);
    } else if (accept_word(p, "lacks")) {
        out->u.check.kind = CHECK_LACKS;
        parse_pattern(p, &out->u.check.pattern);
    } else if (accept_word(p, "count")) {
        check_count(p, out);
    } else if (p->tok.kind == TOKEN_COMPARE) {
        out->u.check.kind = CHECK_VALUE;
        out->u.check.op = p->tok.op;
        parser_next(p);
        parse_value(p, &out->u.check.value);
    } else if (p->tok.kind == TOKEN_WORD) {
        struct nearest n = nearest_to(p->tok.begin.at, p->tok.width);
        nearest_offer(&n, "has");
        nearest_offer(&n, "lacks");
        nearest_offer(&n, "count");
        parse_unknown(p, "kind of check", &n);
    } else {
        parse_expected(p, "`has`, `lacks`, `count` or a comparison", NULL);
    }
}

enum parsed parse_check(struct parser *p, struct step *out)
{
    static const struct {
        const char *word;
        void (*parse)(struct parser *p, struct step *out);
    } kinds[] = {{"status", check_status},
                 {"mark", check_mark},
                 {"metric", check_metric}};
    out->kind = STEP_CHECK;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (token_is(&p->tok, kinds[i].word) && names_what_follows(p)) {
            parser_next(p);
            kinds[i].parse(p, out);
            return PARSED_STEP;
        }
    }
    check_named(p, out);
    return PARSED_STEP;
}
