// SPDX-License-Identifier: Apache-2.0
// For tests that give a recorded console times: they agree with the kernel's
// own clock in its messages.
#pragma once

#include "harness/console/kmsg.h"
#include "src/base/clock.h"

#include <stdbool.h>

// The first message's clock and when it came. All zero is a new one.
struct kernel_time {
    bool known;
    uint64_t clock_us, ns;
};

// When the byte comes that text[0..len) begins with: at ns, or, of a message
// that would come before its clock, then.
static inline uint64_t kernel_time(struct kernel_time *k, const char *text,
                                   size_t len, uint64_t ns)
{
    size_t used;
    if (!len || kmsg_prefix(text, len, &used) != KMSG_YES) {
        return ns;
    }
    uint64_t us = kmsg_clock_us(text, used);
    if (!k->known) {
        *k = (struct kernel_time){true, us, ns};
    }
    uint64_t due = us > k->clock_us ? k->ns + (us - k->clock_us) * 1000 : 0;
    return due > ns ? due : ns;
}
