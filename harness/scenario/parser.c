// SPDX-License-Identifier: Apache-2.0
// The parser's frame: the loop over statements, blocks, and getting back in
// step after an error. For harness/scenario only.
#include "harness/scenario/parser.h"

#include <string.h>

// ---- Getting back in step ---------------------------------------------------

// Skips `{` and all up to its `}`.
static void skip_braces(struct parser *p)
{
    struct token open = p->tok;
    size_t depth = 0;
    do {
        if (p->tok.kind == TOKEN_OPEN)
            depth++;
        else if (p->tok.kind == TOKEN_CLOSE)
            depth--;
        else if (p->tok.kind == TOKEN_END) {
            diag_error(p->diags, lexer_pos(&p->lx, &open.begin), 1, "add a `}`",
                       "this `{` is never closed");
            return;
        }
        parser_next(p);
    } while (depth);
}

void skip_statement(struct parser *p)
{
    while (!at_end_of_statement(p)) {
        if (p->tok.kind == TOKEN_OPEN)
            skip_braces(p);
        else
            parser_next(p);
    }
}

// The end of what stands before a block, for the statement's source text.
static void end_head(struct parser *p)
{
    if (!p->st.head_end)
        p->st.head_end = p->last_end.at;
}

static void end_statement(struct parser *p)
{
    end_head(p);
    if (!p->st.failed && !at_end_of_statement(p))
        parse_expected(p, arena_printf(p->arena, "the end of `%s`", p->st.word),
                       p->tok.kind == TOKEN_OPEN
                           ? "this statement has no block"
                           : "each statement stands on its own line");
    skip_statement(p);
}

// ---- Blocks -----------------------------------------------------------------

bool parse_braces(struct parser *p, void (*item)(struct parser *p, void *owner),
                  void *owner)
{
    while (p->st.failed && !at_end_of_statement(p) && p->tok.kind != TOKEN_OPEN)
        parser_next(p);
    end_head(p);
    if (p->tok.kind != TOKEN_OPEN) {
        parse_expected(p, "`{`", "a block opens on the statement's line");
        if (p->tok.kind != TOKEN_NEWLINE ||
            parser_peek(p, 1).kind != TOKEN_OPEN)
            return false;
        parser_next(p);
    }
    if (p->depth == MAX_DEPTH) {
        parse_error(p, &p->tok.begin, 1, NULL,
                    "blocks are nested too deeply: at most %d", MAX_DEPTH);
        skip_braces(p);
        return false;
    }

    struct token open = p->tok;
    struct statement_state outer = p->st;
    p->depth++;
    parser_next(p);
    for (;;) {
        while (p->tok.kind == TOKEN_NEWLINE)
            parser_next(p);
        if (p->tok.kind == TOKEN_CLOSE || p->tok.kind == TOKEN_END)
            break;
        item(p, owner);
    }
    p->depth--;
    p->st = outer;
    if (p->tok.kind == TOKEN_CLOSE)
        parser_next(p);
    else if (!p->over)
        diag_error(p->diags, lexer_pos(&p->lx, &open.begin), 1, "add a `}`",
                   "this `{` is never closed");
    return true;
}

static void parse_statement(struct parser *p, void *steps);

void parse_block(struct parser *p, struct block *out)
{
    struct list steps = {0};
    parse_braces(p, parse_statement, &steps);
    out->nsteps = steps.count;
    out->steps = steps.items;
}

// ---- Statements -------------------------------------------------------------

// Puts a token into the line. A text or a pattern stands there as it was
// written, unless it goes over several lines; blanks mean nothing elsewhere.
static char *put_token(const struct parser *p, const struct token *t, char *out)
{
    const char *end = t->end.at < p->st.head_end ? t->end.at : p->st.head_end;
    size_t len = (size_t)(end - t->begin.at);
    if (t->begin.at == p->st.secret)
        return stpcpy(out, "***");
    bool exact = (t->kind == TOKEN_TEXT || t->kind == TOKEN_PATTERN) &&
                 !memchr(t->begin.at, '\n', len);
    for (const char *at = t->begin.at; at < end; at++) {
        bool blank = !exact && (*at == ' ' || *at == '\t' || *at == '\n');
        if (!blank)
            *out++ = *at;
        else if (out[-1] != ' ')
            *out++ = ' ';
    }
    return out;
}

// The statement's first part as one line, secrets and comments left out.
static const char *statement_source(struct parser *p)
{
    const struct statement_state *st = &p->st;
    size_t len = (size_t)(st->head_end - st->begin.at);
    char *out = arena_alloc(p->arena, len + sizeof("***"));
    char *end = out;
    struct lexer lx = p->lx;
    lx.cur = st->begin;
    const char *last = st->begin.at;
    for (;;) {
        struct token t;
        lexer_next(&lx, &t);
        if (t.kind == TOKEN_END || t.begin.at >= st->head_end)
            break;
        if (t.begin.at > last)
            *end++ = ' ';
        end = put_token(p, &t, end);
        last = t.end.at;
        lx.cur = t.end;
    }
    *end = 0;
    return out;
}

static const struct statement *find_or_guess(struct parser *p)
{
    const struct token *t = &p->tok;
    if (t->kind != TOKEN_WORD) {
        parse_expected(p, "a statement",
                       t->kind == TOKEN_PATTERN ? "`expect` waits for a pattern"
                                                : NULL);
        return NULL;
    }
    size_t len = (size_t)(t->end.at - t->begin.at);
    const struct statement *found = statement_find(t->begin.at, len);
    if (found)
        return found;
    struct nearest n = nearest_to(t->begin.at, len);
    for (const struct statement *s = statements; s->word; s++)
        nearest_offer(&n, s->word);
    parse_unknown(p, "statement", &n);
    return n.best ? statement_find(n.best, strlen(n.best)) : NULL;
}

// A statement of the header: is it at its place, and the only one?
static void check_header(struct parser *p, const struct statement *s)
{
    const struct cursor *at = &p->st.begin;
    unsigned width = (unsigned)strlen(s->word);
    struct source_pos *seen = &p->seen[s - statements];
    const struct statement *step = statement_at(s->word, IN_STEPS);
    bool here = p->first_step.file == p->lx.file;
    const char *hint = arena_printf(p->arena,
                                    here ? "move it above %s, the first step"
                                         : "steps begin at %s",
                                    place_name(p, &p->first_step));
    if (step && step != s)
        hint = "among the steps it takes a block: `{ ... }`";
    if (p->depth && s->place == IN_HEADER)
        parse_error(p, at, width,
                    p->first_step.line ? hint : "move it to the file's top",
                    "`%s` can't stand in a block", s->word);
    else if (p->first_step.line && s->place == IN_HEADER)
        parse_error(p, at, width, hint, "`%s` must stand before the first step",
                    s->word);
    else if (s->single && seen->line)
        parse_error(p, at, width, NULL, "`%s` stands here again: see %s",
                    s->word, place_name(p, seen));
    if (!seen->line)
        *seen = lexer_pos(&p->lx, at);
}

static void refuse_unsupported(struct parser *p, const struct statement *s)
{
    unsigned width = (unsigned)strlen(s->word);
    if (s->label)
        parse_error(p, &p->st.begin, width, NULL, "%s is not supported yet",
                    s->label);
    else
        parse_error(p, &p->st.begin, width, NULL, "`%s` is not supported yet",
                    s->word);
}

// Nobody writes so many: this bounds the memory and the time that a file costs.
static void count_statement(struct parser *p)
{
    if (p->nstatements++ < MAX_STATEMENTS)
        return;
    parse_error(p, &p->tok.begin, p->tok.width, NULL,
                "more than %d statements in a scenario", MAX_STATEMENTS);
    p->over = true;
}

static void parse_statement(struct parser *p, void *steps)
{
    p->st = (struct statement_state){.begin = p->tok.begin};
    count_statement(p);
    struct step step = {.pos = lexer_pos(&p->lx, &p->tok.begin),
                        .port = PORT_CURRENT};
    enum parsed parsed = PARSED_NOTHING;
    const struct statement *s = find_or_guess(p);
    if (s) {
        p->st.word = s->word;
        parser_next(p);
        parsed = s->parse(p, &step);
        s = statement_at(s->word, parsed == PARSED_STEP ? IN_STEPS : IN_HEADER);
    }
    end_statement(p);

    if (s && parsed == PARSED_HEADER)
        check_header(p, s);
    else if (parsed == PARSED_STEP && !p->first_step.line)
        p->first_step = step.pos;
    if (s && !s->supported && !p->st.failed && !p->tape)
        refuse_unsupported(p, s);
    if (parsed == PARSED_STEP) {
        step.source = statement_source(p);
        *(struct step *)list_add(p->arena, steps, sizeof(step)) = step;
    }
    if (p->st.failed) {
        struct tainted *t = list_add(p->arena, &p->tainted, sizeof(*t));
        *t = (struct tainted){p->st.begin.at, p->tok.begin.at};
    }
    if (p->st.use.npieces && !p->st.failed && !p->over && !p->tape)
        include_file(p, steps);
    if (p->over || diag_full(p->diags)) {
        p->lx.cur.at += strlen(p->lx.cur.at);
        parser_next(p);
    }
}

void parse_statements(struct parser *p, struct list *steps)
{
    parser_next(p);
    while (p->tok.kind != TOKEN_END) {
        if (p->tok.kind == TOKEN_NEWLINE) {
            parser_next(p);
        } else if (p->tok.kind == TOKEN_CLOSE) {
            p->st.failed = false;
            parse_error(p, &p->tok.begin, 1, NULL, "this `}` closes nothing");
            parser_next(p);
        } else {
            parse_statement(p, steps);
        }
    }
}
