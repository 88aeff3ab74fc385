// SPDX-License-Identifier: Apache-2.0
// What was read of toyvmm.conf. For conf*.c only.
#pragma once

#include "harness/cli/conf.h"
#include "harness/cli/conf_words.h"
#include "harness/cli/options_internal.h"

// A line of it. value: NULL for an option that has none.
struct conf_line {
    const struct row *row;
    char *value;
    unsigned line;
};

// What the lines of a block say is in values, of which those rows are given.
struct conf_block {
    const char *glob;
    unsigned line;
    struct options values;
};

struct conf {
    char *path;
    struct conf_words words;
    size_t nlines, nblocks, npaths;
    struct conf_line *lines;
    struct conf_block *blocks;
    char **paths; // that lines name, as seen from the working directory
};

// Reads all of c->path, whose errors are counted in c->words. 0, -ENOMEM, or
// another negative errno with a clause.
int conf_read(struct conf *c, FILE *log, struct error *err);

// The file's folder with its slash: "" for the working directory.
void conf_folder(const struct conf *c, char *out, size_t size);
