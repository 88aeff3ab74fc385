// SPDX-License-Identifier: Apache-2.0
// What a machine has on PCI: a host bridge, an entropy device, a balloon, its
// disks, its network card, its console, its folders, its socket device. A
// machine without any of the last five has none of it, and its guest spends no
// time on looking for it.
// The same devices may lie behind registers in memory instead (virtio-mmio);
// then there is no PCI. Private to src/machine.
#pragma once

#include "src/machine/board.h"
#include "src/machine/confine.h"
#include "src/machine/irq_routes.h"
#include "src/machine/net_board.h"
#include "src/machine/servers.h"
#include "src/machine/vsock_board.h"
#include "src/pci/host.h"
#include "src/toyvmm.h"
#include "src/virtio/balloon.h"
#include "src/virtio/blk.h"
#include "src/virtio/console.h"
#include "src/virtio/fs.h"
#include "src/virtio/rng.h"
#include "src/virtio/transport_mmio.h"
#include "src/virtio/transport_pci.h"

// The disks of a machine while there is none: closed, where it has none.
struct toyvmm_kept {
    struct disk_image disks[TOYVMM_DISKS_MAX];
};

// Owned by the board and never moved: the buses point into it. Constant but for
// the devices, which lock themselves.
struct pci_board {
    const struct vm *vm;
    struct loop *loop;              // NULL: nothing lives on one
    struct guard *guard;            // of its threads, or NULL
    struct net_board *net;          // NULL: no network
    struct vsock_board *vsock;      // NULL: no sockets
    struct toyvmm_kept *kept;       // where the disks go in the end; NULL: away
    struct toyvmm_servers *serving; // its folders and disks, or NULL
    struct toyvmm_servers *servers; // the same where they are its own
    unsigned nregisters, ndisks, nfolders; // those that exist
    bool by_mmio;                          // else they are on PCI
    bool routes_work, has_console;
    struct irq_routes routes;
    struct pci_host host;
    struct virtio_mmio registers[PLATFORM_VIRTIO_MAX];
    struct virtio_rng rng;
    struct virtio_pci rng_pci;
    struct virtio_balloon balloon;
    struct virtio_pci balloon_pci;
    struct pci_disk {
        struct virtio_blk blk;
        struct virtio_pci pci;
    } disks[TOYVMM_DISKS_MAX];
    struct virtio_console console;
    struct virtio_pci console_pci;
    struct pci_folder {
        struct virtio_fs fs;
        struct virtio_pci pci;
        char tag[TOYVMM_TAG_MAX + 1];
    } folders[TOYVMM_FOLDERS_MAX];
    char names[PORT_NAMES][PORT_NAME_MAX + 1]; // of the console's ports
};

// How many devices of these config asks for, with those that come with the
// first; 0: none of this is there.
unsigned pci_board_devices(const struct toyvmm_config *config);

// Opens the disks, the network and the folders and puts all of it on the
// board's buses: once, before the first vCPU starts. guard (or NULL: no thread
// is confined), vm, memory and board outlive it. 0, or a negative errno with a
// sentence, as virtio_blk_init, net_board_new and vsock_board_new; board->pci
// is to be freed either way.
int pci_board_add(struct board *board, struct guard *guard, const struct vm *vm,
                  const struct guest_memory *memory,
                  const struct toyvmm_config *config, struct error *err);

// Stops the devices' threads and frees everything; NULL is nothing. The guest
// does not run any more.
void pci_board_free(struct pci_board *pci);

// Whether a device may interrupt without the guest doing anything: a disk has
// requests, a frame, a packet or input may come, a folder is in use. NULL: no.
// Any thread.
bool pci_board_is_busy(struct pci_board *pci);

// Input is waiting for a port from PORT_HVC on; and whether the guest has it
// open. NULL: nothing, no. Any thread.
void pci_board_input_ready(struct pci_board *pci, unsigned port);
bool pci_board_listens(struct pci_board *pci, unsigned port);

// Hands on a part of what the guest wrote to the console and was not handed on
// yet: the guest must not run on before. False when there is nothing. NULL:
// that. Any thread.
bool pci_board_goes_on(struct pci_board *pci);

// toyvmm_refusals of these devices; NULL: none. Any thread.
size_t pci_board_refusals(struct pci_board *pci, struct toyvmm_refusal *out,
                          size_t max);
