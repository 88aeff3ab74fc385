// SPDX-License-Identifier: Apache-2.0
// The probe on what is no KVM, and on this machine's /dev/kvm whatever it is.
#include "src/host/kvm.h"
#include "src/toyvmm.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void check_unusable(const char *path, const char *why)
{
    struct toyvmm_probe probe;
    toyvmm_probe(path, &probe);
    cr_assert(!probe.usable);
    cr_assert(strstr(probe.reason, path), "%s", probe.reason);
    cr_assert(strstr(probe.reason, why), "%s", probe.reason);
    cr_assert_neq(probe.vendor[0], 0);

    struct kvm_host host;
    struct error err = {0};
    cr_assert_eq(kvm_host_open(&host, path, &err), -ENODEV);
    cr_assert_eq(host.fd, -1);
    cr_assert_neq(err.text[0], 0);
}

Test(host_probe, no_such_device)
{
    check_unusable("/nonexistent/kvm", "there is no");
}

Test(host_probe, not_a_kvm)
{
    check_unusable("/dev/null", "not a KVM device");
    check_unusable("/proc", "can't open");
}

// Whatever the answer is here, it must be one: a sentence, the items that
// support it, the same twice, and the caller's signals as they were.
Test(host_probe, this_machine)
{
    sigset_t before;
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    struct toyvmm_probe first;
    struct toyvmm_probe second;
    toyvmm_probe("/dev/kvm", &first);
    toyvmm_probe("/dev/kvm", &second);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int sig = 1; sig < SIGRTMAX; sig++)
        cr_assert_eq(sigismember(&before, sig), sigismember(&after, sig));

    cr_assert_neq(first.reason[0], 0);
    cr_assert_gt(first.took_ns, 0);
    cr_assert_eq(first.usable, second.usable);
    cr_assert_str_eq(first.reason, second.reason);
    if (first.usable)
        cr_assert_eq(first.nmissing, 0);
    for (size_t i = 0; i < first.nmissing; i++)
        cr_assert(strstr(first.reason, first.missing[i]), "%s", first.reason);
}

// ---- A KVM that lacks something --------------------------------------------

static bool pretends; // every fd is a KVM without interrupt controllers

// In place of the C library's.
int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    unsigned long value = va_arg(args, unsigned long);
    va_end(args);
    if (!pretends)
        return (int)syscall(SYS_ioctl, fd, request, value);
    switch (request) {
    case KVM_GET_API_VERSION:
        return KVM_API_VERSION;
    case KVM_GET_VCPU_MMAP_SIZE:
        return 3 * 4096;
    case KVM_CHECK_EXTENSION:
        return value != KVM_CAP_IRQCHIP && value != KVM_CAP_PIT2;
    default:
        errno = ENOTTY;
        return -1;
    }
}

Test(host_probe, no_interrupt_controllers)
{
    pretends = true;
    check_unusable("/dev/null", "in-kernel interrupt controllers");
    check_unusable("/dev/null", "in-kernel timer");
    check_unusable("/dev/null", "CONFIG_KVM_IOAPIC=y, or use the rig");
    pretends = false;
}
