// SPDX-License-Identifier: Apache-2.0
// --known-failures: scenarios that are expected to fail, for a reason, an owner
// and a time. Private to the command.
//
// A line for each: SCENARIO UNTIL OWNER REASON, blanks between; the reason is
// the rest of the line. SCENARIO is a name or a glob, as for --filter; UNTIL is
// the last day (UTC) on which that is expected, YYYY-MM-DD. Empty lines and
// those that begin with # say nothing.
#pragma once

#include "harness/cli/selection.h"

#include <stdio.h>

// Seconds since 1970 at which a line that holds until then is expired.
struct known_failure {
    char *pattern, *until, *owner, *reason;
    int64_t expires;
    unsigned line;
};

struct known_failures {
    const char *path; // borrowed
    size_t count;
    struct known_failure *list;
};

// Reads the file. All that is wrong with it is written to log; 0, or -EINVAL
// and a sentence. Free it either way.
int known_load(struct known_failures *k, const char *path, FILE *log,
               struct error *err);
void known_free(struct known_failures *k);

// Tells each selected case what is known of it at this time (seconds since
// 1970): by the first line that fits and is not expired, else by the first that
// fits. 0 or -ENOMEM.
int known_apply(const struct known_failures *k, int64_t now,
                struct selection *s);

// Both, when there is a file (path may be NULL).
int known_take(const char *path, int64_t now, struct selection *s, FILE *log,
               struct error *err);
