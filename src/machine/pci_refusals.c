// SPDX-License-Identifier: Apache-2.0
// What the devices of pci_board.h refused, and what became of those that serve
// them.
#include "src/machine/machine.h"
#include "src/machine/pci_board.h"

#include <stdio.h>
#include <string.h>

static bool tell(struct virtio_device *device, const char *name,
                 struct toyvmm_refusal *out)
{
    pthread_mutex_lock(&device->lock);
    *out = (struct toyvmm_refusal){.count = device->refusals};
    memcpy(out->why, device->refusal, sizeof out->why);
    pthread_mutex_unlock(&device->lock);
    strncpy(out->device, name, sizeof out->device - 1);
    return out->count > 0;
}

static bool tell_disk(struct pci_disk *disk, const char *name,
                      struct toyvmm_refusal *out)
{
    bool refused = tell(&disk->blk.device, name, out);
    out->full = __atomic_load_n(&disk->blk.disk.full, __ATOMIC_RELAXED);
    return refused || out->full;
}

static bool tell_net(struct net_board *net, struct toyvmm_refusal *out)
{
    struct virtio_net_counts counts;
    bool refused = tell(&net->card.device, "net eth0", out);
    virtio_net_count(&net->card, &counts);
    out->dropped = counts.dropped;
    out->cut = counts.cut;
    return refused || out->dropped || out->cut;
}

static bool tell_folder(struct pci_folder *folder, struct toyvmm_refusal *out)
{
    struct virtio_vhost *v = &folder->fs.vhost;
    char name[sizeof out->device];
    snprintf(name, sizeof name, "share %s", folder->tag);
    bool refused = tell(&v->device, name, out);
    return virtio_vhost_lost(v, out->lost, sizeof out->lost) || refused;
}

static bool tell_vsock(struct vsock_board *vsock, struct toyvmm_refusal *out)
{
    bool refused = tell(&vsock->vsock.device, "virtio-vsock", out);
    out->turned_away = virtio_vsock_turned_away(&vsock->vsock);
    return refused || out->turned_away;
}

size_t pci_board_refusals(struct pci_board *pci, struct toyvmm_refusal *out,
                          size_t max)
{
    size_t n = 0;
    if (!pci || !max)
        return 0;
    n += tell(&pci->rng.device, "virtio-rng", &out[n]);
    if (n < max)
        n += tell(&pci->balloon.device, "virtio-balloon", &out[n]);
    for (unsigned i = 0; i < pci->ndisks && n < max; i++) {
        char name[sizeof out->device] = "disk vdX";
        name[7] = (char)('a' + i);
        n += tell_disk(&pci->disks[i], name, &out[n]);
    }
    if (pci->net && n < max)
        n += tell_net(pci->net, &out[n]);
    if (pci->has_console && n < max)
        n += tell(&pci->console.device, "virtio-console", &out[n]);
    for (unsigned i = 0; i < pci->nfolders && n < max; i++)
        n += tell_folder(&pci->folders[i], &out[n]);
    if (pci->vsock && n < max)
        n += tell_vsock(pci->vsock, &out[n]);
    return n;
}

size_t toyvmm_refusals(struct toyvmm *vm, struct toyvmm_refusal *out,
                       size_t max)
{
    return pci_board_refusals(vm->board.pci, out, max);
}
