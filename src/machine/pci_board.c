// SPDX-License-Identifier: Apache-2.0
// The devices on PCI. See pci_board.h.
#include "src/machine/pci_board.h"

#include "src/base/platform.h"
#include "src/machine/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(TOYVMM_DISKS_MAX + 5 <= PLATFORM_VIRTIO_MAX &&
                   PLATFORM_VIRTIO_MAX < PLATFORM_PCI_SLOTS + 1,
               "there is a place for each device, if not for the most folders");

static bool has_console(const struct toyvmm_config *config)
{
    return config->console || config->nnamed;
}

unsigned pci_board_devices(const struct toyvmm_config *config)
{
    enum { ALWAYS = 2 }; // entropy, balloon
    unsigned n = (unsigned)(config->ndisks + config->nfolders);
    n += config->net.kind != TOYVMM_NET_NONE;
    n += config->vsock.path != NULL;
    n += has_console(config);
    return n ? ALWAYS + n : 0;
}

static void send_msi(void *owner, uint64_t address, uint32_t data)
{
    const struct pci_board *pci = owner;
    vm_signal_msi(pci->vm, address, data);
}

// Gives a device the next registers in memory, as the DSDT names them.
static int plug_registers(struct board *board, struct virtio_device *device,
                          struct error *err)
{
    struct pci_board *pci = board->pci;
    unsigned n = pci->nregisters;
    if (n == PLATFORM_VIRTIO_MAX)
        return error_set(err, -ENOSPC, "%s: too many devices",
                         device->ops->name);
    const struct irq_line irq =
        irq_wire(&board->wires, PLATFORM_PCI_GSI + n % PLATFORM_PCI_GSIS);
    virtio_mmio_init(&pci->registers[n], device, &irq);
    const struct device registers = virtio_mmio_device(
        &pci->registers[n], PLATFORM_VIRTIO_GPA + n * PLATFORM_VIRTIO_LEN);
    pci->nregisters++;
    return bus_add(&board->mmio, &registers, err);
}

// Gives a device the next slot, and the interrupt line that the DSDT's _PRT
// names for it.
static int plug(struct board *board, struct virtio_device *device,
                struct virtio_pci *t, struct error *err)
{
    struct pci_host *host = &board->pci->host;
    if (board->pci->by_mmio)
        return plug_registers(board, device, err);
    unsigned gsi = PLATFORM_PCI_GSI + host->nslots % PLATFORM_PCI_GSIS;
    const struct irq_line intx = irq_wire(&board->wires, gsi);
    const struct msi_sink sink = {.send = send_msi, .owner = board->pci};
    return virtio_pci_init(t, device, host, &intx, &sink, err);
}

// On a disk's thread. Nothing that the guest does from now on tells of it.
static void on_disk_lost(void *owner, struct virtio_blk *blk, const char *why)
{
    const struct board *board = owner;
    const struct pci_board *pci = board->pci;
    struct toyvmm_event event;
    unsigned i = 0;
    while (i + 1 < TOYVMM_DISKS_MAX && blk != &pci->disks[i].blk)
        i++;
    snprintf(event.detail, sizeof event.detail, "disk vd%c: %s",
             (char)('a' + i), why);
    board->hooks.broken(board->hooks.owner, event.detail);
}

static int add_disk(struct board *board, const struct guest_memory *memory,
                    const struct toyvmm_disk *config, struct error *err)
{
    struct pci_board *pci = board->pci;
    struct pci_disk *disk = &pci->disks[pci->ndisks];
    const struct guard_seat seat =
        confine_seat(pci->guard, SANDBOX_DISK, pci->ndisks, "disk vd%c",
                     (char)('a' + pci->ndisks));
    const struct virtio_blk_setup setup = {
        .path = config->path,
        .serial = config->serial,
        .mode = servers_mode_of(config->mode),
        .image = pci->kept ? &pci->kept->disks[pci->ndisks] : NULL,
        .backend = servers_of_disk(pci->serving, pci->ndisks),
        .on_lost = on_disk_lost,
        .lost_owner = board,
        .seat = &seat,
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
    struct net_board *net =
        net_board_new(config, board->pci->loop, memory, &code, err);
    if (!net)
        return code;
    board->pci->net = net;
    return plug(board, &net->card.device, &net->pci, err);
}

static int add_vsock(struct board *board, const struct guest_memory *memory,
                     const struct toyvmm_vsock *config, struct error *err)
{
    int code;
    if (!config->path)
        return 0;
    struct vsock_board *vsock =
        vsock_board_new(config, board->pci->loop, memory, &code, err);
    if (!vsock)
        return code;
    board->pci->vsock = vsock;
    return plug(board, &vsock->vsock.device, &vsock->pci, err);
}

// A tap takes and gives frames; so does a network that is asked for neither
// ports of the guest's nor of the host's. A socket device meets its programs at
// Unix sockets, both ways.
static enum sandbox_thread loop_kind(const struct toyvmm_config *config)
{
    const struct toyvmm_net *net = &config->net;
    bool user = net->kind == TOYVMM_NET_USER;
    bool reaches = user && net->nreach;
    if (config->vsock.path)
        return reaches ? SANDBOX_LOOP_BOTH : SANDBOX_LOOP_UNIX;
    if (reaches)
        return SANDBOX_LOOP_CONNECTS;
    return user && net->nforwards ? SANDBOX_LOOP_ACCEPTS : SANDBOX_LOOP;
}

// What talks to the world lives on an event loop.
static int start_loop(struct pci_board *pci, const struct toyvmm_config *config,
                      struct error *err)
{
    if (config->net.kind == TOYVMM_NET_NONE && !config->vsock.path)
        return 0;
    const struct guard_seat seat = confine_seat(
        pci->guard, loop_kind(config), 0, "%s",
        config->net.kind == TOYVMM_NET_NONE ? "the sockets" : "the network");
    pci->loop = loop_new(&seat, err);
    return pci->loop ? 0 : -EMFILE;
}

// ---- The console -----------------------------------------------------------

static void console_tx(void *owner, unsigned port, const uint8_t *bytes,
                       size_t n, uint64_t ns)
{
    const struct board *board = owner;
    board->hooks.tx(board->hooks.owner, PORT_HVC + port, bytes, n, ns);
}

static size_t console_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    const struct board *board = owner;
    return board->hooks.rx(board->hooks.owner, PORT_HVC + port, bytes, max);
}

static bool console_is_full(void *owner)
{
    const struct board *board = owner;
    return board->hooks.is_full(board->hooks.owner);
}

static int add_console(struct board *board, const struct guest_memory *memory,
                       const struct toyvmm_config *config, struct error *err)
{
    struct pci_board *pci = board->pci;
    const char *names[PORT_NAMES];
    const struct virtio_console_peer peer = {
        .owner = board,
        .tx = console_tx,
        .rx = console_rx,
        .is_full = console_is_full,
    };
    if (!has_console(config))
        return 0;
    for (size_t i = 0; i < config->nnamed && i < PORT_NAMES; i++) {
        strncpy(pci->names[i], config->named[i], PORT_NAME_MAX);
        names[i] = pci->names[i];
    }
    virtio_console_init(&pci->console, names, config->nnamed, &peer, memory);
    pci->has_console = true;
    return plug(board, &pci->console.device, &pci->console_pci, err);
}

void pci_board_input_ready(struct pci_board *pci, unsigned port)
{
    if (pci && pci->has_console)
        virtio_console_input_ready(&pci->console, port - PORT_HVC);
}

bool pci_board_listens(struct pci_board *pci, unsigned port)
{
    return pci && pci->has_console &&
           virtio_console_is_open(&pci->console, port - PORT_HVC);
}

bool pci_board_goes_on(struct pci_board *pci)
{
    return pci && pci->has_console && virtio_console_goes_on(&pci->console);
}

static bool console_is_used(struct pci_board *pci)
{
    bool used = false;
    for (unsigned i = PORT_HVC; i < PORT_COUNT; i++)
        used |= pci_board_listens(pci, i);
    return used;
}

// ---- Folders ---------------------------------------------------------------

static int add_folder(struct board *board, const struct guest_memory *memory,
                      const struct toyvmm_folder *config,
                      struct vhost_backend *backend, struct error *err)
{
    struct pci_board *pci = board->pci;
    struct pci_folder *folder = &pci->folders[pci->nfolders];
    const struct guard_seat seat = confine_seat(
        pci->guard, SANDBOX_SHARE, pci->nfolders, "share %s", config->tag);
    pci->nfolders++;
    strncpy(folder->tag, config->tag, TOYVMM_TAG_MAX);
    int code =
        virtio_fs_init(&folder->fs, config->tag, backend, memory, &seat, err);
    if (code == 0)
        code = plug(board, &folder->fs.vhost.device, &folder->pci, err);
    if (code == 0 && pci->routes_work)
        virtio_pci_take_shortcuts(&folder->pci, &pci->routes.shortcuts);
    return code;
}

static int add_folders(struct board *board, const struct guest_memory *memory,
                       const struct toyvmm_config *config, struct error *err)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < config->nfolders; i++)
        code = add_folder(board, memory, &config->folders[i],
                          &board->pci->serving->backends[i], err);
    return code;
}

// What serves its folders and disks: the caller's, or its own.
static int find_servers(struct pci_board *pci,
                        const struct toyvmm_config *config, struct error *err)
{
    int code = 0;
    pci->serving = config->servers;
    if (!pci->serving && servers_are_needed(config)) {
        pci->serving = pci->servers = toyvmm_serve(config, &code, err);
        // They end with this machine, and what is kept would need them.
        for (size_t i = 0; code == 0 && i < config->ndisks; i++)
            if (pci->kept && servers_of_disk(pci->servers, i))
                code = error_set(err, -EINVAL,
                                 "%s: a disk that is served can be kept with "
                                 "its servers only",
                                 config->disks[i].path);
    }
    if (code == 0 && pci->serving &&
        (pci->serving->count < config->nfolders ||
         pci->serving->ndisks < config->ndisks))
        code = error_set(err, -EINVAL,
                         "the servers are of other folders or disks");
    return code;
}

// ---- All of it -------------------------------------------------------------

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

int pci_board_add(struct board *board, struct guard *guard, const struct vm *vm,
                  const struct guest_memory *memory,
                  const struct toyvmm_config *config, struct error *err)
{
    struct pci_board *pci = calloc(1, sizeof *pci);
    if (!pci)
        return error_set(err, -ENOMEM, "out of memory");
    board->pci = pci;
    pci->vm = vm;
    pci->guard = guard;
    pci->kept = config->kept;
    pci->by_mmio = config->mmio;
    // Registers in memory have neither messages nor a place that moves.
    pci->routes_work = irq_routes_init(&pci->routes, vm) && !pci->by_mmio;
    virtio_rng_init(&pci->rng, memory);
    virtio_balloon_init(&pci->balloon, memory);
    int code = find_servers(pci, config, err);
    if (code == 0 && !pci->by_mmio)
        code = add_host(board, err);
    if (code == 0)
        code = plug(board, &pci->rng.device, &pci->rng_pci, err);
    if (code == 0)
        code = plug(board, &pci->balloon.device, &pci->balloon_pci, err);
    for (size_t i = 0; code == 0 && i < config->ndisks; i++)
        code = add_disk(board, memory, &config->disks[i], err);
    if (code == 0)
        code = start_loop(pci, config, err);
    if (code == 0)
        code = add_net(board, memory, &config->net, err);
    if (code == 0)
        code = add_console(board, memory, config, err);
    if (code == 0)
        code = add_folders(board, memory, config, err);
    return code < 0 ? code : add_vsock(board, memory, &config->vsock, err);
}

// On PCI or not.
static void unplug(struct virtio_pci *t)
{
    if (t->device)
        virtio_pci_destroy(t);
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
        unplug(&pci->disks[i].pci);
    }
    for (unsigned i = 0; i < pci->nfolders; i++) {
        virtio_fs_destroy(&pci->folders[i].fs);
        unplug(&pci->folders[i].pci);
    }
    toyvmm_servers_end(pci->servers);
    net_board_free(pci->net);
    vsock_board_free(pci->vsock);
    loop_free(pci->loop);
    if (pci->has_console) {
        virtio_console_destroy(&pci->console);
        unplug(&pci->console_pci);
    }
    virtio_rng_destroy(&pci->rng);
    unplug(&pci->rng_pci);
    virtio_balloon_destroy(&pci->balloon);
    unplug(&pci->balloon_pci);
    irq_routes_destroy(&pci->routes);
    if (!pci->by_mmio)
        pci_host_destroy(&pci->host);
    free(pci);
}

bool pci_board_is_busy(struct pci_board *pci)
{
    for (unsigned i = 0; pci && i < pci->ndisks; i++)
        if (virtio_blk_is_busy(&pci->disks[i].blk))
            return true;
    for (unsigned i = 0; pci && i < pci->nfolders; i++)
        if (virtio_vhost_is_used(&pci->folders[i].fs.vhost))
            return true;
    return pci && ((pci->net && virtio_net_is_used(&pci->net->card)) ||
                   (pci->vsock && virtio_vsock_is_used(&pci->vsock->vsock)) ||
                   console_is_used(pci));
}
