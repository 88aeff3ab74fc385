// SPDX-License-Identifier: Apache-2.0
// Which scenarios, and which of their cases, a command line means. Private to
// the command.
#pragma once

#include "harness/cli/cases.h"
#include "harness/cli/options.h"

#include <stdio.h>

// One case of a scenario file, read and without errors. Owned by the selection.
struct selected {
    char *path;
    char *suite, *name; // folder; file without .tc, and case: unique together
    struct test_case what;
    // Why it is not run, and what says so (file:line:column); or NULL: needs.h.
    char *skip, *skip_where;
    // Why it is expected to fail, and what says so (file:line); or NULL:
    // known.h. Expired: it was expected to, and is not any more.
    char *known, *known_where;
    bool known_expired;
    // What conf_select has found: conf.h. Of selections that it did not see,
    // and of a file without blocks, all is as the options and scenarios say.
    char *seen; // its folder as the project's file sees it, or NULL; owned
    bool has_machine;
    struct guest_overrides machine;
    unsigned attempts;   // at most; 0: as --retries says
    uint64_t timeout_ns; // instead of the scenario's own; 0: that
};

// "FOLDER/FILE" into out; returns it.
#define SELECTED_NAME 512
const char *selected_name(const struct selected *one, char out[SELECTED_NAME]);

struct selection {
    size_t count;
    struct selected *list;
    size_t files; // how many were read
    struct tally tally;
};

// Finds the files, reads all of them, applies --filter and --tags. What is
// wrong with scenarios is written to log, everything at once. 0; -EINVAL with
// err filled when a file is missing or wrong, or nothing was selected; the
// numbers are good then, too.
int selection_make(struct selection *s, const struct options *o, FILE *log,
                   struct error *err);

// Does a filter mean the case? It is a name or a glob; with the folder or
// without, with the case of a `matrix` or without.
bool selected_matches(const struct selected *one, const char *filter);
// The case's own overrides, or those of all.
const struct guest_overrides *
selected_machine(const struct selected *one, const struct guest_overrides *all);
// Prints names and titles (--list).
void selection_list(FILE *f, const struct selection *s);
// Prints what --check found, after all errors.
void selection_tally(FILE *f, const struct selection *s);
// Takes one case out.
void selection_drop(struct selection *s, size_t index);
void selection_free(struct selection *s);
