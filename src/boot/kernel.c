// SPDX-License-Identifier: Apache-2.0
// The segments of a kernel_plan: checked, loaded; see kernel.h.
#include "src/boot/kernel.h"

#include "src/base/platform.h"
#include "src/boot/notes.h"

#include <errno.h>

// The last 16 MiB below 4 GiB: the most that chipsets map of a flash chip.
#define FIRMWARE UINT64_C(0xff000000)

static int check_in_file(const struct image *image,
                         const struct kernel_segment *s, struct error *err)
{
    if (s->offset <= image->size && s->file_size <= image->size - s->offset)
        return 0;
    return error_set(err, -EINVAL,
                     "kernel %s is truncated: a segment of %llu bytes at "
                     "offset 0x%llx is not all there in %llu bytes",
                     image->path, (unsigned long long)s->file_size,
                     (unsigned long long)s->offset,
                     (unsigned long long)image->size);
}

static int check_below_end(const struct image *image,
                           const struct kernel_segment *s, struct error *err)
{
    if (s->gpa < GUEST_LOW_RAM_END && s->mem_size <= GUEST_LOW_RAM_END - s->gpa)
        return 0;
    if (s->gpa >= FIRMWARE && s->gpa <= UINT32_MAX)
        return error_set(err, -EINVAL,
                         "kernel %s is firmware (it wants to lie at 0x%llx, "
                         "where a PC has its BIOS): give a kernel",
                         image->path, (unsigned long long)s->gpa);
    return error_set(err, -EINVAL,
                     "kernel %s wants %llu bytes at physical address 0x%llx, "
                     "but must lie below 3 GiB: is it a kernel, and whole?",
                     image->path, (unsigned long long)s->mem_size,
                     (unsigned long long)s->gpa);
}

// A PC's BIOS lets writes to its place fall on the floor, and so a linker that
// puts the file's own headers below 1 MiB has never been noticed.
static void leave_out_hole(const struct image *image, struct kernel_segment *s,
                           struct kernel_plan *plan)
{
    uint64_t n = PLATFORM_HIGH_GPA - s->gpa;
    if (n > s->mem_size)
        n = s->mem_size;
    boot_note(&plan->notes,
              "kernel %s: the %llu bytes that it wants at 0x%llx are left out, "
              "a PC has no RAM there",
              image->path, (unsigned long long)n, (unsigned long long)s->gpa);
    uint64_t in_file = n < s->file_size ? n : s->file_size;
    s->offset += in_file;
    s->file_size -= in_file;
    s->gpa += n;
    s->mem_size -= n;
}

static int fit_low(const struct image *image, struct kernel_segment *s,
                   struct kernel_plan *plan, struct error *err)
{
    if (s->gpa >= PLATFORM_HIGH_GPA)
        return 0;
    if (s->gpa >= PLATFORM_BOOT_DATA_END &&
        s->gpa + s->mem_size <= PLATFORM_EBDA_GPA)
        return 0;
    if (s->gpa < PLATFORM_HOLE_GPA)
        return error_set(err, -EINVAL,
                         "kernel %s wants %llu bytes at 0x%llx, below 1 MiB, "
                         "where the boot data lies: link it higher",
                         image->path, (unsigned long long)s->mem_size,
                         (unsigned long long)s->gpa);
    leave_out_hole(image, s, plan);
    return 0;
}

static int check_apart(const struct image *image,
                       const struct kernel_segment *new,
                       const struct kernel_plan *plan, struct error *err)
{
    for (size_t i = 0; i < plan->nsegments; i++) {
        const struct kernel_segment *s = &plan->segments[i];
        if (new->gpa < s->gpa + s->mem_size &&
            s->gpa < new->gpa + new->mem_size)
            return error_set(err, -EINVAL,
                             "kernel %s is damaged: segments at 0x%llx and "
                             "0x%llx overlap",
                             image->path, (unsigned long long)s->gpa,
                             (unsigned long long)new->gpa);
    }
    return 0;
}

int kernel_add_segment(const struct image *image, struct kernel_segment s,
                       struct kernel_plan *plan, struct error *err)
{
    int rc = check_in_file(image, &s, err);
    if (rc < 0)
        return rc;
    if (s.mem_size < s.file_size) {
        boot_note(&plan->notes,
                  "kernel %s: a segment is larger in the file (%llu bytes) "
                  "than in memory: all of it is loaded",
                  image->path, (unsigned long long)s.file_size);
        s.mem_size = s.file_size;
    }
    if (!s.mem_size)
        return 0;
    rc = check_below_end(image, &s, err);
    if (rc == 0)
        rc = fit_low(image, &s, plan, err);
    if (rc == 0)
        rc = check_apart(image, &s, plan, err);
    if (rc < 0 || !s.mem_size)
        return rc;
    if (plan->nsegments == KERNEL_SEGMENTS_MAX)
        return error_set(err, -EINVAL,
                         "kernel %s has more segments than any kernel: it is "
                         "damaged",
                         image->path);
    if (!plan->nsegments || s.gpa < plan->start)
        plan->start = s.gpa;
    if (s.gpa + s.mem_size > plan->end)
        plan->end = s.gpa + s.mem_size;
    plan->segments[plan->nsegments++] = s;
    return 0;
}

int kernel_load(const struct kernel_plan *plan, const struct image *image,
                const struct guest_memory *mem, struct error *err)
{
    for (size_t i = 0; i < plan->nsegments; i++) {
        const struct kernel_segment *s = &plan->segments[i];
        // The rest of mem_size is zero already: guest RAM is fresh, and
        // touching megabytes of bss would only make them resident.
        int rc = image_load(image, s->offset, s->file_size, mem, s->gpa, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
