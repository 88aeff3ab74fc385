// SPDX-License-Identifier: Apache-2.0
// Texts and patterns whose variables have values: joining, quoting, compiling.
// For harness/scenario only: the runner has variables of its own.
#pragma once

#include "harness/scenario/ast.h"
#include "src/base/error.h"

// No text grows longer by its variables' values (bytes). Without a limit each
// variable that holds ten others would hold ten times as much.
#define TEXT_MAX_BYTES ((size_t)1 << 20)

// The value of a variable: its bytes (may hold NUL) and *len, or NULL when it
// has none. The bytes must stay until the call that asked returns.
typedef const char *lookup_fn(void *owner, const char *name, size_t *len);

// Joins the pieces of t into *joined: a heap string, NUL-terminated besides,
// that the caller frees. 0; -ENOENT when a variable has no value, -E2BIG when
// the text is too long, -ENOMEM (*joined is NULL).
int text_join(const struct text *t, lookup_fn *lookup, void *owner,
              char **joined, size_t *len, struct error *err);

// A pattern with the present values of its variables, which stand for
// themselves whatever characters they hold, in a character class too. The
// caller frees it with pattern_free. NULL with err: a variable has no value, it
// is too long, or it doesn't compile.
struct pattern *pattern_node_compile(const struct pattern_node *node,
                                     lookup_fn *lookup, void *owner,
                                     struct error *err);
