// SPDX-License-Identifier: Apache-2.0
// Telling of a run from outside. See witness.h.
#include "harness/runner/failing.h"
#include "src/base/clock.h"

#include <stdlib.h>
#include <string.h>

// What was found out of a failure before the run was given up.
static void tell_failure(const struct result *known, struct result *out)
{
    out->verdict = known->verdict;
    result_set(&out->kind, "%s", known->kind);
    result_set(&out->message, "%s", known->message ? known->message : "");
    free(out->where);
    out->where = known->where ? strdup(known->where) : NULL;
    for (size_t i = 0; i < known->nsections; i++)
        result_add_section(out, known->sections[i].name,
                           known->sections[i].text);
}

static void tell_step(const struct run *r, struct result *out)
{
    char *text = diagnosis_step_text(r->step);
    result_add_section(out, "step", text);
    free(text);
    free(out->where);
    out->where = run_where(&r->step->pos);
}

static void tell_machine(const struct witness *w, uint64_t deadline_ns,
                         struct result *out)
{
    const struct diagnosis_machine machine = {
        .owner = w->machine, .vcpus = w->vcpus, .observe = w->observe};
    uint64_t now = clock_now_ns();
    if (result_section(out, "doing") || !w->observe || now >= deadline_ns)
        return;
    char *text = diagnosis_doing(&machine, deadline_ns - now, w->run->port);
    if (!text)
        return;
    result_add_section(out, "doing", text);
    free(text);
}

bool witness_tell(const struct witness *w, uint64_t deadline_ns,
                  struct result *out)
{
    const struct run *r = w->run;
    if (!r)
        return false;
    if (r->result->kind)
        tell_failure(r->result, out);
    else if (r->step)
        tell_step(r, out);
    tell_machine(w, deadline_ns, out);
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        const struct console_record *record = r->ports[i].record;
        size_t len = 0;
        char *text = record ? console_record_text(record, &len) : NULL;
        if (text)
            result_add_console(out, i, text, len,
                               console_record_elided(record));
    }
    uint64_t now = console_now(r->options->console);
    uint64_t began = r->options->started_ns;
    out->duration_ns = now > began ? now - began : 0;
    secrets_mask(&r->secrets, out);
    return true;
}
