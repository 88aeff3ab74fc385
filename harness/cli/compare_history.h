// SPDX-License-Identifier: Apache-2.0
// `compare` and `gate` of two commits, or branches, of a history. Private to
// the command.
#pragma once

#include "harness/cli/options.h"

// o has the two in paths, and a history. A name is a branch, or the beginning
// (four characters or more) of a commit; of a branch its newest commit counts.
// Runs are compared that share scenario, guest and environment. Returns an exit
// code.
int compare_history(const struct options *o);
