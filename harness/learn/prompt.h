// SPDX-License-Identifier: Apache-2.0
// What a guest prints when it wants something typed: which kind it is, and the
// patterns that wait for it. For harness/learn only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum prompt_kind {
    PROMPT_NONE, // nothing stands there
    PROMPT_OTHER,
    PROMPT_LOGIN,
    PROMPT_PASSWORD,
    PROMPT_SHELL,
};

// Bytes of a prompt that are kept: its end.
#define PROMPT_MAX 160

struct prompt {
    enum prompt_kind kind;
    bool posix; // a shell that `run` can use, by the mark that it ends with
    size_t len;
    char text[PROMPT_MAX + 1]; // UTF-8
};

// The prompt that text, filtered console text, ends with: its last line, which
// has no end.
void prompt_take(struct prompt *p, const char *text, size_t len);

// Whether b can be the next prompt of the shell that has printed a: only what
// stands before its mark has changed.
bool prompt_same_shell(const struct prompt *a, const struct prompt *b);

// ---- Patterns ---------------------------------------------------------------

// Prompts that are one but for what changes. What does is left open in its
// pattern, all else is literal.
struct prompt_class {
    struct prompt first;
    size_t nothers;
    char *others[16]; // that differ from it, owned
};

struct prompts {
    size_t count, cap;
    struct prompt_class *list;
};

// The class of p, a new one if need be. SIZE_MAX: out of memory.
size_t prompts_add(struct prompts *all, const struct prompt *p);
void prompts_free(struct prompts *all);

// Writes the pattern, /root@a:.*# $/ or what the class needs.
void prompts_put(FILE *f, const struct prompts *all, size_t which);

// Writes /TEXT/ for a text that stands for itself (UTF-8 without control
// characters); with digits, any numbers for those in it. before and after
// stand before and behind it as they are.
void pattern_put(FILE *f, const char *before, const char *text, size_t len,
                 bool digits, const char *after);
