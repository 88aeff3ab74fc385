// SPDX-License-Identifier: Apache-2.0
// Guest RAM as the host sees it, and the only way from a guest physical
// address (gpa) to a host pointer. A guest is hostile: every address and
// length that comes from it passes through guest_memory_at.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// x86 keeps 3..4 GiB for devices and the APICs: RAM beyond this much
// continues at 4 GiB.
#define GUEST_LOW_RAM_END UINT64_C(0xC0000000)
#define GUEST_HIGH_RAM    UINT64_C(0x100000000)

struct guest_region {
    uint64_t gpa;
    uint64_t size;
    uint8_t *hva;
};

// Where RAM comes from.
enum guest_backing {
    GUEST_BACKING_ANONYMOUS, // private memory, in large pages where it can be
    GUEST_BACKING_SHARED,    // a memfd, which other processes may be given
    GUEST_BACKING_HUGE, // a memfd of the huge pages that the host set aside
};

// RAM of one guest: one region below 3 GiB, a second from 4 GiB when there is
// more. Owned by the machine; the mapping lives until guest_memory_unmap and
// never moves. Any thread may read the struct.
struct guest_memory {
    uint64_t size; // bytes, a multiple of 4096
    int fd;        // its memfd, in which region follows region; or -1
    bool huge;     // of pages of 2 MiB, which were set aside for it
    size_t nregions;
    struct guest_region regions[2];
};

// Maps size bytes of zeroed, private RAM (1 MiB..1 TiB, rounded up to pages).
// Fails with -EINVAL for a size out of range and -ENOMEM when the host can't.
int guest_memory_map(struct guest_memory *mem, uint64_t size,
                     struct error *err);
// The same with a backing. Of huge pages size must be a multiple, and as many
// must be free: they are reserved here, so that the guest never faults for want
// of them; nothing else is touched before the guest does. -EINVAL, -ENOMEM or
// -ENOSYS with what cures it.
int guest_memory_map_as(struct guest_memory *mem, uint64_t size,
                        enum guest_backing backing, struct error *err);
void guest_memory_unmap(struct guest_memory *mem);

// The host pointer to [gpa, gpa+len), or NULL when any byte of it is not RAM
// of one region (len 0 is NULL too). No overflow for any arguments.
void *guest_memory_at(const struct guest_memory *mem, uint64_t gpa,
                      uint64_t len);

// Gives the host's pages that lie wholly in [gpa, gpa+len) back to it: they
// read as zeros from now on. Returns how many bytes that were; 0 also when the
// range is not RAM of one region, or its pages were set aside for it. Any
// thread.
uint64_t guest_memory_discard(const struct guest_memory *mem, uint64_t gpa,
                              uint64_t len);

// Copies into the guest; false when the range is not RAM.
bool guest_memory_write(const struct guest_memory *mem, uint64_t gpa,
                        const void *from, uint64_t len);
