// SPDX-License-Identifier: Apache-2.0
// Blocks of steps. See words.h.
#include "harness/runner/words.h"

// Steps that don't wait can fill the time as well. False when it is over.
static bool begin_step(struct run *r, const struct step *s)
{
    witness_lock(r->options->witness);
    r->step = s;
    witness_unlock(r->options->witness);
    r->step_ns = r->now_ns;
    if (console_now(r->options->console) >= r->deadline_ns) {
        char span[SPAN_TEXT];
        run_fail(r, VERDICT_FAILED, NULL, "timeout",
                 "the scenario's timeout of %s passed before this step",
                 span_text(span, run_scaled(r, r->scenario->timeout_ns)));
        return false;
    }
    if (r->options->step)
        r->options->step(r->options->owner, s,
                         r->now_ns - r->options->started_ns);
    return true;
}

enum flow run_block(struct run *r, const struct block *b)
{
    const struct step *outer = r->step;
    enum flow flow = FLOW_NEXT;
    for (size_t i = 0; flow == FLOW_NEXT && i < b->nsteps; i++) {
        const struct step *s = &b->steps[i];
        if (!begin_step(r, s))
            return FLOW_END;
        flow = run_use_port(r, s->port < 0 ? r->chosen : (unsigned)s->port);
        if (flow == FLOW_NEXT)
            flow = r->steps[s->kind](r, s);
    }
    if (flow == FLOW_NEXT) {
        witness_lock(r->options->witness);
        r->step = outer;
        witness_unlock(r->options->witness);
    }
    return flow;
}
