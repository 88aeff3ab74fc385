// SPDX-License-Identifier: Apache-2.0
// Is a vCPU that waits in `hlt` asleep for ever? Private to src/machine.
// Sections are those of the kernel's Documentation/virt/kvm/api.rst.
#pragma once

#include "src/machine/board.h"
#include "src/machine/vcpu.h"
#include "src/machine/vm.h"

#include <stdbool.h>

enum sleep {
    SLEEP_AWAKE,   // not in hlt, or something can wake it
    SLEEP_NOTHING, // interrupts are on, and nothing is left that would raise
                   // one
    SLEEP_OFF,     // interrupts are off
};

// On the vCPU's thread. It sleeps for ever, unless another vCPU wakes it, when
// it waits to be started (SLEEP_OFF), or is in `hlt`, no NMI, SMI or INIT is on
// its way, and
//  - RFLAGS.IF is clear, or
//  - nothing can interrupt it: the local APIC's timer and the 8254 stand still
//    or are masked, no UART has its receive interrupt on, or the interrupt
//    controllers mask what is left; no disk has requests, no network card or
//    folder is in use, and no port of the virtio console is open.
// So a guest that waits for input at a prompt is awake, and one whose next
// timer is an hour away. When in doubt it is awake. SLEEP_NOTHING counts when
// it is said twice, with KVM_RUN in between: a timer may just have run out.
enum sleep sleep_look(const struct vm *vm, const struct vcpu *vcpu,
                      struct board *board);
