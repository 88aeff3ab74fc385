// SPDX-License-Identifier: Apache-2.0
// --history and --results: what of a run is kept for later. Private to the
// command.
//
// In the rig neither can be had: a database wants locks that reach the host, or
// a network, and the host's processor can't be seen. So the command that enters
// the rig for such a run stays, as the rig's parent. The one inside hands its
// results over as a file in a private folder, and the one outside keeps them.
#pragma once

#include "harness/cli/accel.h"
#include "harness/cli/boots.h"
#include "harness/report/bundle.h"
#include "harness/suite/suite.h"

// The variable that names that folder, in the rig only, and its file.
#define KEEP_HANDOVER "TOYVMM_HANDOVER"
#define KEEP_RESULTS  "results"

struct keep {
    const char *history, *results; // of the options, or NULL
    const char *inside; // in the rig: the folder that results are handed over
                        // in; else NULL
    const char *split;  // of --shard, borrowed, or NULL
    uint64_t began_ns;
    struct bundle bundle; // what was run so far
};

// Before anything boots, k zeroed but for split: can the results' file be
// written, and the history be opened? It is migrated. Does nothing without both
// options. 0 or a negative errno.
int keep_begin(struct keep *k, const struct options *o, struct error *err);

// True when results are wanted.
bool keep_wants(const struct keep *k);

// Takes the results of boots that ran, which must live until keep_end. 0 or
// -ENOMEM.
int keep_boots(struct keep *k, const struct boots *b,
               const struct suite_run *run);

// Writes what was taken. 0, or a negative errno with a sentence for each that
// failed on complaints; what can be kept is kept.
int keep_end(struct keep *k, FILE *complaints);
void keep_free(struct keep *k);

// Runs the command line in the rig, as a child, and keeps what it hands over.
// names: the cases that it must run (--shard), or NULL. *exit_code is the
// command's; a negative errno when the rig could not be started.
int keep_in_rig(struct keep *k, int argc, char **argv, struct rig_needs *needs,
                const struct selection *names, int *exit_code,
                struct error *err);

// Adds a bundle to the history at url, and says how many runs those were. 0 or
// a negative errno.
int keep_in_history(const char *url, const struct bundle *b, bool quiet,
                    struct error *err);

// In the rig: opens the list of cases that keep_in_rig left, one "suite/name"
// in a line; NULL when there is none.
FILE *keep_open_cases(void);
