// SPDX-License-Identifier: Apache-2.0
// See state.h.
#include "harness/runner/state.h"

#include "src/base/clock.h"

uint64_t run_scaled(const struct run *r, uint64_t ns)
{
    double scaled = (double)ns * r->scale;
    return scaled >= 9e18 ? CLOCK_NEVER : (uint64_t)scaled;
}
