// SPDX-License-Identifier: Apache-2.0
// A guest's console on the user's terminal. Private to the command.
#pragma once

#include "harness/guests/guest.h"

// Boots the guest, connects standard input and output, and returns the exit
// code when the guest has ended or the user has left: 0, or EXIT_UNABLE with
// err filled. A terminal is raw meanwhile, and as before afterwards, however
// the machine's process ends: it is a child of this one.
//
// Ctrl-A x leaves, Ctrl-A h helps, Ctrl-A Ctrl-A types a Ctrl-A.
int interactive_run(const struct guest *guest, const char *accelerator,
                    bool no_sandbox, struct error *err);
