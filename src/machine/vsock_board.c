// SPDX-License-Identifier: Apache-2.0
// See vsock_board.h.
#include "src/machine/vsock_board.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

_Static_assert(TOYVMM_VSOCK_CID >= VSOCK_CID_MIN &&
                   TOYVMM_VSOCK_CID_MAX == VSOCK_CID_MAX,
               "what a guest may have");

static int check_cid(const struct toyvmm_vsock *config, struct error *err)
{
    if (config->cid &&
        (config->cid < VSOCK_CID_MIN || config->cid > VSOCK_CID_MAX))
        return error_set(err, -EINVAL,
                         "no guest can have the CID %" PRIu32 ": it is %" PRIu32
                         " to %" PRIu32,
                         config->cid, VSOCK_CID_MIN, VSOCK_CID_MAX);
    return 0;
}

int toyvmm_check_vsock(const struct toyvmm_vsock *vsock, struct error *err)
{
    if (!vsock->path)
        return 0;
    int code = check_cid(vsock, err);
    return code < 0 ? code : vsock_path_check(vsock->path, err);
}

struct vsock_board *vsock_board_new(const struct toyvmm_vsock *config,
                                    struct loop *loop,
                                    const struct guest_memory *memory,
                                    int *code, struct error *err)
{
    *code = check_cid(config, err);
    if (*code < 0)
        return NULL;
    struct vsock_board *vsock = calloc(1, sizeof *vsock);
    if (!vsock) {
        *code = error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    *code = virtio_vsock_init(&vsock->vsock, config->path,
                              config->cid ? config->cid : TOYVMM_VSOCK_CID,
                              loop, memory, err);
    if (*code == 0)
        return vsock;
    vsock_board_free(vsock);
    return NULL;
}

void vsock_board_free(struct vsock_board *vsock)
{
    if (!vsock)
        return;
    virtio_vsock_destroy(&vsock->vsock);
    if (vsock->pci.device)
        virtio_pci_destroy(&vsock->pci);
    free(vsock);
}
