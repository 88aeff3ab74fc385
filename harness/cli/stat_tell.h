// SPDX-License-Identifier: Apache-2.0
// The distributions of --stat, and what may have spoilt them. Private to the
// command.
#pragma once

#include "harness/cli/boots.h"
#include "harness/history/noise.h"
#include "harness/suite/suite.h"

// Prints them for each case that was not skipped; before is the host as it was
// before the boots. 0 or -ENOMEM.
int stat_tell(const struct selection *s, const struct boots *b,
              const struct suite_run *run, const struct noise_look *before,
              const char *accelerator, struct error *err);
