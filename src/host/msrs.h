// SPDX-License-Identifier: Apache-2.0
// MSR policy: the model-specific registers that firmware would have set
// before it started a kernel. Called by the machine room once for each vCPU.
#pragma once

#include "src/host/kvm.h"

#include <stddef.h>
#include <stdint.h>

// Most settings that a policy can hold.
#define MSRS_MAX 8

// One register: the new value is (old & ~clear) | set.
struct msr_setting {
    uint32_t index;
    uint64_t clear, set;
};

// Picks the settings for the registers that list (KVM_GET_MSR_INDEX_LIST)
// names. Returns how many were written to out[MSRS_MAX].
size_t msrs_policy(const struct kvm_msr_list *list,
                   struct msr_setting out[MSRS_MAX]);

// Applies settings to a vCPU, one by one (KVM_GET_MSRS, KVM_SET_MSRS, 4.18
// and 4.19): all of them are optional, and one that KVM refuses must not stop
// the rest. Returns how many were taken.
size_t msrs_apply(int vcpu_fd, const struct msr_setting *settings, size_t n);
