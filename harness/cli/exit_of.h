// SPDX-License-Identifier: Apache-2.0
// What a run's verdicts are as an exit code. Private to the command.
#pragma once

#include "harness/suite/suite.h"

// EXIT_FAILED where a verdict fails the run (flaky_ok: a flaky one doesn't);
// EXIT_UNABLE where none does, and of something nothing is known; else
// EXIT_PASSED. For a bisection (--bisect) an error of the harness's or the
// host's is no word on the commit, nor is what was skipped: EXIT_UNABLE.
int exit_of(const struct suite_run *run, bool bisect, bool flaky_ok);
