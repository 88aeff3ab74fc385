// SPDX-License-Identifier: Apache-2.0
// The processor's state at a kernel's entry: all registers and segments, and
// the tables in memory that they point to. What a boot protocol hands over in
// a register (the zero page in RSI, ...) is the caller's to add. Private to
// src/boot.
#pragma once

#include "src/boot/boot.h"

// 64-bit mode, as Linux wants it (boot.rst, "64-bit Boot Protocol"): identity-
// maps the first 4 GiB (2 MiB pages), writes the GDT, fills the registers of
// state for a kernel that is entered at entry.
int cpustate_enter_64(const struct guest_memory *mem, uint64_t entry,
                      struct boot_state *state, struct error *err);

// 32-bit protected mode with flat segments and without paging: what the 32-bit
// boot protocol, PVH and multiboot ask for. entry is below 4 GiB.
int cpustate_enter_32(const struct guest_memory *mem, uint64_t entry,
                      struct boot_state *state, struct error *err);
