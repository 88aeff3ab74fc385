// SPDX-License-Identifier: Apache-2.0
// Dialogues as lists of texts. See learn_util.h.
#include "harness/tests/learn_util.h"

#include "harness/console/matcher.h"
#include "harness/scenario/scenario.h"

#include <stdlib.h>
#include <string.h>

#define QUIET_NS (200 * LEARN_MS)
#define KEY_NS   (10 * LEARN_MS)

struct talk talk_begin(void)
{
    struct error err;
    struct talk t = {.learn = learn_new(LEARN_MS, &err), .ns = 2 * LEARN_MS};
    cr_assert(t.learn);
    return t;
}

static void keep(struct talk *t, const uint8_t *bytes, size_t len)
{
    if (t->nheard == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 64;
        t->heard = reallocarray(t->heard, t->cap, sizeof(*t->heard));
        cr_assert(t->heard);
    }
    struct heard *h = &t->heard[t->nheard++];
    *h = (struct heard){t->port, t->ns, len, malloc(len)};
    cr_assert(h->bytes);
    memcpy(h->bytes, bytes, len);
}

void talk_print(struct talk *t, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len) {
        size_t n = t->piece && t->piece < len ? t->piece : len;
        struct stamp stamp = {0, t->ns};
        keep(t, at, n);
        learn_output(t->learn, t->port, at, n, &stamp, 1);
        at += n;
        len -= n;
    }
}

static void print_text(struct talk *t, const char *text)
{
    char bytes[2048];
    size_t len = 0;
    for (; *text; text++) {
        cr_assert_lt(len + 2, sizeof(bytes));
        if (*text == '\n')
            bytes[len++] = '\r';
        bytes[len++] = *text;
    }
    talk_print(t, bytes, len);
}

static void type(struct talk *t, const char *keys, size_t len, bool echoed)
{
    for (size_t i = 0; i < len; i++) {
        t->ns += KEY_NS;
        learn_typed(t->learn, t->port, keys + i, 1, t->ns);
        t->ns += KEY_NS;
        if (echoed && keys[i] == '\x7f')
            talk_print(t, "\b \b", 3);
        else if (echoed)
            talk_print(t, keys + i, 1);
    }
}

static void press_enter(struct talk *t)
{
    t->ns += KEY_NS;
    learn_typed(t->learn, t->port, "\r", 1, t->ns);
    t->ns += KEY_NS;
    print_text(t, "\n");
}

static void end(struct talk *t, const char *event)
{
    static const char *const names[] = {
        [LEARN_RESET] = "reset",
        [LEARN_POWEROFF] = "poweroff",
        [LEARN_HALT] = "halt",
        [LEARN_TRIPLE_FAULT] = "triple-fault",
    };
    t->ended = true;
    for (int i = LEARN_RESET; i <= LEARN_TRIPLE_FAULT; i++)
        if (!strcmp(names[i], event))
            learn_end(t->learn, (enum learn_end)i, t->ns);
}

static void expect_line(struct talk *t, const char *words)
{
    const char *line = learn_expect(t->learn, t->port);
    cr_expect_str_eq(line ? line : "", words);
}

void talk_take(struct talk *t, const char *element)
{
    const char *rest = element + 1;
    switch (*element) {
    case '+':
        print_text(t, rest);
        t->ns += LEARN_MS;
        return;
    case '<':
        print_text(t, rest);
        break;
    case '=':
        type(t, rest, strlen(rest), true);
        press_enter(t);
        return;
    case '*':
        type(t, rest, strlen(rest), false);
        press_enter(t);
        return;
    case '>':
        // A key is one piece.
        learn_typed(t->learn, t->port, rest, strlen(rest), t->ns);
        t->ns += KEY_NS;
        return;
    case '?':
        expect_line(t, rest);
        return;
    case '~':
        t->ns += strtoul(rest, NULL, 10) * LEARN_MS;
        return;
    case '@':
        t->port = (unsigned)strtoul(rest, NULL, 10);
        return;
    case '!':
        end(t, rest);
        return;
    default:
        cr_assert_fail("no such element: %s", element);
    }
    t->ns += QUIET_NS;
}

void talk_all(struct talk *t, const char *const *elements)
{
    for (; *elements; elements++)
        talk_take(t, *elements);
}

// Reads on until the pattern comes; *next is what is read next.
static bool finds(const struct talk *t, struct matcher *m, unsigned port,
                  const struct pattern *p, size_t *next)
{
    struct match found;
    struct error err;
    for (;;) {
        bool more = *next < t->nheard;
        const struct heard *h = &t->heard[*next];
        uint64_t now_ns = more ? h->ns : t->ns + 1000 * LEARN_MS;
        if (matcher_look(m, &p, 1, now_ns, &found, &err) == MATCH_FOUND)
            return true;
        if (!more)
            return false;
        struct stamp stamp = {0, h->ns};
        if (h->port == port)
            matcher_feed(m, h->bytes, h->len, &stamp, 1);
        ++*next;
    }
}

// On each port what is expected comes in that order.
static void check_expected(const struct talk *t, const struct scenario *s)
{
    for (unsigned port = 0; port < 5; port++) {
        struct error err;
        struct matcher *m = matcher_new(NULL, &err);
        size_t next = 0;
        cr_assert(m);
        matcher_started(m, LEARN_MS);
        for (size_t i = 0; i < s->steps.nsteps; i++) {
            const struct step *step = &s->steps.steps[i];
            unsigned on = step->port < 0 ? 0 : (unsigned)step->port;
            if (step->kind == STEP_EXPECT && on == port)
                cr_expect(
                    finds(t, m, port, step->u.expect.pattern.compiled, &next),
                    "never came: %s", step->source);
        }
        matcher_free(m);
    }
}

// What is written can be read, with values for its variables.
static void check(const struct talk *t, const char *text,
                  const struct learn_summary *summary)
{
    struct override sets[64];
    struct scenario *s = NULL;
    struct diagnostics diags = {.count = 0};
    struct error err = {""};
    for (size_t i = 0; i < summary->nsecrets; i++)
        sets[i] = (struct override){summary->secrets[i], "x"};
    int code = scenario_parse("learnt.tc", text, strlen(text), sets,
                              summary->nsecrets, &s, &diags, &err);
    cr_expect_eq(code, 0, "%s\n%s\n%s", err.text,
                 diags.count ? diags.list[0].message : "", text);
    cr_expect_eq(diags.count, 0, "%s\n%s",
                 diags.count ? diags.list[0].message : "", text);
    if (s && !t->unquiet)
        check_expected(t, s);
    diagnostics_free(&diags);
    scenario_free(s);
}

char *talk_text(struct talk *t, struct learn_summary *summary)
{
    struct error err = {""};
    if (!t->ended)
        learn_end(t->learn, LEARN_LEFT, t->ns);
    char *text = learn_scenario(t->learn, TALK_HEADER, summary, &err);
    cr_assert(text, "%s", err.text);
    if (summary->steps)
        check(t, text, summary);
    while (t->nheard)
        free(t->heard[--t->nheard].bytes);
    free(t->heard);
    return text;
}

char *talk_steps(struct talk *t)
{
    struct learn_summary summary;
    char *text = talk_text(t, &summary);
    learn_free(t->learn);
    t->learn = NULL;
    const char *gap = strstr(text, "\n\n");
    char *steps = strdup(gap ? gap + 2 : "");
    free(text);
    return steps;
}
