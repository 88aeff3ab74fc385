// SPDX-License-Identifier: Apache-2.0
// A scenario's shares. See guest.h.
#include "harness/guests/guest_parts.h"

#include <errno.h>
#include <stdlib.h>

static int take_one(struct guest *guest, const struct scenario *s,
                    const struct variables *v, const struct share *share,
                    struct error *err)
{
    struct toyvmm_folder *folder = &guest->folders[guest->nfolders++];
    char *path = NULL;
    size_t len;
    int code = guest_take_path(&path, s, v, &share->path, err);
    *folder = (struct toyvmm_folder){.path = path, .writable = share->writable};
    if (!code) {
        folder->tag = variables_expand(v, &share->tag, false, &len, err);
        code = folder->tag ? 0 : -EINVAL;
    }
    return code;
}

int guest_take_shares(struct guest *guest, const struct scenario *s,
                      const struct variables *v, struct error *err)
{
    int code = 0;
    if (!s->nshares)
        return 0;
    guest->folders = calloc(s->nshares, sizeof(*guest->folders));
    if (!guest->folders)
        return error_set(err, -ENOMEM, "out of memory");
    for (size_t i = 0; !code && i < s->nshares; i++)
        code = take_one(guest, s, v, &s->shares[i], err);
    return code;
}

void guest_free_shares(struct guest *guest)
{
    for (size_t i = 0; i < guest->nfolders; i++) {
        guest_free_text(guest->folders[i].path);
        guest_free_text(guest->folders[i].tag);
    }
    free(guest->folders);
}
