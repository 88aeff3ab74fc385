// SPDX-License-Identifier: Apache-2.0
// Files of lines with words in them: known failures, acknowledged changes. All
// that is wrong with one is told at once, with its place. Private to the
// command.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// The file while it is read.
struct lines {
    const char *path;
    FILE *log;
    char *line; // the current one, without its newline
    unsigned number;
    size_t errors;
};

// A part of the current line.
struct word {
    const char *at;
    size_t len;
};

// The next word at *at, which moves behind it; len 0 at the line's end.
struct word word_next(const char **at);
// All that is left, without blanks around it.
struct word word_rest(const char *at);
// Empty lines and those that begin with # say nothing.
bool word_is_nothing(const struct word *first);
// A day of the calendar (YYYY-MM-DD, UTC): its end in seconds since 1970.
bool word_day(const struct word *w, int64_t *end);

// Tells what is wrong at a word of the current line. -EINVAL.
int lines_wrong(struct lines *l, const struct word *w, const char *message,
                const char *hint);

// Calls take for each line; what it says is wrong is told to log by
// lines_wrong and does not end the reading, -ENOMEM does. option ("--known") is
// for the sentence of an error. 0 or a negative errno.
int lines_read(const char *option, const char *path, FILE *log,
               int (*take)(void *owner, struct lines *l), void *owner,
               struct error *err);
