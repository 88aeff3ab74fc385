// SPDX-License-Identifier: Apache-2.0
// What a run is about: its scenarios and what they share. It travels to the
// worker processes as a file, because Criterion starts each of them as a new
// program without arguments. Used by the suite and the command line.
#pragma once

#include "harness/runner/guest.h"
#include "harness/scenario/scenario.h"

#include <stdio.h>

// Strings are borrowed from the command line, or, after plan_load, owned by
// the plan.
struct plan {
    struct guest_overrides machine;
    size_t nsets;
    struct override *sets;
    double timeout_scale;
    const char *accelerator; // "kvm" or "rig"
    bool judge_marks;
    bool show_console; // copy what guests print to standard error
    unsigned verbosity;

    size_t ncases;
    struct plan_case *cases;
    void *memory; // of a loaded plan
};

// One scenario file. suite/name is its unique name.
struct plan_case {
    const char *path;
    const char *suite;
    const char *name;
};

// The index of the case suite/name; ncases when there is none.
size_t plan_find(const struct plan *plan, const char *suite, const char *name);

// Writes the plan to a file, and reads it back. 0 or a negative errno.
int plan_save(const struct plan *plan, const char *path, struct error *err);
int plan_load(struct plan *plan, const char *path, struct error *err);
void plan_free(struct plan *plan); // of a loaded plan
