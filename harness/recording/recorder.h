// SPDX-License-Identifier: Apache-2.0
// Records a run: stands between the runner and its console and machine, and
// writes down what passes. The runner can't tell. Used by the suite.
#pragma once

#include "harness/recording/record.h"
#include "harness/runner/runner.h"

struct recorder;

// Begins a recording in a file (recording_check says beforehand whether it can
// be written) and puts the recorder into run: its console and its machine, and
// a nonce if it had none. about describes the run: path, title, guest,
// accelerator, properties, start. Both, and what run pointed to, must outlive
// the recorder. NULL with a sentence; run is as before then.
struct recorder *recorder_begin(const char *path, struct run_options *run,
                                const struct result *about, struct error *err);

// Ends it with the run's result and frees it; run's console and machine must
// not be used any more. 0, or the negative errno of the first write that
// failed, with a sentence: the recording is good up to there. NULL is fine.
int recorder_end(struct recorder *r, const struct result *result,
                 struct error *err);
