// SPDX-License-Identifier: Apache-2.0
// From a guest's virtual address to its memory, through the guest's own page
// tables (Intel SDM volume 3, 4.5; AMD APM volume 2, 5.3). Works on guest RAM
// alone: no KVM, and no vCPU need be asked. Private to src/machine.
#pragma once

#include "src/base/guest_memory.h"
#include "src/toyvmm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The physical address of a virtual one as regs (cr0, cr3, cr4, efer) map it:
// 4- or 5-level tables with pages of 4 KiB, 2 MiB and 1 GiB, or one to one
// without paging. *left gets how many bytes there are to the page's end. False
// when nothing is mapped there, when a table lies outside RAM, when an entry
// is one that the processor would refuse, for an address that is not
// canonical, and for 32-bit paging. *physical need not be RAM. Any thread; a
// guest that runs may change its tables meanwhile.
bool paging_translate(const struct guest_memory *mem,
                      const struct toyvmm_regs *regs, uint64_t address,
                      uint64_t *physical, uint64_t *left);

// Copies up to len bytes from a virtual address on, over page boundaries, until
// the first byte that is not mapped to RAM. Returns how many.
size_t paging_read(const struct guest_memory *mem,
                   const struct toyvmm_regs *regs, uint64_t address, void *to,
                   size_t len);
