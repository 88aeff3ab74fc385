// SPDX-License-Identifier: Apache-2.0
// bzImage: the setup header, checked (boot.rst, "The Real-Mode Kernel Header",
// "32-bit Boot Protocol", "64-bit Boot Protocol"); see kernel.h. Images that
// are no Linux use the format, too, with no more of the header than they need:
// a field is believed only if the header's version has it.
#include "src/boot/kernel.h"

#include "src/base/platform.h"
#include "src/boot/notes.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>

#define SECTOR          UINT64_C(512)
#define PARAGRAPH       UINT64_C(16) // what syssize counts
#define JUMP_LEN_OFFSET 0x201        // the jump's displacement ends the header
#define BOOT_FLAG       0xaa55
#define ENTRY_64        UINT64_C(0x200)
// Where loaders put the protected-mode part before it could be elsewhere:
// code32_start is meant relative to this.
#define LOAD_HIGH PLATFORM_HIGH_GPA

// Versions of the protocol, and what came with them.
#define VERSION_ENTRY_32 0x0203 // the first that GRUB enters so
#define VERSION_SYSSIZE  0x0204 // 32 bits of it, that can be trusted
#define VERSION_NOT_OLD  0x0206 // Linux 2.6.22
#define VERSION_PREF     0x020a // preferred address, init_size
#define VERSION_XLOAD    0x020c // Linux 3.8
#define VERSION_LAST     0x020f

// What the protocol says of a header that leaves the field 0.
#define DEFAULT_SETUP_SECTS 4
#define DEFAULT_CMDLINE     255
#define DEFAULT_INITRD_MAX  UINT64_C(0x37ffffff)

// In place of one that is no power of two: Linux's usual.
#define DEFAULT_ALIGNMENT UINT64_C(0x200000)

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

// ---- The header ------------------------------------------------------------

// Where the last field of each version ends.
static size_t end_of_version(uint16_t version)
{
    static const struct {
        uint16_t version;
        size_t end;
    } ends[] = {
        {0x020f, 0x26c}, {0x020b, 0x268}, {0x020a, 0x264}, {0x0209, 0x258},
        {0x0208, 0x250}, {0x0207, 0x248}, {0x0206, 0x23c}, {0x0205, 0x235},
        {0x0203, 0x230}, {0x0202, 0x22c}, {0x0201, 0x226},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (version >= ends[i].version)
            return ends[i].end;
    return 0x224;
}

static int read_header(const struct image *image, struct setup_header *header,
                       struct kernel_plan *plan, struct error *err)
{
    if (image->head_len < SETUP_HEADER_END)
        return refuse(image, err, "is truncated: its setup header isn't whole");
    uint16_t version;
    memcpy(&version,
           image->head + SETUP_HEADER_OFFSET +
               offsetof(struct setup_header, version),
           sizeof(version));
    size_t jump = JUMP_LEN_OFFSET + 1 + image->head[JUMP_LEN_OFFSET];
    size_t end = end_of_version(version);
    if (jump < end)
        boot_note(&plan->notes,
                  "kernel %s: its setup header ends at 0x%zx, but boot "
                  "protocol %u.%02u has fields up to 0x%zx",
                  image->path, jump, version >> 8, version & 0xffU, end);
    // What a later version has is handed over, if not understood.
    if (version > VERSION_LAST && jump > end)
        end = jump < SETUP_HEADER_END ? jump : SETUP_HEADER_END;
    plan->setup_len = end - SETUP_HEADER_OFFSET;
    memcpy(plan->setup, image->head + SETUP_HEADER_OFFSET, plan->setup_len);
    size_t known =
        plan->setup_len < sizeof(*header) ? plan->setup_len : sizeof(*header);
    memcpy(header, plan->setup, known);
    // These two fill a gap between older fields.
    if (version < VERSION_PREF)
        header->min_alignment = 0;
    if (version < VERSION_XLOAD)
        header->xloadflags = 0;
    return 0;
}

// "MEMDISK 6.04 ...": what `file` shows as the version. NULL when there is
// none.
static const char *version_text(const struct image *image,
                                const struct setup_header *h)
{
    size_t at = h->kernel_version + SECTOR;
    if (!h->kernel_version || at >= image->head_len ||
        !memchr(image->head + at, 0, image->head_len - at))
        return NULL;
    return (const char *)image->head + at;
}

static int refuse_real_mode(const struct image *image, const char *what,
                            struct error *err)
{
    return error_set(err, -EINVAL,
                     "kernel %s %s: it starts in real mode and calls the "
                     "BIOS, which is not here",
                     image->path, what);
}

// What has a header and no use for an entry that skips its real-mode part.
static int check_entry_32(const struct image *image,
                          const struct setup_header *h,
                          struct kernel_plan *plan, struct error *err)
{
    const char *text = version_text(image, h);
    if (h->version < VERSION_ENTRY_32)
        return error_set(err, -EINVAL,
                         "kernel %s speaks boot protocol %u.%02u, but a "
                         "32-bit entry needs 2.03: it starts in real mode and "
                         "calls the BIOS, which is not here",
                         image->path, h->version >> 8, h->version & 0xffU);
    if (text && strncmp(text, "MEMDISK", 7) == 0)
        return refuse_real_mode(image, "is a memdisk", err);
    if (!h->code32_start)
        return refuse_real_mode(
            image, "has no 32-bit entry, as network boot loaders have none",
            err);
    if (h->version < VERSION_NOT_OLD)
        boot_note(&plan->notes,
                  "kernel %s speaks boot protocol %u.%02u: it is entered in "
                  "32-bit mode, its real-mode part does not run",
                  image->path, h->version >> 8, h->version & 0xffU);
    return 0;
}

static int check_header(const struct image *image, const struct setup_header *h,
                        struct kernel_plan *plan, struct error *err)
{
    if (h->boot_flag != BOOT_FLAG)
        boot_note(&plan->notes,
                  "kernel %s: its boot sector isn't marked as one",
                  image->path);
    if (!(h->loadflags & LOADED_HIGH))
        return refuse(image, err,
                      "is a zImage, loaded low: give a bzImage or vmlinux");
    if (h->xloadflags & XLF_KERNEL_64) {
        plan->how = BOOT_ENTRY_LINUX64;
        return 0;
    }
    plan->how = BOOT_ENTRY_LINUX32;
    return check_entry_32(image, h, plan, err);
}

// ---- The protected-mode part -----------------------------------------------

static uint64_t entry_offset(const struct setup_header *h,
                             const struct kernel_plan *plan)
{
    return plan->how == BOOT_ENTRY_LINUX64 ? ENTRY_64
                                           : h->code32_start - LOAD_HIGH;
}

// It follows the setup sectors; behind it there may be a signature. QEMU and
// GRUB load all there is and never look at syssize.
static int find_body(const struct image *image, const struct setup_header *h,
                     struct kernel_segment *body, struct kernel_plan *plan,
                     struct error *err)
{
    uint64_t sects = h->setup_sects ? h->setup_sects : DEFAULT_SETUP_SECTS;
    uint64_t claim = h->version < VERSION_SYSSIZE ? 0 : h->syssize * PARAGRAPH;
    body->offset = (sects + 1) * SECTOR;
    uint64_t rest = image->size > body->offset ? image->size - body->offset : 0;
    const uint64_t end = body->offset + claim;
    // syssize is rounded up, the file need not be.
    if (claim >= rest + PARAGRAPH || !rest)
        return error_set(err, -EINVAL,
                         "kernel %s is truncated: it has %llu of the %llu "
                         "bytes that its header promises; download or build "
                         "it again",
                         image->path, (unsigned long long)image->size,
                         (unsigned long long)end);
    body->file_size = claim && claim < rest ? claim : rest;
    if (!claim && h->version >= VERSION_SYSSIZE)
        boot_note(&plan->notes,
                  "kernel %s: its header gives no size, all of the file is "
                  "loaded",
                  image->path);
    if (entry_offset(h, plan) >= body->file_size)
        return damaged(image, err, "its entry lies outside it");
    return 0;
}

static void find_payload(const struct image *image,
                         const struct setup_header *h,
                         const struct kernel_segment *body,
                         struct kernel_plan *plan)
{
    if (!h->payload_length)
        return;
    if (h->payload_offset > body->file_size ||
        h->payload_length > body->file_size - h->payload_offset) {
        boot_note(&plan->notes,
                  "kernel %s: its compressed part lies outside it, by its "
                  "header",
                  image->path);
        return;
    }
    plan->payload_offset = body->offset + h->payload_offset;
    plan->payload_size = h->payload_length;
}

static uint64_t alignment(const struct image *image,
                          const struct setup_header *h,
                          struct kernel_plan *plan)
{
    uint64_t align = h->kernel_alignment;
    if (align && !(align & (align - 1)))
        return align;
    boot_note(&plan->notes,
              "kernel %s: its alignment 0x%llx is no power of two", image->path,
              (unsigned long long)align);
    return DEFAULT_ALIGNMENT;
}

// A kernel unpacks itself to its preferred address or, when relocatable and
// loaded higher than that, to where it was loaded, aligned; never lower. RAM
// is one piece from 1 MiB on, so loading it anywhere but at the preferred
// address could only make less room, unless that one is not usable at all.
static int place_body(const struct image *image, const struct setup_header *h,
                      struct kernel_segment *body, struct kernel_plan *plan,
                      struct error *err)
{
    uint64_t gpa = h->pref_address ? h->pref_address : LOAD_HIGH;
    if (h->relocatable_kernel) {
        uint64_t mask = alignment(image, h, plan) - 1;
        if (gpa < LOAD_HIGH)
            gpa = LOAD_HIGH;
        if (gpa <= GUEST_LOW_RAM_END)
            gpa = (gpa + mask) & ~mask;
    } else if (gpa < LOAD_HIGH) {
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
    return kernel_add_segment(image, *body, plan, err);
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
        rc = check_header(image, &h, plan, err);
    if (rc == 0)
        rc = find_body(image, &h, &body, plan, err);
    if (rc == 0)
        rc = place_body(image, &h, &body, plan, err);
    if (rc < 0)
        return rc;
    find_payload(image, &h, &body, plan);
    plan->entry = body.gpa + entry_offset(&h, plan);
    plan->cmdline_max = h.cmdline_size ? h.cmdline_size : DEFAULT_CMDLINE;
    plan->initrd_max =
        h.initrd_addr_max ? h.initrd_addr_max : DEFAULT_INITRD_MAX;
    plan->initrd_above = h.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G;
    return 0;
}
