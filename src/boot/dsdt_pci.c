// SPDX-License-Identifier: Apache-2.0
// The PCI host bridge in the DSDT. In ASL:
//
//     Device (PCI0) {
//         Name (_HID, EisaId ("PNP0A03"))
//         Name (_UID, 0)
//         Name (_BBN, 0)
//         Name (_CRS, ResourceTemplate () {
//             WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
//                 0, 0, 0, 0, 1)
//             IO (Decode16, 0xCF8, 0xCF8, 1, 8)
//             DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
//                 NonCacheable, ReadWrite, 0, 0xE0000000, 0xE7FFFFFF, 0,
//                 0x08000000)
//         })
//         Name (_PRT, Package () {
//             Package () { 0x0001FFFF, 0, 0, 17 }, ...
//         })
//     }
//
// One bus, so that a kernel looks for no other; PNP0A03 and not PCI Express,
// whose features it would have to be asked for (_OSC).
#include "src/boot/acpi.h"
#include "src/boot/aml.h"

#include "src/base/platform.h"

// ACPI 6.5, 6.4.3.5: address space descriptors.
struct word_space {
    uint8_t tag;
    uint16_t length;
    uint8_t type, flags, specific;
    uint16_t granularity, min, max, translation, count;
} __attribute__((packed));

struct dword_space {
    uint8_t tag;
    uint16_t length;
    uint8_t type, flags, specific;
    uint32_t granularity, min, max, translation, count;
} __attribute__((packed));

struct io_ports { // 6.4.2.5
    uint8_t tag, decode;
    uint16_t min, max;
    uint8_t alignment, count;
} __attribute__((packed));

struct pci_resources {
    struct word_space buses;
    struct io_ports config;
    struct dword_space window;
    uint8_t end_tag, checksum;
} __attribute__((packed));

enum { SPACE_MEMORY = 0, SPACE_BUS = 2 };
enum { SPACE_FIXED = 0x0c }; // minimum and maximum; a producer, decodes all
enum { MEMORY_READ_WRITE = 1 };

static void put_resources(struct aml *a)
{
    const uint64_t window_end =
        PLATFORM_PCI_WINDOW_GPA + PLATFORM_PCI_WINDOW_LEN - 1;
    const struct pci_resources resources = {
        .buses = {.tag = 0x88,
                  .length = sizeof(struct word_space) - 3,
                  .type = SPACE_BUS,
                  .flags = SPACE_FIXED,
                  .count = 1},
        .config = {.tag = 0x47,
                   .decode = 1,
                   .min = PLATFORM_PCI_CONFIG_PORT,
                   .max = PLATFORM_PCI_CONFIG_PORT,
                   .alignment = 1,
                   .count = 8},
        .window = {.tag = 0x87,
                   .length = sizeof(struct dword_space) - 3,
                   .type = SPACE_MEMORY,
                   .flags = SPACE_FIXED,
                   .specific = MEMORY_READ_WRITE,
                   .min = (uint32_t)PLATFORM_PCI_WINDOW_GPA,
                   .max = (uint32_t)window_end,
                   .count = (uint32_t)PLATFORM_PCI_WINDOW_LEN},
        .end_tag = 0x79,
    };
    aml_name_buffer(a, "_CRS", &resources, sizeof(resources));
}

// 6.2.13: INTA# of each slot, wired to a GSI.
static void put_routing(struct aml *a)
{
    enum { COLUMNS = 4, FIRST_SLOT = 1 };
    uint64_t rows[(PLATFORM_PCI_SLOTS - FIRST_SLOT) * COLUMNS];
    size_t n = 0;
    for (uint64_t slot = FIRST_SLOT; slot < PLATFORM_PCI_SLOTS; slot++) {
        rows[n++] = slot << 16 | 0xffff; // any function
        rows[n++] = 0;                   // INTA#
        rows[n++] = 0;                   // the next column is a GSI
        rows[n++] = PLATFORM_PCI_GSI + slot % PLATFORM_PCI_GSIS;
    }
    aml_name_table(a, "_PRT", rows, (uint8_t)(n / COLUMNS), COLUMNS);
}

void dsdt_put_pci(struct aml *a)
{
    aml_device(a, "PCI0");
    aml_name_eisa_id(a, "_HID", "PNP0A03");
    aml_name_integer(a, "_UID", 0);
    aml_name_integer(a, "_BBN", 0);
    put_resources(a);
    put_routing(a);
    aml_end(a);
}
