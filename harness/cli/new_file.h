// SPDX-License-Identifier: Apache-2.0
// Files that a command makes in the user's tree. Private to the command.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <sys/types.h>

// Writes text to path, whole or not at all; folders above it are made. mode:
// the file's permissions, less the process's umask. force: in place of a file
// that is there, else -EEXIST.
int new_file_write(const char *path, const char *text, mode_t mode, bool force,
                   struct error *err);
