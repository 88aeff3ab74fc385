// SPDX-License-Identifier: Apache-2.0
// What a step's words come to: its texts and patterns with their variables put
// in, comparisons, blocks of steps (README.md).
#pragma once

#include "harness/runner/waiting.h"

// ---- Blocks (block.c) -------------------------------------------------------

// Runs the steps of a block, each by r->steps.
enum flow run_block(struct run *r, const struct block *b);

// ---- Texts and patterns (words.c) -------------------------------------------

// The pattern of a node with its variables put in; *owned must be freed with
// pattern_free (it may be NULL). NULL when the run has failed.
const struct pattern *run_pattern(struct run *r, const struct pattern_node *n,
                                  struct pattern **owned);

// Text with its variables put in, a heap string; NULL when the run has failed.
char *run_text(struct run *r, const struct text *t, size_t *len);

// The named groups of a match become variables. False when out of memory.
bool run_take_groups(struct run *r, const struct pattern *p,
                     const struct match *m);

// ---- Comparing (compare.c) --------------------------------------------------

// NAME OP VALUE for `if` and `check`: 1 true, 0 false, -1 when it can't be
// said (the run has failed). seen, a heap string, gets what NAME is.
int run_compare(struct run *r, const char *name, enum compare_op op,
                const struct value *value, char **seen);

// Two values in that order: -1, 0 or 1 of them, or what a comparison wants.
int compare_order(double a, double b);
bool compare_holds(int order, enum compare_op op);
// A number or a quantity as a number.
double compare_number(const struct value *v);
