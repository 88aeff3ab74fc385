// SPDX-License-Identifier: Apache-2.0
// See runner_machine.h.
#include "harness/tests/runner_machine.h"

static void stop(void *owner)
{
    ((struct counted_machine *)owner)->stops++;
}

static int restart(void *owner, struct error *err)
{
    struct counted_machine *m = owner;
    m->restarts++;
    return m->restart_code
               ? error_set(err, m->restart_code, "no memory for a machine")
               : 0;
}

static int nmi(void *owner, struct error *err)
{
    struct counted_machine *m = owner;
    m->nmis++;
    return m->nmi_code ? error_set(err, m->nmi_code, "LINT1 is masked") : 0;
}

static void usage(void *owner, uint64_t ns, struct toyvmm_usage *out,
                  struct toyvmm_share *each)
{
    if (each) {
        each[0] = (struct toyvmm_share){900, 7};
        each[1] = (struct toyvmm_share){100, 3};
    }
    (void)owner;
    (void)ns;
    *out = (struct toyvmm_usage){1000, 10, {9, 1}};
}

static int power(void *owner, struct error *err)
{
    struct counted_machine *m = owner;
    m->powers++;
    return m->power_code ? error_set(err, m->power_code, "nobody listens") : 0;
}

struct run_machine counted_seam = {.stop = stop,
                                   .restart = restart,
                                   .nmi = nmi,
                                   .power = power,
                                   .usage = usage};

void counted_prepare(void *owner, struct run_options *run)
{
    counted_seam.owner = owner;
    run->machine = &counted_seam;
}
