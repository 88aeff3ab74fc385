// SPDX-License-Identifier: Apache-2.0
// The boots of a run. See boot_all.h.
#include "harness/cli/boot_all.h"

#include "harness/cli/accel.h"
#include "harness/cli/exact_run.h"
#include "harness/cli/explore.h"
#include "harness/suite/beside.h"
#include "harness/suite/stress.h"

#include <inttypes.h>
#include <stdio.h>

struct here {
    const struct options *options;
};

static int run_here(void *owner, const struct plan *plan, unsigned jobs,
                    struct suite_run *out, struct error *err)
{
    const struct options *o = ((const struct here *)owner)->options;
    return suite_run(plan, jobs, o->in_process, out, err);
}

static int round_here(void *owner, const struct plan *plan,
                      struct suite_run *out, struct error *err)
{
    const struct options *o = ((const struct here *)owner)->options;
    if (!o->jobs_auto || o->in_process)
        return run_here(owner, plan, (unsigned)o->jobs, out, err);
    return suite_by_room(plan, (unsigned)o->jobs, run_here, owner, out, err);
}

// Rounds until one fails, and how many those were.
static int stress(const struct options *o, const struct plan *plan,
                  const struct suite_policy *policy, struct suite_run *run,
                  struct error *err)
{
    struct here here = {o};
    struct plan quiet = *plan;
    const struct stress_limit limit = {o->stress.rounds, o->stress.ns};
    struct stress_told told;
    quiet.quiet_passed = !o->verbosity;
    int code = suite_stress(&quiet, policy, &limit, round_here, &here, run,
                            &told, err);
    if (!o->quiet)
        printf("stress: %s%" PRIu64 " round%s, %" PRIu64 " boot%s\n",
               told.failed ? "the last one failed: " : "none failed: ",
               told.rounds, told.rounds == 1 ? "" : "s", told.cases,
               told.cases == 1 ? "" : "s");
    return code;
}

int boot_all(const struct options *o, const struct selection *s,
             const struct boots *boots, const uint64_t *seeds,
             const struct plan *plan, struct suite_run *run, bool *differs,
             struct error *err)
{
    struct here here = {o};
    const struct suite_policy policy = {(unsigned)o->retries, o->fail_fast,
                                        o->flaky_ok};
    if (o->stress.rounds || o->stress.ns)
        return stress(o, plan, &policy, run, err);
    if (!o->exact || !plan->accelerator || accel_inside_rig())
        return suite_attempts(plan, &policy, round_here, &here, run, err);
    struct exact_suite x = {
        .options = o,
        .selection = s,
        .boots = boots,
        .plan = plan,
        .seeds = seeds,
        .untold = o->explore && !o->verbosity,
    };
    int code = exact_suite_run(&x, run, err);
    if (!code && o->explore)
        code = explore_conclude(&x, run, differs, err);
    return code;
}
