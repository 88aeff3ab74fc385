// SPDX-License-Identifier: Apache-2.0
// The platform map: the I/O ports, interrupt numbers and addresses that the
// devices answer at, that the boot tables name and that the machine wires up.
// Constants only; every room may include it.
#pragma once

#include <stdint.h>

// ---- Serial ports ----------------------------------------------------------

// A PC's four UARTs share two interrupts, as its ISA wiring does: the machine
// must drive a GSI with the OR of the lines that share it.
#define PLATFORM_COM_COUNT 4
#define PLATFORM_COM_LEN   8
#define PLATFORM_COM1_PORT 0x3f8
#define PLATFORM_COM2_PORT 0x2f8
#define PLATFORM_COM3_PORT 0x3e8
#define PLATFORM_COM4_PORT 0x2e8
#define PLATFORM_COM1_GSI  4
#define PLATFORM_COM2_GSI  3
#define PLATFORM_COM3_GSI  4
#define PLATFORM_COM4_GSI  3

// ---- Other ISA devices -----------------------------------------------------

#define PLATFORM_I8042_DATA_PORT    0x60
#define PLATFORM_I8042_COMMAND_PORT 0x64
#define PLATFORM_I8042_KBD_GSI      1
#define PLATFORM_I8042_AUX_GSI      12
#define PLATFORM_PORT_A             0x92 // bit 0 resets, bit 1 is A20
#define PLATFORM_CMOS_PORT          0x70 // index; data at the next port
#define PLATFORM_CMOS_LEN           2
#define PLATFORM_POST_PORT          0x80  // diagnostic codes; a delay
#define PLATFORM_BOOT_TIMER_PORT    0x3f0 // the guest tells how far it came
#define PLATFORM_RESET_PORT         0xcf9 // PCI reset control, one byte
#define PLATFORM_RESET_VALUE        0x06  // RESET_VALUE of the FADT
#define PLATFORM_PCI_CONFIG_PORT    0xcf8 // claimed where there is PCI
#define PLATFORM_CMOS_CENTURY_INDEX 0x32  // CENTURY of the FADT

// ---- ACPI fixed hardware (ACPI 6.5 section 4.8) ----------------------------

// There is no SMI command port: the machine is always in ACPI mode.
#define PLATFORM_SCI_GSI       9
#define PLATFORM_PM_PORT       0x600 // first port of the block below
#define PLATFORM_PM_LEN        0x20
#define PLATFORM_PM1A_EVT_PORT 0x600 // status (2 bytes), enable (2 bytes)
#define PLATFORM_PM1_EVT_LEN   4
#define PLATFORM_PM1A_CNT_PORT 0x604
#define PLATFORM_PM1_CNT_LEN   2
#define PLATFORM_PM_TIMER_PORT 0x608
#define PLATFORM_PM_TIMER_LEN  4
#define PLATFORM_PM_TIMER_BITS 32 // TMR_VAL_EXT is set in the FADT
#define PLATFORM_PM_TIMER_HZ   3579545

// Hardware-reduced ACPI: SLEEP_CONTROL_REG and SLEEP_STATUS_REG, a byte each.
#define PLATFORM_SLEEP_CONTROL_PORT 0x610
#define PLATFORM_SLEEP_STATUS_PORT  0x611

// SLP_TYP of \_S5, in both register models.
#define PLATFORM_S5_SLP_TYP 5

// ---- PCI -------------------------------------------------------------------

// A machine has PCI when it has a device there. The window that memory BARs lie
// in, and the GSIs that INTA# of the slots is wired to: slot n to n % 8 of
// them, level-triggered.
#define PLATFORM_PCI_WINDOW_GPA UINT64_C(0xe0000000)
#define PLATFORM_PCI_WINDOW_LEN UINT64_C(0x08000000)
#define PLATFORM_PCI_SLOTS      32
#define PLATFORM_PCI_GSI        16
#define PLATFORM_PCI_GSIS       8

// ---- virtio behind registers in memory -------------------------------------

// Device n of a machine that has its virtio there: a page each, and the GSIs
// that PCI would have, n to n % 8 of them, level-triggered.
#define PLATFORM_VIRTIO_GPA UINT64_C(0xd8000000)
#define PLATFORM_VIRTIO_LEN UINT64_C(0x1000)
#define PLATFORM_VIRTIO_MAX 32

// ---- The boot timer in memory ----------------------------------------------

#define PLATFORM_BOOT_TIMER_VALUE 123 // userspace reached, at the port as well

// Where the first device of a Firecracker machine is, and so its boot timer:
// since its hole below 4 GiB is 1 GiB (MMIO32_MEM_START), and when it was 768
// MiB (MMIO_MEM_START). Both lie above GUEST_LOW_RAM_END: never in RAM. The
// guest's kernel takes them for free addresses: nothing describes them.
#define PLATFORM_BOOT_TIMER_GPA     UINT64_C(0xc0000000)
#define PLATFORM_BOOT_TIMER_OLD_GPA UINT64_C(0xd0000000)

// ---- Interrupt controllers and KVM's own pages -----------------------------

#define PLATFORM_IOAPIC_GPA  UINT64_C(0xfec00000)
#define PLATFORM_IOAPIC_LEN  UINT64_C(0x1000)
#define PLATFORM_LAPIC_GPA   UINT64_C(0xfee00000)
#define PLATFORM_LAPIC_LEN   UINT64_C(0x1000)
#define PLATFORM_IOAPIC_PINS 24
// KVM's default routing wires its 8254 to pin 0 of the I/O APIC, not to pin 2
// as PC boards do; the tables say what is so. Whoever sets another routing
// (KVM_SET_GSI_ROUTING) changes this.
#define PLATFORM_PIT_GSI 0

// Below 4 GiB, outside RAM: what KVM needs on Intel hosts.
#define PLATFORM_KVM_IDENTITY_MAP_GPA UINT64_C(0xfffbc000) // one page
#define PLATFORM_KVM_TSS_GPA          UINT64_C(0xfffbd000) // three pages

// ---- Guest-physical layout of the first mebibyte ---------------------------

#define PLATFORM_GDT_GPA UINT64_C(0x500)
// What PVH and multiboot hand over; the seed, by the zero page.
#define PLATFORM_BOOT_INFO_GPA  UINT64_C(0x1000)
#define PLATFORM_BOOT_INFO_LEN  UINT64_C(0x5000)
#define PLATFORM_SETUP_DATA_GPA UINT64_C(0x6000)
#define PLATFORM_ZERO_PAGE_GPA  UINT64_C(0x7000)
#define PLATFORM_BOOT_STACK_GPA UINT64_C(0x8ff0) // grows down
#define PLATFORM_PML4_GPA       UINT64_C(0x9000)
#define PLATFORM_CMDLINE_GPA    UINT64_C(0x20000)
#define PLATFORM_CMDLINE_MAX    UINT64_C(0x10000) // with its NUL
// A kernel may lie from here on.
#define PLATFORM_BOOT_DATA_END (PLATFORM_CMDLINE_GPA + PLATFORM_CMDLINE_MAX)

// RAM ends here for the guest; the extended BIOS data area opens with the MP
// floating pointer, which kernels look for in its first KiB.
#define PLATFORM_EBDA_GPA UINT64_C(0x9fc00)
#define PLATFORM_EBDA_LEN UINT64_C(0x400)
// The RSDP and the ACPI tables: kernels look for it at every 16th byte.
#define PLATFORM_BIOS_GPA UINT64_C(0xe0000)
#define PLATFORM_BIOS_LEN UINT64_C(0x20000)
#define PLATFORM_HOLE_GPA UINT64_C(0xa0000)  // no RAM, or no kernel's
#define PLATFORM_HIGH_GPA UINT64_C(0x100000) // RAM goes on
