// SPDX-License-Identifier: Apache-2.0
// /dev/kvm: opening it, what it must be able to do, its CPUID and MSR tables,
// and the signal that brings a thread out of KVM_RUN. Used by the probe and
// by the machine room; section numbers are those of the kernel's
// Documentation/virt/kvm/api.rst.
#pragma once

#include "src/base/error.h"

#include <linux/kvm.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- The device ------------------------------------------------------------

// An open /dev/kvm. Owned by whoever opened it; plain values, any thread.
struct kvm_host {
    int fd;
    size_t run_size; // bytes to mmap for each vCPU's struct kvm_run
};

// Opens path and checks that it is a KVM of API version 12 with every
// capability this VMM is built on. 0, or -ENODEV with a sentence that names
// what is missing; host->fd is -1 then.
int kvm_host_open(struct kvm_host *host, const char *path, struct error *err);
void kvm_host_close(struct kvm_host *host);

// KVM_CHECK_EXTENSION (4.4): the capability's value, 0 when it is absent.
int kvm_host_cap(const struct kvm_host *host, unsigned cap);

// ioctl that is made again when a signal interrupts it. Not for KVM_RUN.
// The result, or a negative errno.
int kvm_ioctl(int fd, unsigned long request, void *arg);
int kvm_ioctl_value(int fd, unsigned long request, unsigned long value);

// KVM_GET_MSR_INDEX_LIST (4.3). Heap; the caller frees it. NULL with err.
struct kvm_msr_list *kvm_host_msr_list(const struct kvm_host *host,
                                       struct error *err);

// ---- The kick --------------------------------------------------------------
//
// A thread that runs a vCPU blocks all signals. KVM_SET_SIGNAL_MASK (4.21)
// unblocks one of them, KVM_KICK_SIGNAL, inside KVM_RUN only. So a kick is
// never lost: sent before KVM_RUN it stays pending and KVM_RUN returns -EINTR
// at once; sent during it, it ends it. And no handler ever runs, so that the
// process's signal dispositions stay what its owner made them.

// One that nothing sends: it told of a coprocessor's stack once. It is no
// real-time signal, which would queue: sending those fails with EAGAIN when the
// user's RLIMIT_SIGPENDING is used up, be it by another process. This one is
// pending or not, and sending it to a living thread can't fail.
#define KVM_KICK_SIGNAL SIGSTKFLT

// Blocks all signals of the calling thread, its own faults excepted; *old
// gets its mask, to be given back to pthread_sigmask. 0 or a negative errno.
int kvm_kick_block_signals(sigset_t *old);

// Lets KVM_KICK_SIGNAL, and nothing else, interrupt KVM_RUN on this vCPU.
// 0 or a negative errno.
int kvm_kick_arm(int vcpu_fd);

// Takes kicks that are pending for the calling thread, after KVM_RUN returned
// -EINTR. Read what the kicker wanted after this call, not before.
void kvm_kick_drain(void);
