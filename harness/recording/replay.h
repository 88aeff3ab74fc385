// SPDX-License-Identifier: Apache-2.0
// Runs a scenario against a recording: no machine, no KVM, no waiting. Used by
// the suite.
#pragma once

#include "harness/recording/tape.h"

// Borrowed for the length of replay_run.
struct replay_options {
    const struct scenario *scenario;
    const char *path; // of the recording
    struct tape_options tape;
    // As in run_options.
    void (*printed)(void *owner, unsigned port, const uint8_t *bytes,
                    size_t len);
    void (*step)(void *owner, const struct step *step, uint64_t at_ns);
    // As in live_options.
    void (*console)(void *owner, struct console *console);
    void *owner;
    struct witness *witness; // or NULL
};

// Fills result wholly but for suite, with what the recorded run had: the same
// scenario gives the same verdict, message, marks and notes. Deadlines and
// `check mark` are judged as they were. Where the two runs part, notes say so:
// another scenario, something else typed, an end too early, another verdict. 0
// or -ENOMEM; a recording that can't be read is VERDICT_ERROR, kind
// "recording".
int replay_run(const struct replay_options *options, struct result *result);

// The longest that the runs of a recording may take, by its scale and a speed:
// what a scenario's timeout is to be multiplied by. 0 and a sentence when path
// is no recording.
double replay_scale(const char *path, double speed, struct error *err);
