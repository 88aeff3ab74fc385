// SPDX-License-Identifier: Apache-2.0
// See written.h.
#include "harness/cli/written.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static bool is_there(const struct written *w, const char *path)
{
    size_t len = folder_length(path);
    for (size_t i = 0; i < w->count; i++)
        if (folder_length(w->paths[i]) == len &&
            !strncmp(w->paths[i], path, len))
            return true;
    return false;
}

static int add(struct written *w, const char *path, struct error *err)
{
    if (!path || is_there(w, path))
        return 0;
    char **more = reallocarray(w->paths, w->count + 1, sizeof(*more));
    if (more)
        w->paths = more;
    char *copy = more ? strdup(path) : NULL;
    if (!copy)
        return error_set(err, -ENOMEM, "out of memory");
    w->paths[w->count++] = copy;
    return 0;
}

// A folder is written to itself: as the folder of what is in it.
static int add_folder(struct written *w, const char *path, struct error *err)
{
    char *inside = NULL;
    if (asprintf(&inside, "%s/.", path) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    int code = add(w, inside, err);
    free(inside);
    return code;
}

static int add_guest(struct written *w, const struct guest *g,
                     struct error *err)
{
    int code = add(w, g->net.pcap, err);
    if (!code)
        code = add(w, g->vsock.path, err);
    for (size_t i = 0; !code && i < g->ndisks; i++)
        if (g->disks[i].mode == TOYVMM_DISK_WRITABLE)
            code = add(w, g->disks[i].path, err);
    for (size_t i = 0; !code && i < g->nfolders; i++)
        if (g->folders[i].writable)
            code = add_folder(w, g->folders[i].path, err);
    return code;
}

int written_collect(struct written *w, const struct selection *s,
                    const struct guest_overrides *machine, struct error *err)
{
    int code = 0;
    *w = (struct written){.count = 0};
    for (size_t i = 0; !code && i < s->count; i++) {
        const struct scenario *sc = s->list[i].what.scenario;
        struct guest guest;
        if (s->list[i].skip || (!sc->ndisks && !sc->net.pcap.npieces &&
                                !sc->nshares && !sc->vsock.path.npieces))
            continue;
        code =
            guest_make(&guest, sc, selected_machine(&s->list[i], machine), err);
        if (code)
            break;
        code = add_guest(w, &guest, err);
        guest_free(&guest);
    }
    return code;
}

void written_free(struct written *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->paths[i]);
    free(w->paths);
    *w = (struct written){.count = 0};
}
