// SPDX-License-Identifier: Apache-2.0
// A vCPU's local APIC, which KVM emulates, as user space sees it. Private to
// src/machine; sections are those of the Intel SDM volume 3. Like all of a
// vCPU, for its own thread once it runs.
#pragma once

#include "src/machine/vcpu.h"

#include <stdbool.h>

// As a PC's firmware leaves it: LINT0 takes the 8259's interrupts on the first
// processor, LINT1 is NMI on all (11.5.1). 0 or a negative errno.
int lapic_set_up(const struct vcpu *vcpu);

// An edge at LINT1: an NMI where the guest lets it be one. KVM_NMI (4.64)
// alone would not ask. 0; -EBUSY when LINT1 is masked or something else than
// an NMI; or a negative errno.
int lapic_press_nmi(const struct vcpu *vcpu);

// What in the local APIC may interrupt a vCPU that waits for it.
struct lapic_outlook {
    bool pending;  // an interrupt is on its way
    bool timer;    // the timer runs, and is not masked (11.5.4)
    bool from_pic; // what the 8259 says gets through
};

// False when KVM does not tell.
bool lapic_look(const struct vcpu *vcpu, struct lapic_outlook *out);
