// SPDX-License-Identifier: Apache-2.0
// A claim on ports that guests touch without wanting anything: reads give all
// ones, writes go nowhere. It answers as an unclaimed port does; claiming says
// that the access is expected.
#pragma once

#include "src/devices/bus.h"

// Addresses [base, base+len); name is static. No state, no owner, any thread.
// Worth it for PLATFORM_POST_PORT, which kernels write to as a delay.
struct device absorb_device(uint64_t base, uint64_t len, const char *name);
