// SPDX-License-Identifier: Apache-2.0
// An interrupt line as a device sees it: something whose level it sets. Who
// wires a device gives it one; a test gives one that remembers the level.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// A plain value, copied into the device. set_level is called under the lock of
// the device that owns the line, only when the level changes, from whichever
// thread changed it; it must not call back into that device. Lines may share a
// gsi (COM1 and COM3 do): set_level's owner then combines them by OR. The line
// is low until the first call. A line without set_level is not connected.
struct irq_line {
    void (*set_level)(void *owner, unsigned gsi, bool level);
    void *owner;
    unsigned gsi;
};

static inline void irq_line_set(const struct irq_line *line, bool level)
{
    if (line->set_level)
        line->set_level(line->owner, line->gsi, level);
}
