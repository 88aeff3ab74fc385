// SPDX-License-Identifier: Apache-2.0
// toyvmm_probe: does this /dev/kvm run what a stock kernel runs? Opening it
// proves nothing: a KVM without hardware virtualisation behind it creates
// VMs, and then emulates kernel code badly or shows the guest the host's
// CPUID. So the probe runs probe_guest.S, one step at a time.
#include "src/base/clock.h"
#include "src/host/probe_vm.h"
#include "src/toyvmm.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>

// CPUID bits that follow the guest's own state rather than what was set.
#define LEAF1_ECX_OSXSAVE (1u << 27)
#define LEAF1_EDX_APIC    (1u << 9)

typedef bool (*probe_check)(struct kvm_cpuid2 *table,
                            const struct kvm_regs *regs);

static bool r8_has_token(struct kvm_cpuid2 *table, const struct kvm_regs *regs)
{
    (void)table;
    return regs->r8 == PROBE_TOKEN;
}

static bool rax_has_popcnt(struct kvm_cpuid2 *table,
                           const struct kvm_regs *regs)
{
    (void)table;
    return regs->rax == (uint64_t)__builtin_popcount(PROBE_TOKEN);
}

static bool cpuid_is(const struct kvm_cpuid_entry2 *set,
                     const struct kvm_regs *regs, uint32_t ecx_mask,
                     uint32_t edx_mask)
{
    return set && regs->rax == set->eax && regs->rbx == set->ebx &&
           (regs->rcx & ecx_mask) == (set->ecx & ecx_mask) &&
           (regs->rdx & edx_mask) == (set->edx & edx_mask);
}

static bool magic_leaf_is_as_set(struct kvm_cpuid2 *table,
                                 const struct kvm_regs *regs)
{
    return cpuid_is(cpuid_find(table, PROBE_LEAF, 0), regs, UINT32_MAX,
                    UINT32_MAX);
}

static bool leaf_1_is_as_set(struct kvm_cpuid2 *table,
                             const struct kvm_regs *regs)
{
    return cpuid_is(cpuid_find(table, 1, 0), regs, ~LEAF1_ECX_OSXSAVE,
                    ~LEAF1_EDX_APIC);
}

// Run in this order; the first one leads to the mode that the others need.
static const struct probe_step {
    const char *name;
    const uint8_t *entry;
    probe_check check;
    // The step is run when CPUID offers it: leaf, ebx or ecx, bit.
    uint32_t leaf;
    bool in_ebx;
    uint32_t bit;
} steps[] = {
    {"long mode", probe_long_mode, r8_has_token, 0, false, 0},
    {"CPUID as set", probe_cpuid_magic, magic_leaf_is_as_set, 0, false, 0},
    {"CPUID leaf 1 as set", probe_cpuid_one, leaf_1_is_as_set, 0, false, 0},
    {"int3", probe_int3, r8_has_token, 0, false, 0},
    {"cmpxchg16b", probe_cmpxchg16b, r8_has_token, 1, false, 1u << 13},
    {"popcnt", probe_popcnt, rax_has_popcnt, 1, false, 1u << 23},
    {"xsave", probe_xsave, r8_has_token, 1, false, 1u << 26},
    {"clac", probe_clac, r8_has_token, 7, true, 1u << 20},
};

#define NSTEPS (sizeof steps / sizeof *steps)

static bool offered(struct kvm_cpuid2 *table, const struct probe_step *step)
{
    if (!step->leaf)
        return true;
    const struct kvm_cpuid_entry2 *e = cpuid_find(table, step->leaf, 0);
    return e && ((step->in_ebx ? e->ebx : e->ecx) & step->bit);
}

static const char *outcome_text(enum probe_outcome outcome)
{
    switch (outcome) {
    case PROBE_DONE:
        return "wrong result";
    case PROBE_EMULATION_FAILED:
        return "emulation failure";
    case PROBE_SHUTDOWN:
        return "triple fault";
    case PROBE_TIMED_OUT:
        return "no answer in time";
    case PROBE_REFUSED:
        return "refused to run";
    }
    return "failed";
}

static void add_missing(struct toyvmm_probe *out, const char *name,
                        const char *why)
{
    if (out->nmissing >= sizeof out->missing / sizeof *out->missing)
        return;
    snprintf(out->missing[out->nmissing++], sizeof *out->missing, "%s (%s)",
             name, why);
}

// Adds "before item" to the sentence; too much is cut off.
static void say(struct toyvmm_probe *out, const char *before, const char *item)
{
    size_t used = strlen(out->reason);
    snprintf(out->reason + used, sizeof out->reason - used, "%s%s", before,
             item);
}

static void run_steps(struct probe_vm *vm, struct toyvmm_probe *out)
{
    char proved[256] = "";
    for (size_t i = 0; i < NSTEPS; i++) {
        if (!offered(vm->cpuid, &steps[i]))
            continue;
        struct kvm_regs regs;
        enum probe_outcome outcome =
            probe_vm_run(vm, steps[i].entry, i > 0, &regs);
        if (outcome == PROBE_DONE && steps[i].check(vm->cpuid, &regs)) {
            size_t used = strlen(proved);
            snprintf(proved + used, sizeof proved - used, "%s%s",
                     used ? ", " : "", steps[i].name);
            continue;
        }
        add_missing(out, steps[i].name, outcome_text(outcome));
        // Without long mode there is nothing to stand on, and time is spent
        // once only.
        if (i == 0 || outcome == PROBE_TIMED_OUT)
            break;
    }
    out->usable = out->nmissing == 0;
    if (out->usable) {
        say(out, "ran a guest: ", proved);
        return;
    }
    say(out, "it opens, but can't run a stock kernel: ", out->missing[0]);
    for (size_t i = 1; i < out->nmissing; i++)
        say(out, ", ", out->missing[i]);
}

static void host_vendor(char out[16])
{
    unsigned eax = 0;
    unsigned text[3] = {0};
    __get_cpuid(0, &eax, &text[0], &text[2], &text[1]);
    memcpy(out, text, sizeof text);
    out[sizeof text] = 0;
}

void toyvmm_probe(const char *path, struct toyvmm_probe *out)
{
    uint64_t start = clock_now_ns();
    *out = (struct toyvmm_probe){0};
    host_vendor(out->vendor);

    struct error err = {0};
    struct probe_vm vm;
    if (probe_vm_open(&vm, path, &err) < 0) {
        say(out, "", err.text);
    } else {
        run_steps(&vm, out);
        probe_vm_close(&vm);
    }
    out->took_ns = clock_now_ns() - start;
}
