// SPDX-License-Identifier: Apache-2.0
// The MP table (Intel MultiProcessor Specification 1.4, chapter 4): for
// kernels without ACPI, so that they find the I/O APIC. Private to src/boot.
#pragma once

#include "src/boot/boot.h"

// Writes the floating pointer to the EBDA and the table to the upper half of
// the BIOS area. cpus: 1 to BOOT_CPUS_MAX, APIC ids 0 to cpus-1; the I/O APIC
// has the id cpus.
int mptable_write(const struct guest_memory *mem, unsigned cpus,
                  struct error *err);
