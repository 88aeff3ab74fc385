// SPDX-License-Identifier: Apache-2.0
// The toyvmm-test command. The only place that prints for the user and chooses
// exit codes.
#pragma once

enum exit_code {
    EXIT_PASSED = 0,
    EXIT_FAILED = 1,
    EXIT_WRONG = 2,  // usage, or a scenario is wrong; nothing was booted
    EXIT_UNABLE = 3, // the environment can't run guests
    EXIT_INTERRUPTED = 130,
};

// main. Returns the exit code.
int cli_main(int argc, char **argv);
