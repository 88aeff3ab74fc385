// SPDX-License-Identifier: Apache-2.0
// From a run's results to the history's rows. Used by the command line.
#pragma once

#include "harness/history/history.h"
#include "harness/report/bundle.h"

// Says what the bundle's host, commit and images are where that is not known
// yet: to be called on the host itself, whose files these are. An image is read
// once; one that is gone meanwhile stays unknown. 0 or -ENOMEM.
int samples_identify(struct bundle *b, struct error *err);

// Adds what was booted; skipped cases, replays, machines that could not be
// made, and the base of a comparison (which is not this commit's) are none.
// Entries that the history has already are left as they are. The guest's own
// readings ("kernel.init") become marks, without CPU time, its slowest
// initcalls samples of the name "initcall:NAME" (causes.h). *added is how many
// were given to the history. 0 or a negative errno.
int samples_add(struct history *h, const struct bundle *b, size_t *added,
                struct error *err);

// "suite/name" of an entry without a measured boot's number, into out.
#define SAMPLES_SCENARIO 512
const char *samples_scenario(const struct bundle_entry *e,
                             char out[SAMPLES_SCENARIO]);
