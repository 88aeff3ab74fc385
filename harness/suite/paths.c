// SPDX-License-Identifier: Apache-2.0
// See paths.h.
#include "harness/suite/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

int case_paths_find(struct case_paths *p, const struct case_control *control,
                    const struct scenario *s, const struct guest *guest,
                    const char *recording)
{
    *p = (struct case_paths){.folder = NULL};
    if (recording && !(p->folder = folder_of(recording)))
        return -ENOMEM;
    size_t nread = 0, nwritten = 0;
    if (recording)
        p->read[nread++] = s->path;
    if (guest->symbols)
        p->read[nread++] = guest->symbols;
    if (control && control->folder)
        p->written[nwritten++] = control->folder;
    if (p->folder)
        p->written[nwritten++] = p->folder;
    p->paths = (struct toyvmm_paths){
        .nread = nread,
        .nwritten = nwritten,
        .read = p->read,
        .written = p->written,
    };
    return 0;
}

void case_paths_free(struct case_paths *p)
{
    free(p->folder);
}
