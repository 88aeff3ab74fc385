// SPDX-License-Identifier: Apache-2.0
// A vCPU's local APIC. See lapic.h.
#include "src/machine/lapic.h"

#include "src/host/kvm.h"

#include <errno.h>
#include <string.h>

// Registers (11.4.1), and the fields of the local vector table (11.5.1).
enum {
    APIC_IRR = 0x200, // eight words, 0x10 apart
    APIC_LVT_TIMER = 0x320,
    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_TIMER_COUNT = 0x390,

    LVT_MODE = 0x700,
    LVT_MODE_NMI = 0x400,
    LVT_MODE_EXTINT = 0x700,
    LVT_MASKED = 0x10000,
    LVT_TIMER_MODE = 0x60000,
    LVT_TIMER_TSC_DEADLINE = 0x40000,

    MSR_APIC_BASE = 0x1b,
    MSR_APIC_BASE_ENABLE = 0x800,
    MSR_TSC_DEADLINE = 0x6e0,
};

static uint32_t get(const struct kvm_lapic_state *apic, size_t offset)
{
    uint32_t value;
    memcpy(&value, apic->regs + offset, sizeof value);
    return value;
}

static void set(struct kvm_lapic_state *apic, size_t offset, uint32_t value)
{
    memcpy(apic->regs + offset, &value, sizeof value);
}

int lapic_set_up(const struct vcpu *vcpu)
{
    struct kvm_lapic_state apic;
    int code = kvm_ioctl(vcpu->fd, KVM_GET_LAPIC, &apic);
    if (code < 0)
        return code;
    set(&apic, APIC_LVT_LINT0, vcpu->id == 0 ? LVT_MODE_EXTINT : LVT_MASKED);
    set(&apic, APIC_LVT_LINT1, LVT_MODE_NMI);
    return kvm_ioctl(vcpu->fd, KVM_SET_LAPIC, &apic);
}

int lapic_press_nmi(const struct vcpu *vcpu)
{
    struct kvm_lapic_state apic;
    int code = kvm_ioctl(vcpu->fd, KVM_GET_LAPIC, &apic);
    if (code < 0)
        return code;
    uint32_t lint1 = get(&apic, APIC_LVT_LINT1);
    if ((lint1 & (LVT_MASKED | LVT_MODE)) != LVT_MODE_NMI)
        return -EBUSY;
    return kvm_ioctl_value(vcpu->fd, KVM_NMI, 0);
}

// A deadline stays in its register until it has interrupted; a count that ran
// down may do so still. So whoever sees no timer twice, with a KVM_RUN
// between, knows.
static bool timer_runs(const struct vcpu *vcpu,
                       const struct kvm_lapic_state *apic)
{
    uint32_t lvt = get(apic, APIC_LVT_TIMER);
    uint64_t deadline = 0;
    if (lvt & LVT_MASKED)
        return false;
    if ((lvt & LVT_TIMER_MODE) != LVT_TIMER_TSC_DEADLINE)
        return get(apic, APIC_TIMER_COUNT) != 0;
    return !vcpu_read_msr(vcpu, MSR_TSC_DEADLINE, &deadline) || deadline;
}

bool lapic_look(const struct vcpu *vcpu, struct lapic_outlook *out)
{
    struct kvm_lapic_state apic;
    uint64_t base;
    if (kvm_ioctl(vcpu->fd, KVM_GET_LAPIC, &apic) < 0 ||
        !vcpu_read_msr(vcpu, MSR_APIC_BASE, &base))
        return false;
    *out = (struct lapic_outlook){.timer = timer_runs(vcpu, &apic)};
    for (size_t i = 0; i < 8; i++)
        out->pending |= get(&apic, APIC_IRR + 0x10 * i) != 0;
    uint32_t lint0 = get(&apic, APIC_LVT_LINT0);
    out->from_pic = !(base & MSR_APIC_BASE_ENABLE) ||
                    (lint0 & (LVT_MASKED | LVT_MODE)) == LVT_MODE_EXTINT;
    return true;
}
