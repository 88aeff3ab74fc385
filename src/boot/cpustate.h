// SPDX-License-Identifier: Apache-2.0
// Page tables, GDT and first register values for the 64-bit entry
// (Documentation/arch/x86/boot.rst, "64-bit Boot Protocol"). Private to
// src/boot.
#pragma once

#include "src/boot/boot.h"

// Identity-maps the first 4 GiB (2 MiB pages), writes the GDT, and fills the
// register part of state for a kernel that is entered at entry.
int cpustate_write(const struct guest_memory *mem, uint64_t entry,
                   struct boot_state *state, struct error *err);
