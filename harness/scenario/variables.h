// SPDX-License-Identifier: Apache-2.0
// A scenario's variables: settings, named groups, captures of `run`, metrics.
// Used by the runner only.
#pragma once

#include "harness/scenario/ast.h"
#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct variable {
    char *name;
    char *text; // NUL-terminated besides
    size_t len;
    bool has_status; // a capture's exit status
    long status;
    bool has_number; // a metric
    double number;
};

// Owned by the run; variables live until variables_free, setting one again
// replaces it.
struct variables {
    size_t count;
    struct variable *list;
};

void variables_free(struct variables *v);

// NULL when there is none of that name.
const struct variable *variables_find(const struct variables *v,
                                      const char *name);

// Sets the text (copied). The variable, or NULL when out of memory; valid
// until the next call.
struct variable *variables_set(struct variables *v, const char *name,
                               const char *text, size_t len);

// Joins the pieces of t. quoted: each variable is made to stand for itself in
// a pattern. A heap string with its length in *len; NULL with err filled when
// a variable is not set, or out of memory.
char *variables_expand(const struct variables *v, const struct text *t,
                       bool quoted, size_t *len, struct error *err);

// Takes the scenario's `set` lines, in their order. 0 or a negative errno.
int variables_take_settings(struct variables *v, const struct scenario *s,
                            struct error *err);
