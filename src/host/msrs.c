// SPDX-License-Identifier: Apache-2.0
// MSR policy. See msrs.h.
#include "src/host/msrs.h"

#include <stdbool.h>

// Intel SDM volume 4, AMD APM volume 2 appendix A.
#define MSR_MISC_ENABLE   0x1a0u
#define MSR_MTRR_DEF_TYPE 0x2ffu

static const struct msr_setting policy[] = {
    // REP MOVS/STOS in its fast form; without this bit Linux gives up ERMS.
    {MSR_MISC_ENABLE, .clear = 0, .set = 1u << 0},
    // MTRRs on, all memory write-back: off would mean uncached, and Linux
    // would turn PAT off with them.
    {MSR_MTRR_DEF_TYPE, .clear = 0xff, .set = 1u << 11 | 6},
};

static bool listed(const struct kvm_msr_list *list, uint32_t index)
{
    for (uint32_t i = 0; i < list->nmsrs; i++)
        if (list->indices[i] == index)
            return true;
    return false;
}

// KVM lists the MSRs to save and restore. It has always handled the MTRRs,
// yet older kernels don't list them.
static bool unlisted_but_there(uint32_t index)
{
    return index == MSR_MTRR_DEF_TYPE;
}

size_t msrs_policy(const struct kvm_msr_list *list,
                   struct msr_setting out[MSRS_MAX])
{
    _Static_assert(sizeof policy / sizeof *policy <= MSRS_MAX, "room");
    size_t n = 0;
    for (size_t i = 0; i < sizeof policy / sizeof *policy; i++)
        if (listed(list, policy[i].index) ||
            unlisted_but_there(policy[i].index))
            out[n++] = policy[i];
    return n;
}

static bool apply_one(int vcpu_fd, const struct msr_setting *setting)
{
    // One entry of the array that struct kvm_msrs ends in.
    union {
        struct kvm_msrs head;
        uint64_t room[(sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)) /
                      sizeof(uint64_t)];
    } msr = {.head.nmsrs = 1};
    struct kvm_msr_entry *entry = msr.head.entries;
    entry->index = setting->index;
    if (kvm_ioctl(vcpu_fd, KVM_GET_MSRS, &msr) != 1)
        return false;
    entry->data = (entry->data & ~setting->clear) | setting->set;
    return kvm_ioctl(vcpu_fd, KVM_SET_MSRS, &msr) == 1;
}

size_t msrs_apply(int vcpu_fd, const struct msr_setting *settings, size_t n)
{
    size_t taken = 0;
    for (size_t i = 0; i < n; i++)
        taken += apply_one(vcpu_fd, &settings[i]);
    return taken;
}
