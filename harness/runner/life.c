// SPDX-License-Identifier: Apache-2.0
// The machine's life: its end, and the boot after a reset. See reading.h.
//
// A machine that was reset starts anew for the first step that waits or types,
// not before: a scenario that ends with `expect reset` boots nothing more. A
// recording has no machine: there the next boot is what follows in it.
#include "harness/runner/reading.h"

#include "src/base/clock.h"

// For a recording, in which the end of the machine may stand a little later
// than what led to it.
#define END_PATIENCE (1 * NS_PER_S)

enum flow run_stop(struct run *r)
{
    const struct run_machine *m = r->options->machine;
    if (m && m->stop)
        m->stop(m->owner);
    uint64_t limit = clock_after(r->now_ns, END_PATIENCE);
    uint64_t now = console_now(r->options->console);
    limit = now > limit ? now : limit;
    while (!r->ended && r->now_ns < limit) {
        if (!run_pump(r, limit))
            return FLOW_END;
    }
    if (!r->ended) {
        r->ended = true;
        r->end = (struct toyvmm_event){.kind = TOYVMM_EVENT_STOPPED,
                                       .ns = r->now_ns};
    }
    return FLOW_NEXT;
}

static void forget_boot(struct run *r)
{
    run_event_mark(r, "reset", &r->end);
    run_end_boot_usage(r);
    run_end_boot_logs(r);
    run_note_refusals(r);
    r->boots++;
    r->restart_due = false;
    r->ended = false;
    r->end_seen = false;
    r->panicked = false;
    r->printed = false;
    r->prompt_seen = false;
    for (size_t i = 0; i < LINE_MARKS; i++)
        r->line_seen[i] = false;
}

enum flow run_restart(struct run *r)
{
    struct error err = {""};
    char span[SPAN_TEXT];
    const struct run_machine *m = r->options->machine;
    // A loop of resets alone never waits.
    if (console_now(r->options->console) >= r->deadline_ns)
        return run_fail(
            r, VERDICT_FAILED, NULL, "timeout",
            "the scenario's timeout of %s passed",
            span_text(span, run_scaled(r, r->scenario->timeout_ns)));
    if (run_renew_ports(r, &err))
        return run_error(r, "memory", &err);
    forget_boot(r);
    if (m && m->restart && m->restart(m->owner, &err))
        return run_error(r, "machine", &err);
    return FLOW_NEXT;
}

enum flow run_revive(struct run *r)
{
    return r->restart_due ? run_restart(r) : FLOW_NEXT;
}
