// SPDX-License-Identifier: Apache-2.0
// Parts of a scenario in words. For explain*.c only.
#pragma once

#include "harness/scenario/scenario.h"

#include <stdio.h>

// Whose words they are: variables of the header that no step changes are shown
// with their values.
struct words {
    FILE *f;
    const struct scenario *scenario;
};

// "text" as the language writes it, variables as ${name} or with their value.
void words_text(const struct words *w, const struct text *t);
// /pattern/flags on one line.
void words_pattern(const struct words *w, const struct pattern_node *n);
// "15", "30 s", "256M" or a text.
void words_value(const struct words *w, const struct value *v);
// "==" and its like.
const char *words_compare(enum compare_op op);
// "250 ms", "1.5 s".
void words_duration(FILE *f, uint64_t ns);
// "line 3", or "file:3" when that is another file than the scenario's own.
void words_place(const struct words *w, const struct source_pos *pos);

// The steps, numbered, a line each; explain_steps.c.
void words_steps(const struct words *w);
