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
    // The `use` that took the file in, the one that took that file in, ...
    size_t nincluded;
    const struct source_pos *included_from;
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

// A file's bytes, and what tells it from other files, however it is called.
struct file_text {
    char *bytes; // a heap block of len bytes, not NULL
    size_t len;
    uint64_t identity[2];
};

// How the reader gets at files. read fills *out with all of the file at path,
// or with most + 1 bytes of a larger one; the caller frees the bytes. `used` is
// true for the file of a `use`. 0, or a negative errno with a clause in err:
// "No such file or directory".
struct file_reader {
    int (*read)(void *owner, const char *path, bool used, size_t most,
                struct file_text *out, struct error *err);
    void *owner;
};

// Parses a file and those that it uses. 0 with *out filled (warnings possible),
// -EINVAL when there are errors (in diags), another negative errno when the
// file can't be read or is a .tci (err says why).
int scenario_read(const char *path, const struct file_reader *reader,
                  const struct override *overrides, size_t noverrides,
                  struct scenario **out, struct diagnostics *diags,
                  struct error *err);
// The same with the files of the disk.
int scenario_load(const char *path, const struct override *overrides,
                  size_t noverrides, struct scenario **out,
                  struct diagnostics *diags, struct error *err);
// The same on text in memory, which can `use` nothing; path is used in messages
// only.
int scenario_parse(const char *path, const char *text, size_t len,
                   const struct override *overrides, size_t noverrides,
                   struct scenario **out, struct diagnostics *diags,
                   struct error *err);
void scenario_free(struct scenario *s);
void diagnostics_free(struct diagnostics *d);

// "file:line:column: error: message", the source line, a caret, the hint and
// what included the file, as one heap string (the caller frees). NULL when out
// of memory.
char *diagnostic_format(const struct diagnostic *d);

// How one of the kernel's reports ends.
enum report_end {
    REPORT_LINE,  // with the line that its pattern matches
    REPORT_STACK, // </TASK>, after a call trace
    REPORT_TRACE, // ---[ end trace 0123456789abcdef ]---
    REPORT_RULE,  // a ruler of ====
    REPORT_PANIC, // ---[ end Kernel panic ... ]---, or that it reboots
};

// How grave it is. A graver one that follows at once is its consequence.
enum report_grade {
    REPORT_WARNS, // the kernel goes on
    REPORT_KILLS, // whoever ran is killed
    REPORT_DIES,  // nothing follows
};

// The built-in kernel failure patterns: name ("panic", "oops", ...), pattern
// (to be compiled with no flags; it tells lines apart by itself) and what it
// means, a clause. A line that several match belongs to the first. `allow NAME`
// allows the lines that NAME's pattern matches, and the report they begin. NULL
// after the last.
struct builtin_fail {
    const char *name;
    const char *pattern;
    const char *meaning;
    enum report_end end;
    enum report_grade grade;
    const char *parts; // names that lines within it may have as well, or NULL
    // The title is the label (or NULL) and the line, from behind the first of
    // `from` that is in it, up to the first of `until`; with `where` also the
    // function.
    const char *label;
    const char *from[2];
    const char *until;
    bool where;
};
const struct builtin_fail *builtin_fail_at(size_t index);

// The marks that every run has: "process_start", ... NULL after the last.
const char *builtin_mark_at(size_t index);
