// SPDX-License-Identifier: Apache-2.0
// The CPUID policy on made-up tables of supported leaves.
#include "src/host/cpuid.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct kvm_cpuid_entry2 *put(struct kvm_cpuid2 *table, uint32_t leaf,
                                    uint32_t index)
{
    return cpuid_put(table, (struct kvm_cpuid_entry2){
                                .function = leaf,
                                .index = index,
                            });
}

static struct kvm_cpuid2 *new_table(void)
{
    struct kvm_cpuid2 *table = cpuid_new();
    cr_assert(table);
    struct kvm_cpuid_entry2 *one = put(table, 1, 0);
    one->ebx = 0xabcd1234;
    one->ecx = 1u << 5 | 1u << 15 | 1u << 23;
    one->edx = 1u << 28 | 1u << 9;
    return table;
}

Test(host_cpuid, find_and_put)
{
    struct kvm_cpuid2 *table = cpuid_new();
    cr_assert_null(cpuid_find(table, 4, 0));
    put(table, 4, 1)->eax = 7;
    cr_assert_null(cpuid_find(table, 4, 0));
    cr_assert_eq(cpuid_find(table, 4, 1)->eax, 7);
    put(table, 4, 1);
    cr_assert_eq(table->nent, 1);
    cr_assert_eq(cpuid_find(table, 4, 1)->eax, 0);
    for (uint32_t i = 1; i < CPUID_CAPACITY; i++)
        cr_assert(put(table, 0x1000 + i, 0));
    cr_assert_null(put(table, 5, 0));
    cr_assert(put(table, 4, 1)); // in place: still room
    const struct cpuid_shape shape = {.cpus = 1};
    cr_assert_eq(cpuid_apply(table, &shape, 0), -ENOSPC);
    free(table);
}

Test(host_cpuid, leaf_1)
{
    struct kvm_cpuid2 *table = new_table();
    struct cpuid_shape shape = {.cpus = 1, .tsc_deadline = true};
    cr_assert_eq(cpuid_apply(table, &shape, 0), 0);
    const struct kvm_cpuid_entry2 *one = cpuid_find(table, 1, 0);
    cr_assert_eq(one->ebx, 0x00011234); // APIC id 0, one id in the package
    // Hypervisor, TSC deadline, x2APIC, POPCNT as offered; not VMX, PDCM.
    cr_assert_eq(one->ecx, 1u << 31 | 1u << 24 | 1u << 21 | 1u << 23);
    cr_assert_eq(one->edx, 1u << 9); // not HTT

    shape = (struct cpuid_shape){.cpus = 3};
    cr_assert_eq(cpuid_apply(table, &shape, 2), 0);
    cr_assert_eq(one->ebx, 0x02041234); // id 2, of four
    cr_assert_eq(one->ecx & 1u << 24, 0);
    cr_assert_eq(one->edx & 1u << 28, 1u << 28);
    free(table);
}

Test(host_cpuid, no_performance_counters)
{
    struct kvm_cpuid2 *table = new_table();
    *put(table, 0xa, 0) = (struct kvm_cpuid_entry2){
        .function = 0xa,
        .eax = 0x07300404,
        .ebx = 1,
        .ecx = 1,
        .edx = 0x603,
    };
    put(table, 0x80000001, 0)->ecx = 1u << 23 | 1u << 2 | 1u << 0;
    put(table, 0x80000022, 0)->eax = 1;
    const struct cpuid_shape shape = {.cpus = 1};
    cr_assert_eq(cpuid_apply(table, &shape, 0), 0);
    const struct kvm_cpuid_entry2 *pmu = cpuid_find(table, 0xa, 0);
    cr_assert_eq(pmu->eax | pmu->ebx | pmu->ecx | pmu->edx, 0);
    cr_assert_eq(cpuid_find(table, 0x80000022, 0)->eax, 0);
    // SVM is gone too, LAHF stays.
    cr_assert_eq(cpuid_find(table, 0x80000001, 0)->ecx, 1u << 0);
    free(table);
}

Test(host_cpuid, topology_leaves)
{
    struct kvm_cpuid2 *table = new_table();
    put(table, 0xb, 0)->edx = 99;
    put(table, 0x1f, 0);
    struct cpuid_shape shape = {.cpus = 1};
    cr_assert_eq(cpuid_apply(table, &shape, 0), 0);
    for (uint32_t leaf = 0xb; leaf <= 0x1f; leaf += 0x1f - 0xb) {
        const struct kvm_cpuid_entry2 *smt = cpuid_find(table, leaf, 0);
        const struct kvm_cpuid_entry2 *core = cpuid_find(table, leaf, 1);
        const struct kvm_cpuid_entry2 *end = cpuid_find(table, leaf, 2);
        cr_assert(smt && core && end);
        cr_assert_eq(smt->flags, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
        cr_assert(smt->eax == 0 && smt->ebx == 1 && smt->ecx == 0x100);
        cr_assert(core->eax == 0 && core->ebx == 1 && core->ecx == 0x201);
        cr_assert(end->eax == 0 && end->ebx == 0 && end->ecx == 2);
        cr_assert_eq(smt->edx, 0);
    }
    shape.cpus = 6;
    cr_assert_eq(cpuid_apply(table, &shape, 5), 0);
    const struct kvm_cpuid_entry2 *core = cpuid_find(table, 0xb, 1);
    cr_assert(core->eax == 3 && core->ebx == 6 && core->edx == 5);
    free(table);
}

Test(host_cpuid, topology_leaves_are_not_invented)
{
    struct kvm_cpuid2 *table = new_table();
    const struct cpuid_shape shape = {.cpus = 1};
    cr_assert_eq(cpuid_apply(table, &shape, 0), 0);
    cr_assert_null(cpuid_find(table, 0xb, 0));
    cr_assert_null(cpuid_find(table, 0x1f, 0));
    free(table);
}

Test(host_cpuid, intel_caches)
{
    struct kvm_cpuid2 *table = new_table();
    // Data, level 1, shared by 2; unified, level 3, shared by 64; 32 cores.
    put(table, 4, 0)->eax = 1 | 1 << 5 | 1 << 14 | 31u << 26;
    put(table, 4, 1)->eax = 3 | 3 << 5 | 63 << 14 | 31u << 26;
    struct cpuid_shape shape = {.cpus = 1};
    cr_assert_eq(cpuid_apply(table, &shape, 0), 0);
    cr_assert_eq(cpuid_find(table, 4, 0)->eax, 1 | 1 << 5);
    cr_assert_eq(cpuid_find(table, 4, 1)->eax, 3 | 3 << 5);
    shape.cpus = 4;
    cr_assert_eq(cpuid_apply(table, &shape, 1), 0);
    cr_assert_eq(cpuid_find(table, 4, 0)->eax, 1 | 1 << 5 | 3u << 26);
    cr_assert_eq(cpuid_find(table, 4, 1)->eax, 3 | 3 << 5 | 3 << 14 | 3u << 26);
    free(table);
}

Test(host_cpuid, amd_topology)
{
    struct kvm_cpuid2 *table = new_table();
    put(table, 0x80000001, 0)->ecx = 1u << 1 | 1u << 22;
    put(table, 0x80000008, 0)->ecx = 0x0000703f;
    put(table, 0x8000001d, 0)->eax = 1 | 1 << 5 | 1 << 14;
    put(table, 0x8000001d, 1)->eax = 3 | 3 << 5 | 15 << 14;
    *put(table, 0x8000001e, 0) = (struct kvm_cpuid_entry2){
        .function = 0x8000001e,
        .eax = 17,
        .ebx = 0x108,
        .ecx = 0x101,
    };
    struct cpuid_shape shape = {.cpus = 1};
    cr_assert_eq(cpuid_apply(table, &shape, 0), 0);
    cr_assert_eq(cpuid_find(table, 0x80000001, 0)->ecx, 1u << 22);
    cr_assert_eq(cpuid_find(table, 0x80000008, 0)->ecx, 0);
    cr_assert_eq(cpuid_find(table, 0x8000001d, 0)->eax, 1 | 1 << 5);
    cr_assert_eq(cpuid_find(table, 0x8000001d, 1)->eax, 3 | 3 << 5);
    const struct kvm_cpuid_entry2 *ids = cpuid_find(table, 0x8000001e, 0);
    cr_assert_eq(ids->eax | ids->ebx | ids->ecx, 0);
    shape.cpus = 2;
    cr_assert_eq(cpuid_apply(table, &shape, 1), 0);
    cr_assert_eq(cpuid_find(table, 0x80000001, 0)->ecx, 1u << 22 | 1u << 1);
    cr_assert_eq(cpuid_find(table, 0x80000008, 0)->ecx, 0x1001);
    cr_assert(ids->eax == 1 && ids->ebx == 1);
    free(table);
}

Test(host_cpuid, kvm_leaves)
{
    struct kvm_cpuid2 *table = new_table();
    put(table, 0x40000001, 0)->eax = 0x0107fffb;
    struct cpuid_shape shape = {.cpus = 1, .tsc_khz = 2596146};
    cr_assert_eq(cpuid_apply(table, &shape, 0), 0);
    const struct kvm_cpuid_entry2 *signature = cpuid_find(table, 0x40000000, 0);
    cr_assert_eq(signature->eax, 0x40000010);
    cr_assert_eq(memcmp(&signature->ebx, "KVMKVMKVM\0\0\0", 12), 0);
    // kvm-clock (old, new, stable), no I/O delay, PV EOI, unhalt, IPI; no
    // async page faults (4, 10, 14), no steal time (5).
    cr_assert_eq(cpuid_find(table, 0x40000001, 0)->eax,
                 1u << 0 | 1u << 1 | 1u << 3 | 1u << 6 | 1u << 7 | 1u << 11 |
                     1u << 24);
    const struct kvm_cpuid_entry2 *timing = cpuid_find(table, 0x40000010, 0);
    cr_assert_eq(timing->eax, 2596146);
    cr_assert_eq(timing->ebx, 1000000);
    free(table);

    table = new_table();
    shape.tsc_khz = 0;
    cr_assert_eq(cpuid_apply(table, &shape, 0), 0);
    cr_assert_eq(cpuid_find(table, 0x40000000, 0)->eax, 0x40000001);
    cr_assert_null(cpuid_find(table, 0x40000010, 0));
    free(table);
}
