// SPDX-License-Identifier: Apache-2.0
// CPUID policy: what a guest's processor looks like. It starts from what KVM
// supports on this host and changes what belongs to one machine or one vCPU.
// Pure table work but for cpuid_supported; the machine room and the probe
// call it. Leaf numbers: Intel SDM volume 2 (CPUID), AMD APM volume 3
// appendix E, Documentation/virt/kvm/x86/cpuid.rst for 0x4000_0000.
#pragma once

#include "src/base/error.h"
#include "src/host/kvm.h"

#include <stdbool.h>
#include <stdint.h>

// Entries that a table has room for: KVM's own limit.
#define CPUID_CAPACITY 256

// What the policy depends on besides the host.
struct cpuid_shape {
    unsigned cpus;     // vCPUs of the machine, 1..254; one package of cores
    uint32_t tsc_khz;  // KVM_GET_TSC_KHZ; 0 when KVM doesn't know
    bool tsc_deadline; // KVM_CAP_TSC_DEADLINE_TIMER
};

// An empty table with room for CPUID_CAPACITY entries. Heap, free() it; NULL
// when out of memory.
struct kvm_cpuid2 *cpuid_new(void);

// KVM_GET_SUPPORTED_CPUID into a table of cpuid_new. 0 or a negative errno.
int cpuid_supported(const struct kvm_host *host, struct kvm_cpuid2 *table,
                    struct error *err);

// The entry for a leaf and subleaf, NULL when there is none. Leaves without
// subleaves have index 0.
struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *table, uint32_t leaf,
                                    uint32_t index);

// Writes an entry, in place or as a new one; flags are KVM_CPUID_FLAG_*. NULL
// when the table is full.
struct kvm_cpuid_entry2 *cpuid_put(struct kvm_cpuid2 *table,
                                   struct kvm_cpuid_entry2 entry);

// Turns a table of supported CPUID into the one of vCPU number vcpu (also its
// APIC id, 0..cpus-1). May be applied again for the next vCPU. 0, or -ENOSPC
// when the table is full.
int cpuid_apply(struct kvm_cpuid2 *table, const struct cpuid_shape *shape,
                unsigned vcpu);
