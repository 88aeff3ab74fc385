// SPDX-License-Identifier: Apache-2.0
// From samples of a vCPU to what it does. Pure, so that it is tested without
// KVM. Private to src/machine.
#pragma once

#include "src/toyvmm.h"

// Judges the nsamples samples of o that were taken between two readings of the
// counters: fills activity, low, high and io_port.
void observe_judge(struct toyvmm_observation *o,
                   const struct toyvmm_stats *before,
                   const struct toyvmm_stats *after);
