// SPDX-License-Identifier: Apache-2.0
// A KVM virtual machine without its processors: descriptor, memory slots,
// in-kernel interrupt controllers and timer, and what its vCPUs are made
// from. Private to src/machine. Section numbers are those of the kernel's
// Documentation/virt/kvm/api.rst.
#pragma once

#include "src/base/error.h"
#include "src/base/guest_memory.h"
#include "src/host/cpuid.h"
#include "src/host/kvm.h"
#include "src/host/msrs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Owned by the machine; constant once the vCPUs exist, so any thread may read
// it. Descriptors are -1 and pointers NULL until they exist.
struct vm {
    struct kvm_host host;
    int fd;
    struct kvm_cpuid2 *cpuid; // what KVM supports; a vCPU adapts its copy
    struct msr_setting msrs[MSRS_MAX];
    size_t nmsrs;
    unsigned cpus;
};

// Opens the KVM device at path and creates a VM with full in-kernel irqchip
// (4.24), PIT (4.71, a dummy speaker included), TSS and identity map pages
// (4.36, 4.40) and no performance counters. 0, or a negative errno with a
// sentence (-ENODEV when there is no usable KVM); vm is closed again then.
int vm_open(struct vm *vm, const char *path, unsigned cpus, struct error *err);
void vm_close(struct vm *vm);

// Gives the guest its RAM: a memory slot for each region (4.35). mem must
// outlive the VM.
int vm_set_memory(struct vm *vm, const struct guest_memory *mem,
                  struct error *err);

// KVM_IRQ_LINE (4.25): the level of a GSI. Any thread.
void vm_irq_line(const struct vm *vm, unsigned gsi, bool level);

// KVM_SIGNAL_MSI (4.70): an interrupt by message. Any thread.
void vm_signal_msi(const struct vm *vm, uint64_t address, uint32_t data);
