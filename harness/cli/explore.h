// SPDX-License-Identifier: Apache-2.0
// --explore N: each case with N seeds, and what its failures have in common.
// Private to the command.
#pragma once

#include "harness/cli/exact_run.h"

// The boots of an exploration and each one's seed.
struct exploration {
    struct boots boots;
    uint64_t *seeds;
};

// Each case once a seed, from options->seed on, options->explore of them, the
// seeds in their order. A skipped case is there once. 0 or -ENOMEM.
int explore_make(struct exploration *e, const struct options *o,
                 const struct selection *s);
void explore_free(struct exploration *e);

// What a failure is known by: the kernel's report without what changes from
// one to the next, or why the scenario failed. Into out; a result that passed
// has none ("").
void explore_title(const struct result *r, char *out, size_t size);

// Of a run that is over: tells how many failed, grouped by their titles, with
// their seeds and the command line that boots each again; and boots the first
// of each group again, which must fail the same way, byte by byte. Where it
// doesn't, that is told as the harness's error and *differs is set. 0 or a
// negative errno.
int explore_conclude(const struct exact_suite *x, const struct suite_run *run,
                     bool *differs, struct error *err);
