// SPDX-License-Identifier: Apache-2.0
// Ways by which a guest and the program that serves its rings notify each other
// without this process, where the hypervisor has them. Who wires the machine
// has them; the transport knows when and where. Any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct virtio_shortcuts {
    void *owner;
    // With on, each signal of the eventfd fd sends a message from now on: the
    // one that is given, in place of one before. *line is what the call before
    // made of it for this fd, 0 at first. False: it does not.
    bool (*call)(void *owner, unsigned *line, int fd, uint64_t address,
                 uint32_t data, bool on);
    // With on, a guest's write of two bytes to gpa signals fd from now on, and
    // is no access to the device any more. False: it does not.
    bool (*kick)(void *owner, int fd, uint64_t gpa, bool on);
};
