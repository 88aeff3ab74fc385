// SPDX-License-Identifier: Apache-2.0
// What is odd about an image and yet boots. Private to src/boot.
#pragma once

#include "src/boot/boot.h"

// Adds a sentence, as printf would make it; one too many is dropped.
void boot_note(struct boot_notes *notes, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
