// SPDX-License-Identifier: Apache-2.0
// `toyvmm-test show RECORDING`. Private to the command.
#pragma once

// argv[0] is the word `show`. Returns the exit code.
int show_main(int argc, char **argv);
