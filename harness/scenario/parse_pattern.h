// SPDX-License-Identifier: Apache-2.0
// What the pattern's parser and its error messages share. For parse_pattern.c
// and pattern_error.c only.
#pragma once

#include "harness/scenario/parser.h"
#include "harness/scenario/pattern_scan.h"

// A pattern as PCRE2 is given it while the file is read: with something in each
// variable's place.
struct trial {
    const struct token *token;
    struct pattern_scan scan;
    char *text; // NUL-terminated besides
    size_t len;
};

// What stands for a variable in a trial.
const char *trial_value(enum variable_place place);

// Where byte `offset` of the trial stands in the source.
const char *trial_source(const struct trial *t, size_t offset);

// pattern_error.c: reports PCRE2's error `number` (0: none of its own) at a
// byte of the trial.
void report_pattern(struct parser *p, const struct trial *t, int number,
                    size_t offset, const char *message);
