// SPDX-License-Identifier: Apache-2.0
// The one piece of firmware that a guest without a BIOS can run into: the
// address where a processor starts, and where Linux jumps to when it reboots
// "through the BIOS". Private to src/boot.
#pragma once

#include "src/boot/boot.h"

// Writes real-mode code to f000:fff0 that writes to the reset register, so
// that such a reboot is seen as the reset that it is. Linux does it on
// reboot=bios.
int reset_vector_write(const struct guest_memory *mem, struct error *err);
