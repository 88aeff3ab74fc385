// SPDX-License-Identifier: Apache-2.0
// What a line was: by its keys or by its echo, a secret or not. See internal.h.
#include "harness/learn/internal.h"

#include <stdlib.h>
#include <string.h>

static void take_echo(struct turn *t, const char *shown, size_t len)
{
    if (len > sizeof(t->typed.text)) {
        t->text_lost = true;
        return;
    }
    memcpy(t->typed.text, shown, len);
    t->typed.len = len;
}

// Whether the guest has shown what was typed. What stands behind the prompt may
// be something else: a program's next words, where no Enter is echoed.
static bool is_echoed(const struct turn *t, enum echo_found found,
                      const char *shown, size_t len)
{
    if (found == ECHO_HIDDEN && (!len || t->before.prompt.kind != PROMPT_SHELL))
        return false;
    if (t->typed.edited || t->before.prompt.kind == PROMPT_SHELL)
        return true;
    size_t n = t->typed.len;
    while (n && t->typed.text[n - 1] == ' ')
        n--;
    return found == ECHO_LOST ? memmem(shown, len, t->typed.text, n) != NULL
                              : len >= n && !memcmp(shown, t->typed.text, n);
}

void learn_read_line(struct learn *l, struct turn *t)
{
    char shown[ECHO_TEXT];
    size_t len;
    t->text_lost = t->typed.cut;
    if (t->keys || t->ahead)
        return;
    enum echo_found found = echo_find(&l->ports[t->port].echo, shown, &len);
    t->secret = t->typed.len && (t->before.prompt.kind == PROMPT_PASSWORD ||
                                 !is_echoed(t, found, shown, len));
    if (t->secret || !t->typed.edited)
        return;
    if (found == ECHO_LOST)
        t->text_lost = true;
    else
        take_echo(t, shown, len);
}

// ---- Secrets ----------------------------------------------------------------

static struct learn_secret *find(struct learn *l, const struct turn *t)
{
    for (size_t i = 0; i < l->nsecrets; i++) {
        struct learn_secret *s = &l->secrets[i];
        if (s->len == t->typed.len && !memcmp(s->value, t->typed.text, s->len))
            return s;
    }
    return NULL;
}

static struct learn_secret *remember(struct learn *l, const struct turn *t)
{
    struct learn_secret *s = find(l, t);
    if (s || l->nsecrets == SECRETS_MAX)
        return s;
    char *value = malloc(t->typed.len + 1);
    l->failed |= !value;
    if (!value)
        return NULL;
    memcpy(value, t->typed.text, t->typed.len);
    s = &l->secrets[l->nsecrets++];
    *s = (struct learn_secret){.value = value, .len = t->typed.len};
    return s;
}

const char *learn_secret_name(struct learn *l, const struct turn *t,
                              bool *login)
{
    struct learn_secret *s = remember(l, t);
    *login = s && s->login;
    if (!s)
        return "secret"; // as many of them as there is room for are told apart
    if (!s->name) {
        char name[32];
        snprintf(name, sizeof(name), l->nnames ? "secret%zu" : "secret",
                 l->nnames + 1);
        s->name = strdup(name);
        l->failed |= !s->name;
        if (!s->name)
            return NULL;
        if (!s->login)
            l->names[l->nnames++] = s->name;
    }
    return s->name;
}

void learn_secret_login(struct learn *l, const struct turn *t)
{
    struct learn_secret *s = remember(l, t);
    if (s && !s->name)
        s->login = true;
}

// ---- Lines of a shell -------------------------------------------------------

// Commands that start a shell, leave one, or take its place.
static const char *const changers[] = {
    "sh",       "ash",     "bash",   "dash",   "zsh",      "ksh",    "mksh",
    "fish",     "csh",     "tcsh",   "su",     "login",    "exit",   "logout",
    "exec",     "chroot",  "newgrp", "ssh",    "telnet",   "screen", "tmux",
    "unshare",  "nsenter", "script", "return", "poweroff", "reboot", "halt",
    "shutdown", "kexec",   "init",
};

static bool is_changer(const char *word, size_t len)
{
    const char *slash = memrchr(word, '/', len);
    if (slash) {
        len -= (size_t)(slash + 1 - word);
        word = slash + 1;
    }
    for (size_t i = 0; i < sizeof(changers) / sizeof(changers[0]); i++) {
        if (strlen(changers[i]) == len && !memcmp(changers[i], word, len))
            return true;
    }
    return false;
}

// A command begins at the line's begin and behind what joins commands. `sudo`
// stands before one.
bool learn_line_changes_shell(const char *text, size_t len)
{
    bool first = true;
    for (size_t at = 0; at < len;) {
        size_t from = at;
        while (at < len && !strchr(" \t;|&(){}", text[at]))
            at++;
        size_t n = at - from;
        bool sudo = n == 4 && !memcmp(text + from, "sudo", 4);
        if (first && n && is_changer(text + from, n))
            return true;
        bool option = n && text[from] == '-';
        first = (first && (!n || option)) || (first && sudo);
        if (at < len) {
            first |= strchr(";|&(){}", text[at]) != NULL;
            at++;
        }
    }
    return false;
}
