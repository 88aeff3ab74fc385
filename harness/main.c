// SPDX-License-Identifier: Apache-2.0
// toyvmm-test. Criterion looks main up by name when it starts a worker, so it
// is visible although nothing else of this program is.
#include "harness/cli/cli.h"

int main(int argc, char **argv) __attribute__((visibility("default")));

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
