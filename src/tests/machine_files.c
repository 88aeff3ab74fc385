// SPDX-License-Identifier: Apache-2.0
// Kernel files that are entered in 32-bit protected mode, booted from a path as
// a user's are: PVH, multiboot, the 32-bit boot protocol.
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(machine_files, .init = guest_needs_kvm);

// A file without a name; path gets one.
static int make_file(const void *bytes, size_t len, char path[32])
{
    int fd = memfd_create("guest", MFD_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

// Boots it with the command line "hello" and the initrd "abc".
static void boots_to(struct guest_image file, const char *text)
{
    struct guest_log log;
    char kernel[32];
    char initrd[32];
    guest_log_init(&log);
    int fds[] = {
        make_file(file.start, (size_t)(file.end - file.start), kernel),
        make_file("abc", 3, initrd),
    };
    const struct toyvmm_config config = {
        .kernel = kernel,
        .initrd = initrd,
        .cmdline = "hello",
        .memory = GUEST_MEMORY,
        .cpus = 1,
        .sink = guest_log_sink(&log),
    };
    struct error err = {0};
    struct toyvmm *vm = toyvmm_create(&config, NULL, &err);
    cr_assert(vm, "%s", err.text);
    cr_assert_null(toyvmm_note(vm, 0), "%s", toyvmm_note(vm, 0));
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    struct toyvmm_event end = guest_wait_end(&log);
    toyvmm_destroy(vm);
    cr_assert_str_eq(log.out, text);
    cr_assert_eq(end.kind, TOYVMM_EVENT_POWEROFF, "%s", end.detail);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        close(fds[i]);
}

Test(machine_files, pvh)
{
    boots_to(image_file_pvh(), "Pmlsvarhelloabc");
}

Test(machine_files, multiboot)
{
    boots_to(image_file_multiboot(), "Mmlsrhelloabc");
}

Test(machine_files, bzimage_of_32_bits)
{
    boots_to(image_file_bzimage(), "Bmls0chelloabc");
}
