// SPDX-License-Identifier: Apache-2.0
// A machine that counts what is done to it, behind the fake guest: for the
// tests of what a scenario does to a machine.
#pragma once

#include "harness/tests/runner_fake.h"

struct counted_machine {
    int stops, restarts, nmis, powers;
    int restart_code, nmi_code, power_code;
};

// How the runner reaches it. Each test is a process: it may change it.
extern struct run_machine counted_seam;
void counted_prepare(void *owner, struct run_options *run);

#define RUN_ON(machine, scenario, result, ...)                                 \
    do {                                                                       \
        const struct script_line script_[] = {__VA_ARGS__};                    \
        const struct fake_options options_ = {                                 \
            .scale = 1, .prepare = counted_prepare, .owner = (machine)};       \
        fake_run(scenario, script_, sizeof(script_) / sizeof(script_[0]),      \
                 &options_, result);                                           \
    } while (0)

#define STARTED  EVENT(TOYVMM_EVENT_STARTED)
#define RESET    EVENT(TOYVMM_EVENT_RESET)
#define POWEROFF EVENT(TOYVMM_EVENT_POWEROFF)
#define STOPPED  EVENT(TOYVMM_EVENT_STOPPED)
#define TRIPLE   EVENT(TOYVMM_EVENT_TRIPLE_FAULT)
