// SPDX-License-Identifier: Apache-2.0
// A program's command line, word by word.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define COMMAND_WORDS_MAX 128

// Pointers into the text that follows them, so it stays where it is. Init with
// zeros.
struct command_line {
    const char *argv[COMMAND_WORDS_MAX + 1];
    size_t count;
    char text[PATH_MAX * 4 + 8192];
    size_t used;
    bool full; // a word found no room
};

// Adds a word.
void command_add(struct command_line *line, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
