// SPDX-License-Identifier: Apache-2.0
// The boots of a run themselves: here, once or until they pass or fail, or each
// case in an exact rig. Private to the command.
#pragma once

#include "harness/cli/boots.h"
#include "harness/suite/suite.h"

// Runs the plan of the boots as the options say; seeds are those of an
// exploration, whose *differs becomes true where a seed's second boot was
// another one. 0 with *run filled, or a negative errno with what ran in *run.
int boot_all(const struct options *o, const struct selection *s,
             const struct boots *boots, const uint64_t *seeds,
             const struct plan *plan, struct suite_run *run, bool *differs,
             struct error *err);
