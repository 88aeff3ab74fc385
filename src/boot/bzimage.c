// SPDX-License-Identifier: Apache-2.0
// bzImage: the setup header, checked (Documentation/arch/x86/boot.rst, "The
// Real-Mode Kernel Header" and "64-bit Boot Protocol"); see kernel.h.
#include "src/boot/kernel.h"

#include "src/base/platform.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>

#define SECTOR          UINT64_C(512)
#define PARAGRAPH       UINT64_C(16) // what syssize counts
#define JUMP_LEN_OFFSET 0x201        // the jump's displacement ends the header
#define BOOT_FLAG       0xaa55
#define VERSION_64BIT   0x020c // first with xloadflags; Linux 3.8
#define ENTRY_64        UINT64_C(0x200)

// What the protocol says of a header that leaves the field 0.
#define DEFAULT_SETUP_SECTS 4
#define DEFAULT_CMDLINE     255
#define DEFAULT_INITRD_MAX  UINT64_C(0x37ffffff)

static int refuse(const struct image *image, struct error *err,
                  const char *sentence)
{
    return error_set(err, -EINVAL, "kernel %s %s", image->path, sentence);
}

static int damaged(const struct image *image, struct error *err,
                   const char *what)
{
    return error_set(err, -EINVAL,
                     "kernel %s is damaged: %s; build or download it again",
                     image->path, what);
}

// The header ends where its first jump goes to; all fields up to init_size
// must be in it.
static int read_header(const struct image *image, struct setup_header *header,
                       struct kernel_plan *plan, struct error *err)
{
    if (image->head_len < SETUP_HEADER_END)
        return refuse(image, err, "is truncated: its setup header isn't whole");
    size_t end = JUMP_LEN_OFFSET + 1 + image->head[JUMP_LEN_OFFSET];
    if (end > SETUP_HEADER_END)
        end = SETUP_HEADER_END;
    plan->setup_len = end - SETUP_HEADER_OFFSET;
    memcpy(plan->setup, image->head + SETUP_HEADER_OFFSET, plan->setup_len);
    size_t known =
        plan->setup_len < sizeof(*header) ? plan->setup_len : sizeof(*header);
    memcpy(header, plan->setup, known);
    return 0;
}

static int check_header(const struct image *image, const struct setup_header *h,
                        size_t len, struct error *err)
{
    if (h->boot_flag != BOOT_FLAG)
        return damaged(image, err, "its boot sector isn't marked as one");
    if (h->version < VERSION_64BIT)
        return error_set(err, -EINVAL,
                         "kernel %s speaks boot protocol %u.%02u, but a 64-bit"
                         " entry needs 2.12 (Linux 3.8): give a newer kernel, "
                         "or its vmlinux",
                         image->path, h->version >> 8, h->version & 0xffU);
    if (len < offsetof(struct setup_header, handover_offset))
        return damaged(image, err,
                       "its setup header is too short for its version");
    if (!(h->loadflags & LOADED_HIGH))
        return refuse(image, err,
                      "is a zImage, loaded low: give a bzImage or vmlinux");
    if (!(h->xloadflags & XLF_KERNEL_64))
        return refuse(image, err,
                      "is a 32-bit x86 kernel: give one for x86-64");
    if (h->relocatable_kernel &&
        (!h->kernel_alignment ||
         (h->kernel_alignment & (h->kernel_alignment - 1))))
        return damaged(image, err, "its alignment is no power of two");
    return 0;
}

// The protected-mode part follows the setup sectors; behind it there may be a
// signature.
static int find_body(const struct image *image, const struct setup_header *h,
                     struct kernel_segment *body, struct error *err)
{
    uint64_t sects = h->setup_sects ? h->setup_sects : DEFAULT_SETUP_SECTS;
    body->offset = (sects + 1) * SECTOR;
    body->file_size = h->syssize * PARAGRAPH;
    if (body->file_size <= ENTRY_64)
        return damaged(image, err, "it has no code behind its setup header");
    uint64_t end = body->offset + body->file_size;
    if (end > image->size)
        return error_set(err, -EINVAL,
                         "kernel %s is truncated: it has %llu of the %llu "
                         "bytes that its header promises; download or build "
                         "it again",
                         image->path, (unsigned long long)image->size,
                         (unsigned long long)end);
    return 0;
}

// A kernel unpacks itself to its preferred address or, when relocatable and
// loaded higher than that, to where it was loaded, aligned; never lower. RAM
// is one piece from 1 MiB on, so loading it anywhere but at the preferred
// address could only make less room, unless that one is not usable at all.
static int place_body(const struct image *image, const struct setup_header *h,
                      struct kernel_segment *body, struct error *err)
{
    uint64_t gpa = h->pref_address;
    if (h->relocatable_kernel) {
        uint64_t mask = (uint64_t)h->kernel_alignment - 1;
        if (gpa < PLATFORM_HIGH_GPA)
            gpa = PLATFORM_HIGH_GPA;
        if (gpa <= GUEST_LOW_RAM_END)
            gpa = (gpa + mask) & ~mask;
    } else if (gpa < PLATFORM_HIGH_GPA) {
        return error_set(err, -EINVAL,
                         "kernel %s can only run at 0x%llx, below 1 MiB, where"
                         " the boot data lies: build it with "
                         "CONFIG_RELOCATABLE",
                         image->path, (unsigned long long)gpa);
    }
    // init_size is what it takes while it unpacks itself; never less than
    // what is loaded.
    body->gpa = gpa;
    body->mem_size = h->init_size;
    if (body->mem_size < body->file_size)
        body->mem_size = body->file_size;
    if (gpa >= GUEST_LOW_RAM_END || body->mem_size > GUEST_LOW_RAM_END - gpa)
        return error_set(err, -EINVAL,
                         "kernel %s wants %llu bytes at 0x%llx, but must lie "
                         "below 3 GiB: it is damaged, build or download it "
                         "again",
                         image->path, (unsigned long long)body->mem_size,
                         (unsigned long long)gpa);
    return 0;
}

int bzimage_plan(const struct image *image, struct kernel_plan *plan,
                 struct error *err)
{
    memset(plan, 0, sizeof(*plan));
    plan->kind = BOOT_IMAGE_BZIMAGE;
    struct setup_header h = {0};
    struct kernel_segment body = {0};
    int rc = read_header(image, &h, plan, err);
    if (rc == 0)
        rc = check_header(image, &h, plan->setup_len, err);
    if (rc == 0)
        rc = find_body(image, &h, &body, err);
    if (rc == 0)
        rc = place_body(image, &h, &body, err);
    if (rc < 0)
        return rc;

    if (h.payload_length) {
        if (h.payload_offset > body.file_size ||
            h.payload_length > body.file_size - h.payload_offset)
            return damaged(image, err, "its compressed part lies outside it");
        plan->payload_offset = body.offset + h.payload_offset;
        plan->payload_size = h.payload_length;
    }
    plan->entry = body.gpa + ENTRY_64;
    plan->start = body.gpa;
    plan->end = body.gpa + body.mem_size;
    plan->segments[plan->nsegments++] = body;
    plan->cmdline_max = h.cmdline_size ? h.cmdline_size : DEFAULT_CMDLINE;
    plan->initrd_max =
        h.initrd_addr_max ? h.initrd_addr_max : DEFAULT_INITRD_MAX;
    plan->initrd_above = h.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G;
    return 0;
}
