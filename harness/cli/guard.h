// SPDX-License-Identifier: Apache-2.0
// Standard streams that are closed, or that nobody reads, must neither hold the
// command up nor change its exit code. Used by the command line only.
#pragma once

#include <stdint.h>

// Opens /dev/null in the place of each of the three streams that is closed, the
// wrong way round: what is read or written there fails, and no other file ever
// gets their numbers. Called first of all.
void guard_streams(void);

// From now on a write that nobody will read is an error and not a signal. Not
// before the last program was started that should not inherit it.
void guard_pipes(void);

// Ends the process with this code at a time of CLOCK_MONOTONIC, whatever it is
// doing then; CLOCK_NEVER: not at all. A later call replaces an earlier one.
void guard_exit(int code, uint64_t at_ns);
