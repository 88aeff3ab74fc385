// SPDX-License-Identifier: Apache-2.0
// What a machine has spent: CPU time and VM exits, now and at a moment that is
// past.
#include "src/base/clock.h"
#include "src/machine/machine.h"

void machine_take_usage(struct toyvmm *vm, uint64_t ns,
                        struct toyvmm_usage *out)
{
    counters_read(vm->counters, out);
    out->cpu_ns = clock_cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    spent_add(vm->spent, ns, out);
}

static uint64_t cpu_ns(struct toyvmm *vm)
{
    pthread_mutex_lock(&vm->lock);
    uint64_t ns = vm->phase == MACHINE_RUNNING ? clock_cpu_ns(vm->vcpu_clock)
                                               : vm->final_cpu_ns;
    pthread_mutex_unlock(&vm->lock);
    return ns;
}

void toyvmm_stats(struct toyvmm *vm, struct toyvmm_stats *out)
{
    *out = (struct toyvmm_stats){0};
    counters_rank_ports(vm->counters, out);
    counters_read(vm->counters, &out->usage);
    out->usage.cpu_ns = cpu_ns(vm);
}

void toyvmm_usage_at(struct toyvmm *vm, uint64_t ns, struct toyvmm_usage *out)
{
    if (spent_find(vm->spent, ns, out))
        return;
    counters_read(vm->counters, out);
    out->cpu_ns = cpu_ns(vm);
}
