// SPDX-License-Identifier: Apache-2.0
// Keeps QEMU from delivering a guest's interrupt twice. Inside the rig only.
//
// KVM injects a guest's interrupt with VMRUN. QEMU's VMRUN (target/i386/tcg,
// seen in 7.2) delivers it at once, but leaves its vector behind as if it were
// an exception that is still to be delivered. The next exit of the guest, or
// any exception in it, takes that away. Where QEMU stops the processor before
// that, because a timer of its own is due, it delivers what was left behind: a
// second interrupt at whatever instruction the guest has reached, whether
// it takes interrupts there or not. In a handler that holds a lock, that is
// the end of the guest: it spins for ever. With an instruction counter QEMU
// stops at each timer, and some percent of all boots end so.
//
// So each injection is followed by an exit at once, while the guest has not
// run one instruction: an interrupt is pending in the rig's own APIC when VMRUN
// is executed. The rig's stock kernel raises it for us. A sample of a perf
// event wakes its readers by an interrupt that the processor sends itself
// (irq_work), and the tracepoint kvm_entry is passed with interrupts off, right
// before VMRUN. A BPF program lets a sample be taken where kvm_inj_virq was
// passed since the last entry, nowhere else.
#pragma once

#include "src/base/error.h"

// Arms it on the first processor, for the rig's whole life. kvm_amd must be
// loaded, /sys mounted. A negative errno where the rig's kernel lacks what it
// takes (tracepoints, perf events, BPF).
int guest_arm_kick(struct error *err);
