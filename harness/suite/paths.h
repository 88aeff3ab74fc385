// SPDX-License-Identifier: Apache-2.0
// What the process of a case opens while its machine runs, beside the machine's
// own files. Private to the suite.
#pragma once

#include "harness/guests/guest.h"
#include "harness/suite/case.h"

struct case_paths {
    struct toyvmm_paths paths; // of what is below, and of others' texts
    const char *read[2], *written[2];
    char *folder; // of the recording
};

// The scenario's file is read for a recording, symbols when a run has failed;
// the result is written into the control's folder, and the recording (a path,
// or NULL) with its casts into its own. 0 or -ENOMEM. control may be NULL.
// Scenario, guest and control outlive it.
int case_paths_find(struct case_paths *p, const struct case_control *control,
                    const struct scenario *s, const struct guest *guest,
                    const char *recording);
void case_paths_free(struct case_paths *p);
