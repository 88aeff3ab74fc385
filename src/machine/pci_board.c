// SPDX-License-Identifier: Apache-2.0
// The devices on PCI. See pci_board.h.
#include "src/machine/pci_board.h"

#include "src/base/platform.h"
#include "src/machine/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool pci_board_wanted(const struct toyvmm_config *config)
{
    return config->ndisks > 0 || config->net.kind != TOYVMM_NET_NONE;
}

static void send_msi(void *owner, uint64_t address, uint32_t data)
{
    const struct pci_board *pci = owner;
    vm_signal_msi(pci->vm, address, data);
}

// Gives a device the next slot, and the interrupt line that the DSDT's _PRT
// names for it.
static int plug(struct board *board, struct virtio_device *device,
                struct virtio_pci *t, struct error *err)
{
    struct pci_host *host = &board->pci->host;
    unsigned gsi = PLATFORM_PCI_GSI + host->nslots % PLATFORM_PCI_GSIS;
    const struct irq_line intx = irq_wire(&board->wires, gsi);
    const struct msi_sink sink = {.send = send_msi, .owner = board->pci};
    return virtio_pci_init(t, device, host, &intx, &sink, err);
}

static enum disk_mode mode_of(enum toyvmm_disk_mode mode)
{
    switch (mode) {
    case TOYVMM_DISK_DROPS:
        return DISK_CHANGES_DROPPED;
    case TOYVMM_DISK_READONLY:
        return DISK_READONLY;
    case TOYVMM_DISK_WRITABLE:
        return DISK_WRITABLE;
    }
    return DISK_READONLY;
}

int pci_board_check_disk(const struct toyvmm_disk *disk, struct error *err)
{
    return disk_image_check(disk->path, mode_of(disk->mode), err);
}

static int add_disk(struct board *board, const struct guest_memory *memory,
                    const struct toyvmm_disk *config, struct error *err)
{
    struct pci_board *pci = board->pci;
    struct pci_disk *disk = &pci->disks[pci->ndisks];
    const struct virtio_blk_setup setup = {
        .path = config->path,
        .serial = config->serial,
        .mode = mode_of(config->mode),
        .image = pci->kept ? &pci->kept->disks[pci->ndisks] : NULL,
    };
    int code = virtio_blk_init(&disk->blk, &setup, memory, err);
    if (code < 0)
        return code;
    code = plug(board, &disk->blk.device, &disk->pci, err);
    pci->ndisks++;
    return code;
}

static int add_net(struct board *board, const struct guest_memory *memory,
                   const struct toyvmm_net *config, struct error *err)
{
    int code;
    if (config->kind == TOYVMM_NET_NONE)
        return 0;
    struct net_board *net = net_board_new(config, memory, &code, err);
    if (!net)
        return code;
    board->pci->net = net;
    return plug(board, &net->card.device, &net->pci, err);
}

// The host bridge takes the reset register's byte over: it lies among its own
// ports.
static int add_host(struct board *board, struct error *err)
{
    struct pci_host *host = &board->pci->host;
    struct device reset;
    bool was_there = bus_remove(&board->pio, PLATFORM_RESET_PORT, &reset);
    if (!was_there)
        return error_set(err, -ENOENT, "no reset register");
    pci_host_init(host, &reset, PLATFORM_PCI_WINDOW_GPA,
                  PLATFORM_PCI_WINDOW_LEN);
    struct device ports = pci_host_ports(host, PLATFORM_PCI_CONFIG_PORT);
    struct device memory = pci_host_memory(host);
    int code = bus_add(&board->pio, &ports, err);
    return code < 0 ? code : bus_add(&board->mmio, &memory, err);
}

int pci_board_add(struct board *board, const struct vm *vm,
                  const struct guest_memory *memory,
                  const struct toyvmm_config *config, struct error *err)
{
    struct pci_board *pci = calloc(1, sizeof *pci);
    if (!pci)
        return error_set(err, -ENOMEM, "out of memory");
    board->pci = pci;
    pci->vm = vm;
    pci->kept = config->kept;
    virtio_rng_init(&pci->rng, memory);
    int code = add_host(board, err);
    if (code == 0)
        code = plug(board, &pci->rng.device, &pci->rng_pci, err);
    for (size_t i = 0; code == 0 && i < config->ndisks; i++)
        code = add_disk(board, memory, &config->disks[i], err);
    return code < 0 ? code : add_net(board, memory, &config->net, err);
}

void pci_board_free(struct pci_board *pci)
{
    if (!pci)
        return;
    for (unsigned i = 0; i < pci->ndisks; i++) {
        if (pci->kept)
            virtio_blk_release(&pci->disks[i].blk, &pci->kept->disks[i]);
        else
            virtio_blk_destroy(&pci->disks[i].blk);
        virtio_pci_destroy(&pci->disks[i].pci);
    }
    net_board_free(pci->net);
    virtio_rng_destroy(&pci->rng);
    virtio_pci_destroy(&pci->rng_pci);
    pci_host_destroy(&pci->host);
    free(pci);
}

bool pci_board_is_busy(struct pci_board *pci)
{
    for (unsigned i = 0; pci && i < pci->ndisks; i++)
        if (virtio_blk_is_busy(&pci->disks[i].blk))
            return true;
    return pci && pci->net && virtio_net_is_used(&pci->net->card);
}

// ---- Disks that outlive a machine ------------------------------------------

struct toyvmm_kept *toyvmm_kept_new(void)
{
    struct toyvmm_kept *kept = calloc(1, sizeof *kept);
    for (unsigned i = 0; kept && i < TOYVMM_DISKS_MAX; i++)
        kept->disks[i] = (struct disk_image){.image = -1, .changes = -1};
    return kept;
}

void toyvmm_kept_free(struct toyvmm_kept *kept)
{
    for (unsigned i = 0; kept && i < TOYVMM_DISKS_MAX; i++)
        disk_image_close(&kept->disks[i]);
    free(kept);
}

// ---- What devices refused --------------------------------------------------

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

size_t pci_board_refusals(struct pci_board *pci, struct toyvmm_refusal *out,
                          size_t max)
{
    size_t n = 0;
    if (!pci || !max)
        return 0;
    n += tell(&pci->rng.device, "virtio-rng", &out[n]);
    for (unsigned i = 0; i < pci->ndisks && n < max; i++) {
        char name[sizeof out->device] = "disk vdX";
        name[7] = (char)('a' + i);
        n += tell_disk(&pci->disks[i], name, &out[n]);
    }
    if (pci->net && n < max)
        n += tell_net(pci->net, &out[n]);
    return n;
}

size_t toyvmm_refusals(struct toyvmm *vm, struct toyvmm_refusal *out,
                       size_t max)
{
    return pci_board_refusals(vm->board.pci, out, max);
}
