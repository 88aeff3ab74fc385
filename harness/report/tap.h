// SPDX-License-Identifier: Apache-2.0
// A run as TAP 14 (testanything.org): a test point for each scenario, the
// guest's own tests as its subtests, the explanation as a YAML block.
#pragma once

#include "harness/report/reports.h"

// owner: a struct report_run. 0, or -EIO.
int tap_print(FILE *f, const void *owner);
