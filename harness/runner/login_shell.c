// SPDX-License-Identifier: Apache-2.0
// The second half of `login`: from the password to a shell that listens, or to
// a refusal. See login.h.
//
// Words alone refuse nothing: a greeting may tell of failed logins and locked
// accounts, a profile's script of a permission that was denied. They are a
// refusal when another prompt for a name or a password follows and stands, when
// nothing follows though Enter was pressed, or when the machine ends. Whatever
// they were, a shell that comes after them has let the user in.
#include "harness/runner/login.h"

#include "harness/console/near_miss.h"
#include "src/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

void login_keep_words(struct login *l, const struct match *m)
{
    if (!l->words)
        l->words = strndup(m->all.text, m->all.len);
}

enum flow login_refused(struct login *l)
{
    return run_fail(l->run, VERDICT_FAILED, NULL, "login",
                    "the guest refused the login of \"%s\": \"%s\"", l->user,
                    l->words);
}

// A prompt for a name or a password stands where the shell's should be.
static enum flow not_taken(struct login *l)
{
    if (l->words)
        return login_refused(l);
    return run_fail(l->run, VERDICT_FAILED, NULL, "login",
                    "the guest did not take the password of \"%s\": it asks "
                    "again",
                    l->user);
}

// The shell's prompt can't be seen: is a shell there? What it answers can't be
// its echo, for there the brackets have backslashes.
enum flow login_ask_shell(struct login *l, struct match *m)
{
    static const enum sight answers[] = {SEES_ANSWER, SEES_NO_SHELL};
    static const enum sight prompts[] = {SEES_SHELL, SEES_NOISE};
    uint32_t marker;
    char line[48];
    enum sight seen = SEES_ANSWER;
    if (!login_expect_answer(l, &marker))
        return FLOW_END;
    int n = snprintf(line, sizeof(line), "echo \\<%08" PRIx32 "\\>\r", marker);
    if (run_type(l->run, line, (size_t)n) == FLOW_END)
        return FLOW_END;
    struct wait w = login_wait_for(l, 0, "a shell that answers");
    if (login_look(l, &w, answers, COUNT(answers), &seen) != WAIT_MATCH)
        return FLOW_END;
    if (seen == SEES_NO_SHELL)
        return not_taken(l);
    *m = w.match;
    // Whatever is seen of the prompt after the answer belongs to the login.
    w = login_wait_for(l, LOGIN_SETTLE, "a shell prompt");
    enum wait_outcome out = login_look(l, &w, prompts, COUNT(prompts), &seen);
    if (out == WAIT_MATCH)
        *m = w.match;
    return out == WAIT_FAILED ? FLOW_END : FLOW_NEXT;
}

// What looks like a prompt may be a line of the greeting that is not whole yet.
// WAIT_QUIET: nothing followed, it stands; WAIT_MATCH: the shell did;
// WAIT_EVENT: something else.
static enum wait_outcome let_prompt_stand(struct login *l, struct wait *w,
                                          enum sight *seen)
{
    static const enum sight sights[] = {SEES_SHELL};
    uint64_t end = w->match.end_ns;
    uint64_t quiet = w->quiet_ns;
    w->quiet_ns = run_scaled(l->run, LOGIN_SETTLE);
    enum wait_outcome out = login_look(l, w, sights, 1, seen);
    w->quiet_ns = quiet;
    if (out == WAIT_QUIET && matcher_last_plain_ns(l->run->matcher) > end)
        return WAIT_EVENT;
    return out;
}

// Was anything but the echo of Enter printed since the text was skipped?
static bool has_reacted(const struct login *l)
{
    struct text_span text = matcher_pending_lifted(l->run->matcher);
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr(" \t\r\n", text.text[i]))
            return true;
    }
    return false;
}

// Nothing came. *nudged says whether Enter was pressed already.
static enum flow on_silence(struct login *l, struct wait *w, bool *nudged)
{
    if (*nudged && l->words && !has_reacted(l))
        return login_refused(l);
    if (l->words)
        matcher_skip(l->run->matcher);
    *nudged = true;
    w->quiet_ns = clock_after(w->quiet_ns, w->quiet_ns);
    return login_nudge(l);
}

enum flow login_await_shell(struct login *l, struct match *m)
{
    static const enum sight sights[] = {SEES_LOGIN, SEES_PASSWORD, SEES_SHELL,
                                        SEES_REFUSED, SEES_NOISE};
    // Who says what the prompt looks like may not have a shell to ask.
    bool may_ask = !l->step->u.login.has_prompt;
    struct wait w = login_wait_for(l, LOGIN_PATIENCE, "a shell prompt");
    bool nudged = false;
    for (;;) {
        enum sight list[COUNT(sights)];
        size_t n = 0;
        for (size_t i = 0; i < COUNT(sights); i++) {
            bool useless = (sights[i] == SEES_REFUSED && l->words) ||
                           (sights[i] == SEES_NOISE && !may_ask);
            if (!useless)
                list[n++] = sights[i];
        }
        enum sight seen = SEES_SHELL;
        enum wait_outcome out = login_look(l, &w, list, n, &seen);
        if (out == WAIT_MATCH &&
            (seen == SEES_LOGIN || seen == SEES_PASSWORD)) {
            out = let_prompt_stand(l, &w, &seen);
            if (out == WAIT_QUIET)
                return not_taken(l);
        }
        if (out == WAIT_FAILED)
            return FLOW_END;
        if (out == WAIT_EVENT)
            continue;
        if (out == WAIT_QUIET) {
            if (nudged && may_ask && (!l->words || has_reacted(l)))
                return login_ask_shell(l, m);
            if (on_silence(l, &w, &nudged) == FLOW_END)
                return FLOW_END;
        } else if (seen == SEES_REFUSED)
            login_keep_words(l, &w.match);
        else if (seen == SEES_NOISE)
            return login_ask_shell(l, m);
        else {
            *m = w.match;
            return FLOW_NEXT;
        }
    }
}

enum flow login_give_password(struct login *l, struct match *m)
{
    if (!l->password)
        return run_fail(l->run, VERDICT_FAILED, NULL, "login",
                        "the guest asks for a password of \"%s\" and the "
                        "scenario gives none",
                        l->user);
    // What came before it was no answer to it.
    free(l->words);
    l->words = NULL;
    if (run_type_secret(l->run, l->password, l->password_len, false) ==
            FLOW_END ||
        run_type(l->run, "\r", 1) == FLOW_END)
        return FLOW_END;
    return login_await_shell(l, m);
}
