// SPDX-License-Identifier: Apache-2.0
// `login`: from the login prompt to a shell that listens. Used by the runner
// only.
//
// What makes it hard, and what is done about it:
//   - A kernel message cuts the prompt: the matcher looks at the text with
//     kernel messages lifted out as well.
//   - The prompt was overwritten, or getty waits for a key: when nothing but
//     kernel messages came for a while, Enter asks for a new one. An Enter too
//     many gives a second prompt, so after a nudge the name is typed only once
//     the prompts have stopped.
//   - Another program prints on the same terminal without a pause, so that no
//     prompt is ever the last that was printed: one that is buried under some
//     lines counts as well, and a shell is known by what it answers.
//   - Some programs drop what was typed before they were ready: getty, when it
//     sets up the line. The terminal echoes a name that arrived; if silence
//     comes before the echo, Enter fetches a new prompt and the name is typed
//     again. Nothing is ever typed into a password prompt but the password,
//     once: these prompts flush their input *before* they are printed.
//   - A guest without a password goes straight to the shell.
//   - A greeting may have the words of a refusal: see login_shell.c.
#include "harness/runner/login.h"

#include "src/base/clock.h"

#define ATTEMPTS 3

enum flow login_nudge(struct login *l)
{
    return run_type(l->run, "\r", 1);
}

enum wait_outcome login_look(struct login *l, struct wait *w,
                             const enum sight *sights, size_t n,
                             enum sight *seen)
{
    const struct pattern *list[SIGHTS];
    for (size_t i = 0; i < n; i++)
        list[i] = l->patterns[sights[i]];
    w->patterns = list;
    w->npatterns = n;
    w->leaves_end = l->words != NULL;
    w->events = l->words ? 1U << GUEST_TIMEOUT : 0;
    enum wait_outcome out = run_wait(l->run, w);
    if (out == WAIT_MATCH)
        *seen = sights[w->match.index];
    if (out == WAIT_END || out == WAIT_TIMEOUT) {
        login_refused(l);
        return WAIT_FAILED;
    }
    return out;
}

struct wait login_wait_for(const struct login *l, uint64_t quiet_ns,
                           const char *what)
{
    return (struct wait){.within_ns = l->step->u.login.within_ns,
                         .quiet_ns = run_scaled(l->run, quiet_ns),
                         .kernel_talks = true,
                         .what = what};
}

// After a nudge, more prompts may follow: the last one is the one to answer.
static enum flow let_prompts_stop(struct login *l)
{
    static const enum sight sights[] = {SEES_LOGIN, SEES_NOISE};
    enum sight seen = SEES_LOGIN;
    for (int i = 0; i < 2 * ATTEMPTS && seen == SEES_LOGIN; i++) {
        struct wait w =
            login_wait_for(l, LOGIN_SETTLE, "the end of the login prompts");
        enum wait_outcome out = login_look(l, &w, sights, 2, &seen);
        if (out == WAIT_FAILED)
            return FLOW_END;
        if (out == WAIT_QUIET)
            break;
    }
    return FLOW_NEXT;
}

static enum flow await_login_prompt(struct login *l)
{
    static const enum sight sights[] = {SEES_LOGIN, SEES_BURIED_LOGIN};
    enum sight seen;
    struct wait w = login_wait_for(l, LOGIN_PATIENCE, "a login prompt");
    bool nudged = false;
    for (;;) {
        enum wait_outcome out = login_look(l, &w, sights, 2, &seen);
        if (out == WAIT_MATCH)
            break;
        if (out == WAIT_FAILED || login_nudge(l) == FLOW_END)
            return FLOW_END;
        nudged = true;
        w.quiet_ns = clock_after(w.quiet_ns, w.quiet_ns); // twice as patient
    }
    run_login_mark(l->run, w.match.end_ns);
    return nudged ? let_prompts_stop(l) : FLOW_NEXT;
}

static enum flow type_name(struct login *l)
{
    if (run_type(l->run, l->user, l->user_len) == FLOW_END)
        return FLOW_END;
    return run_type(l->run, "\r", 1);
}

// A password prompt can't be nudged. One that is not the end of what was
// printed, when all is silent, was overwritten.
static enum wait_outcome find_overwritten(struct login *l, enum sight *seen)
{
    static const enum sight sights[] = {SEES_ANY_PASSWORD};
    struct wait w = login_wait_for(l, 1, "a password prompt");
    enum wait_outcome out = login_look(l, &w, sights, 1, seen);
    if (out == WAIT_MATCH)
        *seen = SEES_PASSWORD;
    return out;
}

// The name was typed: what comes then? WAIT_QUIET: the guest does not seem to
// have heard it.
static enum wait_outcome await_reaction(struct login *l, struct match *m,
                                        enum sight *seen)
{
    // Without a password to give, noise alone is reason to ask for a shell.
    static const enum sight sights[] = {
        SEES_REFUSED, SEES_PASSWORD, SEES_BURIED_PASSWORD,
        SEES_LOGIN,   SEES_SHELL,    SEES_ECHO,
        SEES_NOISE};
    bool heard = false;
    struct wait w =
        login_wait_for(l, LOGIN_PATIENCE, "a password prompt or a shell");
    for (;;) {
        enum sight list[SIGHTS];
        size_t n = 0;
        for (size_t i = 0; i < sizeof(sights) / sizeof(sights[0]); i++) {
            bool useless = (sights[i] == SEES_ECHO && heard) ||
                           (sights[i] == SEES_NOISE && l->password) ||
                           (sights[i] == SEES_REFUSED && l->words);
            if (!useless)
                list[n++] = sights[i];
        }
        enum wait_outcome out = login_look(l, &w, list, n, seen);
        if (out == WAIT_QUIET) {
            out = find_overwritten(l, seen);
            if (out == WAIT_QUIET && heard && l->words) {
                *seen = SEES_REFUSED;
                return WAIT_MATCH;
            }
            if (out == WAIT_QUIET && heard) {
                w.quiet_ns = 0;
                continue;
            }
        } else if (out == WAIT_MATCH && *seen == SEES_REFUSED) {
            login_keep_words(l, &w.match);
            continue;
        } else if (out == WAIT_MATCH && *seen == SEES_ECHO) {
            heard = true;
            w.deadline_ns = 0;
            continue;
        } else if (out == WAIT_MATCH && *seen == SEES_BURIED_PASSWORD)
            *seen = SEES_PASSWORD;
        *m = w.match;
        return out;
    }
}

// Types the name until the guest has taken it. *seen is what came then: a
// password prompt, the shell, noise, or words of a refusal and then silence;
// FLOW_END when none of them.
static enum flow give_name(struct login *l, struct match *m, enum sight *seen)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (type_name(l) == FLOW_END)
            return FLOW_END;
        enum wait_outcome out = await_reaction(l, m, seen);
        if (out == WAIT_FAILED)
            return FLOW_END;
        if (out == WAIT_QUIET) {
            // No echo: the name was lost, a new prompt is needed.
            if (login_nudge(l) == FLOW_END || let_prompts_stop(l) == FLOW_END)
                return FLOW_END;
        } else if (*seen != SEES_LOGIN)
            return FLOW_NEXT;
    }
    if (l->words)
        return login_refused(l);
    return run_fail(l->run, VERDICT_FAILED, NULL, "login",
                    "the guest asks for the user name again and again");
}

static enum flow log_in(struct login *l)
{
    struct match m = {0};
    enum sight seen = SEES_LOGIN;
    enum flow flow = FLOW_NEXT;
    if (await_login_prompt(l) == FLOW_END ||
        give_name(l, &m, &seen) == FLOW_END)
        return FLOW_END;
    if (seen == SEES_PASSWORD)
        flow = login_give_password(l, &m);
    else if (seen == SEES_NOISE)
        flow = login_ask_shell(l, &m);
    else if (seen == SEES_REFUSED)
        flow = login_await_shell(l, &m);
    if (flow == FLOW_END)
        return FLOW_END;
    run_boot_mark(l->run, "shell_prompt", m.end_ns);
    l->run->ports[l->run->port].at_shell = true;
    return FLOW_NEXT;
}

enum flow step_login(struct run *r, const struct step *s)
{
    struct login l = {.run = r, .step = s};
    enum flow flow = login_prepare(&l) ? log_in(&l) : FLOW_END;
    login_dispose(&l);
    return flow;
}
