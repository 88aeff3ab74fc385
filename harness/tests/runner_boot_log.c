// SPDX-License-Identifier: Apache-2.0
// Kernel, initcall and systemd times from consoles.
#include "harness/runner/boot_log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct boot_log of_bytes(const char *text, size_t len)
{
    struct boot_log log = {0};
    boot_log_feed(&log, text, len);
    boot_log_end(&log);
    return log;
}

static struct boot_log of(const char *text)
{
    return of_bytes(text, strlen(text));
}

Test(boot_log, kernel_times)
{
    struct boot_log log = of("[    0.000000] Linux version 6.1\r\n"
                             "[    0.951234] Run /init as init process\r\n"
                             "[    0.960000]   with arguments:\r\n"
                             "login: [    1.5] no\n"
                             "[   12.345678] Run /sbin/init as init process\n"
                             "[not a time] x\n"
                             "<6>[   13.000001][    T1] with a level\n");
    cr_expect_eq(log.kernel_init, UINT64_C(951234000));
    cr_expect_eq(log.kernel_last, UINT64_C(13000001000));
    cr_expect_eq(log.kernel_lines, 5);
    cr_expect_not(log.has_systemd);
}

Test(boot_log, the_slowest_initcalls)
{
    char text[8192] = "";
    for (int i = 0; i < 40; i++) {
        char line[160];
        snprintf(line, sizeof(line),
                 "[    0.%06d] calling  call_%d+0x0/0x1c @ 1\n"
                 "[    0.%06d] initcall call_%d+0x0/0x1c returned %d after "
                 "%d usecs\n",
                 i, i, i, i, i % 7 ? 0 : -19, i * 37 % 40 * 100);
        strcat(text, line);
    }
    strcat(text, "[    1.000000] initcall in_module+0x0/0x10 [virtio] returned "
                 "0 after 99999 usecs\n"
                 "[    1.000000] initcall cut_off+0x0/0x10 returned 0 aft\n");
    struct boot_log log = of(text);
    cr_expect_eq(log.ninitcalls, 41);
    cr_assert_eq(log.ntop, INITCALL_TOP);
    cr_expect_str_eq(log.top[0].name, "in_module");
    cr_expect_eq(log.top[0].us, 99999);
    for (size_t i = 1; i < log.ntop; i++)
        cr_expect_eq(log.top[i].us, 3900 - (i - 1) * 100);
    cr_expect_eq(log.initcalls_us, 99999 + 78000);
}

// As Debian 12 printed it on a terminal.
Test(boot_log, systemd_analyze_of_debian)
{
    struct boot_log log =
        of("Startup finished in 1min 20.266s (kernel) + 2min 4.346s "
           "(userspace) = 3min 24.613s \r\n"
           "graphical.target reached after 2min 3.025s in userspace.\r\n");
    cr_assert(log.has_systemd);
    cr_expect_eq(log.systemd_kernel, UINT64_C(80266000000));
    cr_expect_eq(log.systemd_initrd, 0U);
    cr_expect_eq(log.systemd_userspace, UINT64_C(124346000000));
    cr_expect_eq(log.systemd_total, UINT64_C(204613000000));
}

Test(boot_log, systemd_says_it_itself)
{
    struct boot_log log =
        of("[    9.1] x\nsystemd[1]: Startup finished in 1.234s (kernel) + "
           "1min 2.5s (initrd) + 345ms (userspace) = 1min 4.079s.\r\n");
    cr_assert(log.has_systemd);
    cr_expect_eq(log.systemd_kernel, UINT64_C(1234000000));
    cr_expect_eq(log.systemd_initrd, UINT64_C(62500000000));
    cr_expect_eq(log.systemd_userspace, UINT64_C(345000000));
    cr_expect_eq(log.systemd_total, UINT64_C(64079000000));
    log = of("Startup finished in 5.2s (firmware) + 1us (loader) + 2s "
             "(userspace) = 7.200s \n");
    cr_expect_eq(log.systemd_firmware, UINT64_C(5200000000));
    cr_expect_eq(log.systemd_loader, 1000);
    cr_expect_eq(log.systemd_total, UINT64_C(7200000000));
}

Test(boot_log, hostile_text_is_only_text)
{
    static const char *const texts[] = {
        "",
        "[",
        "[    ",
        "[99999999999999999999.000000] x",
        "<",
        "<6",
        "[1.",
        "initcall ",
        "[    0.000001] initcall  returned  after 5 usecs",
        "Startup finished in  = ",
        "Startup finished in nan (kernel) = inf.",
        "Startup finished in 1e300s (kernel) = 1e300s",
        "Startup finished in (((( + + + = s",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        // Exactly as long as it is: a byte too far is seen by the sanitizer.
        size_t len = strlen(texts[i]);
        char *exact = malloc(len + 1);
        memcpy(exact, texts[i], len);
        struct boot_log log = of_bytes(exact, len);
        cr_expect_not(log.has_systemd, "%s", texts[i]);
        free(exact);
    }
    struct boot_log log = of_bytes("[    0.000001] a\0b\n[    0.000002] c", 36);
    cr_expect_eq(log.kernel_last, 2000);
}

Test(boot_log, pieces_mean_nothing)
{
    static const char text[] =
        "[    0.000001] Linux version 6.1\r\n"
        "[    0.500000] initcall a+0x0/0x1c returned 0 after 12 usecs\n"
        "[    0.951234] Run /init as init process\r\n"
        "Startup finished in 1s (kernel) + 2s (userspace) = 3s.";
    struct boot_log whole = of(text);
    cr_assert(whole.ninitcalls == 1 && whole.kernel_init &&
              whole.systemd_total);
    for (size_t size = 1; size < sizeof(text); size++) {
        struct boot_log log = {0};
        for (size_t at = 0; at < sizeof(text) - 1; at += size) {
            size_t left = sizeof(text) - 1 - at;
            boot_log_feed(&log, text + at, left < size ? left : size);
        }
        boot_log_end(&log);
        cr_assert(log.ninitcalls == whole.ninitcalls &&
                      log.kernel_init == whole.kernel_init &&
                      log.kernel_lines == whole.kernel_lines &&
                      log.systemd_total == whole.systemd_total,
                  "pieces of %zu", size);
    }
}

Test(boot_log, a_line_without_end_is_cut)
{
    struct boot_log log = {0};
    boot_log_feed(&log, "[    0.000001] ", 15);
    for (int i = 0; i < 10000; i++)
        boot_log_feed(&log, "initcall a returned 0 after 5 usecs ", 36);
    boot_log_feed(&log, "\n[    0.000002] next\n", 22);
    cr_expect_eq(log.kernel_lines, 2);
    cr_expect_eq(log.kernel_last, 2000);
}

// `dmesg` after the boot, and what the kernel says after that.
Test(boot_log, a_log_printed_again_counts_once)
{
    static const char first[] =
        "[    0.000001] Linux version 6.1\n"
        "[    0.500000] initcall a+0x0/0x1c returned 0 after 12 usecs\n"
        "[    0.499900] initcall b+0x0/0x1c returned 0 after 13 usecs\n"
        "[    0.951234] Run /init as init process\n";
    char text[1024];
    snprintf(text, sizeof(text), "%s# dmesg\n%s[    2.000000] random: x\n",
             first, first);
    struct boot_log log = of(text);
    cr_expect_eq(log.ninitcalls, 2);
    cr_expect_eq(log.initcalls_us, 25);
    cr_expect_eq(log.kernel_lines, 5);
    cr_expect_eq(log.kernel_init, UINT64_C(951234000));
    cr_expect_eq(log.kernel_last, UINT64_C(2000000000));
}
