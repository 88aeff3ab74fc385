// SPDX-License-Identifier: Apache-2.0
// Is a vCPU asleep for ever? See sleep.h.
#include "src/machine/sleep.h"

#include "src/base/clock.h"
#include "src/base/platform.h"
#include "src/machine/lapic.h"
#include "src/machine/pci_board.h"

#include <time.h>

enum { RFLAGS_IF = 0x200 };

// ---- The 8254 ---------------------------------------------------------------

#define PIT_HZ 1193182

// Channel 0 as KVM_GET_PIT2 (4.74) tells it. In modes 2 and 3 it interrupts
// again and again, in 0, 1 and 4 once, and in others (it was never programmed)
// not at all.
static bool pit_runs(const struct vm *vm)
{
    struct kvm_pit_state2 pit;
    struct timespec t;
    if (kvm_ioctl(vm->fd, KVM_GET_PIT2, &pit) < 0 ||
        clock_gettime(CLOCK_MONOTONIC, &t) < 0)
        return true;
    const struct kvm_pit_channel_state *c = &pit.channels[0];
    switch (c->mode) {
    case 2:
    case 3:
        return true;
    case 0:
    case 1:
    case 4: {
        uint64_t now = (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
        uint64_t length = (uint64_t)c->count * NS_PER_S / PIT_HZ;
        return now <= (uint64_t)c->count_load_time + length;
    }
    default:
        return false;
    }
}

// ---- The ways of an interrupt -----------------------------------------------

static bool pic_passes(const struct kvm_irqchip *master,
                       const struct kvm_irqchip *slave, unsigned irq)
{
    enum { CASCADE = 2 };
    if (irq < 8)
        return !(master->chip.pic.imr & 1U << irq);
    return irq < 16 && !(master->chip.pic.imr & 1U << CASCADE) &&
           !(slave->chip.pic.imr & 1U << (irq - 8));
}

// Do the interrupt controllers let any of these GSIs (a bit each) through?
static bool chips_pass(const struct vm *vm, uint32_t gsis, bool from_pic)
{
    struct kvm_irqchip ioapic = {.chip_id = KVM_IRQCHIP_IOAPIC};
    struct kvm_irqchip master = {.chip_id = KVM_IRQCHIP_PIC_MASTER};
    struct kvm_irqchip slave = {.chip_id = KVM_IRQCHIP_PIC_SLAVE};
    if (kvm_ioctl(vm->fd, KVM_GET_IRQCHIP, &ioapic) < 0 ||
        kvm_ioctl(vm->fd, KVM_GET_IRQCHIP, &master) < 0 ||
        kvm_ioctl(vm->fd, KVM_GET_IRQCHIP, &slave) < 0)
        return true;
    for (unsigned gsi = 0; gsi < PLATFORM_IOAPIC_PINS; gsi++) {
        if (!(gsis & 1U << gsi))
            continue;
        if (!ioapic.chip.ioapic.redirtbl[gsi].fields.mask ||
            (from_pic && pic_passes(&master, &slave, gsi)))
            return true;
    }
    return false;
}

// ---- The verdict ------------------------------------------------------------

// Nothing is on its way that no mask stops.
static bool is_left_alone(const struct vcpu *vcpu)
{
    struct kvm_vcpu_events events;
    if (kvm_ioctl(vcpu->fd, KVM_GET_VCPU_EVENTS, &events) < 0)
        return false;
    return !events.nmi.pending && !events.nmi.injected && !events.smi.pending &&
           !events.smi.latched_init && !events.interrupt.injected &&
           !events.exception.injected && !events.exception.pending;
}

enum sleep sleep_look(const struct vm *vm, const struct vcpu *vcpu,
                      struct board *board)
{
    struct kvm_mp_state mp;
    if (kvm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp) < 0)
        return SLEEP_AWAKE;
    if (vcpu_waits_for_start(&mp))
        return SLEEP_OFF;
    struct kvm_regs regs;
    if (mp.mp_state != KVM_MP_STATE_HALTED || !is_left_alone(vcpu) ||
        kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0)
        return SLEEP_AWAKE;
    if (!(regs.rflags & RFLAGS_IF))
        return SLEEP_OFF;
    struct lapic_outlook apic;
    if (!lapic_look(vcpu, &apic) || apic.pending || apic.timer)
        return SLEEP_AWAKE;
    if (pci_board_is_busy(board->pci))
        return SLEEP_AWAKE;
    uint32_t gsis = board_interrupts(board);
    if (pit_runs(vm))
        gsis |= 1U << PLATFORM_PIT_GSI;
    if (gsis && chips_pass(vm, gsis, apic.from_pic))
        return SLEEP_AWAKE;
    return SLEEP_NOTHING;
}
