// SPDX-License-Identifier: Apache-2.0
// --rerun: what of the last run is run again; and what is kept of this one for
// the next. Private to the command.
#pragma once

#include "harness/cli/boots.h"
#include "harness/cli/run_store.h"
#include "harness/suite/suite.h"

// In the rig: the store's file that the process outside has chosen.
#define RERUN_VARIABLE "TOYVMM_RERUN"

// One call of the command; all zero but for what is set by rerun_begin.
struct rerun {
    char store[RUN_STORE_PATH]; // "": there is none
    struct stored_run last;     // of --rerun
    char *file;                 // and its file
};

// Opens the store. With --rerun reads the last run in this folder; where o
// names no files, they become those of that run. 0; without --rerun always. A
// negative errno with a sentence.
int rerun_begin(struct rerun *r, struct options *o, struct error *err);
void rerun_free(struct rerun *r);

// Leaves in the selection what --rerun wants of it. 0, also when nothing is
// left; does nothing without it.
void rerun_select(const struct rerun *r, const struct options *o,
                  struct selection *s);

// For a rig that is entered now: it shall choose the same. 0 or -ENOMEM.
int rerun_hand_over(const struct rerun *r);

// Keeps what became of the cases. What of the last run was not run again is
// still as it was. A store that can't be written is no error: the next --rerun
// says that it knows no run.
void rerun_keep(const struct rerun *r, const struct options *o,
                const struct selection *s, const struct boots *b,
                const struct suite_run *run, uint64_t now_ns);
