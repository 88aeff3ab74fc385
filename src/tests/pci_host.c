// SPDX-License-Identifier: Apache-2.0
// The PCI host: configuration by ports as kernels do it, BARs that are sized
// and moved, MSI-X.
#include "src/pci/host.h"
#include "src/pci/msix.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define WINDOW     UINT64_C(0xe0000000)
#define WINDOW_LEN UINT64_C(0x100000)
#define BAR_LEN    0x1000U

static const struct access nobody = {0};

struct fixture {
    struct pci_host host;
    struct pci_function function;
    struct msix msix;
    struct bus pio, mmio;
    unsigned resets;
    uint64_t last_offset, last_value;
    unsigned messages;
    uint64_t address;
    uint32_t data;
};

static uint64_t reset_read(void *owner, const struct access *access,
                           uint64_t offset, unsigned width)
{
    (void)owner, (void)access, (void)offset, (void)width;
    return 0x42;
}

static void reset_write(void *owner, const struct access *access,
                        uint64_t offset, unsigned width, uint64_t value)
{
    (void)access, (void)offset, (void)width, (void)value;
    struct fixture *f = owner;
    f->resets++;
}

static uint64_t bar_read(void *owner, unsigned bar, uint64_t offset,
                         unsigned width)
{
    (void)owner, (void)bar, (void)width;
    return 0x1000 + offset;
}

static void bar_write(void *owner, unsigned bar, uint64_t offset,
                      unsigned width, uint64_t value)
{
    (void)bar, (void)width;
    struct fixture *f = owner;
    f->last_offset = offset;
    f->last_value = value;
}

static void config_written(void *owner, unsigned offset, unsigned width)
{
    (void)offset, (void)width;
    struct fixture *f = owner;
    msix_config_written(&f->msix, &f->function);
}

static void send(void *owner, uint64_t address, uint32_t data)
{
    struct fixture *f = owner;
    f->messages++;
    f->address = address;
    f->data = data;
}

static void set_up(struct fixture *f)
{
    static const struct pci_function_ops ops = {
        .read = bar_read, .write = bar_write, .after_write = config_written};
    const struct pci_identity identity = {
        .vendor = 0x1af4, .device = 0x1042, .class = 0x0180, .intx = true};
    const struct device reset = {
        .owner = f, .read = reset_read, .write = reset_write};
    const struct msi_sink sink = {send, f};
    memset(f, 0, sizeof *f);
    bus_init(&f->pio);
    bus_init(&f->mmio);
    pci_host_init(&f->host, &reset, WINDOW, WINDOW_LEN);
    pci_function_init(&f->function, &identity, &ops, f);
    cr_assert(msix_init(&f->msix, &f->function, 3, 0, 0x800, 0xc00, &sink));
    uint32_t at = pci_host_place_bar(&f->host, BAR_LEN);
    cr_assert_eq(at, WINDOW);
    pci_function_add_bar(&f->function, 0, BAR_LEN, at);
    cr_assert_eq(pci_host_add(&f->host, &f->function, NULL), 1);
    struct device ports = pci_host_ports(&f->host, 0xcf8);
    struct device memory = pci_host_memory(&f->host);
    cr_assert_eq(bus_add(&f->pio, &ports, NULL), 0);
    cr_assert_eq(bus_add(&f->mmio, &memory, NULL), 0);
}

static void tear_down(struct fixture *f)
{
    msix_destroy(&f->msix);
    pci_host_destroy(&f->host);
}

static uint32_t get(struct fixture *f, unsigned slot, unsigned offset,
                    unsigned width)
{
    bus_write(&f->pio, &nobody, 0xcf8, 4,
              0x80000000 | slot << 11 | (offset & ~3U));
    return (uint32_t)bus_read(&f->pio, &nobody, 0xcfc + (offset & 3), width);
}

static void put(struct fixture *f, unsigned slot, unsigned offset,
                unsigned width, uint32_t value)
{
    bus_write(&f->pio, &nobody, 0xcf8, 4,
              0x80000000 | slot << 11 | (offset & ~3U));
    bus_write(&f->pio, &nobody, 0xcfc + (offset & 3), width, value);
}

Test(pci_host, devices_are_found)
{
    struct fixture f;
    set_up(&f);
    cr_assert_eq(get(&f, 0, 0, 4), 0x00081b36);
    cr_assert_eq(get(&f, 0, PCI_CLASS, 2), 0x0600);
    cr_assert_eq(get(&f, 1, 0, 2), 0x1af4);
    cr_assert_eq(get(&f, 1, 2, 2), 0x1042);
    cr_assert_eq(get(&f, 1, PCI_CLASS + 1, 1), 0x01);
    for (unsigned slot = 2; slot < 32; slot++)
        cr_assert_eq(get(&f, slot, 0, 4), UINT32_MAX);
    // Another function, another bus, and no enable bit.
    bus_write(&f.pio, &nobody, 0xcf8, 4, 0x80000900);
    cr_assert_eq(bus_read(&f.pio, &nobody, 0xcfc, 4), UINT32_MAX);
    bus_write(&f.pio, &nobody, 0xcf8, 4, 0x80010800);
    cr_assert_eq(bus_read(&f.pio, &nobody, 0xcfc, 4), UINT32_MAX);
    bus_write(&f.pio, &nobody, 0xcf8, 4, 0x00000800);
    cr_assert_eq(bus_read(&f.pio, &nobody, 0xcfc, 4), UINT32_MAX);
    tear_down(&f);
}

Test(pci_host, the_reset_byte_is_not_the_address)
{
    struct fixture f;
    set_up(&f);
    bus_write(&f.pio, &nobody, 0xcf8, 4, 0x80000806);
    cr_assert_eq(f.resets, 0);
    cr_assert_eq(bus_read(&f.pio, &nobody, 0xcf8, 4), 0x80000804);
    bus_write(&f.pio, &nobody, 0xcf9, 1, 6);
    cr_assert_eq(f.resets, 1);
    cr_assert_eq(bus_read(&f.pio, &nobody, 0xcf9, 1), 0x42);
    bus_write(&f.pio, &nobody, 0xcfb, 1, 1);
    bus_write(&f.pio, &nobody, 0xcf8, 2, 1);
    bus_write(&f.pio, &nobody, 0xcfa, 2, 1);
    cr_assert_eq(bus_read(&f.pio, &nobody, 0xcf8, 4), 0x80000804);
    cr_assert_eq(f.resets, 1);
    tear_down(&f);
}

Test(pci_host, bars_are_sized_and_move)
{
    struct fixture f;
    set_up(&f);
    cr_assert_eq(bus_read(&f.mmio, &nobody, WINDOW, 4), UINT32_MAX,
                 "decoding is off");
    put(&f, 1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    cr_assert_eq(bus_read(&f.mmio, &nobody, WINDOW + 8, 4), 0x1008);
    put(&f, 1, PCI_BAR0, 4, UINT32_MAX);
    cr_assert_eq(get(&f, 1, PCI_BAR0, 4), ~(BAR_LEN - 1));
    put(&f, 1, PCI_BAR0, 4, (uint32_t)WINDOW + 0x3123);
    cr_assert_eq(get(&f, 1, PCI_BAR0, 4), WINDOW + 0x3000);
    cr_assert_eq(bus_read(&f.mmio, &nobody, WINDOW + 8, 4), UINT32_MAX);
    bus_write(&f.mmio, &nobody, WINDOW + 0x3010, 2, 7);
    cr_assert_eq(f.last_offset, 0x10);
    cr_assert_eq(f.last_value, 7);
    // Over the end of the BAR: nobody's.
    cr_assert_eq(bus_read(&f.mmio, &nobody, WINDOW + 0x3ffe, 4), UINT32_MAX);
    // Outside of the window: out of reach, and harmless.
    put(&f, 1, PCI_BAR0, 4, 0xfee00000);
    cr_assert_eq(bus_read(&f.mmio, &nobody, WINDOW + 0x3010, 4), UINT32_MAX);
    // Byte by byte.
    put(&f, 1, PCI_BAR0 + 3, 1, 0xe0);
    put(&f, 1, PCI_BAR0 + 2, 1, 0x00);
    cr_assert_eq(bus_read(&f.mmio, &nobody, WINDOW + 8, 4), 0x1008);
    put(&f, 1, PCI_BAR0 + 4, 4, UINT32_MAX);
    cr_assert_eq(get(&f, 1, PCI_BAR0 + 4, 4), 0, "there is no second BAR");
    put(&f, 1, 0, 4, 0);
    cr_assert_eq(get(&f, 1, 0, 2), 0x1af4, "what is read-only stays");
    tear_down(&f);
}

Test(pci_host, the_window_and_the_bus_have_an_end)
{
    struct fixture f;
    struct error err = {""};
    set_up(&f);
    cr_assert_eq(pci_host_place_bar(&f.host, 0x80000), WINDOW + 0x80000);
    cr_assert_eq(pci_host_place_bar(&f.host, 16), 0);
    for (unsigned i = 2; i < PCI_SLOTS; i++)
        cr_assert_eq(pci_host_add(&f.host, &f.function, &err), (int)i);
    cr_assert_lt(pci_host_add(&f.host, &f.function, &err), 0);
    cr_assert_not_null(strstr(err.text, "32 PCI devices"));
    tear_down(&f);
}

// ---- MSI-X -----------------------------------------------------------------

static unsigned find_capability(struct fixture *f, uint8_t id)
{
    unsigned at = get(f, 1, PCI_CAPABILITIES, 1);
    while (at && get(f, 1, at, 1) != id)
        at = get(f, 1, at + 1, 1);
    return at;
}

Test(pci_host, messages_are_sent_masked_and_kept)
{
    struct fixture f;
    set_up(&f);
    cr_assert(get(&f, 1, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES);
    unsigned at = find_capability(&f, 0x11);
    cr_assert_neq(at, 0);
    cr_assert_eq(get(&f, 1, at + 2, 2), 2, "three vectors");
    cr_assert_eq(get(&f, 1, at + 4, 4), 0x800);
    cr_assert_eq(get(&f, 1, at + 8, 4), 0xc00);

    msix_raise(&f.msix, 1);
    cr_assert_eq(f.messages, 0, "MSI-X is off");
    put(&f, 1, at + 2, 2, 0xffff);
    cr_assert_eq(get(&f, 1, at + 2, 2), 0xc002);
    msix_table_write(&f.msix, 16, 4, 0xfee01000);
    msix_table_write(&f.msix, 20, 4, 1);
    msix_table_write(&f.msix, 24, 8, 0x31);
    cr_assert_eq(msix_table_read(&f.msix, 16, 8), 0x1fee01000);
    msix_raise(&f.msix, 1);
    cr_assert_eq(f.messages, 0, "the function is masked");
    cr_assert_eq(msix_pending_read(&f.msix, 0, 8), 2);
    put(&f, 1, at + 2, 2, 0x8000);
    cr_assert_eq(f.messages, 1);
    cr_assert_eq(f.address, 0x1fee01000);
    cr_assert_eq(f.data, 0x31);
    cr_assert_eq(msix_pending_read(&f.msix, 0, 4), 0);

    msix_raise(&f.msix, 0); // masked since the reset
    msix_raise(&f.msix, 3); // isn't there
    cr_assert_eq(f.messages, 1);
    msix_table_write(&f.msix, 12, 4, 0);
    cr_assert_eq(f.messages, 2);
    // Odd accesses do nothing.
    msix_table_write(&f.msix, 49, 4, 1);
    msix_table_write(&f.msix, 48, 4, 1);
    msix_table_write(&f.msix, 0, 1, 1);
    cr_assert_eq(msix_table_read(&f.msix, 0, 4), 0);
    cr_assert_eq(msix_table_read(&f.msix, UINT64_MAX - 3, 4), 0);
    tear_down(&f);
}
