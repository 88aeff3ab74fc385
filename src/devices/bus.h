// SPDX-License-Identifier: Apache-2.0
// An address bus: port I/O or memory-mapped I/O, one struct bus for each. The
// machine fills it before the first vCPU starts and sends every exit here.
#pragma once

#include "src/base/error.h"
#include "src/devices/access.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUS_MAX_DEVICES 64

// struct device.widths: the sum of the access widths that a device takes.
#define BUS_BYTE  1
#define BUS_WORD  2
#define BUS_DWORD 4
#define BUS_QWORD 8

// One address range of a device. Plain value; owner is the device's own struct
// and outlives the bus. The callbacks get an offset below len, a width that is
// in widths with offset+width <= len, and run on any vCPU thread, at the same
// time on several: a device does its own locking. The bits of a written value
// above the width are zero; the bus drops those of a value read.
//
// settle may be NULL. It follows the accesses of one exit, once, however many
// they were (`rep outs`): there a device computes its interrupt line and hands
// on what it has to say, with no lock of its own held. So what rose and fell
// within an exit is no edge for the guest.
struct device {
    uint64_t base;    // first address
    uint64_t len;     // addresses, 1 or more
    unsigned widths;  // of BUS_BYTE...BUS_QWORD; BUS_BYTE is always among them
    const char *name; // static, for messages
    void *owner;
    uint64_t (*read)(void *owner, const struct access *access, uint64_t offset,
                     unsigned width);
    void (*write)(void *owner, const struct access *access, uint64_t offset,
                  unsigned width, uint64_t value);
    void (*settle)(void *owner, const struct access *access);
};

// The devices, sorted by base, never overlapping. Written by bus_add only,
// before any access; then read by every vCPU thread without a lock. last is a
// hint, the index of the device that was hit last.
struct bus {
    size_t count;
    size_t last; // atomic, relaxed: any stored value below count is good
    struct device devices[BUS_MAX_DEVICES];
};

void bus_init(struct bus *bus);

// Claims [base, base+len) for a copy of *device. -EINVAL: empty, past the end
// of the address space, without callbacks or BUS_BYTE; -EEXIST: overlaps a
// device (both are named); -ENOSPC: BUS_MAX_DEVICES are there. Not while
// accesses run.
int bus_add(struct bus *bus, const struct device *device, struct error *err);

// Takes the device that claims address off the bus; *out is what it was. False
// when there is none. Not while accesses run.
bool bus_remove(struct bus *bus, uint64_t address, struct device *out);

// The device that claims address, or NULL. For tests and for messages.
const struct device *bus_find(struct bus *bus, uint64_t address);

// One access of 1..8 bytes, whatever a guest may do, and the device's settle
// after it; any vCPU thread.
//  - Wholly inside a device and of a width it takes: one callback.
//  - Wholly inside a device, of another width (an `inw` of a byte register; 3,
//    5, 6 or 7 bytes when KVM cuts an access at a page end): one callback for
//    each byte in ascending order, as the ISA bus does.
//  - Claimed by no device, or reaching over the end of one: nobody's. It
//    reads all ones and writes nothing. It is never split: a dword written to
//    PCI's 0xcf8 must not reach the reset register at 0xcf9.
// A width of 0 or above 8 is nobody's as well.
uint64_t bus_read(struct bus *bus, const struct access *access,
                  uint64_t address, unsigned width);
void bus_write(struct bus *bus, const struct access *access, uint64_t address,
               unsigned width, uint64_t value);

// The same access count times at one address (`rep ins`, `rep outs`: the port
// stays), and one settle. data holds count elements of width bytes,
// little-endian, packed, as in the page that KVM shares for KVM_EXIT_IO;
// width 1..8.
void bus_read_string(struct bus *bus, const struct access *access,
                     uint64_t address, unsigned width, size_t count,
                     void *data);
void bus_write_string(struct bus *bus, const struct access *access,
                      uint64_t address, unsigned width, size_t count,
                      const void *data);
