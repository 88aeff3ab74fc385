// SPDX-License-Identifier: Apache-2.0
// See notes.h.
#include "src/boot/notes.h"

#include <stdarg.h>
#include <stdio.h>

void boot_note(struct boot_notes *notes, const char *fmt, ...)
{
    if (notes->count == BOOT_NOTES_MAX)
        return;
    char *text = notes->text[notes->count++];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(notes->text[0]), fmt, args);
    va_end(args);
}
