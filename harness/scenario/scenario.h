// SPDX-License-Identifier: Apache-2.0
// Reads a scenario file: lexer, parser and checks in one call, all its errors
// at once. Needs no machine and runs nothing.
#pragma once

#include "harness/scenario/ast.h"
#include "src/base/error.h"

enum severity { SEVERITY_ERROR, SEVERITY_WARNING };

// One thing that is wrong. Strings belong to the list.
struct diagnostic {
    enum severity severity;
    struct source_pos pos;
    unsigned width;      // how many columns the caret underlines, at least 1
    const char *message; // "unknown statement `expct`"
    const char *hint;    // "did you mean `expect`?", or NULL
    const char *line;    // the source line, without its newline
};

struct diagnostics {
    size_t count;
    size_t errors;
    struct diagnostic *list;
    void *arena;
};

// Variables given on the command line (--set NAME=VALUE); they override `set`.
struct override {
    const char *name;
    const char *value;
};

// Parses the file. 0 with *out filled (warnings possible), -EINVAL when there
// are errors (in diags), another negative errno when the file can't be read
// (err says why).
int scenario_load(const char *path, const struct override *overrides,
                  size_t noverrides, struct scenario **out,
                  struct diagnostics *diags, struct error *err);
// The same on text in memory; path is used in messages only.
int scenario_parse(const char *path, const char *text, size_t len,
                   const struct override *overrides, size_t noverrides,
                   struct scenario **out, struct diagnostics *diags,
                   struct error *err);
void scenario_free(struct scenario *s);
void diagnostics_free(struct diagnostics *d);

// "file:line:column: error: message", the source line, a caret and the hint, as
// one heap string (the caller frees). NULL when out of memory.
char *diagnostic_format(const struct diagnostic *d);

// The built-in kernel failure patterns: name ("panic", "oops", ...), pattern
// (to be compiled with no flags; it tells lines apart by itself) and what it
// means, a clause. A line that several match belongs to the first. `allow NAME`
// allows the lines that NAME's pattern matches. NULL after the last.
struct builtin_fail {
    const char *name;
    const char *pattern;
    const char *meaning;
};
const struct builtin_fail *builtin_fail_at(size_t index);

// The marks that every run has: "process_start", ... NULL after the last.
const char *builtin_mark_at(size_t index);
