// SPDX-License-Identifier: Apache-2.0
// The one wait of the runner: for patterns, events, silence or a deadline,
// whichever is first in the stream (README.md).
#pragma once

#include "harness/runner/reading.h"

enum wait_outcome {
    WAIT_MATCH,
    WAIT_EVENT,   // one of wait.events; event says which
    WAIT_QUIET,   // nothing was printed for wait.quiet_ns
    WAIT_TIMEOUT, // only when GUEST_TIMEOUT is in wait.events
    WAIT_END,     // the machine ended: only with wait.leaves_end
    WAIT_FAILED,  // the result has a verdict
};

struct wait {
    const struct pattern *const *patterns;
    size_t npatterns;
    unsigned events;    // 1 << enum guest_event
    uint64_t within_ns; // unscaled; 0: the scenario's step-timeout
    uint64_t quiet_ns;  // scaled; 0: never
    bool kernel_talks;  // what the kernel prints doesn't end the quiet
    bool leaves_end;    // the machine's end is WAIT_END, for a later step too
    const char *what;   // "a login prompt": for messages
    // Filled by run_wait:
    struct match match;
    enum guest_event event;
    uint64_t started_ns;
    uint64_t deadline_ns; // 0 before the first call; kept by later ones
};

// Waits for the first of what w names. Calling it again with the same w goes
// on with the same deadline.
enum wait_outcome run_wait(struct run *r, struct wait *w);

// The run fails for that wait; npatterns of its patterns are told of.
void run_fail_wait(struct run *r, const struct wait *w, size_t npatterns);
