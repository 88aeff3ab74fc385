// SPDX-License-Identifier: Apache-2.0
// How a device tells that the guest asked for a reset or for power-off. The
// i8042, port 0x92, the PCI reset register and the ACPI registers share it.
#pragma once

#include "src/devices/access.h"

// A plain value, copied into the device. The callbacks run on the thread that
// wrote the register, with no lock of the device held; how is a static
// sentence part for a message ("port 0x92"). The write has been carried out
// before; the device stays usable when the owner decides to go on.
struct power_control {
    void *owner;
    void (*reset)(void *owner, const struct access *access, const char *how);
    void (*poweroff)(void *owner, const struct access *access, const char *how);
};
