// SPDX-License-Identifier: Apache-2.0
// Cases of which not all have room for as many others beside them. Used by the
// command line.
#pragma once

#include "harness/suite/suite.h"

// Runs a plan's cases once, so many at a time.
typedef int suite_beside(void *owner, const struct plan *plan, unsigned jobs,
                         struct suite_run *out, struct error *err);

// Runs the plan's cases once: those of which most may run at a time (the case's
// beside; 0: jobs) first, so many of them, then those of which fewer may, down
// to those that run alone. A class begins when the one before has ended. What
// an interruption leaves is an error, what fail_fast leaves is unrun. 0 with
// *out filled, or a negative errno with what ran in *out.
int suite_by_room(const struct plan *plan, unsigned jobs, suite_beside *run,
                  void *owner, struct suite_run *out, struct error *err);
