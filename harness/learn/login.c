// SPDX-License-Identifier: Apache-2.0
// Turns that are a login: a name, and a password where one is asked for, until
// a shell is there. See internal.h.
#include "harness/learn/internal.h"

#include <stdlib.h>
#include <string.h>

void learn_flush_name(struct learn *l)
{
    struct turn *name = l->name;
    l->name = NULL;
    if (name)
        learn_settle_typed(l, name);
    learn_turn_free(name);
}

static bool says_no(const struct sight *s)
{
    static const char *const words[] = {"ncorrect", "enied",  "ailure",
                                        "ailed",    "locked", "expired"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (s->text.len &&
            memmem(s->text.text, s->text.len, words[i], strlen(words[i])))
            return true;
    return false;
}

static void add_login(struct learn *l, const struct turn *name,
                      const struct turn *password, const struct sight *seen,
                      uint64_t waited_ns)
{
    struct learnt *step =
        learn_add(l, LEARNT_LOGIN, name, name->typed.text, name->typed.len);
    if (!step)
        return;
    step->waited_ns = name->waited_ns > waited_ns ? name->waited_ns : waited_ns;
    if (password && password->waited_ns > step->waited_ns)
        step->waited_ns = password->waited_ns;
    // Others `login` doesn't know by itself.
    if (seen->prompt.kind != PROMPT_SHELL) {
        step->prompt = prompts_add(&l->prompts, &seen->prompt);
        step->has_prompt = step->prompt != SIZE_MAX;
        l->failed |= !step->has_prompt;
    }
    l->ports[name->port].last = LAST_LOGIN;
    if (!password)
        return;
    step->password = malloc(password->typed.len + 1);
    l->failed |= !step->password;
    if (!step->password)
        return;
    memcpy(step->password, password->typed.text, password->typed.len);
    step->password_len = password->typed.len;
    learn_secret_login(l, password);
}

// `login` reads over the greeting.
static void drop_marks(struct learn *l, const struct turn *t)
{
    if (l->nmarks)
        learn_remark(l, t,
                     "A line of the greeting is not expected: `login` reads "
                     "over it.");
    while (l->nmarks)
        free(l->marks[--l->nmarks]);
}

static void refused(struct learn *l, const struct turn *t)
{
    learn_remark(l, t, "A login was refused here; it is left out.");
    l->ports[t->port].last = LAST_TYPED;
}

bool learn_settle_login(struct learn *l, struct turn *t,
                        const struct sight *seen, uint64_t waited_ns,
                        bool *kept)
{
    enum prompt_kind after = seen->prompt.kind;
    bool is_name = t->before.prompt.kind == PROMPT_LOGIN && !t->keys;
    bool is_password = l->name && t->before.prompt.kind == PROMPT_PASSWORD &&
                       !t->keys && l->name->port == t->port;
    if (!is_password)
        learn_flush_name(l);
    if (is_name && after == PROMPT_PASSWORD) {
        // Its echo will be another line's.
        *kept = true;
        l->name = t;
        return true;
    }
    bool asks_again =
        after == PROMPT_LOGIN || (after == PROMPT_PASSWORD && says_no(seen));
    if ((is_name || is_password) && asks_again) {
        if (is_password || t->typed.len)
            refused(l, t);
        learn_turn_free(l->name);
        l->name = NULL;
        return true;
    }
    bool shell = after == PROMPT_SHELL ||
                 (is_password && after == PROMPT_OTHER && seen->quiet);
    if (!shell || (!is_name && !is_password)) {
        learn_flush_name(l);
        return false;
    }
    add_login(l, is_name ? t : l->name, is_name ? NULL : t, seen, waited_ns);
    drop_marks(l, t);
    learn_turn_free(l->name);
    l->name = NULL;
    return true;
}
