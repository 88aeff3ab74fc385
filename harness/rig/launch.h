// SPDX-License-Identifier: Apache-2.0
// Runs one command in a rig, from the host's side.
#pragma once

#include "harness/rig/options.h"

#define RIG_EXIT_USAGE  2 // the options can't be obeyed
#define RIG_EXIT_FAILED 3 // the rig itself failed, not the command

// Returns the exit code for this process; says on stderr what went wrong.
int launch(const struct options *options);

// --check: prints one sentence; 0 or RIG_EXIT_FAILED.
int launch_check(const struct options *options);
