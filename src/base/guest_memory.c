// SPDX-License-Identifier: Apache-2.0
// See guest_memory.h.
#include "src/base/guest_memory.h"

#include <errno.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE       UINT64_C(4096)
#define HUGE_PAGE  (UINT64_C(2) << 20)
#define MIN_MEMORY (UINT64_C(1) << 20)
#define MAX_MEMORY (UINT64_C(1) << 40)

// Maps size bytes at a multiple of 2 MiB. Nested paging can use a large page
// only where gpa and hva agree in their low 21 bits; every 4 KiB page that is
// mapped by itself costs the guest a VM exit at its first touch.
static void *map_aligned(int fd, uint64_t size, int flags)
{
    // First a place; then what shall be there.
    uint8_t *hva = mmap(NULL, size + HUGE_PAGE, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (hva == MAP_FAILED)
        return NULL;
    size_t before = (size_t)(-(uintptr_t)hva & (HUGE_PAGE - 1));
    if (before)
        munmap(hva, before);
    munmap(hva + before + size, HUGE_PAGE - before);
    hva += before;
    if (mmap(hva, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) ==
        MAP_FAILED) {
        int error = errno;
        munmap(hva, size);
        errno = error;
        return NULL;
    }
    // Advice only: without it the boot is slower, and a core dump larger.
    (void)madvise(hva, size, MADV_HUGEPAGE);
    (void)madvise(hva, size, MADV_DONTDUMP);
    return hva;
}

// ---- Backings ---------------------------------------------------------------

// NORESERVE: a guest touches what it uses, and a large one must not be refused
// for what it will never touch.
static void *map_anonymous(struct guest_memory *mem)
{
    return map_aligned(-1, mem->size,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
}

static void *map_memfd(struct guest_memory *mem, unsigned flags, int reserve)
{
    mem->fd = memfd_create("guest", MFD_CLOEXEC | flags);
    if (mem->fd < 0 || ftruncate(mem->fd, (off_t)mem->size) < 0)
        return NULL;
    return map_aligned(mem->fd, mem->size, MAP_SHARED | reserve);
}

// How many huge pages nobody uses or has reserved; 0 when there are none at
// all.
static unsigned long long huge_pages_free(void)
{
    unsigned long long n = 0;
    unsigned long long reserved = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (!strncmp(line, "HugePages_Free:", 15))
            n = strtoull(line + 15, NULL, 10);
        if (!strncmp(line, "HugePages_Rsvd:", 15))
            reserved = strtoull(line + 15, NULL, 10);
    }
    if (f)
        fclose(f);
    return n > reserved ? n - reserved : 0;
}

static int no_huge_pages(uint64_t size, int error, struct error *err)
{
    unsigned long long pages = size / HUGE_PAGE;
    if (error == ENOSYS || error == EINVAL || error == ENODEV)
        return error_set(err, -ENOSYS,
                         "this host's kernel has no huge pages of 2 MiB: leave "
                         "out `huge`");
    return error_set(err, -ENOMEM,
                     "%llu MiB of huge guest memory need %llu huge pages of 2 "
                     "MiB, and this host has %llu free: write %llu more than "
                     "there are to /proc/sys/vm/nr_hugepages, or leave out "
                     "`huge`",
                     (unsigned long long)(size >> 20), pages, huge_pages_free(),
                     pages - huge_pages_free());
}

// Fills fd and returns where it is, or NULL with errno.
static void *map_backing(struct guest_memory *mem, enum guest_backing backing)
{
    switch (backing) {
    case GUEST_BACKING_ANONYMOUS:
        return map_anonymous(mem);
    case GUEST_BACKING_SHARED:
        return map_memfd(mem, 0, MAP_NORESERVE);
    case GUEST_BACKING_HUGE:
        return map_memfd(mem, MFD_HUGETLB | MFD_HUGE_2MB, 0);
    }
    return NULL;
}

// ---- The regions ------------------------------------------------------------

int guest_memory_map_as(struct guest_memory *mem, uint64_t size,
                        enum guest_backing backing, struct error *err)
{
    *mem = (struct guest_memory){.fd = -1};
    if (size < MIN_MEMORY || size > MAX_MEMORY)
        return error_set(err, -EINVAL,
                         "guest memory of %llu bytes: must be 1M to 1T",
                         (unsigned long long)size);
    bool huge = backing == GUEST_BACKING_HUGE;
    if (huge && size % HUGE_PAGE)
        return error_set(err, -EINVAL,
                         "guest memory of %llu bytes in huge pages: must be a "
                         "multiple of 2M",
                         (unsigned long long)size);
    mem->size = (size + PAGE - 1) & ~(PAGE - 1);
    mem->huge = huge;
    uint8_t *hva = map_backing(mem, backing);
    if (!hva) {
        int error = errno;
        size = mem->size;
        guest_memory_unmap(mem);
        if (huge)
            return no_huge_pages(size, error, err);
        return error_errno(err, error, "can't map %llu MiB of guest memory",
                           (unsigned long long)(size >> 20));
    }
    uint64_t low =
        mem->size < GUEST_LOW_RAM_END ? mem->size : GUEST_LOW_RAM_END;
    mem->regions[mem->nregions++] = (struct guest_region){0, low, hva};
    if (mem->size > low)
        mem->regions[mem->nregions++] =
            (struct guest_region){GUEST_HIGH_RAM, mem->size - low, hva + low};
    return 0;
}

int guest_memory_map(struct guest_memory *mem, uint64_t size, struct error *err)
{
    return guest_memory_map_as(mem, size, GUEST_BACKING_ANONYMOUS, err);
}

void guest_memory_unmap(struct guest_memory *mem)
{
    // The regions are slices of one mapping.
    if (mem->nregions)
        munmap(mem->regions[0].hva, mem->size);
    // One that was never mapped is all zero.
    if (mem->fd > 0)
        close(mem->fd);
    *mem = (struct guest_memory){.fd = -1};
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

uint64_t guest_memory_discard(const struct guest_memory *mem, uint64_t gpa,
                              uint64_t len)
{
    uint8_t *at = guest_memory_at(mem, gpa, len);
    uint64_t skip = -gpa & (PAGE - 1);
    if (!at || mem->huge || len <= skip)
        return 0;
    uint64_t whole = (len - skip) & ~(PAGE - 1);
    // Of a memfd the pages are everybody's who has it: a hole, not a
    // forgetting.
    int advice = mem->fd >= 0 ? MADV_REMOVE : MADV_DONTNEED;
    if (!whole || madvise(at + skip, whole, advice) < 0)
        return 0;
    return whole;
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
