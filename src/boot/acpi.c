// SPDX-License-Identifier: Apache-2.0
// The fixed tables; see acpi.h. Section numbers are ACPI 6.5's.
#include "src/boot/acpi.h"

#include "src/base/platform.h"

#include <errno.h>
#include <string.h>

// ---- 5.2.3.2 Generic Address Structure -------------------------------------

#define GAS_SYSTEM_IO   1
#define GAS_ACCESS_BYTE 1
#define GAS_ACCESS_WORD 2
#define GAS_ACCESS_LONG 3

struct gas {
    uint8_t space;
    uint8_t bit_width;
    uint8_t bit_offset;
    uint8_t access;
    uint64_t address;
} __attribute__((packed));

// ---- 5.2.5.3 RSDP ----------------------------------------------------------

struct rsdp {
    char signature[8];
    uint8_t checksum; // of the first 20 bytes
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
} __attribute__((packed));

#define RSDP_V1_LEN 20

// ---- 5.2.8 XSDT ------------------------------------------------------------

struct xsdt {
    struct acpi_header header;
    uint64_t fadt, madt;
} __attribute__((packed));

// ---- 5.2.9 FADT ------------------------------------------------------------

struct fadt {
    struct acpi_header header;
    uint32_t facs;
    uint32_t dsdt;
    uint8_t reserved0;
    uint8_t preferred_profile;
    uint16_t sci_int;
    uint32_t smi_cmd;
    uint8_t acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
    uint32_t pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr;
    uint32_t gpe0, gpe1;
    uint8_t pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len;
    uint8_t gpe0_len, gpe1_len, gpe1_base, cst_cnt;
    uint16_t p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
    uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
    uint16_t boot_arch;
    uint8_t reserved1;
    uint32_t flags;
    struct gas reset_reg;
    uint8_t reset_value;
    uint16_t arm_boot_arch;
    uint8_t minor_version;
    uint64_t x_facs, x_dsdt;
    struct gas x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt;
    struct gas x_pm_tmr, x_gpe0, x_gpe1;
    struct gas sleep_control, sleep_status;
    uint64_t hypervisor;
} __attribute__((packed));

_Static_assert(sizeof(struct fadt) == 276, "FADT 6.5");

#define FADT_REVISION 6
#define FADT_MINOR    5

// No LEGACY_DEVICES, no 8042: a driver that is told so doesn't probe. Nor an
// RTC: the CMOS has the time, which the kernel reads, and no interrupt.
#define BOOT_ARCH_NO_VGA  (1 << 2)
#define BOOT_ARCH_NO_MSI  (1 << 3)
#define BOOT_ARCH_NO_ASPM (1 << 4)
#define BOOT_ARCH_NO_RTC  (1 << 5)

#define FADT_WBINVD     (1U << 0)
#define FADT_PROC_C1    (1U << 2)
#define FADT_NO_FIX_SLP (1U << 5)
#define FADT_NO_FIX_RTC (1U << 6)
#define FADT_TMR_32BIT  (1U << 8)
#define FADT_RESET_REG  (1U << 10)
#define FADT_HEADLESS   (1U << 12)

// A latency above these says that C2 and C3 are not there.
#define NO_C2_LATENCY 101
#define NO_C3_LATENCY 1001

// ---- 5.2.10 FACS -----------------------------------------------------------

struct facs {
    char signature[4];
    uint32_t length;
    uint32_t hardware_signature, waking_vector, global_lock, flags;
    uint64_t x_waking_vector;
    uint8_t version;
    uint8_t reserved[31];
} __attribute__((packed));

_Static_assert(sizeof(struct facs) == 64, "FACS");

// ---- 5.2.12 MADT -----------------------------------------------------------

struct madt {
    struct acpi_header header;
    uint32_t lapic_address;
    uint32_t flags;
} __attribute__((packed));

#define MADT_PCAT_COMPAT 1 // 8259s are there too

struct madt_lapic {
    uint8_t type, length, uid, apic_id;
    uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address, gsi_base;
} __attribute__((packed));

struct madt_override {
    uint8_t type, length, bus, source;
    uint32_t gsi;
    uint16_t flags;
} __attribute__((packed));

struct madt_lapic_nmi {
    uint8_t type, length, uid;
    uint16_t flags;
    uint8_t lint;
} __attribute__((packed));

#define MADT_ENABLED        1
#define MADT_ALL_CPUS       0xff
#define MADT_CONFORMS       0
#define MADT_HIGH_LEVEL     0x0d
#define MADT_ENTRY(type_nr) .type = (type_nr), .length

// ---- Writing ---------------------------------------------------------------

// Tables are laid one behind the other in the BIOS area. Lives on the stack
// of acpi_write.
struct arena {
    const struct guest_memory *mem;
    uint64_t next;
    bool full; // sticky: checked once, at the end
};

#define ARENA_END (PLATFORM_BIOS_GPA + PLATFORM_BIOS_LEN / 2)

static uint64_t put(struct arena *a, const void *bytes, size_t len)
{
    // FACS must be aligned to 64 (5.2.10); it does the others no harm.
    uint64_t gpa = (a->next + 63) & ~UINT64_C(63);
    if (gpa + len > ARENA_END || !guest_memory_write(a->mem, gpa, bytes, len))
        a->full = true;
    else
        a->next = gpa + len;
    return gpa;
}

// As put, for a table that opens with a header: sets its length and checksum.
static uint64_t put_table(struct arena *a, void *table, size_t len)
{
    struct acpi_header *header = table;
    header->length = (uint32_t)len;
    header->checksum = 0;
    header->checksum = acpi_checksum(table, len);
    return put(a, table, len);
}

uint8_t acpi_checksum(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += at[i];
    return (uint8_t)(0U - sum);
}

struct acpi_header acpi_header(const char signature[4], uint32_t length,
                               uint8_t revision)
{
    struct acpi_header header = {
        .length = length,
        .revision = revision,
        .oem_id = {'T', 'O', 'Y', 'V', 'M', 'M'},
        .oem_table_id = {'T', 'O', 'Y', 'V', 'M', 'M', ' ', ' '},
        .oem_revision = 1,
        .creator_id = {'T', 'V', 'M', 'M'},
        .creator_revision = 1,
    };
    memcpy(header.signature, signature, sizeof(header.signature));
    return header;
}

static struct gas io_register(uint16_t port, uint8_t bytes, uint8_t access)
{
    return (struct gas){.space = GAS_SYSTEM_IO,
                        .bit_width = (uint8_t)(bytes * 8),
                        .access = access,
                        .address = port};
}

// 4.8: PM1a blocks, PM timer, SCI. ACPI mode is always on: no SMI command.
static void fill_fixed_hardware(struct fadt *f)
{
    f->sci_int = PLATFORM_SCI_GSI;
    f->pm1a_evt = PLATFORM_PM1A_EVT_PORT;
    f->pm1a_cnt = PLATFORM_PM1A_CNT_PORT;
    f->pm_tmr = PLATFORM_PM_TIMER_PORT;
    f->pm1_evt_len = PLATFORM_PM1_EVT_LEN;
    f->pm1_cnt_len = PLATFORM_PM1_CNT_LEN;
    f->pm_tmr_len = PLATFORM_PM_TIMER_LEN;
    f->x_pm1a_evt = io_register(PLATFORM_PM1A_EVT_PORT, PLATFORM_PM1_EVT_LEN,
                                GAS_ACCESS_WORD);
    f->x_pm1a_cnt = io_register(PLATFORM_PM1A_CNT_PORT, PLATFORM_PM1_CNT_LEN,
                                GAS_ACCESS_WORD);
    f->x_pm_tmr = io_register(PLATFORM_PM_TIMER_PORT, PLATFORM_PM_TIMER_LEN,
                              GAS_ACCESS_LONG);
    f->flags |= FADT_TMR_32BIT;
}

static uint64_t put_fadt(struct arena *a, bool pci, uint64_t dsdt)
{
    struct fadt f = {
        .header = acpi_header("FACP", 0, FADT_REVISION),
        .dsdt = (uint32_t)dsdt,
        .x_dsdt = dsdt,
        .century = PLATFORM_CMOS_CENTURY_INDEX,
        .p_lvl2_lat = NO_C2_LATENCY,
        .p_lvl3_lat = NO_C3_LATENCY,
        .boot_arch = BOOT_ARCH_NO_VGA | BOOT_ARCH_NO_ASPM | BOOT_ARCH_NO_RTC |
                     (pci ? 0 : BOOT_ARCH_NO_MSI),
        // The power button is fixed hardware, the others are not there.
        .flags = FADT_WBINVD | FADT_PROC_C1 | FADT_NO_FIX_SLP |
                 FADT_NO_FIX_RTC | FADT_RESET_REG | FADT_HEADLESS,
        .reset_reg = io_register(PLATFORM_RESET_PORT, 1, GAS_ACCESS_BYTE),
        .reset_value = PLATFORM_RESET_VALUE,
        .minor_version = FADT_MINOR,
    };
    // X_FIRMWARE_CTRL stays 0: only one of the two may be given (6.5).
    struct facs facs = {.signature = {'F', 'A', 'C', 'S'},
                        .length = sizeof(facs),
                        .version = 2};
    f.facs = (uint32_t)put(a, &facs, sizeof(facs));
    fill_fixed_hardware(&f);
    return put_table(a, &f, sizeof(f));
}

// Room for the header and the entries of BOOT_CPUS_MAX processors.
struct madt_buffer {
    uint8_t
        bytes[sizeof(struct madt) + BOOT_CPUS_MAX * sizeof(struct madt_lapic) +
              sizeof(struct madt_ioapic) + 2 * sizeof(struct madt_override) +
              sizeof(struct madt_lapic_nmi)];
    size_t len;
};

static void append(struct madt_buffer *b, const void *entry, size_t len)
{
    memcpy(b->bytes + b->len, entry, len);
    b->len += len;
}

static void append_override(struct madt_buffer *b, uint8_t irq, uint32_t gsi,
                            uint16_t flags)
{
    struct madt_override override = {MADT_ENTRY(2) = sizeof(override),
                                     .source = irq, .gsi = gsi, .flags = flags};
    append(b, &override, sizeof(override));
}

static uint64_t put_madt(struct arena *a, unsigned cpus)
{
    struct madt_buffer b = {.len = 0};
    struct madt madt = {
        .header = acpi_header("APIC", 0, 5),
        .lapic_address = (uint32_t)PLATFORM_LAPIC_GPA,
        .flags = MADT_PCAT_COMPAT,
    };
    append(&b, &madt, sizeof(madt));
    for (unsigned i = 0; i < cpus; i++) {
        struct madt_lapic lapic = {MADT_ENTRY(0) = sizeof(lapic),
                                   .uid = (uint8_t)i, .apic_id = (uint8_t)i,
                                   .flags = MADT_ENABLED};
        append(&b, &lapic, sizeof(lapic));
    }
    struct madt_ioapic ioapic = {MADT_ENTRY(1) = sizeof(ioapic),
                                 .id = (uint8_t)cpus,
                                 .address = (uint32_t)PLATFORM_IOAPIC_GPA};
    append(&b, &ioapic, sizeof(ioapic));
    // ISA interrupts are their own GSIs unless an override says otherwise.
    if (PLATFORM_PIT_GSI != 0)
        append_override(&b, 0, PLATFORM_PIT_GSI, MADT_CONFORMS);
    append_override(&b, PLATFORM_SCI_GSI, PLATFORM_SCI_GSI, MADT_HIGH_LEVEL);
    struct madt_lapic_nmi nmi = {MADT_ENTRY(4) = sizeof(nmi),
                                 .uid = MADT_ALL_CPUS, .flags = MADT_CONFORMS,
                                 .lint = 1};
    append(&b, &nmi, sizeof(nmi));
    return put_table(a, b.bytes, b.len);
}

static bool put_rsdp(const struct guest_memory *mem, uint64_t xsdt)
{
    struct rsdp rsdp = {
        .signature = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '},
        .oem_id = {'T', 'O', 'Y', 'V', 'M', 'M'},
        .revision = 2,
        .length = sizeof(rsdp),
        .xsdt = xsdt,
    };
    rsdp.checksum = acpi_checksum(&rsdp, RSDP_V1_LEN);
    rsdp.extended_checksum = acpi_checksum(&rsdp, sizeof(rsdp));
    return guest_memory_write(mem, PLATFORM_BIOS_GPA, &rsdp, sizeof(rsdp));
}

int acpi_write(const struct guest_memory *mem, unsigned cpus, unsigned ports,
               bool pci, unsigned virtio, uint64_t *rsdp, struct error *err)
{
    struct arena a = {.mem = mem,
                      .next = PLATFORM_BIOS_GPA + sizeof(struct rsdp)};
    uint8_t dsdt[DSDT_MAX];
    size_t dsdt_len = dsdt_build(ports, pci, virtio, dsdt, sizeof(dsdt));
    uint64_t dsdt_gpa = put(&a, dsdt, dsdt_len);
    struct xsdt xsdt = {.header = acpi_header("XSDT", 0, 1)};
    xsdt.fadt = put_fadt(&a, pci, dsdt_gpa);
    xsdt.madt = put_madt(&a, cpus);
    uint64_t xsdt_gpa = put_table(&a, &xsdt, sizeof(xsdt));
    if (!dsdt_len || a.full || !put_rsdp(mem, xsdt_gpa))
        return error_set(err, -EINVAL,
                         "guest memory is too small for the ACPI tables");
    *rsdp = PLATFORM_BIOS_GPA;
    return 0;
}
