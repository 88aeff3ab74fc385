// SPDX-License-Identifier: Apache-2.0
// See guest_memory.h.
#include "src/base/guest_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE       UINT64_C(4096)
#define HUGE_PAGE  (UINT64_C(2) << 20)
#define MIN_MEMORY (UINT64_C(1) << 20)
#define MAX_MEMORY (UINT64_C(1) << 40)

// Maps size bytes at a multiple of 2 MiB. Nested paging can use a large page
// only where gpa and hva agree in their low 21 bits; every 4 KiB page that is
// mapped by itself costs the guest a VM exit at its first touch.
static void *map_aligned(uint64_t size)
{
    // NORESERVE: a guest touches what it uses, and a large one must not be
    // refused for what it will never touch.
    uint8_t *hva = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (hva == MAP_FAILED)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)hva & (HUGE_PAGE - 1));
    if (before)
        munmap(hva, before);
    munmap(hva + before + size, HUGE_PAGE - before);
    hva += before;
    // Advice only: without it the boot is slower, and a core dump larger.
    (void)madvise(hva, size, MADV_HUGEPAGE);
    (void)madvise(hva, size, MADV_DONTDUMP);
    return hva;
}

int guest_memory_map(struct guest_memory *mem, uint64_t size, struct error *err)
{
    memset(mem, 0, sizeof(*mem));
    if (size < MIN_MEMORY || size > MAX_MEMORY)
        return error_set(err, -EINVAL,
                         "guest memory of %llu bytes: must be 1M to 1T",
                         (unsigned long long)size);
    size = (size + PAGE - 1) & ~(PAGE - 1);

    uint8_t *hva = map_aligned(size);
    if (!hva)
        return error_errno(err, errno, "can't map %llu MiB of guest memory",
                           (unsigned long long)(size >> 20));
    mem->size = size;
    uint64_t low = size < GUEST_LOW_RAM_END ? size : GUEST_LOW_RAM_END;
    mem->regions[mem->nregions++] = (struct guest_region){0, low, hva};
    if (size > low)
        mem->regions[mem->nregions++] =
            (struct guest_region){GUEST_HIGH_RAM, size - low, hva + low};
    return 0;
}

void guest_memory_unmap(struct guest_memory *mem)
{
    // The regions are slices of one mapping.
    if (mem->nregions)
        munmap(mem->regions[0].hva, mem->size);
    memset(mem, 0, sizeof(*mem));
}

void *guest_memory_at(const struct guest_memory *mem, uint64_t gpa,
                      uint64_t len)
{
    if (!len)
        return NULL;
    for (size_t i = 0; i < mem->nregions; i++) {
        const struct guest_region *r = &mem->regions[i];
        if (gpa >= r->gpa && gpa - r->gpa < r->size &&
            len <= r->size - (gpa - r->gpa))
            return r->hva + (gpa - r->gpa);
    }
    return NULL;
}

bool guest_memory_write(const struct guest_memory *mem, uint64_t gpa,
                        const void *from, uint64_t len)
{
    void *to = guest_memory_at(mem, gpa, len);
    if (!to)
        return false;
    memcpy(to, from, len);
    return true;
}
