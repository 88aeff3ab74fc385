// SPDX-License-Identifier: Apache-2.0
// What became of a scenario before it was run again: the memory of a result's
// attempts. Private to harness/report.
#pragma once

#include "harness/report/result.h"

// Frees them, and leaves none.
void result_free_attempts(struct result *r);
