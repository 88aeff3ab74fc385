// SPDX-License-Identifier: Apache-2.0
// Finds scenario files. Private to the command.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>

// Paths, owned; in the order of the arguments, folders in that of their names.
struct path_list {
    size_t count;
    char **paths;
};

// Adds a file, or the *.tc files below a folder, with shared the *.tci files,
// too. A folder below it that holds a file `.toyvmm-skip` is left out, and so
// are hidden ones. The same file twice is one. 0 or a negative errno.
int discover(struct path_list *list, const char *path, bool shared,
             struct error *err);
// Adds a path as it is.
int path_list_add(struct path_list *list, const char *path, struct error *err);
void path_list_free(struct path_list *list);
