// SPDX-License-Identifier: Apache-2.0
// What becomes of a turn, when it is known what it has led to. See learn.h.
#include "harness/learn/internal.h"

#include "harness/scenario/keys.h"
#include "src/base/clock.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// A person's pause before Ctrl-C: so much of it is waited at most.
#define PAUSE_MIN_NS NS_PER_S
#define PAUSE_MAX_NS (10 * NS_PER_S)
// Until a program that paints the screen has finished it.
#define PAINTED_NS (500 * NS_PER_MS)

struct learnt *learn_add(struct learn *l, enum learnt_kind kind,
                         const struct turn *t, const char *text, size_t len)
{
    return steps_add(&l->steps, kind, t->port, text, len);
}

void learn_remark(struct learn *l, const struct turn *t, const char *words)
{
    learn_add(l, LEARNT_COMMENT, t, words, strlen(words));
}

// ---- Waiting ----------------------------------------------------------------

static void expect_prompt(struct learn *l, const struct turn *t,
                          const struct prompt *p, uint64_t waited_ns)
{
    size_t which = prompts_add(&l->prompts, p);
    if (which == SIZE_MAX) {
        l->failed = true;
        return;
    }
    struct learnt *step = learn_add(l, LEARNT_EXPECT, t, NULL, 0);
    if (step) {
        step->prompt = which;
        step->waited_ns = waited_ns;
    }
}

static void expect_line(struct learn *l, const struct turn *t,
                        const struct sight *s, uint64_t waited_ns)
{
    struct learnt *step = learn_add(l, LEARNT_LINE, t, s->above, s->above_len);
    if (step) {
        step->shape = s->quiet ? LINE_LAST : LINE_ANYWHERE;
        step->digits = !s->above_is_echo;
        step->waited_ns = waited_ns;
    }
}

static void expect_idle(struct learn *l, const struct turn *t, uint64_t ns)
{
    struct learnt *step = learn_add(l, LEARNT_IDLE, t, NULL, 0);
    if (step)
        step->waited_ns = ns;
}

// What the turn answers.
static void expect_before(struct learn *l, const struct turn *t)
{
    const struct sight *s = &t->before;
    enum port_last last = l->ports[t->port].last;
    // A `run` has waited already.
    uint64_t waited_ns = last == LAST_RUN ? 0 : t->waited_ns;
    if (last == LAST_LOGIN || t->bare)
        return;
    if (s->painted) {
        expect_idle(l, t, PAINTED_NS);
        return;
    }
    if (s->prompt.kind != PROMPT_NONE)
        expect_prompt(l, t, &s->prompt, waited_ns);
    else if (s->above_len)
        expect_line(l, t, s, waited_ns);
    // A program that is stopped in silence has been given time.
    bool silent = s->prompt.kind == PROMPT_NONE && s->above_is_echo;
    if (t->stopped && silent && s->quiet && t->paused_ns >= PAUSE_MIN_NS) {
        uint64_t ns = t->paused_ns < PAUSE_MAX_NS ? t->paused_ns : PAUSE_MAX_NS;
        expect_idle(l, t, ns - ns % NS_PER_S);
    }
}

// Lines that the person wants to see, of what the turn has led to.
static void expect_marks(struct learn *l, const struct turn *t)
{
    for (size_t i = 0; i < l->nmarks; i++) {
        struct learnt *step =
            learn_add(l, LEARNT_LINE, t, l->marks[i], strlen(l->marks[i]));
        if (step)
            step->shape = LINE_WHOLE;
        free(l->marks[i]);
    }
    l->nmarks = 0;
}

// ---- Typing -----------------------------------------------------------------

// The text of the turn's keys in pieces: texts, and keys by their names.
static void type_keys(struct learn *l, const struct turn *t)
{
    const char *raw = t->typed.raw;
    for (size_t at = 0; at < t->typed.raw_len;) {
        char name[KEY_NAME_MAX];
        size_t used = key_name(raw + at, t->typed.raw_len - at, name);
        if (used) {
            learn_add(l, LEARNT_KEY, t, name, strlen(name));
            at += used;
            // What follows it at once is a part of another key.
            if (!strcmp(name, "esc") && at < t->typed.raw_len)
                expect_idle(l, t, PAINTED_NS);
            continue;
        }
        size_t from = at++;
        while (at < t->typed.raw_len &&
               !key_name(raw + at, t->typed.raw_len - at, name))
            at++;
        learn_add(l, LEARNT_TYPE, t, raw + from, at - from);
    }
}

static void send_secret(struct learn *l, const struct turn *t)
{
    bool login;
    const char *name = learn_secret_name(l, t, &login);
    if (!name)
        return;
    struct learnt *step =
        login ? learn_add(l, LEARNT_SECRET, t, t->typed.text, t->typed.len)
              : learn_add(l, LEARNT_SECRET, t, name, strlen(name));
    if (step)
        step->literal = login;
}

// A turn as it was typed: waits for what it answers, and types it.
void learn_settle_typed(struct learn *l, struct turn *t)
{
    expect_before(l, t);
    if (t->secret)
        send_secret(l, t);
    else if (t->keys)
        type_keys(l, t);
    else if (t->text_lost && t->typed.cut)
        learn_remark(l, t, "What was typed here was too long to be learnt.");
    else if (t->text_lost) {
        learn_remark(l, t,
                     "What a line editor made of this was not to be seen.");
        type_keys(l, t);
        learn_add(l, LEARNT_KEY, t, "enter", 5);
    } else
        learn_add(l, LEARNT_SEND, t, t->typed.text, t->typed.len);
    l->ports[t->port].last = LAST_TYPED;
    expect_marks(l, t);
}

// ---- A shell's commands -----------------------------------------------------

// `echo $?` asks how the command before it has ended.
static bool fold_status(struct learn *l, const struct turn *t,
                        const struct sight *seen)
{
    static const char question[] = "echo $?";
    struct learnt *last =
        l->steps.count ? &l->steps.list[l->steps.count - 1] : NULL;
    if (!last || last->kind != LEARNT_RUN || last->port != t->port ||
        l->nmarks || t->typed.len != sizeof(question) - 1 ||
        memcmp(t->typed.text, question, t->typed.len) != 0)
        return false;
    if (!seen->above_len || seen->above_len > 3 ||
        strspn(seen->above, "0123456789") != seen->above_len)
        return false;
    last->status_known = true;
    last->status = (int)strtol(seen->above, NULL, 10);
    return true;
}

static bool is_taken(const struct learn *l, const char *name)
{
    for (size_t i = 0; i < l->steps.count; i++) {
        const char *as = l->steps.list[i].as;
        if (as && !strcmp(as, name))
            return true;
    }
    return false;
}

// A name for what a command prints: its first word, with a number where that
// is taken.
static char *capture_name(const struct learn *l, const struct turn *t)
{
    char name[48];
    char word[24];
    size_t n = 0;
    for (size_t i = 0; i < t->typed.len && n < sizeof(word) - 1; i++) {
        char ch = t->typed.text[i];
        if (ch == ' ' && n)
            break;
        if (ch == '/')
            n = 0;
        else if (isalpha((unsigned char)ch) ||
                 (n && isdigit((unsigned char)ch)))
            word[n++] = ch;
    }
    word[n] = '\0';
    snprintf(name, sizeof(name), "%s", n ? word : "output");
    for (unsigned i = 2; is_taken(l, name); i++)
        snprintf(name, sizeof(name), "%s_%u", n ? word : "output", i);
    return strdup(name);
}

static void check_marks(struct learn *l, const struct turn *t)
{
    struct learnt *run =
        l->steps.count ? &l->steps.list[l->steps.count - 1] : NULL;
    if (!l->nmarks || !run || run->kind != LEARNT_RUN)
        return;
    run->as = capture_name(l, t);
    l->failed |= !run->as;
    size_t first = l->steps.count;
    expect_marks(l, t);
    const char *as = l->steps.list[first - 1].as;
    for (size_t i = first; as && i < l->steps.count; i++) {
        l->steps.list[i].kind = LEARNT_CHECK;
        l->steps.list[i].as = strdup(as);
        l->failed |= !l->steps.list[i].as;
    }
}

// True: it was a shell's, and is done with.
static bool settle_shell(struct learn *l, struct turn *t,
                         const struct sight *seen, uint64_t waited_ns)
{
    if (!prompt_same_shell(&t->before.prompt, &seen->prompt))
        return false;
    // Enter alone, or a line that was given up.
    if (t->stopped ? t->typed.raw[t->typed.raw_len - 1] == ('C' & 0x1f)
                   : !t->typed.len && !t->keys && !t->text_lost)
        return !l->nmarks;
    if (t->keys || t->text_lost || t->secret || !t->before.prompt.posix ||
        learn_line_changes_shell(t->typed.text, t->typed.len))
        return false;
    if (fold_status(l, t, seen))
        return true;
    if (l->ports[t->port].last == LAST_TYPED)
        expect_before(l, t);
    struct learnt *step =
        learn_add(l, LEARNT_RUN, t, t->typed.text, t->typed.len);
    if (step)
        step->waited_ns = waited_ns;
    l->ports[t->port].last = LAST_RUN;
    check_marks(l, t);
    // Both are patterns of one shell, also where none is written for them.
    if (prompts_add(&l->prompts, &seen->prompt) == SIZE_MAX)
        l->failed = true;
    return true;
}

void learn_settle_one(struct learn *l, struct turn *t, const struct sight *seen,
                      uint64_t waited_ns)
{
    bool kept = false;
    learn_read_line(l, t);
    if (!learn_settle_login(l, t, seen, waited_ns, &kept) &&
        !settle_shell(l, t, seen, waited_ns))
        learn_settle_typed(l, t);
    if (!kept)
        learn_turn_free(t);
}

void learn_settle(struct learn *l, const struct sight *seen, uint64_t waited_ns)
{
    struct sight now = *seen;
    while (l->done && l->nahead)
        learn_settle_ahead(l, &seen->text, &now);
    struct turn *t = l->done;
    l->done = NULL;
    if (t)
        learn_settle_one(l, t, &now, waited_ns);
}

void learn_settle_marks(struct learn *l, unsigned port)
{
    struct turn none = {.port = port};
    expect_marks(l, &none);
}

void learn_settle_last(struct learn *l, const struct sight *seen,
                       uint64_t waited_ns, unsigned port)
{
    struct turn last = {.port = port};
    learn_flush_name(l);
    if (l->ports[port].last != LAST_TYPED || seen->painted)
        return;
    if (seen->prompt.kind != PROMPT_NONE)
        expect_prompt(l, &last, &seen->prompt, waited_ns);
    else if (seen->above_len && !seen->above_is_echo)
        expect_line(l, &last, seen, waited_ns);
}
