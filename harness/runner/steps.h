// SPDX-License-Identifier: Apache-2.0
// The statements: one function each, none of which knows another
// (README.md). step_table in steps.c has them all.
#pragma once

#include "harness/runner/words.h"

enum flow step_login(struct run *r, const struct step *s); // login.c
enum flow step_run(struct run *r, const struct step *s);   // shell.c
enum flow step_ktap(struct run *r, const struct step *s);  // ktap_step.c
enum flow step_check(struct run *r, const struct step *s); // check.c
enum flow step_expect(struct run *r, const struct step *s);
enum flow step_expect_one(struct run *r, const struct step *s);
enum flow step_expect_event(struct run *r, const struct step *s);
enum flow step_expect_idle(struct run *r, const struct step *s); // expect.c
enum flow step_poweroff(struct run *r, const struct step *s);    // poweroff.c
enum flow step_reset(struct run *r, const struct step *s);
enum flow step_nmi(struct run *r, const struct step *s); // control.c
enum flow step_power(struct run *r, const struct step *s);

// How a statement is run, by enum step_kind.
extern const run_step_function step_table[];

// A marker that nobody can know before it is typed; a fixed nonce makes it
// repeatable for recordings. (shell.c)
uint32_t run_marker(struct run *r);
