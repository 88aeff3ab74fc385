// SPDX-License-Identifier: Apache-2.0
// What a login looks for on the console, for login.c only.
#pragma once

#include "harness/runner/run.h"

enum sight {
    SEES_REFUSED,
    SEES_LOGIN, // prompts at the end of what was printed
    SEES_PASSWORD,
    SEES_SHELL,
    SEES_BURIED_LOGIN,    // prompts that so much follows that they won't be the
    SEES_BURIED_PASSWORD, // end any more
    SEES_ANY_PASSWORD,    // wherever it is
    SEES_NOISE,           // many lines that are not the kernel's
    SEES_ECHO,            // the user's name, at the end of its line
    SEES_ANSWER,          // of a shell that was asked to print a marker
    SIGHTS,
};

// One login. Owned by the step.
struct login {
    struct run *run;
    const struct step *step;
    char *user, *password;
    size_t user_len, password_len;
    struct pattern *owned[SIGHTS];
    const struct pattern *patterns[SIGHTS];
};

// Puts the step's texts and patterns together; false when the run has failed.
// login_dispose must follow either way.
bool login_prepare(struct login *l);
void login_dispose(struct login *l);

// Makes SEES_ANSWER, once, for a new marker. False when the run has failed.
bool login_expect_answer(struct login *l, uint32_t *marker);
