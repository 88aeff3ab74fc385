// SPDX-License-Identifier: Apache-2.0
// `poweroff`: asks the guest, then ends it. Used by the runner only.
#include "harness/runner/run.h"

#include "src/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE (10 * NS_PER_S)

// Types a command and waits for the machine to end.
static enum wait_outcome ask(struct run *r, const char *command,
                             uint64_t within_ns)
{
    if (run_type(r, command, strlen(command)) == FLOW_END)
        return WAIT_FAILED;
    struct wait w = {.events = 1U << GUEST_POWEROFF | 1U << GUEST_HALT |
                               1U << GUEST_TIMEOUT,
                     .within_ns = within_ns,
                     .what = "the guest's power-off"};
    return run_wait(r, &w);
}

static void stop(struct run *r)
{
    const struct run_machine *m = r->options->machine;
    if (m && m->stop)
        m->stop(m->owner);
    r->ended = true;
    r->end_seen = true;
    r->end.kind = TOYVMM_EVENT_STOPPED;
}

// A shell is asked politely for half of the time, then with -f, which leaves
// out the guest's init. A guest that still runs is ended; so is one that has
// no shell to ask. That is told, and is no failure: what the scenario wanted
// to know, it has asked before.
enum flow step_poweroff(struct run *r, const struct step *s)
{
    uint64_t within =
        s->u.poweroff_within_ns ? s->u.poweroff_within_ns : PATIENCE;
    if (r->end_seen)
        return FLOW_NEXT;
    if (r->at_shell) {
        static const char *const commands[] = {"poweroff\r", "poweroff -f\r"};
        for (size_t i = 0; i < 2; i++) {
            enum wait_outcome out = ask(r, commands[i], within / 2);
            if (out == WAIT_FAILED)
                return FLOW_END;
            if (out == WAIT_EVENT)
                return FLOW_NEXT;
        }
        char span[SPAN_TEXT];
        char *where = run_where(&s->pos);
        result_add_note(r->result, false, r->now_ns - r->options->started_ns,
                        where,
                        "the guest did not power off within %s and was ended",
                        span_text(span, run_scaled(r, within)));
        free(where);
    }
    stop(r);
    return FLOW_NEXT;
}
