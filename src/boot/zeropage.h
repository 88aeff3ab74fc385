// SPDX-License-Identifier: Apache-2.0
// The zero page (struct boot_params) and the command line: what Linux is told
// at its entry (Documentation/arch/x86/zero-page.rst). Private to src/boot.
#pragma once

#include "src/boot/kernel.h"
#include "src/boot/layout.h"

struct zeropage_request {
    const struct kernel_plan *plan;
    struct ram ram;
    const char *cmdline;              // checked by layout_check_cmdline
    uint64_t initrd_gpa, initrd_size; // 0, 0 for none
    uint64_t rsdp_gpa;
};

// Writes both to their places in the platform map.
int zeropage_write(const struct zeropage_request *request,
                   const struct guest_memory *mem, struct error *err);
