// SPDX-License-Identifier: Apache-2.0
// How a function of this project fails: it returns a negative errno and fills
// a struct error with one sentence that a user understands. Nothing below
// harness/cli prints or exits.
#pragma once

#include <stdarg.h>
#include <stddef.h>

// Plain value, owned by the caller; text is empty until something failed.
struct error {
    char text[512];
};

// ---- Within the project; left out where the header is installed ------------

// Formats the sentence and returns code, so that an error path is one line:
//     return error_set(err, -EINVAL, "%s: empty file", path);
// err may be NULL. A message that doesn't fit ends in "...".
int error_set(struct error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// As error_set, followed by ": " and the text of errno_value (positive).
int error_errno(struct error *err, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// Puts "prefix: " before a sentence that is already there; returns code.
int error_prefix(struct error *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
