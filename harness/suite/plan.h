// SPDX-License-Identifier: Apache-2.0
// What a run is about: its scenarios and what they share. It travels to the
// worker processes as a file, because Criterion starts each of them as a new
// program without arguments. Used by the suite and the command line.
#pragma once

#include "harness/guests/guest.h"
#include "harness/scenario/scenario.h"

#include <stdio.h>

// Strings are borrowed from the command line, or, after plan_load, owned by
// the plan.
struct plan {
    size_t nsets;
    struct override *sets;
    double timeout_scale;
    struct toyvmm_pin pin; // where the guests' processors run
    double replay_speed;   // of replays: 1 in recorded time, 0 at once
    const char
        *accelerator; // "kvm", "rig" or "replay"; NULL: nothing is to run
    const char *seed; // of the exact rig, a number; or NULL
    bool judge_marks;
    bool no_sandbox;   // of machines and worker processes
    bool show_console; // copy what guests print to standard error
    unsigned verbosity;
    bool quiet_passed; // tell only of cases that did not pass
    bool fail_fast;    // when a case did not pass, none begins any more
    unsigned attempt;  // which time it is that its cases are run, from 1 on,
    unsigned attempts; // of so many at most; 0, 0: they are run once

    size_t ncases;
    struct plan_case *cases;
    void *memory; // of a loaded plan
};

// One case of a scenario file. suite/name is its unique name. What is skipped
// stays behind when the plan travels.
struct plan_case {
    const char *path;
    const char *suite;
    const char *name;
    const char *title;  // NULL: the scenario's
    const char *series; // of one boot of several: what their titles share
    size_t nsets;       // the values of its `matrix`, behind the plan's sets
    struct override *sets;

    struct guest_overrides machine; // the command line's; of one side of a
                                    // comparison its own

    // Of measured boots: which one of its scenario and side, from 1 on (0: it
    // is booted once and not measured); thrown away; "base", "head" or NULL.
    unsigned number;
    bool warmup;
    const char *side;

    const char *record; // where its run is recorded, or NULL
    const char *replay; // the recording it runs on, or NULL

    const char *skip;       // why it is not run, or NULL
    const char *skip_where; // "file:line:column" of what says so, or NULL
    // Why it is expected to fail, and what says so ("file:line"); or NULL.
    // Expired: it was expected to once.
    const char *known, *known_where;
    bool known_expired;

    uint64_t timeout_ns; // its deadline, not scaled; 0: the scenario's own
    unsigned attempts;   // so many of its own at most; 0: as the plan says

    // With --jobs auto: the memory that it takes, and how many of its like have
    // room at a time; 0: as the run says. They stay behind, too.
    uint64_t needs;
    unsigned beside;
};

// How many times slower than hardware the rig is, as deadlines are written.
#define PLAN_RIG_SLOWNESS 4.0

// What the seconds are multiplied by that a run has behind its deadline: by
// what deadlines are, but never less than the accelerator is slower than
// hardware, whatever --timeout-scale says. At least 1.
double plan_slowness(const struct plan *plan);

// How often a case may be run; 0 and 1: once.
unsigned plan_attempts(const struct plan *plan, size_t index);

// The index of the case suite/name; ncases when there is none.
size_t plan_find(const struct plan *plan, const char *suite, const char *name);

// The longest time that one of its cases may take, as it holds where they run.
uint64_t plan_longest_ns(const struct plan *plan);

// Writes the plan to a file, and reads it back. 0 or a negative errno.
int plan_save(const struct plan *plan, const char *path, struct error *err);
int plan_load(struct plan *plan, const char *path, struct error *err);
void plan_free(struct plan *plan); // of a loaded plan
