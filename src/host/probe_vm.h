// SPDX-License-Identifier: Apache-2.0
// The small VM that the probe runs its guest in: one vCPU on the calling
// thread, no interrupt controller, bounded time. Used by probe.c only.
#pragma once

#include "src/base/error.h"
#include "src/host/cpuid.h"
#include "src/host/kvm.h"
#include "src/host/probe_guest.h"
#include "src/host/probe_limits.h"

#include <signal.h>

enum probe_outcome {
    PROBE_DONE,             // the guest wrote to PROBE_PORT
    PROBE_EMULATION_FAILED, // KVM_EXIT_INTERNAL_ERROR
    PROBE_SHUTDOWN,         // KVM_EXIT_SHUTDOWN
    PROBE_TIMED_OUT,        // the time of the whole probe is used up
    PROBE_REFUSED,          // any other exit, or KVM_RUN failed
};

// Owned by the thread that opened it, which must also run and close it: its
// signals are blocked in between. Not moved while it is open. Descriptors are
// -1 and pointers NULL until they exist.
struct probe_vm {
    struct kvm_host host;
    int vm_fd, vcpu_fd;
    uint8_t *memory; // PROBE_MEMORY_SIZE at guest-physical 0
    struct kvm_run *run;
    struct kvm_cpuid2 *cpuid;     // as set, PROBE_LEAF included
    struct kvm_sregs flat_start;  // 32-bit protected mode, paging off
    struct kvm_sregs after_start; // as the first step left them
    sigset_t old_signals;
    bool limited; // limits were started
    struct probe_limits limits;
};

// 0, or a negative errno with a sentence; vm is closed again then.
int probe_vm_open(struct probe_vm *vm, const char *path, struct error *err);
void probe_vm_close(struct probe_vm *vm);

// Runs the guest from entry (a label of probe_guest.S) until it ends the step
// or something else happens. A step starts in 32-bit mode, or, when long_mode
// is set, where the first step ended. *regs is valid for PROBE_DONE.
enum probe_outcome probe_vm_run(struct probe_vm *vm, const uint8_t *entry,
                                bool long_mode, struct kvm_regs *regs);
