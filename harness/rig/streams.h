// SPDX-License-Identifier: Apache-2.0
// Connects the launcher's own stdin, stdout and stderr to a relay, so that
// no slow reader or writer of them ever blocks the launcher.
#pragma once

#include "harness/rig/job.h"
#include "harness/rig/relay.h"
#include "harness/rig/terminal.h"

// Opens /dev/null for those of 0, 1, 2 that are closed, so that no other
// descriptor takes their number. Call it after the job has been prepared.
void streams_fill_gaps(void);

// Adds stdout, stderr and the terminal's output. 0 or -ENOMEM.
int streams_add_outputs(struct relay *relay, const struct job_state *state,
                        const struct terminal *terminal);

// Adds stdin or the terminal's keys, once the command runs.
void streams_add_input(struct relay *relay, const struct job_state *state);

// NULL, or the name of the output that failed for another reason than a
// reader that went away; *cause is its errno.
const char *streams_failed(const struct relay *relay, int *cause);
