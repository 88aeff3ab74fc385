// SPDX-License-Identifier: Apache-2.0
// The report files that the command line asks for: checked before anything is
// booted, written when all is over. Private to the command.
#pragma once

#include "harness/cli/options.h"

#include <stdio.h>

// One run's files. Owned by the command.
struct report_files {
    const char *const *paths; // of options
    int stdout_fd; // the real standard output while a report needs it; or -1
};

// Can all of them be written? -EINVAL for two on standard output, or another
// negative errno; with a sentence.
int report_files_check(const struct options *o, struct error *err);

// From now on standard output is for a report alone, if one goes there: what
// the command, and the processes that it starts, tell a person goes to
// standard error. 0 or a negative errno.
int report_files_begin(struct report_files *files, const struct options *o,
                       struct error *err);

// Writes them all and frees what begin made. What can't be written is told on
// complaints, and the others are written nevertheless; 0 or the last negative
// errno. Standard output stays redirected.
int report_files_end(struct report_files *files, const struct report_run *run,
                     FILE *complaints);
