// SPDX-License-Identifier: Apache-2.0
// The kinds of event: their names, and which of them end a machine.
#include "src/toyvmm.h"

static const struct {
    const char *name;
    bool is_end;
} kinds[] = {
    [TOYVMM_EVENT_STARTED] = {"started", false},
    [TOYVMM_EVENT_USERSPACE] = {"userspace reached", false},
    [TOYVMM_EVENT_RESET] = {"reset", true},
    [TOYVMM_EVENT_POWEROFF] = {"power-off", true},
    [TOYVMM_EVENT_HALT] = {"halt", true},
    [TOYVMM_EVENT_TRIPLE_FAULT] = {"triple fault", true},
    [TOYVMM_EVENT_INTERNAL_ERROR] = {"internal error", true},
    [TOYVMM_EVENT_STOPPED] = {"stopped", true},
};

static bool is_known(enum toyvmm_event_kind kind)
{
    return (unsigned)kind < sizeof kinds / sizeof *kinds;
}

const char *toyvmm_event_name(enum toyvmm_event_kind kind)
{
    return is_known(kind) ? kinds[kind].name : "unknown event";
}

bool toyvmm_event_is_end(enum toyvmm_event_kind kind)
{
    return is_known(kind) && kinds[kind].is_end;
}
