// SPDX-License-Identifier: Apache-2.0
// What the exact rig must bring along: it knows no file of this host but those
// that are named before it starts. Private to the command.
#pragma once

#include "harness/cli/selection.h"

#include <stdint.h>

// Paths as they will be opened, absolute or from the working directory; owned.
struct exact_files {
    size_t count;
    char **paths;
    uint64_t bytes; // all together
};

// This program with its libraries, the selected scenarios with what they use,
// the guests that they boot with these overrides, and the definitions of the
// guests that they name. 0 or a negative errno: a file that can't be had, or no
// memory; f is good for exact_free then, too.
int exact_collect(struct exact_files *f, const struct selection *s,
                  const struct guest_overrides *machine, struct error *err);
void exact_free(struct exact_files *f);

// Takes from this process's environment the definitions of guests that no
// selected scenario names: another scenario that was looked at before must not
// make a difference to these.
void exact_forget_guests(const struct selection *s);
