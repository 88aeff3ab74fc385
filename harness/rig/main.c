// SPDX-License-Identifier: Apache-2.0
// toyvmm-rig: as a command, the launcher of the rig; as process 1 of the
// emulated machine that it starts, its init.
#include "harness/rig/guest.h"
#include "harness/rig/launch.h"
#include "harness/rig/report.h"

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (getpid() == 1 && access(JOB_PATH, F_OK) == 0)
        guest_main();
    struct options options;
    struct error err;
    if (options_parse(&options, argc, argv, &err) < 0) {
        report_line("%s", err.text);
        options_free(&options);
        return RIG_EXIT_USAGE;
    }
    int code = 0;
    switch (options.action) {
    case RIG_RUN:
        code = launch(&options);
        break;
    case RIG_CHECK:
        code = launch_check(&options);
        break;
    case RIG_HELP:
        fputs(options_help, stdout);
        break;
    case RIG_VERSION:
        puts("toyvmm-rig " TOYVMM_VERSION);
        break;
    }
    options_free(&options);
    return code;
}
