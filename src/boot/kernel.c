// SPDX-License-Identifier: Apache-2.0
// Loading what a kernel_plan says; see kernel.h.
#include "src/boot/kernel.h"

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
