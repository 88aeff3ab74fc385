// SPDX-License-Identifier: Apache-2.0
// `login`: from the login prompt to a shell that listens. Used by the runner
// only.
//
// What makes it hard, and what is done about it:
//   - A kernel message cuts the prompt: the matcher looks at the text with
//     kernel messages lifted out as well.
//   - The prompt was overwritten, or getty waits for a key: after a silence,
//     Enter asks for a new one. An Enter too many gives a second prompt, so
//     after a nudge the name is typed only once the prompts have stopped.
//   - Some programs drop what was typed before they were ready: getty, when it
//     sets up the line. The terminal echoes a name that arrived; if silence
//     comes before the echo, Enter fetches a new prompt and the name is typed
//     again. Nothing is ever typed into a password prompt but the password,
//     once: these prompts flush their input *before* they are printed.
//   - A guest without a password goes straight to the shell.
#include "harness/runner/run.h"

#include "src/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define NUDGE_AFTER  (3 * NS_PER_S)
#define NUDGE_SETTLE (300 * NS_PER_MS)
#define ATTEMPTS     3

enum sight {
    SEES_REFUSED,
    SEES_LOGIN,
    SEES_PASSWORD,
    SEES_SHELL,
    SEES_ECHO,
    SIGHTS,
};

// `$` would also match before a last newline: a prompt has none.
#define AT_END "$(?!\\n)"

static const char *const sources[] = {
    [SEES_REFUSED] = "[Ll]ogin incorrect|[Ll]ogin timed out|[Ll]ogin failed|"
                     "[Aa]uthentication failure|[Aa]ccount (?:is )?(?:locked|"
                     "disabled|expired)",
    [SEES_LOGIN] = "(?<![Ll]ast )[Ll]ogin: *" AT_END,
    [SEES_PASSWORD] = "[Pp]assword(?: for [^:\\n]*)?: *" AT_END,
    [SEES_SHELL] = "[#$%>] ?" AT_END,
};

struct login {
    struct run *run;
    const struct step *step;
    char *user, *password;
    size_t user_len, password_len;
    struct pattern *owned[SIGHTS];
    const struct pattern *patterns[SIGHTS];
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

// The echo of the name, at the end of its line.
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

static bool prepare(struct login *l)
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

static void dispose(struct login *l)
{
    for (int i = 0; i < SIGHTS; i++)
        pattern_free(l->owned[i]);
    free(l->user);
    if (l->password)
        explicit_bzero(l->password, l->password_len);
    free(l->password);
}

static enum flow nudge(struct login *l)
{
    return run_type(l->run, "\r", 1);
}

static struct wait wait_for(struct login *l, const enum sight *sights, size_t n,
                            const struct pattern **list, const char *what)
{
    for (size_t i = 0; i < n; i++)
        list[i] = l->patterns[sights[i]];
    return (struct wait){.patterns = list,
                         .npatterns = n,
                         .within_ns = l->step->u.login.within_ns,
                         .quiet_ns = run_scaled(l->run, NUDGE_AFTER),
                         .what = what};
}

// After a nudge, more prompts may follow: the last one is the one to answer.
static enum flow let_prompts_stop(struct login *l)
{
    const enum sight sights[] = {SEES_LOGIN};
    const struct pattern *list[1];
    for (int i = 0; i < 2 * ATTEMPTS; i++) {
        struct wait w =
            wait_for(l, sights, 1, list, "the end of the login prompts");
        w.quiet_ns = run_scaled(l->run, NUDGE_SETTLE);
        enum wait_outcome out = run_wait(l->run, &w);
        if (out == WAIT_FAILED)
            return FLOW_END;
        if (out == WAIT_QUIET)
            break;
    }
    return FLOW_NEXT;
}

static enum flow await_login_prompt(struct login *l)
{
    const enum sight sights[] = {SEES_LOGIN};
    const struct pattern *list[1];
    struct wait w = wait_for(l, sights, 1, list, "a login prompt");
    bool nudged = false;
    for (;;) {
        enum wait_outcome out = run_wait(l->run, &w);
        if (out == WAIT_MATCH)
            break;
        if (out == WAIT_FAILED || nudge(l) == FLOW_END)
            return FLOW_END;
        nudged = true;
        w.quiet_ns = clock_after(w.quiet_ns, w.quiet_ns); // twice as patient
    }
    run_mark(l->run, "login_prompt", w.match.end_ns);
    return nudged ? let_prompts_stop(l) : FLOW_NEXT;
}

static enum flow refused(struct login *l, const struct match *m)
{
    return run_fail(l->run, VERDICT_FAILED, NULL, "login",
                    "the guest refused the login of \"%s\": \"%.*s\"", l->user,
                    (int)m->all.len, m->all.text);
}

static enum flow type_name(struct login *l)
{
    if (run_type(l->run, l->user, l->user_len) == FLOW_END)
        return FLOW_END;
    return run_type(l->run, "\r", 1);
}

// Types the name until the guest has taken it. *seen is what came then: a
// password prompt or the shell; FLOW_END when neither.
static enum flow give_name(struct login *l, struct match *m, enum sight *seen)
{
    static const enum sight before[] = {SEES_REFUSED, SEES_PASSWORD, SEES_LOGIN,
                                        SEES_ECHO, SEES_SHELL};
    static const enum sight after[] = {SEES_REFUSED, SEES_PASSWORD, SEES_LOGIN,
                                       SEES_SHELL};
    const struct pattern *list[SIGHTS];
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (type_name(l) == FLOW_END)
            return FLOW_END;
        struct wait w =
            wait_for(l, before, 5, list, "a password prompt or a shell");
        enum wait_outcome out = run_wait(l->run, &w);
        if (out == WAIT_MATCH && before[w.match.index] == SEES_ECHO) {
            w = wait_for(l, after, 4, list, w.what);
            w.quiet_ns = 0;
            out = run_wait(l->run, &w);
            *seen = out == WAIT_MATCH ? after[w.match.index] : SEES_LOGIN;
        } else if (out == WAIT_MATCH)
            *seen = before[w.match.index];
        if (out == WAIT_FAILED)
            return FLOW_END;
        if (out == WAIT_QUIET) {
            // No echo: the name was lost, a new prompt is needed.
            if (nudge(l) == FLOW_END || let_prompts_stop(l) == FLOW_END)
                return FLOW_END;
        } else if (*seen != SEES_LOGIN) {
            *m = w.match;
            return FLOW_NEXT;
        }
    }
    return run_fail(l->run, VERDICT_FAILED, NULL, "login",
                    "the guest asks for the user name again and again");
}

static enum flow await_shell(struct login *l, struct match *m)
{
    static const enum sight sights[] = {SEES_REFUSED, SEES_LOGIN, SEES_PASSWORD,
                                        SEES_SHELL};
    const struct pattern *list[SIGHTS];
    struct wait w = wait_for(l, sights, 4, list, "a shell prompt");
    for (;;) {
        enum wait_outcome out = run_wait(l->run, &w);
        if (out == WAIT_FAILED)
            return FLOW_END;
        if (out == WAIT_QUIET) {
            if (nudge(l) == FLOW_END)
                return FLOW_END;
            w.quiet_ns = clock_after(w.quiet_ns, w.quiet_ns);
            continue;
        }
        *m = w.match;
        enum sight seen = sights[w.match.index];
        if (seen == SEES_SHELL)
            return FLOW_NEXT;
        if (seen == SEES_REFUSED)
            return refused(l, m);
        return run_fail(l->run, VERDICT_FAILED, NULL, "login",
                        "the guest did not take the password of \"%s\": it "
                        "asks again",
                        l->user);
    }
}

static enum flow log_in(struct login *l)
{
    struct match m = {0};
    enum sight seen = SEES_LOGIN;
    if (await_login_prompt(l) == FLOW_END ||
        give_name(l, &m, &seen) == FLOW_END)
        return FLOW_END;
    if (seen == SEES_REFUSED)
        return refused(l, &m);
    if (seen == SEES_PASSWORD) {
        if (!l->password)
            return run_fail(l->run, VERDICT_FAILED, NULL, "login",
                            "the guest asks for a password of \"%s\" and the "
                            "scenario gives none",
                            l->user);
        if (run_type(l->run, l->password, l->password_len) == FLOW_END ||
            run_type(l->run, "\r", 1) == FLOW_END ||
            await_shell(l, &m) == FLOW_END)
            return FLOW_END;
    }
    run_mark(l->run, "shell_prompt", m.end_ns);
    l->run->at_shell = true;
    return FLOW_NEXT;
}

enum flow step_login(struct run *r, const struct step *s)
{
    struct login l = {.run = r, .step = s};
    enum flow flow = prepare(&l) ? log_in(&l) : FLOW_END;
    dispose(&l);
    return flow;
}
