// SPDX-License-Identifier: Apache-2.0
// The way from selected scenarios to booted guests, in steps, for every command
// that boots: check what is booted, choose where, make the plan, run it.
// Private to the command.
#pragma once

#include "harness/cli/boots.h"
#include "harness/cli/cli.h"
#include "harness/cli/keep.h"
#include "harness/suite/suite.h"

// Prints the error, if it says anything, and returns code.
int complain(const struct error *err, int code);
// EXIT_WRONG for the user's mistake (-EINVAL), else EXIT_UNABLE.
int exit_for(int code);

// Finds and checks what each case boots that isn't skipped, with these
// overrides; *largest becomes at least the memory of the largest guest.
// Nothing is booted. The definitions found stay in the environment for the
// processes that boot. 0 or a negative errno.
int launch_check_guests(const struct selection *s,
                        const struct guest_overrides *machine,
                        uint64_t *largest, struct error *err);

// Chooses the accelerator. Does not return where that is the rig and this is
// not in it yet: the command line is run again there. outputs[0..n): what the
// command writes beside --junit and its like; NULL among them is nothing.
int launch_settle(const struct options *o, int argc, char **argv,
                  uint64_t memory, const char *const *outputs, size_t noutputs,
                  const char **accelerator, struct error *err);

// What a command that keeps its results wants to run.
struct launch {
    const struct options *options;
    int argc;
    char **argv;
    uint64_t memory;
    const char *const *outputs; // as above
    size_t noutputs;
    const struct selection *selection;
};

// launch_settle for such a command: 0 to go on here; 1 when it has run in the
// rig, is kept, and *exit_code is its exit code; or a negative errno. Where
// nothing is to be kept it is launch_settle.
int launch_kept(const struct launch *l, struct keep *k,
                const char **accelerator, int *exit_code, struct error *err);

// A plan for the boots, which it borrows. r may be NULL.
struct plan launch_plan(const struct options *o, const struct boots *b,
                        const struct recordings *r, const char *accelerator);

// A line on the accelerator; with -v one on the file with the defaults.
void launch_announce(const struct options *o, const struct plan *p);

bool launch_all_skipped(const struct selection *s);
