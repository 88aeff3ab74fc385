// SPDX-License-Identifier: Apache-2.0
// The commands beside running scenarios: `toyvmm-test compare ...`. Each has a
// file of its name. Private to the command.
#pragma once

#include "harness/cli/options.h"

// argc and argv are the whole command line: where it runs again in the rig, all
// of it does. The options are read; --help and --version are seen to. Return
// an exit code.
int compare_main(const struct options *o, int argc, char **argv); // and gate
int bisect_main(const struct options *o, int argc, char **argv);
int trend_main(const struct options *o, int argc, char **argv);
int merge_main(const struct options *o, int argc, char **argv);
int show_main(const struct options *o, int argc, char **argv);
int init_main(const struct options *o, int argc, char **argv);
int exec_main(const struct options *o, int argc, char **argv);
int manual_main(const struct options *o, int argc, char **argv);
