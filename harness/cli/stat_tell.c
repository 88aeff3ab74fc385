// SPDX-License-Identifier: Apache-2.0
// --stat. See stat_tell.h.
#include "harness/cli/stat_tell.h"

#include "harness/cli/series.h"

#include <stdio.h>
#include <string.h>

int stat_tell(const struct selection *s, const struct boots *b,
              const struct suite_run *run, const struct noise_look *before,
              const char *accelerator, struct error *err)
{
    char warning[NOISE_TEXT];
    struct noise_look after;
    noise_look("", &after);
    int code = 0;
    for (size_t i = 0; !code && i < s->count; i++) {
        struct series series;
        if (s->list[i].skip)
            continue;
        code = series_collect(&series, b, run->results, i, 0);
        if (!code)
            code = series_print(stdout, &series, s->list[i].what.title, err);
        series_free(&series);
    }
    noise_warning(before, &after, 1, warning);
    if (*warning)
        printf("  warning: %s\n", warning);
    if (accelerator && !strcmp(accelerator, "rig"))
        printf("  warning: in the rig times are an emulator's\n");
    return code;
}
