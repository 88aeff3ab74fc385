// SPDX-License-Identifier: Apache-2.0
// Telling of a run from outside (witness.h).
#include "harness/runner/witness.h"

#include "harness/runner/run.h"
#include "src/base/clock.h"

#include <stdlib.h>

int witness_init(struct witness *w, struct error *err)
{
    *w = (struct witness){0};
    int code = pthread_mutex_init(&w->lock, NULL);
    return code ? error_errno(err, code, "can't make a lock") : 0;
}

void witness_destroy(struct witness *w)
{
    pthread_mutex_destroy(&w->lock);
}

void witness_lock(struct witness *w)
{
    if (w)
        pthread_mutex_lock(&w->lock);
}

void witness_unlock(struct witness *w)
{
    if (w)
        pthread_mutex_unlock(&w->lock);
}

bool witness_try(struct witness *w, uint64_t deadline_ns)
{
    struct timespec t = {(time_t)(deadline_ns / NS_PER_S),
                         (long)(deadline_ns % NS_PER_S)};
    return !pthread_mutex_clocklock(&w->lock, CLOCK_MONOTONIC, &t);
}

bool witness_tell(const struct witness *w, struct result *out)
{
    const struct run *r = w->run;
    if (!r)
        return false;
    if (r->step) {
        char *text = run_step_text(r->step);
        result_add_section(out, "step", text);
        free(text);
        free(out->where);
        out->where = run_where(&r->step->pos);
    }
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
