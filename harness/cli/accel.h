// SPDX-License-Identifier: Apache-2.0
// Which machine runs the guests: this host's KVM, or the rig, an emulated
// machine that has one and in which this command runs itself again. Private to
// the command.
#pragma once

#include "harness/cli/exact.h"
#include "harness/cli/written.h"

#include <stdio.h>

#define RIG_OUTPUTS 16

// What to give the rig.
struct rig_needs {
    uint64_t memory; // of all guests that run at a time, bytes
    // Files that are written: their folders must be writable. "-" and NULL are
    // none.
    const char *outputs[RIG_OUTPUTS];
    const struct written *written; // more of them, or NULL
};

// What a rig's own Linux and our processes need beside the guests.
#define ACCEL_RIG_MEMORY (UINT64_C(640) << 20)

// The rig's program: it lies beside ours, or in PATH.
bool accel_find_rig(char *out, size_t size);

// True inside the rig.
bool accel_inside_rig(void);

// The KVM to use here: 0 and *name "kvm", "rig" or "exact". 1: not here,
// accel_enter_rig must be called. A negative errno with the cure in err:
// nowhere.
int accel_choose(enum accelerator wanted, const char **name, struct error *err);

// True for the name of a rig.
bool accel_is_rig(const char *name);

// What deadlines are multiplied by there: --timeout-scale, or 4 in a rig,
// because deadlines are written for hardware and an emulated one is slower.
double accel_timeout_scale(const struct options *o, const char *name);

// Replaces this process by the rig, which runs argv again. Returns a negative
// errno when that failed.
int accel_enter_rig(int argc, char **argv, const struct rig_needs *needs,
                    struct error *err);

// Runs argv in the rig as a child of this process, which passes signals on to
// it and ends after it; the child dies with this process. *exit_code is the
// command's, 128 and the number for a signal. 0, or a negative errno when it
// could not be started.
int accel_run_rig(int argc, char **argv, const struct rig_needs *needs,
                  int *exit_code, struct error *err);

// Writes what there is, and why; 0 when guests can run with the wanted
// accelerator, else -ENODEV.
int accel_probe(enum accelerator wanted, FILE *f);
