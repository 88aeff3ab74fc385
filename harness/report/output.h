// SPDX-License-Identifier: Apache-2.0
// A report's way to its file: checked before anything boots, never
// half-written. Used by every report.
#pragma once

#include "src/base/error.h"

#include <stdio.h>

// Finds out whether a report can be written to path by making and removing a
// temporary file beside it. 0, or a negative errno with a sentence (no such
// directory, read-only, path is a directory). "-" is standard output.
int output_check(const char *path, struct error *err);

// Calls write(file, owner) on a temporary file beside path and renames it to
// path, whose permissions it takes, when both write and the flush to disk
// worked. A path that exists and is
// no regular file (a pipe, /dev/null), or "-", is written directly. Returns 0
// or a negative errno; path is as before then.
int output_write(const char *path, int (*write)(FILE *f, const void *owner),
                 const void *owner, struct error *err);

// Calls write at the end of a file that may be there already, and that others
// may add to as well (a CI's page of a run). It is made when it isn't there.
// Returns 0 or a negative errno.
int output_append(const char *path, int (*write)(FILE *f, const void *owner),
                  const void *owner, struct error *err);
