// SPDX-License-Identifier: Apache-2.0
// --record and --replay: which file belongs to which case. Private to the
// command.
//
// One case: the file that was named. Several, or a folder that was named:
// NAME.tvr in that folder for each, SUITE.NAME.tvr (slashes become dots) where
// two cases have one name. A replay takes the longer name if it is there.
#pragma once

#include "harness/cli/selection.h"
#include "harness/suite/suite.h"

// A path for each of the selection's cases; all NULL when there is neither
// option. Owned; recordings_free frees it.
struct recordings {
    size_t count;
    char **record, **replay;
    bool many;    // they are in a folder
    double scale; // of replays: what the longest of their deadlines is times
};

// Before anything boots. --record: makes the folder if there must be one, and
// finds out whether each file can be written. --replay: whether each is a
// recording. Cases that are skipped need none. -EINVAL or another negative
// errno with a sentence.
int recordings_make(struct recordings *r, const struct options *o,
                    const struct selection *s, struct error *err);
void recordings_free(struct recordings *r);

// What of o's --record the rig must be able to write, into out[SUITE_PATH];
// NULL: nothing.
const char *recordings_output(const struct recordings *r,
                              const struct options *o, char out[4200]);

// Tells, for each result that has it, that its recording failed. True when one
// did.
bool recordings_complain(const struct suite_run *run, FILE *log);
