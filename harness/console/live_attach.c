// SPDX-License-Identifier: Apache-2.0
// Where a live console meets libtoyvmm. A file of its own: a program that has
// no machine need not link one.
#include "harness/console/live.h"

static void input_ready(void *machine, unsigned port)
{
    toyvmm_input_ready(machine, port);
}

static void output_room(void *machine)
{
    toyvmm_output_room(machine);
}

void live_console_attach(struct live_console *lc, struct toyvmm *vm)
{
    static const struct live_calls calls = {input_ready, output_room};
    live_console_connect(lc, vm ? &calls : NULL, vm);
}
