// SPDX-License-Identifier: Apache-2.0
// Where a live console meets libtoyvmm. A file of its own: a program that has
// no machine need not link one.
#include "harness/console/live.h"

static void input_ready(void *machine, unsigned port)
{
    toyvmm_input_ready(machine, port);
}

void live_console_attach(struct live_console *lc, struct toyvmm *vm)
{
    live_console_connect(lc, vm ? input_ready : NULL, vm);
}
