// SPDX-License-Identifier: Apache-2.0
// grammar.ebnf is whole, names each statement of the parser's table, and has a
// right and a wrong example for each production: scenarios/productions.txt,
// which says how it is written.
#include "harness/scenario/parser.h"
#include "harness/tests/scenario_test.h"

#include <ctype.h>

#define MOST 200

// ---- Reading the grammar ----------------------------------------------------

struct production {
    char name[32];
    char first[32]; // the terminal that it begins with, or ""
    bool used, right, wrong;
};

struct grammar {
    size_t count;
    struct production list[MOST];
    size_t nuses;
    char uses[1000][32];
};

static struct production *find(struct grammar *g, const char *name)
{
    for (size_t i = 0; i < g->count; i++)
        if (!strcmp(g->list[i].name, name))
            return &g->list[i];
    return NULL;
}

// Behind a comment; comments stand in comments.
static const char *skip_comment(const char *at)
{
    int depth = 0;
    do {
        bool open = !strncmp(at, "(*", 2), close = !strncmp(at, "*)", 2);
        cr_assert(*at, "a comment is never closed");
        depth += open - close;
        at += open || close ? 2 : 1;
    } while (depth);
    return at;
}

// The next word of the grammar, into token: a name, "terminal with its first
// quote, or a sign. False at the end.
static bool next_token(const char **at, char *token, size_t size)
{
    const char *from;
    for (;;) {
        *at += strspn(*at, " \n");
        if (strncmp(*at, "(*", 2) != 0)
            break;
        *at = skip_comment(*at);
    }
    from = *at;
    if (!*from)
        return false;
    size_t len = 1;
    if (strchr("'\"?", *from)) {
        const char *end = strchr(from + 1, *from);
        cr_assert(end, "not closed: %.20s", from);
        len = (size_t)(end - from);
        *at = end + 1;
    } else {
        if (isalpha((unsigned char)*from))
            while (isalnum((unsigned char)from[len]) || from[len] == '-')
                len++;
        *at = from + len;
    }
    snprintf(token, size, "%.*s", (int)(len < size ? len : size - 1), from);
    return true;
}

static void read_grammar(struct grammar *g, const char *text)
{
    char token[64];
    while (next_token(&text, token, sizeof(token))) {
        cr_assert(isalpha((unsigned char)*token), "no name: %s", token);
        cr_assert_null(find(g, token), "%s is defined twice", token);
        cr_assert_lt(g->count, MOST);
        struct production *p = &g->list[g->count++];
        snprintf(p->name, sizeof(p->name), "%.31s", token);
        next_token(&text, token, sizeof(token));
        cr_assert_str_eq(token, "=", "behind %s", p->name);
        for (bool first = true;; first = false) {
            cr_assert(next_token(&text, token, sizeof(token)), "%s has no end",
                      p->name);
            if (*token == ';')
                break;
            if (first && *token == '"')
                snprintf(p->first, sizeof(p->first), "%.31s", token + 1);
            if (isalpha((unsigned char)*token)) {
                cr_assert_lt(g->nuses, 1000);
                snprintf(g->uses[g->nuses++], 32, "%.31s", token);
            }
        }
    }
}

static struct grammar *grammar(void)
{
    char path[512];
    struct grammar *g = calloc(1, sizeof(*g));
    cr_assert(g);
    snprintf(path, sizeof(path), "%s", "../../scenario/grammar.ebnf");
    char *text = read_fixture(path);
    read_grammar(g, text);
    free(text);
    return g;
}

Test(scenario_grammar, is_whole)
{
    struct grammar *g = grammar();
    cr_assert_gt(g->count, 50);
    for (size_t i = 0; i < g->nuses; i++) {
        struct production *p = find(g, g->uses[i]);
        cr_expect(p, "%s is not defined", g->uses[i]);
        if (p)
            p->used = true;
    }
    for (size_t i = 1; i < g->count; i++)
        cr_expect(g->list[i].used, "%s is not used", g->list[i].name);
    free(g);
}

Test(scenario_grammar, has_each_statement)
{
    struct grammar *g = grammar();
    for (const struct statement *s = statements; s->word; s++) {
        bool found = !strcmp(s->word, "else"); // a part of `if`
        for (size_t i = 0; i < g->count; i++)
            found |= !strcmp(g->list[i].first, s->word);
        cr_expect(found, "%s", s->word);
    }
    free(g);
}

// ---- The examples -----------------------------------------------------------

struct example {
    char head[200];  // "right", "wrong 1:5 message", ...
    char text[4000]; // with the line that is put in front
    unsigned before; // lines put in front
    struct memory_file files[16];
    size_t nfiles;
};

static void check_right(const char *production, const struct example *e)
{
    struct parsed_text p = parse_files(e->files);
    char *all = format_all(&p.diags);
    cr_expect_eq(p.diags.errors, 0, "%s:\n%s\n%s%s", production, e->text, all,
                 p.err.text);
    free(all);
    parsed_free(&p);
}

// Exactly one error: at `place` it says `message`; place may be NULL.
static void check_refused(const char *production, const struct example *e,
                          const char *place, const char *message)
{
    struct parsed_text p = parse_files(e->files);
    char *all = format_all(&p.diags), is[40] = "";
    cr_expect_eq(p.diags.errors, 1, "%s:\n%s\n%s%s", production, e->text, all,
                 p.err.text);
    if (p.diags.errors == 1) {
        const struct diagnostic *d = &p.diags.list[0];
        unsigned line = d->pos.line;
        if (!strcmp(d->pos.file, "t.tc"))
            line -= e->before;
        snprintf(is, sizeof(is), "%u:%u", line, d->pos.column);
        if (place)
            cr_expect_str_eq(is, place, "%s:\n%s", production, all);
        cr_expect(strstr(d->message, message), "%s, not: %s\n%s", production,
                  message, all);
    }
    free(all);
    parsed_free(&p);
}

// Has the example that was read looked at.
static void finish(struct production *p, struct example *e)
{
    char place[40];
    int message = 0;
    if (!*e->head)
        return;
    e->files[0] = (struct memory_file){"t.tc", e->text};
    if (!strncmp(e->head, "right", 5)) {
        p->right = true;
        check_right(p->name, e);
    } else if (!strcmp(e->head, "refused")) {
        p->right = true;
        check_refused(p->name, e, NULL, "is not supported yet");
    } else if (sscanf(e->head, "wrong %39s %n", place, &message) == 1) {
        p->wrong = true;
        check_refused(p->name, e, place, e->head + message);
    } else {
        cr_assert_fail("%s: %s", p->name, e->head);
    }
    *e->head = 0;
}

// A line of an example; its picture characters become what they picture.
static void add_line(char *text, size_t size, const char *line)
{
    static const struct {
        const char *picture;
        char is;
    } pictures[] = {{"\342\220\215", '\r'}, {"\342\220\233", '\x1b'}};
    size_t len = strlen(text);
    cr_assert_lt(len + strlen(line) + 2, size);
    for (; *line; line++) {
        text[len] = *line;
        for (size_t i = 0; i < 2; i++)
            if (!strncmp(line, pictures[i].picture, 3)) {
                text[len] = pictures[i].is;
                line += 2;
            }
        len++;
    }
    text[len] = '\n';
    text[len + 1] = 0;
}

static struct production *begin_production(struct grammar *g, char *line)
{
    line[strcspn(line, "]")] = 0;
    struct production *p = find(g, line + 1);
    cr_assert(p, "[%s] is no production", line + 1);
    return p;
}

static void begin_example(struct example *e, const char *line)
{
    bool whole = !strncmp(line, "whole ", 6);
    cr_assert_lt(strlen(line), sizeof(e->head));
    snprintf(e->head, sizeof(e->head), "%.199s", line + (whole ? 6 : 0));
    e->before = whole ? 0 : 1;
    snprintf(e->text, sizeof(e->text), "%s", whole ? "" : "guest g\n");
}

static void begin_file(struct example *e, const char *name)
{
    static char texts[16][1000], names[16][32];
    cr_assert_lt(e->nfiles, 14);
    size_t i = ++e->nfiles;
    *texts[i] = 0;
    snprintf(names[i], sizeof(names[i]), "%.31s", name);
    e->files[i] = (struct memory_file){names[i], texts[i]};
    e->files[i + 1].path = NULL;
}

static void read_examples(struct grammar *g, char *text)
{
    struct example e = {.nfiles = 0};
    struct production *p = NULL;
    char *line, *body = NULL; // where lines go
    size_t room = 0, empty = 0;
    while ((line = strsep(&text, "\n"))) {
        empty += !*line;
        if (!*line || *line == '#')
            continue;
        if (!strncmp(line, "    ", 4)) {
            cr_assert(body, "%s", line);
            for (; empty; empty--)
                add_line(body, room, "");
            add_line(body, room, line + 4);
            continue;
        }
        if (p)
            finish(p, &e);
        body = NULL;
        empty = 0;
        if (*line == '[') {
            p = begin_production(g, line);
            e.nfiles = 0;
            e.files[1].path = NULL;
        } else if (!strncmp(line, "file ", 5)) {
            begin_file(&e, line + 5);
            body = (char *)(uintptr_t)e.files[e.nfiles].text;
            room = 1000;
        } else {
            cr_assert(p, "%s", line);
            begin_example(&e, line);
            body = e.text;
            room = sizeof(e.text);
        }
    }
    finish(p, &e);
}

Test(scenario_grammar, each_production_right_and_wrong)
{
    struct grammar *g = grammar();
    char *text = read_fixture("productions.txt");
    read_examples(g, text);
    for (size_t i = 0; i < g->count; i++) {
        cr_expect(g->list[i].right, "%s: no right example", g->list[i].name);
        cr_expect(g->list[i].wrong, "%s: no wrong example", g->list[i].name);
    }
    free(text);
    free(g);
}
