// SPDX-License-Identifier: Apache-2.0
// The patterns of a login. See login.h.
#include "harness/runner/login.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// `$` would also match before a last newline: a prompt has none.
#define LOGIN "(?<![Ll]ast )(?<![Ff]ailed )[Ll]ogin: *"
// As PAM says it in the languages of its catalogue that serial consoles meet.
#define PASSWORD                                                               \
    "(?:[Pp]assword|[Pp]asswort|[Mm]ot de passe|[Cc]ontrase\u00f1a|[Ss]enha|"  \
    "[Ww]achtwoord|[Hh]as\u0142o|[Pp]arola|"                                   \
    "(?:\u041f|\u043f)\u0430\u0440\u043e\u043b\u044c|"                         \
    "\u30d1\u30b9\u30ef\u30fc\u30c9|\u5bc6\u7801|\u5bc6\u78bc)"                \
    "(?: for [^:\\n]*)? ?(?::|\uff1a) *"
#define AT_END "$(?!\\n)"
#define BURIED "[^\\n]*\\n(?:[^\\n]*\\n){20}"

static const char *const sources[] = {
    [SEES_REFUSED] = "[Ll]ogin incorrect|[Ll]ogin timed out|[Ll]ogin failed|"
                     "[Aa]uthentication failure|[Aa]ccount (?:is )?(?:locked|"
                     "disabled|expired)|(?:[Pp]ermission|[Aa]ccess) denied",
    [SEES_LOGIN] = LOGIN AT_END,
    [SEES_PASSWORD] = PASSWORD AT_END,
    [SEES_SHELL] = "[#$%>] ?" AT_END,
    [SEES_BURIED_LOGIN] = LOGIN BURIED,
    [SEES_BURIED_PASSWORD] = PASSWORD BURIED,
    [SEES_ANY_PASSWORD] = PASSWORD,
    // Of the kernel's own lines the lifted view is free.
    [SEES_NOISE] = "(?:(?!\\[ *\\d+\\.\\d{6}\\])[^\\n]*\\n){40}",
};

static bool compile(struct login *l, enum sight which, const char *source)
{
    struct error err = {""};
    size_t at;
    l->owned[which] = pattern_compile(source, strlen(source), 0, &at, &err);
    l->patterns[which] = l->owned[which];
    if (!l->owned[which])
        run_error(l->run, "pattern", &err);
    return l->owned[which] != NULL;
}

static bool compile_echo(struct login *l)
{
    static const char line_end[] = "[ \t]*\n";
    const struct text_piece pieces[] = {
        {.variable = true, .bytes = "u", .len = 1},
        {.bytes = line_end, .len = sizeof(line_end) - 1},
    };
    struct variables v = {0};
    struct text t = {.npieces = 2, .pieces = pieces};
    struct error err = {""};
    size_t len;
    char *source = NULL;
    if (variables_set(&v, "u", l->user, l->user_len))
        source = variables_expand(&v, &t, true, &len, &err);
    variables_free(&v);
    bool ok = source && compile(l, SEES_ECHO, source);
    free(source);
    return ok;
}

bool login_prepare(struct login *l)
{
    const struct step *s = l->step;
    l->user = run_text(l->run, &s->u.login.user, &l->user_len);
    if (!l->user)
        return false;
    if (s->u.login.has_password) {
        l->password = run_text(l->run, &s->u.login.password, &l->password_len);
        if (!l->password)
            return false;
    }
    for (int i = 0; i < SEES_ECHO; i++) {
        if (!compile(l, (enum sight)i, sources[i]))
            return false;
    }
    if (s->u.login.has_prompt) {
        pattern_free(l->owned[SEES_SHELL]);
        l->owned[SEES_SHELL] = NULL;
        l->patterns[SEES_SHELL] =
            run_pattern(l->run, &s->u.login.prompt, &l->owned[SEES_SHELL]);
        if (!l->patterns[SEES_SHELL])
            return false;
    }
    return compile_echo(l);
}

bool login_expect_answer(struct login *l, uint32_t *marker)
{
    char answer[32];
    *marker = run_marker(l->run);
    char taken[256 + sizeof(PASSWORD)];
    snprintf(answer, sizeof(answer), "<%08" PRIx32 ">\\n", *marker);
    snprintf(taken, sizeof(taken),
             "\\\\<%08" PRIx32 "\\\\>[^\\n]*\\n(?:[^\\n]*\\n){0,3}?[^\\n]*%s",
             *marker, PASSWORD);
    return compile(l, SEES_ANSWER, answer) && compile(l, SEES_NO_SHELL, taken);
}

void login_dispose(struct login *l)
{
    for (int i = 0; i < SIGHTS; i++)
        pattern_free(l->owned[i]);
    free(l->user);
    free(l->words);
    if (l->password)
        explicit_bzero(l->password, l->password_len);
    free(l->password);
}
