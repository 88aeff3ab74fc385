// SPDX-License-Identifier: Apache-2.0
// Finding the kernel's message in a line. See lines.h.
#include "harness/console/lines.h"

#include "harness/console/kmsg.h"

void console_line_split(const char *text, size_t len, struct console_line *out)
{
    *out = (struct console_line){false, len, len, 0};
    size_t at = kmsg_candidate(text, len);
    while (at < len) {
        size_t used;
        if (kmsg_prefix(text + at, len - at, &used) == KMSG_YES) {
            *out = (struct console_line){true, at, at + used,
                                         kmsg_clock_us(text + at, used)};
            return;
        }
        at++;
        at += kmsg_candidate(text + at, len - at);
    }
}
