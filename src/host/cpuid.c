// SPDX-License-Identifier: Apache-2.0
// CPUID policy. See cpuid.h.
#include "src/host/cpuid.h"

#include <asm/kvm_para.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

// KVM's emulated local APIC timer counts at 1 GHz.
#define APIC_BUS_KHZ 1000000

#define LEAF_KVM_SIGNATURE 0x40000000u
#define LEAF_KVM_FEATURES  0x40000001u
#define LEAF_TIMING        0x40000010u

enum reg { EAX, EBX, ECX, EDX };

// Bits that are the same for every vCPU of every machine.
static const struct {
    uint32_t leaf, index;
    enum reg reg;
    uint32_t set, clear;
} fixed_bits[] = {
    // Under a hypervisor; x2APIC, which KVM emulates on any host.
    {0x1, 0, ECX, 1u << 31 | 1u << 21, 0},
    // No performance counters: a guest that finds some probes them, arms its
    // NMI watchdog on them, and each of these is a VM exit. So no PDCM here,
    // no leaf 0xA, and none of AMD's core, north-bridge and cache counters.
    {0x1, 0, ECX, 0, 1u << 15},
    {0xa, 0, EAX, 0, UINT32_MAX},
    {0xa, 0, EBX, 0, UINT32_MAX},
    {0xa, 0, ECX, 0, UINT32_MAX},
    {0xa, 0, EDX, 0, UINT32_MAX},
    {0x80000001, 0, ECX, 0, 1u << 23 | 1u << 24 | 1u << 28},
    {0x80000022, 0, EAX, 0, UINT32_MAX},
    // No virtualisation inside: VMX, SVM.
    {0x1, 0, ECX, 0, 1u << 5},
    {0x80000001, 0, ECX, 0, 1u << 2},
};

// What a guest may use of KVM's paravirtual features. Not async page faults,
// steal time and what builds on it: they serve overcommitted hosts, and cost
// exits and set-up. NOP_IO_DELAY spares the guest its writes to port 0x80.
static const uint32_t kvm_features =
    1u << KVM_FEATURE_CLOCKSOURCE | 1u << KVM_FEATURE_NOP_IO_DELAY |
    1u << KVM_FEATURE_CLOCKSOURCE2 | 1u << KVM_FEATURE_PV_EOI |
    1u << KVM_FEATURE_PV_UNHALT | 1u << KVM_FEATURE_PV_SEND_IPI |
    1u << KVM_FEATURE_CLOCKSOURCE_STABLE_BIT;

struct kvm_cpuid2 *cpuid_new(void)
{
    return calloc(1, sizeof(struct kvm_cpuid2) +
                         CPUID_CAPACITY * sizeof(struct kvm_cpuid_entry2));
}

int cpuid_supported(const struct kvm_host *host, struct kvm_cpuid2 *table,
                    struct error *err)
{
    table->nent = CPUID_CAPACITY;
    int code = kvm_ioctl(host->fd, KVM_GET_SUPPORTED_CPUID, table);
    if (code < 0) {
        table->nent = 0;
        return error_errno(err, -code, "KVM can't list the CPUID it supports");
    }
    return 0;
}

struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *table, uint32_t leaf,
                                    uint32_t index)
{
    for (uint32_t i = 0; i < table->nent; i++) {
        struct kvm_cpuid_entry2 *e = &table->entries[i];
        if (e->function == leaf && e->index == index)
            return e;
    }
    return NULL;
}

struct kvm_cpuid_entry2 *cpuid_put(struct kvm_cpuid2 *table,
                                   struct kvm_cpuid_entry2 entry)
{
    struct kvm_cpuid_entry2 *e = cpuid_find(table, entry.function, entry.index);
    if (!e) {
        if (table->nent >= CPUID_CAPACITY)
            return NULL;
        e = &table->entries[table->nent++];
    }
    *e = entry;
    return e;
}

static uint32_t *reg_of(struct kvm_cpuid_entry2 *e, enum reg reg)
{
    switch (reg) {
    case EAX:
        return &e->eax;
    case EBX:
        return &e->ebx;
    case ECX:
        return &e->ecx;
    case EDX:
        return &e->edx;
    }
    return NULL;
}

// Overwrites the bits of mask with those of value.
static void insert(uint32_t *reg, uint32_t mask, uint32_t value)
{
    *reg = (*reg & ~mask) | (value & mask);
}

// Bits of an APIC id that number the cores: the next power of two.
static unsigned core_bits(unsigned cpus)
{
    unsigned bits = 0;
    while (1u << bits < cpus)
        bits++;
    return bits;
}

// ---- Topology: one package of `cpus` cores with one thread each -------------

// The extended topology leaves 0xB and 0x1F: level 0 threads, level 1 cores.
static int put_topology(struct kvm_cpuid2 *table, uint32_t leaf,
                        const struct cpuid_shape *shape, unsigned vcpu)
{
    enum { INVALID, SMT, CORE };
    const struct kvm_cpuid_entry2 levels[] = {
        {.eax = 0, .ebx = 1, .ecx = SMT << 8 | 0},
        {.eax = core_bits(shape->cpus),
         .ebx = shape->cpus,
         .ecx = CORE << 8 | 1},
        {.ecx = INVALID << 8 | 2},
    };
    for (uint32_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        struct kvm_cpuid_entry2 e = levels[i];
        e.function = leaf;
        e.index = i;
        e.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
        e.edx = vcpu;
        if (!cpuid_put(table, e))
            return -ENOSPC;
    }
    return 0;
}

// Intel's leaf 4: how many cores, and how many threads share each cache. The
// last level is the package's, the others are a core's own.
static void fit_intel_caches(struct kvm_cpuid2 *table, unsigned bits)
{
    struct kvm_cpuid_entry2 *e = NULL;
    for (uint32_t i = 0; (e = cpuid_find(table, 4, i)); i++) {
        uint32_t ids = (1u << bits) - 1;
        uint32_t level = e->eax >> 5 & 7;
        insert(&e->eax, 0xfc000000, (ids < 63 ? ids : 63) << 26);
        insert(&e->eax, 0x03ffc000, (level >= 3 ? ids : 0) << 14);
    }
}

static void fit_amd(struct kvm_cpuid2 *table, const struct cpuid_shape *shape,
                    unsigned bits, unsigned vcpu)
{
    struct kvm_cpuid_entry2 *e = cpuid_find(table, 0x80000008, 0);
    if (e) { // NC: cores - 1; ApicIdCoreIdSize
        insert(&e->ecx, 0xff, shape->cpus - 1);
        insert(&e->ecx, 0xf000, bits << 12);
    }
    for (uint32_t i = 0; (e = cpuid_find(table, 0x8000001d, i)); i++) {
        uint32_t level = e->eax >> 5 & 7;
        insert(&e->eax, 0x03ffc000, (level >= 3 ? shape->cpus - 1 : 0) << 14);
    }
    e = cpuid_find(table, 0x8000001e, 0);
    if (e) { // extended APIC id; core id, one thread a core; one node
        e->eax = vcpu;
        e->ebx = vcpu;
        e->ecx = 0;
    }
    e = cpuid_find(table, 0x80000001, 0);
    if (e) // CmpLegacy: more than one core
        insert(&e->ecx, 1u << 1, shape->cpus > 1 ? 1u << 1 : 0);
}

static int apply_topology(struct kvm_cpuid2 *table,
                          const struct cpuid_shape *shape, unsigned vcpu)
{
    unsigned bits = core_bits(shape->cpus);
    struct kvm_cpuid_entry2 *e = cpuid_find(table, 1, 0);
    if (e) { // APIC id, APIC ids in the package, HTT: more than one of them
        insert(&e->ebx, 0xff000000, vcpu << 24);
        insert(&e->ebx, 0x00ff0000, (1u << bits) << 16);
        insert(&e->edx, 1u << 28, shape->cpus > 1 ? 1u << 28 : 0);
    }
    fit_intel_caches(table, bits);
    fit_amd(table, shape, bits, vcpu);
    for (uint32_t leaf = 0xb; leaf <= 0x1f; leaf += 0x1f - 0xb)
        if (cpuid_find(table, leaf, 0)) {
            int code = put_topology(table, leaf, shape, vcpu);
            if (code < 0)
                return code;
        }
    return 0;
}

// ---- Time and KVM's own leaves ---------------------------------------------

// Three ways to know the TSC's frequency without measuring it against the
// PIT. Linux takes it from kvm-clock's page; leaf 0x4000_0010 (the VMware
// convention: EAX is the TSC's, EBX the APIC bus's kHz) is for kernels
// without kvm-clock. Leaf 0x15 stays KVM's: its crystal would have to be the
// APIC's 1 GHz, and Linux multiplies crystal and ratio in 32 bits.
static int apply_hypervisor(struct kvm_cpuid2 *table,
                            const struct cpuid_shape *shape)
{
    const struct kvm_cpuid_entry2 *e = cpuid_find(table, LEAF_KVM_FEATURES, 0);
    struct kvm_cpuid_entry2 features = {
        .function = LEAF_KVM_FEATURES,
        .eax = e ? e->eax & kvm_features : 0,
    };
    struct kvm_cpuid_entry2 signature = {
        .function = LEAF_KVM_SIGNATURE,
        .eax = shape->tsc_khz ? LEAF_TIMING : LEAF_KVM_FEATURES,
    };
    uint32_t text[3];
    memcpy(text, "KVMKVMKVM\0\0\0", sizeof text);
    signature.ebx = text[0];
    signature.ecx = text[1];
    signature.edx = text[2];
    struct kvm_cpuid_entry2 timing = {
        .function = LEAF_TIMING,
        .eax = shape->tsc_khz,
        .ebx = APIC_BUS_KHZ,
    };
    if (!cpuid_put(table, signature) || !cpuid_put(table, features) ||
        (shape->tsc_khz && !cpuid_put(table, timing)))
        return -ENOSPC;
    return 0;
}

int cpuid_apply(struct kvm_cpuid2 *table, const struct cpuid_shape *shape,
                unsigned vcpu)
{
    for (size_t i = 0; i < sizeof fixed_bits / sizeof *fixed_bits; i++) {
        struct kvm_cpuid_entry2 *e =
            cpuid_find(table, fixed_bits[i].leaf, fixed_bits[i].index);
        if (!e)
            continue;
        uint32_t *reg = reg_of(e, fixed_bits[i].reg);
        *reg = (*reg | fixed_bits[i].set) & ~fixed_bits[i].clear;
    }
    struct kvm_cpuid_entry2 *e = cpuid_find(table, 1, 0);
    if (e) // the TSC deadline timer: KVM offers it apart from the table
        insert(&e->ecx, 1u << 24, shape->tsc_deadline ? 1u << 24 : 0);
    int code = apply_topology(table, shape, vcpu);
    return code < 0 ? code : apply_hypervisor(table, shape);
}
