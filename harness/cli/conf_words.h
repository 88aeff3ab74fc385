// SPDX-License-Identifier: Apache-2.0
// toyvmm.conf cut into words, and what is wrong with it told as of a scenario.
// For conf*.c only.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// No project has so much to say.
#define CONF_MAX_BYTES ((size_t)1 << 20)

enum conf_kind {
    CONF_END,
    CONF_NEWLINE,
    CONF_WORD, // up to a blank, brace or quote
    CONF_TEXT, // "..." or '...'
    CONF_OPEN,
    CONF_CLOSE,
    CONF_BAD, // was told
};

struct conf_word {
    enum conf_kind kind;
    const char *begin, *end; // in the file
    const char *line_begin;
    unsigned line;
    char *value; // of WORD and TEXT: what it means
};

// One file. The texts live as long as it does.
struct conf_words {
    const char *path; // borrowed
    FILE *log;        // where errors are told
    char *text;       // NUL-terminated; owned
    char *values;     // room for what words mean; owned
    char *room;       // what of it is free
    const char *at, *line_begin;
    unsigned line;
    size_t errors;
};

// Reads the file, which must be a regular one. 0, or a negative errno with a
// clause in err ("No such file or directory"). Free it either way.
int conf_words_open(struct conf_words *w, const char *path, FILE *log,
                    struct error *err);
void conf_words_free(struct conf_words *w);

struct conf_word conf_next(struct conf_words *w);
// Behind the line that word stands on.
void conf_skip_line(struct conf_words *w, const struct conf_word *word);

// Tells of an error about a word, and counts it. hint may be NULL.
void conf_wrong(struct conf_words *w, const struct conf_word *word,
                const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
