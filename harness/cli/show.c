// SPDX-License-Identifier: Apache-2.0
// `toyvmm-test show`. See harness/recording/show.h.
#include "harness/recording/show.h"
#include "harness/cli/cli.h"
#include "harness/cli/commands.h"

#include <errno.h>
#include <stdio.h>

int show_main(const struct options *o, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct error err = {""};
    if (o->npaths != 1) {
        fputs("toyvmm-test: show takes one recording; see toyvmm-test show "
              "--help\n",
              stderr);
        return EXIT_WRONG;
    }
    int code = show_recording(stdout, o->paths[0], &o->show, &err);
    if (!code)
        return EXIT_PASSED;
    // Whoever reads us has seen enough.
    if (code != -EPIPE)
        fprintf(stderr, "toyvmm-test: %s\n", err.text);
    return code == -EINVAL ? EXIT_WRONG : EXIT_UNABLE;
}
