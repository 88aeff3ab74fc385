// SPDX-License-Identifier: Apache-2.0
// How is this ELF file entered? What it says of itself decides, in this order:
// a Linux kernel of 64 bits by Linux's own protocol, a PVH note, a multiboot
// header. What is something else is refused by name, and a 64-bit file that
// says nothing at all is taken as the Linux-like kernel that it can only be,
// with a note; see kernel.h.
#include "src/boot/elf.h"

#include "src/base/platform.h"
#include "src/boot/multiboot.h"
#include "src/boot/notes.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

// x86's COMMAND_LINE_SIZE less the NUL; an ELF file doesn't tell.
#define ELF_CMDLINE_MAX 2047

// What loaders assume when a kernel tells no limit: below 2 GiB is known to
// work with every 64-bit kernel, and so is anywhere since 3.9.
#define ELF_INITRD_MAX UINT64_C(0x7fffffff)

static int refuse(const struct elf_file *elf, struct error *err,
                  const char *sentence)
{
    return error_set(err, -EINVAL, "kernel %s %s", elf->image->path, sentence);
}

// ---- Which way in ----------------------------------------------------------

static void plan_linux(struct kernel_plan *plan)
{
    plan->how = BOOT_ENTRY_LINUX64;
    plan->cmdline_max = ELF_CMDLINE_MAX;
    plan->initrd_max = ELF_INITRD_MAX;
    plan->initrd_above = true;
}

static void plan_pvh(struct kernel_plan *plan)
{
    plan->how = BOOT_ENTRY_PVH;
    plan->cmdline_max = PLATFORM_CMDLINE_MAX - 1;
    plan->initrd_max = UINT32_MAX;
}

static int refuse_linux_32(const struct elf_file *elf, struct error *err)
{
    return refuse(elf, err,
                  "is a 32-bit Linux vmlinux without a PVH note: give its "
                  "bzImage");
}

// It has neither Linux's notes nor a PVH note nor a multiboot header.
static int decide_by_texts(const struct elf_file *elf, struct kernel_plan *plan,
                           struct error *err)
{
    struct elf_texts texts = {0};
    int rc = elf_read_texts(elf, &texts, err);
    if (rc < 0)
        return rc;
    if (texts.linux_kernel && !elf->is_64)
        return refuse_linux_32(elf, err);
    plan_linux(plan);
    if (texts.linux_kernel)
        return 0;
    if (texts.u_boot)
        return refuse(elf, err,
                      "is a U-Boot, which only its own first stage can start: "
                      "give the kernel that it would boot");
    if (texts.limine)
        return refuse(elf, err,
                      "is a kernel for the Limine boot protocol: give one "
                      "with a PVH note or a multiboot header");
    if (multiboot2_is_there(elf->image))
        return refuse(elf, err,
                      "has a header for Multiboot 2 only: give one with a PVH "
                      "note or a header for Multiboot 1");
    if (!elf->is_64)
        return refuse(elf, err,
                      "is a 32-bit ELF file with neither a PVH note nor a "
                      "multiboot header: nothing says how it is started");
    boot_note(&plan->notes,
              "kernel %s says nothing of itself (it is no known Linux, has no "
              "PVH note and no multiboot header): it is entered in 64-bit "
              "mode, as a Linux is",
              elf->image->path);
    return 0;
}

static int decide(const struct elf_file *elf, const struct elf_marks *marks,
                  const struct multiboot_header *multiboot,
                  struct kernel_plan *plan, struct error *err)
{
    if (elf->is_64 && marks->linux_kernel) {
        plan_linux(plan);
        return 0;
    }
    if (marks->pvh) {
        plan_pvh(plan);
        return 0;
    }
    if (multiboot) {
        multiboot_plan_limits(elf->image, plan);
        multiboot_note_wishes(elf->image, multiboot, plan);
        return 0;
    }
    if (marks->linux_kernel)
        return refuse_linux_32(elf, err);
    if (marks->system)
        return error_set(err, -EINVAL,
                         "kernel %s was built for %s and has no PVH note: "
                         "only a kernel with one can be started here",
                         elf->image->path, marks->system);
    if (marks->program)
        return refuse(elf, err,
                      "is a program that runs under Linux, not a kernel: give "
                      "a vmlinux or a bzImage");
    return decide_by_texts(elf, plan, err);
}

// ---- What is loaded, and where it starts -----------------------------------

static int add_segments(const struct elf_file *elf, struct kernel_plan *plan,
                        struct error *err)
{
    bool content = false;
    for (size_t i = 0; i < elf->count; i++) {
        const struct elf_segment *s = &elf->segments[i];
        if (s->type != PT_LOAD)
            continue;
        int rc = kernel_add_segment(elf->image,
                                    (struct kernel_segment){
                                        .offset = s->offset,
                                        .file_size = s->file_size,
                                        .gpa = s->physical,
                                        .mem_size = s->mem_size,
                                    },
                                    plan, err);
        if (rc < 0)
            return rc;
        content = content || s->file_size;
    }
    if (!content)
        return refuse(elf, err,
                      "has nothing to load: is it the file with "
                      "the debug information alone?");
    return 0;
}

// Only bytes that come from the file, and were loaded, can be code.
static bool is_code(const struct kernel_plan *plan, uint64_t physical)
{
    for (size_t i = 0; i < plan->nsegments; i++) {
        const struct kernel_segment *s = &plan->segments[i];
        if (physical >= s->gpa && physical - s->gpa < s->file_size)
            return true;
    }
    return false;
}

// Linux's e_entry is the physical address of startup_64; other kernels give
// the virtual one, which its segment maps.
static bool find_entry(const struct elf_file *elf,
                       const struct kernel_plan *plan, uint64_t *physical)
{
    *physical = elf->entry;
    if (is_code(plan, elf->entry))
        return true;
    for (size_t i = 0; i < elf->count; i++) {
        const struct elf_segment *s = &elf->segments[i];
        if (s->type != PT_LOAD || elf->entry < s->virtual ||
            elf->entry - s->virtual >= s->file_size)
            continue;
        *physical = s->physical + (elf->entry - s->virtual);
        return is_code(plan, *physical);
    }
    return false;
}

static int plan_entry(const struct elf_file *elf, const struct elf_marks *marks,
                      struct kernel_plan *plan, struct error *err)
{
    bool found;
    uint64_t entry = elf->entry;
    if (plan->how == BOOT_ENTRY_PVH) {
        entry = plan->entry = marks->pvh_entry;
        found = is_code(plan, entry);
    } else {
        found = find_entry(elf, plan, &plan->entry);
    }
    if (found)
        return 0;
    return error_set(err, -EINVAL,
                     "kernel %s is damaged: its entry 0x%llx lies in none of "
                     "its segments",
                     elf->image->path, (unsigned long long)entry);
}

int elf_plan(const struct image *image, struct kernel_plan *plan,
             struct error *err)
{
    memset(plan, 0, sizeof(*plan));
    plan->kind = BOOT_IMAGE_ELF;
    struct elf_file elf;
    struct elf_marks marks = {0};
    struct multiboot_header multiboot;
    int rc = elf_read_headers(image, &elf, err);
    if (rc == 0)
        rc = elf_read_marks(&elf, &marks, err);
    if (rc < 0)
        return rc;
    bool there = multiboot_find(image, &multiboot);
    rc = decide(&elf, &marks, there ? &multiboot : NULL, plan, err);
    if (rc < 0)
        return rc;
    // Addresses in the header are there to be used in place of ELF's.
    if (plan->how == BOOT_ENTRY_MULTIBOOT &&
        multiboot_has_addresses(&multiboot))
        return multiboot_plan_addresses(image, &multiboot, plan, err);
    rc = add_segments(&elf, plan, err);
    return rc < 0 ? rc : plan_entry(&elf, &marks, plan, err);
}
