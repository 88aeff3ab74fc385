// SPDX-License-Identifier: Apache-2.0
// Notifications that go past the VMM: where each is while a driver sets its
// device up, masks and moves vectors, moves the BAR, resets.
#include "src/base/clock.h"
#include "src/tests/vhost_end.h"
#include "src/virtio/fs.h"
#include "src/virtio/transport_pci.h"

#include <criterion/criterion.h>
#include <string.h>

#define MEMORY   (UINT64_C(4) << 20)
#define PATIENCE (60 * NS_PER_S)
#define WINDOW   UINT64_C(0xe0000000)

enum { DRIVER_SELECT = 8, DRIVER_FEATURE = 12, STATUS = 20, SELECT = 22 };
enum { SIZE = 24, VECTOR = 26, ENABLE = 28, DESC = 32, AVAIL = 40, USED = 48 };

struct fixture {
    struct guest_memory memory;
    struct end end;
    struct vhost_backend backend;
    struct virtio_fs fs;
    struct pci_host host;
    struct virtio_pci pci;
    struct virtio_shortcuts shortcuts;
    bool refuse;
    // What the hypervisor would do now. Under the device's lock.
    struct call {
        int fd;
        uint64_t address;
        uint32_t data;
    } calls[3]; // by line; fd 0: nothing
    unsigned nlines;
    struct kick {
        int fd;
        uint64_t at;
    } kicks[4];
};

static bool on_call(void *owner, unsigned *line, int fd, uint64_t address,
                    uint32_t data, bool on)
{
    struct fixture *f = owner;
    if (f->refuse)
        return false;
    if (!*line)
        *line = ++f->nlines;
    cr_assert_leq(*line, 2U);
    f->calls[*line] = on ? (struct call){fd, address, data} : (struct call){0};
    return on;
}

static bool on_kick(void *owner, int fd, uint64_t gpa, bool on)
{
    struct fixture *f = owner;
    const struct kick want = on ? (struct kick){0} : (struct kick){fd, gpa};
    for (unsigned i = 0; !f->refuse && i < 4; i++)
        if (f->kicks[i].fd == want.fd && f->kicks[i].at == want.at) {
            f->kicks[i] = on ? (struct kick){fd, gpa} : (struct kick){0};
            return true;
        }
    cr_expect(f->refuse, "what is taken away must be there");
    return false;
}

static void send(void *owner, uint64_t address, uint32_t data)
{
    (void)owner, (void)address, (void)data;
}

static void set_up(struct fixture *f, bool refuse)
{
    const struct device reset = {.len = 1};
    const struct irq_line intx = {.set_level = NULL};
    const struct msi_sink sink = {send, f};
    struct error err = {""};
    int socket;
    memset(f, 0, sizeof *f);
    f->memory.fd = -1;
    f->refuse = refuse;
    cr_assert_eq(
        guest_memory_map_as(&f->memory, MEMORY, GUEST_BACKING_SHARED, &err), 0);
    end_start(&f->end, HONEST, 0, &socket);
    f->backend = (struct vhost_backend){.name = "the end", .log = -1};
    cr_assert_eq(vhost_front_open(&f->backend.front, socket, 2, PATIENCE, &err),
                 0);
    pci_host_init(&f->host, &reset, WINDOW, 0x100000);
    cr_assert_eq(
        virtio_fs_init(&f->fs, "tag", &f->backend, &f->memory, NULL, &err), 0);
    cr_assert_eq(virtio_pci_init(&f->pci, &f->fs.vhost.device, &f->host, &intx,
                                 &sink, &err),
                 0);
    f->shortcuts = (struct virtio_shortcuts){f, on_call, on_kick};
    virtio_pci_take_shortcuts(&f->pci, &f->shortcuts);
}

static void tear_down(struct fixture *f)
{
    virtio_fs_destroy(&f->fs);
    virtio_pci_destroy(&f->pci);
    pci_host_destroy(&f->host);
    vhost_backend_end(&f->backend);
    end_join(&f->end);
    guest_memory_unmap(&f->memory);
}

static void put(struct fixture *f, uint64_t offset, unsigned width,
                uint64_t value)
{
    f->pci.function.ops->write(&f->pci, 0, offset, width, value);
}

static void config_written(struct fixture *f)
{
    f->pci.function.ops->after_write(&f->pci, PCI_COMMAND, 2);
}

static void move_bar(struct fixture *f, uint64_t at)
{
    atomic_store(&f->pci.function.bars[0].at, at);
    config_written(f);
}

static void enable_msix(struct fixture *f, bool on)
{
    pci_put(&f->pci.function, f->pci.msix.capability + 2U, 2, on ? 0x8000 : 0);
    config_written(f);
}

static void set_vector(struct fixture *f, unsigned vector, uint32_t data,
                       bool masked)
{
    uint64_t at = VIRTIO_PCI_TABLE + MSIX_ENTRY_LEN * vector;
    put(f, at, 8, 0xfee00000);
    put(f, at + 8, 4, data);
    put(f, at + 12, 4, masked);
}

// As Linux does it: vectors first, then the queues, then DRIVER_OK.
static void start(struct fixture *f)
{
    move_bar(f, WINDOW);
    enable_msix(f, true);
    set_vector(f, 1, 0x41, false);
    set_vector(f, 2, 0x42, false);
    put(f, STATUS, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    put(f, DRIVER_SELECT, 4, 1);
    put(f, DRIVER_FEATURE, 4, 1);
    put(f, STATUS, 1, VIRTIO_FEATURES_OK);
    for (unsigned i = 0; i < 2; i++) {
        put(f, SELECT, 2, i);
        put(f, SIZE, 2, 16);
        put(f, VECTOR, 2, i + 1);
        put(f, DESC, 8, 0x10000 + 0x1000 * i);
        put(f, AVAIL, 8, 0x20000 + 0x1000 * i);
        put(f, USED, 8, 0x30000 + 0x1000 * i);
        put(f, ENABLE, 2, 1);
    }
    put(f, STATUS, 1, VIRTIO_DRIVER_OK);
}

static unsigned kicks_at(const struct fixture *f, uint64_t bar)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 4; i++)
        for (unsigned q = 0; q < 2; q++)
            n += f->kicks[i].fd == f->fs.vhost.kicks[q] &&
                 f->kicks[i].at == bar + VIRTIO_PCI_NOTIFY + 4 * q;
    return n;
}

static unsigned kicks(const struct fixture *f)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 4; i++)
        n += f->kicks[i].fd != 0;
    return n;
}

static bool calls(const struct fixture *f, unsigned queue, uint32_t data)
{
    const struct call *c = &f->calls[queue + 1];
    return c->fd == f->fs.vhost.calls[queue] && c->address == 0xfee00000 &&
           c->data == data;
}

Test(vhost_ways, a_driver_begins_and_resets)
{
    struct fixture f;
    set_up(&f, false);
    for (unsigned i = 0; i < 2; i++) {
        cr_expect_eq(kicks(&f), 0U, "nothing before it runs");
        cr_expect_eq(f.calls[1].fd, 0);
        start(&f);
        cr_expect_eq(kicks_at(&f, WINDOW), 2U);
        cr_expect(calls(&f, 0, 0x41) && calls(&f, 1, 0x42));
        cr_expect_eq(f.fs.vhost.direct, 3U);
        put(&f, STATUS, 1, 0);
        cr_expect_eq(f.fs.vhost.direct, 0U);
    }
    cr_expect_eq(f.nlines, 2U, "each queue keeps its line");
    tear_down(&f);
}

Test(vhost_ways, vectors)
{
    struct fixture f;
    set_up(&f, false);
    start(&f);
    // Masked, the device answers, and keeps it pending.
    set_vector(&f, 2, 0x42, true);
    cr_expect(calls(&f, 0, 0x41));
    cr_expect_eq(f.calls[2].fd, 0);
    cr_expect_eq(f.fs.vhost.direct, 1U);
    // To another processor and vector.
    set_vector(&f, 2, 0x55, false);
    cr_expect(calls(&f, 1, 0x55));
    // A queue has another vector, or none.
    put(&f, SELECT, 2, 0);
    put(&f, VECTOR, 2, 2);
    cr_expect(calls(&f, 0, 0x55));
    put(&f, VECTOR, 2, VIRTIO_PCI_NO_VECTOR);
    cr_expect_eq(f.calls[1].fd, 0);
    enable_msix(&f, false);
    cr_expect_eq(f.calls[2].fd, 0);
    cr_expect_eq(f.fs.vhost.direct, 0U);
    enable_msix(&f, true);
    cr_expect(calls(&f, 1, 0x55));
    tear_down(&f);
}

Test(vhost_ways, a_bar_that_moves)
{
    struct fixture f;
    set_up(&f, false);
    start(&f);
    move_bar(&f, WINDOW + 0x10000);
    cr_expect_eq(kicks_at(&f, WINDOW + 0x10000), 2U);
    cr_expect_eq(kicks(&f), 2U, "none at the old place");
    move_bar(&f, PCI_BAR_OFF);
    cr_expect_eq(kicks(&f), 0U);
    move_bar(&f, WINDOW);
    cr_expect_eq(kicks_at(&f, WINDOW), 2U);
    put(&f, STATUS, 1, 0);
    cr_expect_eq(kicks(&f), 0U);
    tear_down(&f);
}

// A hypervisor that can't: all goes the long way.
Test(vhost_ways, without_any)
{
    struct fixture f;
    set_up(&f, true);
    start(&f);
    cr_expect_eq(f.fs.vhost.direct, 0U);
    cr_expect_eq(kicks(&f), 0U);
    move_bar(&f, WINDOW + 0x10000);
    put(&f, VIRTIO_PCI_NOTIFY + 4, 2, 1);
    put(&f, STATUS, 1, 0);
    tear_down(&f);
}
