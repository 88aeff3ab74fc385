// SPDX-License-Identifier: Apache-2.0
// Dialogues as lists of texts. See learn_util.h.
#include "harness/tests/learn_util.h"

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

void talk_print(struct talk *t, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len) {
        size_t n = t->piece && t->piece < len ? t->piece : len;
        struct stamp stamp = {0, t->ns};
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

// What is written can be read, with values for its variables.
static void check(const char *text, const struct learn_summary *summary)
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
        check(text, summary);
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
