// SPDX-License-Identifier: Apache-2.0
// The little firmware that a guest without a BIOS can run into or read: where
// a processor starts, what answers a call of the BIOS, and the few words of
// its data area that kernels believe. Private to src/boot.
#pragma once

#include "src/boot/boot.h"

// Writes
//   - to f000:fff0 real-mode code that writes to the reset register, so that a
//     reboot "through the BIOS", Linux's reboot=bios, is seen as the reset that
//     it is;
//   - an interrupt table for real mode whose functions all answer that they
//     don't exist (carry set, AH = 0x86), so that a kernel that asks the BIOS
//     first goes on with what its boot protocol told it;
//   - the BIOS data area: the UARTs' ports, the EBDA's segment, and how much
//     memory is below it. ports: how many UARTs, to 4.
int firmware_write(const struct guest_memory *mem, unsigned ports,
                   struct error *err);
