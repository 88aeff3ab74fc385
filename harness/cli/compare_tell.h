// SPDX-License-Identifier: Apache-2.0
// What `compare` and `gate` say of their verdicts, whatever they were made
// from: terminal, JSON, Markdown, exit code. Private to the command.
#pragma once

#include "harness/cli/options.h"
#include "harness/history/acknowledge.h"
#include "harness/history/compare_report.h"

#include <stdbool.h>
#include <stdio.h>

// One comparison of two sides, of one scenario or several. Strings are
// borrowed.
struct telling {
    const struct options *o;
    const char *base, *head; // names of the sides
    struct compare_options how;
    const char *warning; // on noise, or ""
    bool exact;          // boots of the exact rig, compared seed by seed

    // Of --acknowledged: its lines, and whether a line's commit lies between
    // the two sides. NULL: the CI's commit is head's.
    struct acknowledgements known;
    bool (*covers)(void *owner, const char *commit);
    void *covers_owner;
    size_t acknowledged; // marks that are slower, which is known

    // What came out so far: a mark is slower; head fails where base boots.
    bool slower, failing;
    bool open, unmeasured;

    struct told_file {
        FILE *f; // NULL: not wanted
        char *bytes;
        size_t len;
    } json, summary;
};

// The options of the comparison: of the exact rig's with --exact. -EINVAL when
// a report can't be written.
int telling_begin(struct telling *t, const struct options *o,
                  struct error *err);

// What follows is of the exact rig, or no more: options, digits, warning.
void telling_exact(struct telling *t, bool exact);

// Adds a scenario's verdicts, title being what a person reads and name
// FOLDER/FILE, and of marks that are slower what grew between
// the boots of the two sides (NULL: it isn't known). 0 or -ENOMEM.
int telling_case(struct telling *t, const char *title, const char *name,
                 const struct compared_mark *marks, size_t nmarks,
                 const struct cause_side sides[2], struct error *err);

// Adds a scenario of which nothing can be said, and why, in a sentence.
void telling_unmeasured(struct telling *t, const char *scenario,
                        const char *why);

// The boots of one side: those that passed, those that didn't, and why the
// first of these didn't, or NULL.
struct told_boots {
    size_t passed, failed;
    const char *why;
};

// Tells of boots that failed. True when nothing can be said of the times: when
// more than one in ten of a side failed. A head that fails so where base
// doesn't is worse than slow.
bool telling_failures(struct telling *t, const char *scenario,
                      const struct told_boots *base,
                      const struct told_boots *head);

// Writes the files, prints the gate's word unless the comparison has no end,
// and returns the exit code: 1 when head doesn't boot, of a gate also when a
// mark is slower; 3 when something could not be measured.
int telling_end(struct telling *t, bool interrupted);
