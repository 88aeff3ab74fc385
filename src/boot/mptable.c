// SPDX-License-Identifier: Apache-2.0
// See mptable.h. Section numbers are those of the MP specification 1.4.
#include "src/boot/mptable.h"

#include "src/base/platform.h"
#include "src/boot/acpi.h"

#include <errno.h>
#include <string.h>

// 4.1
struct mp_floating {
    char signature[4];
    uint32_t table;
    uint8_t length; // in 16 bytes
    uint8_t spec_revision;
    uint8_t checksum;
    uint8_t features[5];
} __attribute__((packed));

// 4.2
struct mp_header {
    char signature[4];
    uint16_t length;
    uint8_t spec_revision;
    uint8_t checksum;
    char oem_id[8];
    char product_id[12];
    uint32_t oem_table;
    uint16_t oem_table_size;
    uint16_t entries;
    uint32_t lapic_address;
    uint16_t extended_length;
    uint8_t extended_checksum;
    uint8_t reserved;
} __attribute__((packed));

// 4.3.1
struct mp_processor {
    uint8_t type, apic_id, apic_version, flags;
    uint32_t signature, features;
    uint32_t reserved[2];
} __attribute__((packed));

// 4.3.2
struct mp_bus {
    uint8_t type, id;
    char name[6];
} __attribute__((packed));

// 4.3.3
struct mp_ioapic {
    uint8_t type, apic_id, apic_version, flags;
    uint32_t address;
} __attribute__((packed));

// 4.3.4 and 4.3.5: an interrupt of the I/O APIC or of the local APICs.
struct mp_interrupt {
    uint8_t type, kind;
    uint16_t flags;
    uint8_t bus, irq, apic_id, pin;
} __attribute__((packed));

_Static_assert(sizeof(struct mp_floating) == 16, "MP floating pointer");
_Static_assert(sizeof(struct mp_header) == 44, "MP table header");
_Static_assert(sizeof(struct mp_processor) == 20, "MP processor entry");

enum { MP_PROCESSOR, MP_BUS, MP_IOAPIC, MP_IO_INTERRUPT, MP_LOCAL_INTERRUPT };
enum { MP_INT, MP_NMI, MP_SMI, MP_EXTINT };

#define MP_SPEC_REVISION  4
#define MP_TABLE_GPA      (PLATFORM_BIOS_GPA + PLATFORM_BIOS_LEN / 2)
#define MP_ALL_APICS      0xff
#define MP_ENABLED        1
#define MP_BOOT_PROCESSOR 2
#define MP_CONFORMS       0 // polarity and trigger are those of the ISA bus
#define ISA_IRQS          16
#define ISA_CASCADE       2
#define LAPIC_VERSION     0x14
#define IOAPIC_VERSION    0x11
#define CPU_FEATURES      0x201 // FPU, on-chip APIC; Linux asks CPUID
#define CPU_SIGNATURE     0x600

// Room for what BOOT_CPUS_MAX processors take. Lives on the stack of
// mptable_write.
struct mp_table {
    uint8_t bytes[sizeof(struct mp_header) +
                  BOOT_CPUS_MAX * sizeof(struct mp_processor) +
                  sizeof(struct mp_bus) + sizeof(struct mp_ioapic) +
                  (ISA_IRQS + 2) * sizeof(struct mp_interrupt)];
    size_t len;
    uint16_t entries;
};

_Static_assert(sizeof(struct mp_table) < PLATFORM_BIOS_LEN / 2,
               "the MP table fits behind the ACPI tables");

static void append(struct mp_table *t, const void *entry, size_t len)
{
    memcpy(t->bytes + t->len, entry, len);
    t->len += len;
    t->entries++;
}

static void append_interrupt(struct mp_table *t, uint8_t type, uint8_t kind,
                             uint8_t irq, uint8_t apic_id, uint8_t pin)
{
    struct mp_interrupt entry = {.type = type,
                                 .kind = kind,
                                 .flags = MP_CONFORMS,
                                 .irq = irq,
                                 .apic_id = apic_id,
                                 .pin = pin};
    append(t, &entry, sizeof(entry));
}

static void append_processors(struct mp_table *t, unsigned cpus)
{
    for (unsigned i = 0; i < cpus; i++) {
        struct mp_processor cpu = {
            .type = MP_PROCESSOR,
            .apic_id = (uint8_t)i,
            .apic_version = LAPIC_VERSION,
            .flags = i ? MP_ENABLED : MP_ENABLED | MP_BOOT_PROCESSOR,
            .signature = CPU_SIGNATURE,
            .features = CPU_FEATURES,
        };
        append(t, &cpu, sizeof(cpu));
    }
}

static void append_interrupts(struct mp_table *t, uint8_t ioapic_id)
{
    for (uint8_t irq = 0; irq < ISA_IRQS; irq++) {
        if (irq == ISA_CASCADE)
            continue;
        uint8_t pin = irq ? irq : PLATFORM_PIT_GSI;
        append_interrupt(t, MP_IO_INTERRUPT, MP_INT, irq, ioapic_id, pin);
    }
    append_interrupt(t, MP_LOCAL_INTERRUPT, MP_EXTINT, 0, MP_ALL_APICS, 0);
    append_interrupt(t, MP_LOCAL_INTERRUPT, MP_NMI, 0, MP_ALL_APICS, 1);
}

static void finish(struct mp_table *t)
{
    struct mp_header header = {
        .signature = {'P', 'C', 'M', 'P'},
        .length = (uint16_t)t->len,
        .spec_revision = MP_SPEC_REVISION,
        .oem_id = {'T', 'O', 'Y', 'V', 'M', 'M', ' ', ' '},
        .product_id = {'T', 'O', 'Y', 'V', 'M', 'M', ' ', ' ', ' ', ' ', ' ',
                       ' '},
        .entries = t->entries,
        .lapic_address = (uint32_t)PLATFORM_LAPIC_GPA,
    };
    memcpy(t->bytes, &header, sizeof(header));
    header.checksum = acpi_checksum(t->bytes, t->len);
    memcpy(t->bytes, &header, sizeof(header));
}

int mptable_write(const struct guest_memory *mem, unsigned cpus,
                  struct error *err)
{
    struct mp_table t = {.len = sizeof(struct mp_header)};
    uint8_t ioapic_id = (uint8_t)cpus;
    append_processors(&t, cpus);
    struct mp_bus isa = {.type = MP_BUS,
                         .name = {'I', 'S', 'A', ' ', ' ', ' '}};
    append(&t, &isa, sizeof(isa));
    struct mp_ioapic ioapic = {.type = MP_IOAPIC,
                               .apic_id = ioapic_id,
                               .apic_version = IOAPIC_VERSION,
                               .flags = MP_ENABLED,
                               .address = (uint32_t)PLATFORM_IOAPIC_GPA};
    append(&t, &ioapic, sizeof(ioapic));
    append_interrupts(&t, ioapic_id);
    finish(&t);

    struct mp_floating floating = {
        .signature = {'_', 'M', 'P', '_'},
        .table = (uint32_t)MP_TABLE_GPA,
        .length = sizeof(floating) / 16,
        .spec_revision = MP_SPEC_REVISION,
    };
    floating.checksum = acpi_checksum(&floating, sizeof(floating));
    if (!guest_memory_write(mem, MP_TABLE_GPA, t.bytes, t.len) ||
        !guest_memory_write(mem, PLATFORM_EBDA_GPA, &floating,
                            sizeof(floating)))
        return error_set(err, -EINVAL,
                         "guest memory is too small for the MP table");
    return 0;
}
