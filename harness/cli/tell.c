// SPDX-License-Identifier: Apache-2.0
// Diagnostics as text. See tell.h.
#include "harness/cli/tell.h"

#include <stdlib.h>
#include <string.h>

void tell_diagnostics(FILE *log, const struct diagnostics *d)
{
    for (size_t i = 0; i < d->count; i++) {
        char *text = diagnostic_format(&d->list[i]);
        if (text)
            fprintf(log, "%s%s", text,
                    *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
        free(text);
    }
}
