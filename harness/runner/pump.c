// SPDX-License-Identifier: Apache-2.0
// Reads the console, item by item. See reading.h.
#include "harness/runner/reading.h"

#include <errno.h>

bool run_pump(struct run *r, uint64_t deadline_ns)
{
    struct error err = {""};
    uint64_t tick_ns = run_watches_wake_ns(r);
    int code =
        console_read(r->options->console, r->batch,
                     tick_ns < deadline_ns ? tick_ns : deadline_ns, &err);
    if (code == -EINTR) {
        r->interrupted = true;
        run_fail(r, VERDICT_ERROR, NULL, "interrupted", "interrupted");
        return false;
    }
    if (code) {
        run_error(r, "console", &err);
        return false;
    }
    if (run_take(r, &err)) {
        run_error(r, "memory", &err);
        return false;
    }
    return true;
}
