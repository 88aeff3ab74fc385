// SPDX-License-Identifier: Apache-2.0
// /dev/kvm: opened, checked and asked. See kvm.h.
#include "src/host/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

// What the machine room can't do without.
static const struct {
    unsigned cap;
    const char *name;
} required[] = {
    {KVM_CAP_IRQCHIP, "in-kernel interrupt controllers"},
    {KVM_CAP_USER_MEMORY, "user memory regions"},
    {KVM_CAP_SET_TSS_ADDR, "KVM_SET_TSS_ADDR"},
    {KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_SET_IDENTITY_MAP_ADDR"},
    {KVM_CAP_PIT2, "in-kernel timer (PIT2)"},
    {KVM_CAP_EXT_CPUID, "KVM_GET_SUPPORTED_CPUID"},
    {KVM_CAP_MP_STATE, "KVM_GET_MP_STATE"},
    {KVM_CAP_VCPU_EVENTS, "KVM_GET_VCPU_EVENTS"},
};

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
    int result = 0;
    do {
        result = ioctl(fd, request, arg);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

int kvm_ioctl_value(int fd, unsigned long request, unsigned long value)
{
    int result = 0;
    do {
        result = ioctl(fd, request, value);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

int kvm_host_cap(const struct kvm_host *host, unsigned cap)
{
    int value = kvm_ioctl_value(host->fd, KVM_CHECK_EXTENSION, cap);
    return value < 0 ? 0 : value;
}

static int check_caps(const struct kvm_host *host, const char *path,
                      struct error *err)
{
    char missing[320] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++) {
        if (kvm_host_cap(host, required[i].cap) > 0)
            continue;
        int n = snprintf(missing + used, sizeof missing - used, "%s%s",
                         used ? ", " : "", required[i].name);
        if (n > 0 && (size_t)n < sizeof missing - used)
            used += (size_t)n;
    }
    if (!used)
        return 0;
    // From Linux 6.17 on a kernel may be built without them.
    bool chips = kvm_host_cap(host, KVM_CAP_IRQCHIP) > 0 &&
                 kvm_host_cap(host, KVM_CAP_PIT2) > 0;
    return error_set(err, -ENODEV, "%s lacks: %s%s", path, missing,
                     chips ? ""
                           : "; boot a host kernel that is built with "
                             "CONFIG_KVM_IOAPIC=y, or use the rig");
}

static int check_device(struct kvm_host *host, const char *path,
                        struct error *err)
{
    int version = kvm_ioctl_value(host->fd, KVM_GET_API_VERSION, 0);
    if (version < 0)
        return error_set(err, -ENODEV, "%s is not a KVM device", path);
    if (version != KVM_API_VERSION)
        return error_set(err, -ENODEV, "%s has KVM API version %d, not %d",
                         path, version, KVM_API_VERSION);
    int size = kvm_ioctl_value(host->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < (int)sizeof(struct kvm_run))
        return error_set(err, -ENODEV, "%s gives a vCPU area that is too small",
                         path);
    host->run_size = (size_t)size;
    return check_caps(host, path, err);
}

int kvm_host_open(struct kvm_host *host, const char *path, struct error *err)
{
    *host = (struct kvm_host){.fd = open(path, O_RDWR | O_CLOEXEC)};
    if (host->fd < 0) {
        if (errno == ENOENT)
            return error_set(err, -ENODEV,
                             "there is no %s: no hardware virtualisation, or "
                             "its kernel module is not loaded",
                             path);
        if (errno == EACCES || errno == EPERM)
            return error_set(err, -ENODEV,
                             "no permission to open %s: is this user in the "
                             "group that owns it?",
                             path);
        error_errno(err, errno, "can't open %s", path);
        return -ENODEV;
    }
    int code = check_device(host, path, err);
    if (code < 0)
        kvm_host_close(host);
    return code;
}

void kvm_host_close(struct kvm_host *host)
{
    if (host->fd >= 0)
        close(host->fd);
    host->fd = -1;
}

struct kvm_msr_list *kvm_host_msr_list(const struct kvm_host *host,
                                       struct error *err)
{
    // Asked with no room, KVM fails with -E2BIG and says how many there are.
    struct kvm_msr_list probe = {.nmsrs = 0};
    int code = kvm_ioctl(host->fd, KVM_GET_MSR_INDEX_LIST, &probe);
    if (code < 0 && code != -E2BIG) {
        error_errno(err, -code, "KVM can't list its MSRs");
        return NULL;
    }
    struct kvm_msr_list *list =
        calloc(1, sizeof *list + probe.nmsrs * sizeof list->indices[0]);
    if (!list) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    list->nmsrs = probe.nmsrs;
    code = kvm_ioctl(host->fd, KVM_GET_MSR_INDEX_LIST, list);
    if (code < 0) {
        error_errno(err, -code, "KVM can't list its MSRs");
        free(list);
        return NULL;
    }
    return list;
}

// ---- The kick --------------------------------------------------------------

int kvm_kick_block_signals(sigset_t *old)
{
    // A thread's own faults can't be put off: blocked, they would kill the
    // process past the handler of a sanitizer or a crash reporter.
    static const int faults[] = {SIGSEGV, SIGBUS,  SIGFPE, SIGILL,
                                 SIGABRT, SIGTRAP, SIGSYS};
    sigset_t block;
    sigfillset(&block);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&block, faults[i]);
    return -pthread_sigmask(SIG_BLOCK, &block, old);
}

int kvm_kick_arm(int vcpu_fd)
{
    // The kernel's signal set is 64 bits, bit n-1 for signal n; glibc's
    // sigset_t is larger and keeps the same order.
    uint64_t blocked = ~(UINT64_C(1) << (KVM_KICK_SIGNAL - 1));
    union {
        struct kvm_signal_mask head;
        uint8_t bytes[sizeof(struct kvm_signal_mask) + sizeof blocked];
    } mask = {.head.len = sizeof blocked};
    memcpy(mask.bytes + offsetof(struct kvm_signal_mask, sigset), &blocked,
           sizeof blocked);
    return kvm_ioctl(vcpu_fd, KVM_SET_SIGNAL_MASK, &mask);
}

void kvm_kick_drain(void)
{
    sigset_t kick;
    sigemptyset(&kick);
    sigaddset(&kick, KVM_KICK_SIGNAL);
    const struct timespec now = {0};
    while (sigtimedwait(&kick, NULL, &now) > 0 || errno == EINTR)
        ;
}
