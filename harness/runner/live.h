// SPDX-License-Identifier: Apache-2.0
// Boots a machine and runs a scenario against it, in this process and thread.
// Used by the suite's workers.
#pragma once

#include "harness/guests/guest.h"
#include "harness/runner/runner.h"

// Borrowed for the length of live_run.
struct live_options {
    const struct scenario *scenario;
    const struct guest *guest;
    const char *accelerator; // "kvm", "rig", "exact": for the result
    const char *seed;      // of a machine that has one, for the result; or NULL
    struct toyvmm_pin pin; // where the guest's processor runs
    bool no_sandbox;       // the machine's threads are not confined
    // Not NULL: this process is confined (toyvmm_confine), with what it uses
    // beside its machine's files: its last run. Then `confined` is called,
    // which may be NULL; 0, or a negative errno with a sentence.
    const struct toyvmm_paths *confine;
    int (*confined)(void *owner, struct error *err);
    double timeout_scale;
    double slowness; // as in run_options
    bool judge_marks;
    struct witness *witness; // or NULL
    uint64_t started_ns;     // process start, CLOCK_MONOTONIC
    // As in run_options.
    void (*printed)(void *owner, unsigned port, const uint8_t *bytes,
                    size_t len);
    void (*step)(void *owner, const struct step *step, uint64_t at_ns);
    // The run is about to begin: its console and machine may be replaced by
    // others that hand on to them. about is what is known of it. May be NULL.
    void (*prepare)(void *owner, struct run_options *run,
                    const struct result *about);
    // The console is there (so that console_interrupt can end the run), and,
    // with NULL, is about to go. May be NULL.
    void (*console)(void *owner, struct console *console);
    void *owner;
};

// Fills result wholly but for suite. -ENOMEM or 0; a machine that can't be
// made is VERDICT_ERROR with kind "machine".
int live_run(const struct live_options *options, struct result *result);
