// SPDX-License-Identifier: Apache-2.0
// The parts of a login: what it looks for on the console (login_sights.c), from
// the prompt to the name (login.c), from the password to the shell
// (login_shell.c). For these files only.
#pragma once

#include "harness/runner/steps.h"

enum sight {
    SEES_REFUSED, // words of a refusal, which a greeting may have as well
    SEES_LOGIN,   // prompts at the end of what was printed
    SEES_PASSWORD,
    SEES_SHELL,
    SEES_BURIED_LOGIN,    // prompts that so much follows that they won't be the
    SEES_BURIED_PASSWORD, // end any more
    SEES_ANY_PASSWORD,    // wherever it is
    SEES_NOISE,           // many lines that are not the kernel's
    SEES_ECHO,            // the user's name, at the end of its line
    SEES_ANSWER,          // of a shell that was asked to print a marker
    SEES_NO_SHELL,        // the question was taken for a user's name
    SIGHTS,
};

// One login. Owned by the step.
struct login {
    struct run *run;
    const struct step *step;
    char *user, *password;
    size_t user_len, password_len;
    char *words; // that may be a refusal: what follows says it; or NULL
    struct pattern *owned[SIGHTS];
    const struct pattern *patterns[SIGHTS];
};

// Puts the step's texts and patterns together; false when the run has failed.
// login_dispose must follow either way.
bool login_prepare(struct login *l);
void login_dispose(struct login *l);

// Makes SEES_ANSWER and SEES_NO_SHELL, once, for a new marker. False when the
// run has failed.
bool login_expect_answer(struct login *l, uint32_t *marker);

// Silence after which something is done about it, and after which a prompt may
// be called the last one.
#define LOGIN_PATIENCE (3 * NS_PER_S)
#define LOGIN_SETTLE   (300 * NS_PER_MS)

// A wait for what; quiet_ns, unscaled, is the silence that ends it, if not 0.
struct wait login_wait_for(const struct login *l, uint64_t quiet_ns,
                           const char *what);

// Waits for one of n sights; *seen is which. Once there are words of a refusal,
// the machine's end and the deadline make them one: WAIT_FAILED then.
enum wait_outcome login_look(struct login *l, struct wait *w,
                             const enum sight *sights, size_t n,
                             enum sight *seen);

// Presses Enter.
enum flow login_nudge(struct login *l);

// The first words that may be a refusal stay.
void login_keep_words(struct login *l, const struct match *m);

// The verdict, with the words. Returns FLOW_END.
enum flow login_refused(struct login *l);

// Types the password, and waits for the shell; or waits for the shell; or asks
// whether one is there. *m is the last that was seen of it.
enum flow login_give_password(struct login *l, struct match *m);
enum flow login_await_shell(struct login *l, struct match *m);
enum flow login_ask_shell(struct login *l, struct match *m);
