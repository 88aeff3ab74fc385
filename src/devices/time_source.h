// SPDX-License-Identifier: Apache-2.0
// A clock as a device sees it: given by who wires the device, so that tests
// can move time.
#pragma once

#include <stdint.h>

// A plain value, copied into the device. now_ns returns nanoseconds, from any
// thread, and is called under the device's lock. From what, is the device's
// affair: the RTC wants UTC since the Epoch, the PM timer any steady clock.
struct time_source {
    uint64_t (*now_ns)(void *owner);
    void *owner;
};

static inline uint64_t time_source_now(const struct time_source *source)
{
    return source->now_ns(source->owner);
}
