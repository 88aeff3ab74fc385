// SPDX-License-Identifier: Apache-2.0
// `poweroff`: asks the guest, then ends it. Used by the runner only.
#include "harness/runner/steps.h"

#include "src/base/clock.h"

#include <stdlib.h>
#include <string.h>

// Waits for the machine to end, which was asked for.
static enum wait_outcome await_end(struct run *r, uint64_t within_ns)
{
    struct wait w = {.events = 1U << GUEST_POWEROFF | 1U << GUEST_HALT |
                               1U << GUEST_TIMEOUT,
                     .within_ns = within_ns,
                     .what = "the guest's power-off"};
    return run_wait(r, &w);
}

// Types a command and waits for the machine to end.
static enum wait_outcome ask(struct run *r, const char *command,
                             uint64_t within_ns)
{
    if (run_type(r, command, strlen(command)) == FLOW_END)
        return WAIT_FAILED;
    return await_end(r, within_ns);
}

// Presses the power button of a guest that listens to it.
static enum wait_outcome press(struct run *r, uint64_t within_ns)
{
    const struct run_machine *m = r->options->machine;
    struct error ignored;
    if (r->ended || !m || !m->power || m->power(m->owner, &ignored))
        return WAIT_TIMEOUT;
    return await_end(r, within_ns);
}

// The port with a shell that can be asked: the present one, or another.
static bool find_shell(struct run *r)
{
    if (r->ports[r->port].at_shell)
        return true;
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        if (r->ports[i].at_shell)
            return run_use_port(r, i) == FLOW_NEXT;
    }
    return false;
}

// A guest that listens to the power button has it pressed, and a quarter of the
// time; for its kernel may listen, and nobody else. Then a shell is asked
// politely for half of the time, then with -f, which leaves
// out the guest's init. A guest that still runs is ended; so is one that has
// no shell to ask. That is told, and is no failure: what the scenario wanted
// to know, it has asked before.
enum flow step_poweroff(struct run *r, const struct step *s)
{
    uint64_t within =
        s->u.poweroff_within_ns ? s->u.poweroff_within_ns : RUN_POWEROFF_NS;
    r->restart_due = false;
    if (r->end_seen)
        return FLOW_NEXT;
    enum wait_outcome pressed = press(r, within / 4);
    if (pressed == WAIT_FAILED)
        return FLOW_END;
    if (pressed == WAIT_EVENT)
        return FLOW_NEXT;
    if (find_shell(r)) {
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
    if (run_stop(r) == FLOW_END)
        return FLOW_END;
    r->end_seen = true;
    return FLOW_NEXT;
}
