// SPDX-License-Identifier: Apache-2.0
// --bisect: exit codes as `git bisect run` wants them. Private to the command.
#pragma once

// git's (git-bisect(1), "Bisect run"): 0 is good, 125 can't be judged, 1..127
// else is bad, and above that the bisection is given up.
enum bisect_exit {
    BISECT_EXIT_GOOD = 0,
    BISECT_EXIT_BAD = 1,
    BISECT_EXIT_SKIP = 125,
    BISECT_EXIT_GIVE_UP = 128 + 1, // a wrong command line is no bad commit
};

// What stands for one of enum exit_code, or for what is such a code already;
// a signal's (128 and more) stays.
int bisect_exit(int exit_code);
