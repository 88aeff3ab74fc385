// SPDX-License-Identifier: Apache-2.0
// Kinds of prompts. See prompt.h.
#include "harness/learn/prompt.h"

#include <ctype.h>
#include <string.h>

// What stands before the colon of a prompt for a password, in lower case where
// that is ASCII: as `login` knows them (harness/runner/login_sights.c), and
// those of others.
static const char *const passwords[] = {
    "assword",
    "passwort",
    "mot de passe",
    "contrase\u00f1a",
    "senha",
    "wachtwoord",
    "has\u0142o",
    "parola",
    "passphrase",
    "passcode",
    "\u0430\u0440\u043e\u043b\u044c",
    "\u30d1\u30b9\u30ef\u30fc\u30c9",
    "\u5bc6\u7801",
    "\u5bc6\u78bc",
};

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len >= n && !memcmp(text + len - n, end, n);
}

// Of lower[0..len), without blanks at its end.
static bool is_password(const char *lower, size_t len)
{
    if (!ends_with(lower, len, ":") && !ends_with(lower, len, "\uff1a"))
        return false;
    for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
        if (memmem(lower, len, passwords[i], strlen(passwords[i])))
            return true;
    }
    return false;
}

static bool is_login(const char *lower, size_t len)
{
    return ends_with(lower, len, "login:") &&
           !ends_with(lower, len, "last login:") &&
           !ends_with(lower, len, "failed login:");
}

// A mark and one blank; of "50%" and "<<END>" a blank makes no prompt.
static bool is_shell(const struct prompt *p, size_t bare)
{
    char mark = bare ? p->text[bare - 1] : '\0';
    if (p->len - bare > 1)
        return false;
    if (mark == '#' || mark == '$')
        return true;
    return (mark == '%' || mark == '>') && p->len > bare;
}

static void classify(struct prompt *p)
{
    char lower[PROMPT_MAX];
    size_t bare = p->len;
    while (bare && p->text[bare - 1] == ' ')
        bare--;
    for (size_t i = 0; i < bare; i++)
        lower[i] = (char)tolower((unsigned char)p->text[i]);
    p->posix = false;
    if (!bare)
        p->kind = PROMPT_NONE;
    else if (is_login(lower, bare))
        p->kind = PROMPT_LOGIN;
    else if (is_password(lower, bare))
        p->kind = PROMPT_PASSWORD;
    else if (is_shell(p, bare)) {
        p->kind = PROMPT_SHELL;
        p->posix = p->text[bare - 1] != '>';
    } else
        p->kind = PROMPT_OTHER;
}

void prompt_take(struct prompt *p, const char *text, size_t len)
{
    size_t from = len;
    while (from && text[from - 1] != '\n' && text[from - 1] != '\r' &&
           text[from - 1] != '\b')
        from--;
    if (len - from > PROMPT_MAX)
        from = len - PROMPT_MAX;
    while (from < len && ((unsigned char)text[from] & 0xc0) == 0x80)
        from++;
    p->len = len - from;
    memcpy(p->text, text + from, p->len);
    p->text[p->len] = '\0';
    classify(p);
}

// How much of a and b is the same from the end on.
static size_t common_end(const struct prompt *a, const struct prompt *b)
{
    size_t n = 0;
    while (n < a->len && n < b->len &&
           a->text[a->len - 1 - n] == b->text[b->len - 1 - n])
        n++;
    return n;
}

bool prompt_same_shell(const struct prompt *a, const struct prompt *b)
{
    if (a->kind != PROMPT_SHELL || b->kind != PROMPT_SHELL)
        return false;
    if (a->len == b->len && !memcmp(a->text, b->text, a->len))
        return true;
    // The mark with its blank, and where it begins or what stands before the
    // mark: another user's, another program's differs in one or in both.
    size_t end = common_end(a, b);
    size_t marks = a->text[a->len - 1] == ' ' ? 2 : 1;
    bool begins = a->len && b->len && a->text[0] == b->text[0];
    return end >= marks && (begins || end > marks);
}
