// SPDX-License-Identifier: Apache-2.0
// The ACPI tables (ACPI 6.5 chapter 5): RSDP, XSDT, FADT, FACS, MADT, DSDT.
// They tell Linux what is there and, as important for the length of its boot,
// what it need not look for. Private to src/boot.
#pragma once

#include "src/boot/boot.h"

// The DSDT's definition block alone may be this large.
#define DSDT_MAX 4096

// Writes the tables into the BIOS area of the platform map, the RSDP first,
// where kernels find it by searching; *rsdp gets its address. cpus: 1 to
// BOOT_CPUS_MAX, APIC ids 0 to cpus-1; ports: how many UARTs, to 4; pci: there
// is a PCI host bridge; virtio: how many devices lie behind registers in
// memory.
int acpi_write(const struct guest_memory *mem, unsigned cpus, unsigned ports,
               bool pci, unsigned virtio, uint64_t *rsdp, struct error *err);

// Builds the DSDT with its header: \_S5, the UARTs, the host bridge, virtio.
// Returns its length; 0 when size is too small.
size_t dsdt_build(unsigned ports, bool pci, unsigned virtio, uint8_t *bytes,
                  size_t size);

// Adds the PCI host bridge to a scope of the DSDT.
struct aml;
void dsdt_put_pci(struct aml *a);

// The header every system description table but RSDP and FACS opens with
// (section 5.2.6).
struct acpi_header {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    char creator_id[4];
    uint32_t creator_revision;
} __attribute__((packed));

struct acpi_header acpi_header(const char signature[4], uint32_t length,
                               uint8_t revision);

// The byte that makes the sum of len bytes 0 when it replaces a 0 among them.
// The MP table uses the same sum.
uint8_t acpi_checksum(const void *bytes, size_t len);
