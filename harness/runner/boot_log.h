// SPDX-License-Identifier: Apache-2.0
// What a boot's console tells about times: the kernel's clock, its initcalls
// (with initcall_debug on its command line), systemd's summary. A pure function
// of what was printed, hostile bytes and all, however it was cut into pieces.
// Used by the runner only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INITCALL_NAME 64
#define INITCALL_TOP  10

struct initcall {
    char name[INITCALL_NAME]; // "acpi_init"
    uint64_t us;              // by the kernel's own clock
    int result;               // what it returned
};

#define BOOT_LOG_LINE 512 // of a longer line the beginning counts

// Times in ns; 0 is "not seen". The kernel's clock begins at its own start. A
// kernel's log that is printed again (`dmesg`) counts once: lines from when
// their time goes back until it is a new one are passed over.
//
// All zero is a console that printed nothing. A value; one thread.
struct boot_log {
    uint64_t kernel_init;  // printk's time of "Run ... as init process"
    uint64_t kernel_last;  // of the last line that has one
    uint64_t kernel_lines; // that have one

    size_t ninitcalls; // seen
    uint64_t initcalls_us;
    size_t ntop; // the slowest, slowest first
    struct initcall top[INITCALL_TOP];

    // "Startup finished in 1.2s (kernel) + 3s (initrd) + 4s (userspace) = ..."
    // of systemd, or of systemd-analyze; the last one counts.
    bool has_systemd;
    uint64_t systemd_firmware, systemd_loader, systemd_kernel, systemd_initrd;
    uint64_t systemd_userspace, systemd_total;

    // Where it has got to.
    bool repeats;
    size_t len;
    char line[BOOT_LOG_LINE];
};

// What was printed next.
void boot_log_feed(struct boot_log *log, const void *bytes, size_t len);

// Nothing follows: the last line counts, though it has no end.
void boot_log_end(struct boot_log *log);
