// SPDX-License-Identifier: Apache-2.0
// What differs between two texts, as people know it from diff -u. Private to
// the command.
#pragma once

#include "src/base/error.h"

#include <stddef.h>
#include <stdio.h>

// Writes how `old` becomes `new`, with three lines of context, under the heads
// "--- name" and "+++ name (note)". Nothing when they are equal. 0, or -ENOMEM.
int diff_print(FILE *f, const char *name, const char *note, const char *old,
               const char *new, struct error *err);
