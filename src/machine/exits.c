// SPDX-License-Identifier: Apache-2.0
// What a failed exit says. See exits.h.
#include "src/machine/exits.h"

#include <stdio.h>
#include <string.h>

#define MAX_INSN 15

static const char *suberror_text(uint32_t suberror)
{
    switch (suberror) {
    case KVM_INTERNAL_ERROR_EMULATION:
        return "emulation failure";
    case KVM_INTERNAL_ERROR_SIMUL_EX:
        return "unexpected simultaneous exceptions";
    case KVM_INTERNAL_ERROR_DELIVERY_EV:
        return "unexpected exit during event delivery";
    case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
        return "unexpected exit reason";
    default:
        return "unknown internal error";
    }
}

// The instruction at RIP: KVM's copy where it gives one, else guest memory.
static size_t read_insn(const struct vcpu *vcpu, const struct guest_memory *mem,
                        uint64_t rip, uint8_t out[MAX_INSN])
{
    const struct kvm_run *run = vcpu->run;
    // Three words: the flags, and the size with the bytes.
    if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
        run->internal.ndata >= 3 &&
        (run->emulation_failure.flags &
         KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES)) {
        size_t n = run->emulation_failure.insn_size;
        if (n > MAX_INSN)
            n = MAX_INSN;
        memcpy(out, run->emulation_failure.insn_bytes, n);
        return n;
    }
    return vcpu_read_virtual(vcpu, mem, rip, out, MAX_INSN);
}

static void describe_internal(const struct vcpu *vcpu,
                              const struct guest_memory *mem, char *out,
                              size_t size)
{
    const struct kvm_run *run = vcpu->run;
    struct toyvmm_regs regs = {0};
    vcpu_read_regs(vcpu, &regs);
    uint8_t insn[MAX_INSN];
    size_t n = read_insn(vcpu, mem, regs.rip, insn);
    char hex[3 * MAX_INSN + 1] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 3 * i, sizeof hex - 3 * i, " %02x", insn[i]);

    int used =
        snprintf(out, size, "%s (%u) at 0x%llx%s%s",
                 suberror_text(run->internal.suberror), run->internal.suberror,
                 (unsigned long long)regs.rip, n ? ", instruction" : "", hex);
    // The rest of KVM's words matter where no instruction is to blame.
    if (run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION)
        return;
    for (uint32_t i = 0; i < run->internal.ndata && i < 3; i++) {
        if (used < 0 || (size_t)used >= size)
            return;
        used += snprintf(out + used, size - (size_t)used, "%s0x%llx",
                         i ? " " : ", data ",
                         (unsigned long long)run->internal.data[i]);
    }
}

void exits_describe(const struct vcpu *vcpu, const struct guest_memory *mem,
                    char *out, size_t size)
{
    const struct kvm_run *run = vcpu->run;
    switch (run->exit_reason) {
    case KVM_EXIT_INTERNAL_ERROR:
        describe_internal(vcpu, mem, out, size);
        return;
    case KVM_EXIT_FAIL_ENTRY:
        snprintf(
            out, size,
            "the processor refuses to enter the guest, reason 0x%llx",
            (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
        return;
    case KVM_EXIT_UNKNOWN:
        snprintf(out, size, "unknown hardware exit reason 0x%llx",
                 (unsigned long long)run->hw.hardware_exit_reason);
        return;
    default:
        snprintf(out, size, "KVM exit reason %u, which nothing here handles",
                 run->exit_reason);
        return;
    }
}
