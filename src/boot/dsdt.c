// SPDX-License-Identifier: Apache-2.0
// The differentiated system description table: what no fixed table can say.
// In ASL:
//
//     Name (_S5, Package () { 5, 5, 0, 0 })
//     Scope (_SB) {
//         Device (COM1) {
//             Name (_HID, EisaId ("PNP0501"))
//             Name (_UID, 1)
//             Name (_CRS, ResourceTemplate () {
//                 IO (Decode16, 0x3F8, 0x3F8, 1, 8)
//                 Interrupt (ResourceConsumer, Edge, ActiveHigh, Shared) {4}
//             })
//         }
//         ... COM2, COM3, COM4, as far as there are
//         ... PCI0, where there is PCI: dsdt_pci.c
//         Device (VI00) {
//             Name (_HID, "LNRO0005")
//             Name (_UID, 0)
//             Name (_CRS, ResourceTemplate () {
//                 Memory32Fixed (ReadWrite, 0xD8000000, 0x1000)
//                 Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {16}
//             })
//         }
//         ... VI01 and so on, where virtio lies behind registers in memory
//     }
#include "src/boot/acpi.h"
#include "src/boot/aml.h"

#include "src/base/platform.h"

#include <string.h>

// Two and later: integers have 64 bits.
#define DSDT_REVISION 2

static void put_uarts(struct aml *a, unsigned ports)
{
    static const struct {
        const char *name;
        uint16_t port;
        uint32_t gsi;
    } uarts[PLATFORM_COM_COUNT] = {
        {"COM1", PLATFORM_COM1_PORT, PLATFORM_COM1_GSI},
        {"COM2", PLATFORM_COM2_PORT, PLATFORM_COM2_GSI},
        {"COM3", PLATFORM_COM3_PORT, PLATFORM_COM3_GSI},
        {"COM4", PLATFORM_COM4_PORT, PLATFORM_COM4_GSI},
    };
    for (size_t i = 0; i < ports && i < PLATFORM_COM_COUNT; i++) {
        aml_device(a, uarts[i].name);
        aml_name_eisa_id(a, "_HID", "PNP0501");
        aml_name_integer(a, "_UID", i + 1);
        aml_name_io_irq(a, "_CRS", uarts[i].port, PLATFORM_COM_LEN,
                        uarts[i].gsi);
        aml_end(a);
    }
}

// Level-triggered and shared, as they are by the I/O APIC's upper pins.
static void put_virtio(struct aml *a, unsigned n)
{
    for (unsigned i = 0; i < n && i < PLATFORM_VIRTIO_MAX; i++) {
        const char name[] = {'V', 'I', (char)('0' + i / 10),
                             (char)('0' + i % 10), '\0'};
        aml_device(a, name);
        aml_name_string(a, "_HID", "LNRO0005");
        aml_name_integer(a, "_UID", i);
        aml_name_memory_irq(
            a, "_CRS",
            (uint32_t)(PLATFORM_VIRTIO_GPA + i * PLATFORM_VIRTIO_LEN),
            (uint32_t)PLATFORM_VIRTIO_LEN,
            PLATFORM_PCI_GSI + i % PLATFORM_PCI_GSIS);
        aml_end(a);
    }
}

size_t dsdt_build(unsigned ports, bool pci, unsigned virtio, uint8_t *bytes,
                  size_t size)
{
    struct acpi_header header = acpi_header("DSDT", 0, DSDT_REVISION);
    struct aml a = {.bytes = bytes, .size = size};
    aml_raw(&a, &header, sizeof(header));

    // SLP_TYPa, SLP_TYPb, two reserved (7.4.2.6).
    static const uint64_t s5[] = {PLATFORM_S5_SLP_TYP, PLATFORM_S5_SLP_TYP, 0,
                                  0};
    aml_name_package(&a, "_S5", s5, sizeof(s5) / sizeof(s5[0]));
    aml_scope(&a, "_SB");
    put_uarts(&a, ports);
    if (pci)
        dsdt_put_pci(&a);
    put_virtio(&a, virtio);
    aml_end(&a);
    if (a.failed || a.depth)
        return 0;

    header.length = (uint32_t)a.len;
    memcpy(bytes, &header, sizeof(header));
    header.checksum = acpi_checksum(bytes, a.len);
    memcpy(bytes, &header, sizeof(header));
    return a.len;
}
