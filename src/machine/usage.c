// SPDX-License-Identifier: Apache-2.0
// What a machine has spent, asked from outside: CPU time and VM exits, now and
// at a moment that is past.
#include "src/base/clock.h"
#include "src/machine/machine.h"

unsigned toyvmm_vcpus(const struct toyvmm *vm)
{
    return vm->nprocessors;
}

void toyvmm_vcpu_usage(struct toyvmm *vm, unsigned vcpu,
                       struct toyvmm_usage *out)
{
    *out = (struct toyvmm_usage){0};
    if (vcpu < vm->nprocessors)
        machine_usage_of(&vm->processors[vcpu], out);
}

static void rank_ports(struct toyvmm *vm, unsigned first, unsigned n,
                       struct toyvmm_stats *out)
{
    for (unsigned i = 0; i < 0x10000; i++) {
        struct toyvmm_port_count port = {.port = (uint16_t)i};
        for (unsigned c = first; c < first + n; c++)
            counters_add_port(vm->processors[c].counters, &port);
        unsigned uart = board_uart_of(port.port);
        if (uart < PLATFORM_COM_COUNT)
            port.writes += atomic_load_explicit(&vm->late_writes[uart],
                                                memory_order_relaxed);
        counters_rank(out, &port);
    }
}

void machine_stats_of(struct processor *cpu, struct toyvmm_stats *out)
{
    *out = (struct toyvmm_stats){0};
    rank_ports(cpu->machine, cpu->vcpu.id, 1, out);
    machine_usage_of(cpu, &out->usage);
}

void toyvmm_stats(struct toyvmm *vm, struct toyvmm_stats *out)
{
    *out = (struct toyvmm_stats){0};
    rank_ports(vm, 0, vm->nprocessors, out);
    machine_usage(vm, &out->usage, NULL);
}

void toyvmm_usage_at(struct toyvmm *vm, uint64_t ns, struct toyvmm_usage *out,
                     struct toyvmm_share *each)
{
    if (!spent_find(vm->spent, ns, out, each))
        machine_usage(vm, out, each);
}
