// SPDX-License-Identifier: Apache-2.0
// The recording of one case's run: begun when the machine is there, ended with
// the result. Private to the suite.
#pragma once

#include "harness/recording/recorder.h"

// All zero, and path, to begin with; path NULL: nothing is recorded.
struct case_recording {
    const char *path;
    struct recorder *recorder;
    struct error error; // why there is none
};

// As the `prepare` of struct live_options.
void case_recording_begin(struct case_recording *c, struct run_options *run,
                          const struct result *about);

// Writes the end and the asciicasts. What failed becomes a note of the result,
// and its property RECORDING_ERROR; the verdict stays. 0 or -ENOMEM.
int case_recording_end(struct case_recording *c, struct result *result);

// What FILE.tvr is called that an earlier attempt left: FILE.attempt1.tvr, its
// casts with it. Nothing happens when path is NULL or nothing is there. What
// can't be renamed is written over by the next attempt.
void case_recording_put_aside(const char *path, unsigned attempt);
