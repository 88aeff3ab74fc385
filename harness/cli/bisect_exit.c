// SPDX-License-Identifier: Apache-2.0
// Exit codes for git. See bisect_exit.h.
#include "harness/cli/bisect_exit.h"

#include "harness/cli/cli.h"

#include <stddef.h>

int bisect_exit(int exit_code)
{
    static const struct {
        int from, to;
    } table[] = {
        {EXIT_PASSED, BISECT_EXIT_GOOD},
        {EXIT_FAILED, BISECT_EXIT_BAD},
        {EXIT_WRONG, BISECT_EXIT_GIVE_UP},
        {EXIT_UNABLE, BISECT_EXIT_SKIP},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].from == exit_code)
            return table[i].to;
    }
    return exit_code;
}
