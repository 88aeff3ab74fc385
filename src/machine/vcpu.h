// SPDX-License-Identifier: Apache-2.0
// One virtual processor: its KVM descriptor and run area, its first state and
// its registers. Private to src/machine. What runs it is run.h.
#pragma once

#include "src/base/error.h"
#include "src/boot/boot.h"
#include "src/machine/vm.h"
#include "src/toyvmm.h"

#include <stdbool.h>
#include <stdint.h>

// Owned by the machine. Created and set up on the thread that creates the
// machine; from the first KVM_RUN on only its own thread may touch it: KVM
// makes any other wait until KVM_RUN returns.
struct vcpu {
    unsigned id;
    int fd;
    struct kvm_run *run; // shared with the kernel, run_size bytes
    size_t run_size;
    uint32_t tsc_khz; // 0 when KVM doesn't know
};

// Creates vCPU number id: CPUID, MSRs, FPU, local APIC (LINT0 ExtINT on the
// first one, LINT1 NMI on all). 0, or a negative errno with a sentence; vcpu
// is closed again then.
int vcpu_open(struct vcpu *vcpu, const struct vm *vm, unsigned id,
              struct error *err);
void vcpu_close(struct vcpu *vcpu);

// The first state of vCPU 0: all its registers, at the kernel's entry.
int vcpu_set_boot_state(struct vcpu *vcpu, const struct boot_state *boot,
                        struct error *err);

// KVM_GET_REGS and KVM_GET_SREGS. False when KVM refuses.
bool vcpu_read_regs(const struct vcpu *vcpu, struct toyvmm_regs *out);

// Registers as INIT leaves them: not a guest's that was doing anything.
bool vcpu_is_reset(const struct toyvmm_regs *regs);

// Not started by another processor yet: it waits for INIT or SIPI.
bool vcpu_waits_for_start(const struct kvm_mp_state *mp);

// One MSR (KVM_GET_MSRS, 4.18). False when KVM has none of this index.
bool vcpu_read_msr(const struct vcpu *vcpu, uint32_t index, uint64_t *value);

// What a look at the vCPU tells: registers, whether it is in `hlt`, and what
// its kernel told the processor of itself. False when KVM refuses; lstar is 0
// when only that can't be had.
struct vcpu_sample {
    struct toyvmm_regs regs;
    bool halted;
    bool waits; // to be started by another vCPU
    uint64_t idt_base;
    uint16_t idt_limit;
    uint64_t lstar; // where `syscall` enters the kernel
};
bool vcpu_read_sample(const struct vcpu *vcpu, struct vcpu_sample *out);

// Reads up to max bytes of guest memory at a virtual address, as the vCPU's
// page tables map it now (KVM_TRANSLATE, 4.15), not across a page's end.
// Returns how many.
size_t vcpu_read_virtual(const struct vcpu *vcpu,
                         const struct guest_memory *mem, uint64_t address,
                         uint8_t *out, size_t max);
