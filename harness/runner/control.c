// SPDX-License-Identifier: Apache-2.0
// What a scenario does to the machine itself: `reset`, `nmi` and
// `power button`. See steps.h.
#include "harness/runner/steps.h"

#include <errno.h>

// The machine has ended, and nobody asked it to.
static bool ended_unasked(const struct run *r)
{
    return r->ended && !r->end_seen && r->end.kind != TOYVMM_EVENT_STOPPED;
}

enum flow step_reset(struct run *r, const struct step *s)
{
    (void)s;
    if (!r->ended && run_stop(r) == FLOW_END)
        return FLOW_END;
    if (ended_unasked(r)) {
        run_fail_end(r);
        return FLOW_END;
    }
    return run_restart(r);
}

// Presses one of the machine's buttons.
static enum flow press(struct run *r, const char *kind,
                       int (*button)(void *owner, struct error *err))
{
    struct error err = {""};
    if (run_revive(r) == FLOW_END)
        return FLOW_END;
    int code = button ? button(r->options->machine->owner, &err) : 0;
    if (!code)
        return FLOW_NEXT;
    // It has ended; what is told of that is on its way.
    if (code == -ESRCH && run_stop(r) == FLOW_END)
        return FLOW_END;
    if (r->ended)
        run_fail_end(r);
    else
        run_fail(r, VERDICT_FAILED, NULL, kind, "%s", err.text);
    return FLOW_END;
}

enum flow step_nmi(struct run *r, const struct step *s)
{
    (void)s;
    const struct run_machine *m = r->options->machine;
    return press(r, "nmi", m ? m->nmi : NULL);
}

enum flow step_power(struct run *r, const struct step *s)
{
    (void)s;
    const struct run_machine *m = r->options->machine;
    return press(r, "power-button", m ? m->power : NULL);
}
