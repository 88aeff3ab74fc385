// SPDX-License-Identifier: Apache-2.0
// See command_line.h.
#include "harness/rig/command_line.h"

#include <stdarg.h>
#include <stdio.h>

void command_add(struct command_line *line, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t room = sizeof(line->text) - line->used;
    int n = vsnprintf(line->text + line->used, room, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room || line->count == COMMAND_WORDS_MAX) {
        line->full = true;
        return;
    }
    line->argv[line->count++] = line->text + line->used;
    line->used += (size_t)n + 1;
}
