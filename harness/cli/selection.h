// SPDX-License-Identifier: Apache-2.0
// Which scenarios a command line means. Private to the command.
#pragma once

#include "harness/cli/options.h"

#include <stdio.h>

// One scenario file, read and without errors. Owned by the selection.
struct selected {
    char *path;
    char *suite, *name; // folder and file, without .tc; unique together
    struct scenario *scenario;
};

struct selection {
    size_t count;
    struct selected *list;
};

// Finds the files, reads all of them, applies --filter and --tags. What is
// wrong with scenarios is written to log, everything at once. 0; -EINVAL with
// err filled when a file is missing or wrong, or nothing was selected.
int selection_make(struct selection *s, const struct options *o, FILE *log,
                   struct error *err);
void selection_free(struct selection *s);
