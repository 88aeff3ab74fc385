// SPDX-License-Identifier: Apache-2.0
// What fits where; see layout.h.
#include "src/boot/layout.h"

#include "src/base/platform.h"
#include "src/boot/notes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#define PAGE UINT64_C(4096)
#define MIB  (UINT64_C(1) << 20)

#define HOST_OVERCOMMIT 2

struct size_text {
    char text[32];
};

// As a user writes it: "64M", "1G"; what is no round number in bytes.
static struct size_text size_text(uint64_t bytes)
{
    static const struct {
        unsigned shift;
        const char *unit;
    } units[] = {{40, "T"}, {30, "G"}, {20, "M"}, {10, "K"}};
    struct size_text out;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t unit = UINT64_C(1) << units[i].shift;
        if (bytes && bytes % unit == 0) {
            snprintf(out.text, sizeof(out.text), "%" PRIu64 "%s", bytes / unit,
                     units[i].unit);
            return out;
        }
    }
    snprintf(out.text, sizeof(out.text), "%" PRIu64 " bytes", bytes);
    return out;
}

static struct size_text in_mib(uint64_t bytes)
{
    struct size_text out;
    snprintf(out.text, sizeof(out.text), "%" PRIu64 "M",
             bytes / MIB + (bytes % MIB != 0));
    return out;
}

// The next power of two in MiB: what people give machines.
static struct size_text enough(uint64_t bytes)
{
    uint64_t size = 16 * MIB;
    while (size < bytes && size < BOOT_MEMORY_MAX)
        size *= 2;
    return size_text(size);
}

struct ram ram_shape(uint64_t memory)
{
    memory = (memory + PAGE - 1) & ~(PAGE - 1);
    struct ram ram = {memory, 0};
    if (memory > GUEST_LOW_RAM_END) {
        ram.low_end = GUEST_LOW_RAM_END;
        ram.high_end = GUEST_HIGH_RAM + (memory - GUEST_LOW_RAM_END);
    }
    return ram;
}

uint64_t host_memory(void)
{
    struct sysinfo info;
    if (sysinfo(&info) < 0)
        return UINT64_MAX;
    return ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
}

int layout_check_memory(uint64_t memory, uint64_t host, struct error *err)
{
    if (!memory)
        return error_set(err, -EINVAL,
                         "memory is 0: give the guest some, like 256M");
    if (memory < BOOT_MEMORY_MIN || memory > BOOT_MEMORY_MAX)
        return error_set(err, -EINVAL, "memory %s is out of range: %s to %s",
                         size_text(memory).text,
                         size_text(BOOT_MEMORY_MIN).text,
                         size_text(BOOT_MEMORY_MAX).text);
    if (memory / HOST_OVERCOMMIT > host)
        return error_set(err, -EINVAL,
                         "memory %s is more than twice the %s of memory and "
                         "swap that this host has: give the guest less",
                         size_text(memory).text, in_mib(host).text);
    return 0;
}

int layout_check_kernel(const struct kernel_plan *plan, struct ram ram,
                        const char *path, struct error *err)
{
    if (plan->end <= ram.low_end)
        return 0;
    return error_set(err, -EINVAL,
                     "memory %s is too small: kernel %s takes %s at %s; use "
                     "memory %s or more",
                     size_text(ram.low_end).text, path,
                     in_mib(plan->end - plan->start).text,
                     size_text(plan->start).text, enough(plan->end).text);
}

// The highest page-aligned place for size bytes in [from, to).
static bool fit(uint64_t from, uint64_t to, uint64_t size, uint64_t *gpa)
{
    if (to < from || size > to - from)
        return false;
    *gpa = (to - size) & ~(PAGE - 1);
    return *gpa >= from;
}

int layout_place_initrd(const struct kernel_plan *plan, struct ram ram,
                        uint64_t size, const char *path, uint64_t *gpa,
                        struct error *err)
{
    uint64_t limit = ram.low_end;
    if (plan->initrd_max < limit)
        limit = plan->initrd_max + 1;
    if (fit(plan->end, limit, size, gpa))
        return 0;
    if (plan->initrd_above &&
        (fit(plan->end, ram.low_end, size, gpa) ||
         (ram.high_end && fit(GUEST_HIGH_RAM, ram.high_end, size, gpa))))
        return 0;

    uint64_t memory = ram.low_end;
    if (ram.high_end)
        memory += ram.high_end - GUEST_HIGH_RAM;
    if (!plan->initrd_above && limit == plan->initrd_max + 1)
        return error_set(err, -EINVAL,
                         "initrd %s of %s is too large: this kernel takes "
                         "%s at most, below address 0x%llx",
                         path, in_mib(size).text,
                         limit > plan->end ? in_mib(limit - plan->end).text
                                           : "none",
                         (unsigned long long)plan->initrd_max);
    if (size > BOOT_MEMORY_MAX / 2)
        return error_set(err, -EINVAL, "initrd %s of %s is too large", path,
                         in_mib(size).text);
    return error_set(err, -EINVAL,
                     "memory %s is too small: initrd %s of %s doesn't fit "
                     "beside the kernel, which ends at %s; use memory %s or "
                     "more",
                     size_text(memory).text, path, in_mib(size).text,
                     in_mib(plan->end).text, enough(plan->end + size).text);
}

int layout_check_cmdline(const char *cmdline, uint64_t cmdline_max,
                         struct boot_notes *notes, struct error *err)
{
    uint64_t max = cmdline_max < PLATFORM_CMDLINE_MAX - 1
                       ? cmdline_max
                       : PLATFORM_CMDLINE_MAX - 1;
    size_t len = strlen(cmdline);
    if (len > max)
        return error_set(err, -EINVAL,
                         "the kernel command line has %zu bytes, but this "
                         "kernel takes %" PRIu64 " at most: shorten it",
                         len, max);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)cmdline[i];
        if ((c >= ' ' && c != 0x7f) || c == '\t')
            continue;
        boot_note(notes,
                  "the kernel command line has a %s (0x%02x) at byte %zu: "
                  "should it be one line of text?",
                  c == '\n' ? "newline" : "control character", c, i + 1);
        break;
    }
    return 0;
}
