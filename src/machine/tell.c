// SPDX-License-Identifier: Apache-2.0
// What a machine tells its sink, one call at a time and in one order; and what
// it has spent by now, which goes with it.
#include "src/base/clock.h"
#include "src/machine/machine.h"

// ---- Usage -----------------------------------------------------------------

static uint64_t cpu_ns(struct processor *cpu)
{
    struct toyvmm *vm = cpu->machine;
    pthread_mutex_lock(&vm->lock);
    uint64_t ns = cpu->final_cpu_ns;
    if (cpu->exists && !cpu->left)
        ns = clock_cpu_ns(cpu->clock);
    pthread_mutex_unlock(&vm->lock);
    return ns;
}

void machine_usage_of(struct processor *cpu, struct toyvmm_usage *out)
{
    *out = (struct toyvmm_usage){.cpu_ns = cpu_ns(cpu)};
    counters_add(cpu->counters, out);
}

void machine_usage(struct toyvmm *vm, struct toyvmm_usage *out,
                   struct toyvmm_share *each)
{
    *out = (struct toyvmm_usage){0};
    for (unsigned i = 0; i < vm->nprocessors; i++) {
        struct processor *cpu = &vm->processors[i];
        struct toyvmm_share share = {.cpu_ns = cpu_ns(cpu)};
        uint64_t before = out->exits;
        counters_add(cpu->counters, out);
        share.exits = out->exits - before;
        out->cpu_ns += share.cpu_ns;
        if (each)
            each[i] = share;
    }
}

// Now is a moment that somebody may ask for. The caller holds telling.
static void keep_spent(struct toyvmm *vm, uint64_t ns,
                       struct toyvmm_usage *usage)
{
    machine_usage(vm, usage, vm->shares);
    spent_add(vm->spent, ns, usage, vm->shares);
}

// ---- The sink --------------------------------------------------------------

// The caller holds telling. Times never go back, however the vCPUs race.
static uint64_t next_time(struct toyvmm *vm, uint64_t ns)
{
    if (ns > vm->told_ns)
        vm->told_ns = ns;
    return vm->told_ns;
}

void machine_tell_bytes(struct toyvmm *vm, unsigned port, const uint8_t *bytes,
                        size_t n, uint64_t ns)
{
    pthread_mutex_lock(&vm->telling);
    ns = next_time(vm, ns);
    if (!vm->silent) {
        if (spent_is_due(vm->spent, ns)) {
            struct toyvmm_usage usage;
            keep_spent(vm, ns, &usage);
        }
        // Read before the call: room that is made during it counts.
        unsigned rooms = atomic_load(&vm->rooms);
        if (!vm->sink.tx(vm->sink.owner, port, bytes, n, ns))
            atomic_store(&vm->full_at, rooms + 1);
    }
    pthread_mutex_unlock(&vm->telling);
}

bool machine_is_full(const struct toyvmm *vm)
{
    return atomic_load(&vm->full_at) == atomic_load(&vm->rooms) + 1;
}

size_t machine_ask_input(struct toyvmm *vm, unsigned port, uint8_t *bytes,
                         size_t max)
{
    pthread_mutex_lock(&vm->telling);
    size_t n = vm->silent ? 0 : vm->sink.rx(vm->sink.owner, port, bytes, max);
    pthread_mutex_unlock(&vm->telling);
    return n;
}

void machine_tell_event(struct toyvmm *vm, struct toyvmm_event *event)
{
    pthread_mutex_lock(&vm->telling);
    event->ns = next_time(vm, event->ns);
    keep_spent(vm, event->ns, &event->usage);
    if (!vm->silent)
        vm->sink.event(vm->sink.owner, event);
    vm->silent = vm->silent || toyvmm_event_is_end(event->kind);
    pthread_mutex_unlock(&vm->telling);
}

void toyvmm_output_room(struct toyvmm *vm)
{
    pthread_mutex_lock(&vm->lock);
    atomic_fetch_add(&vm->rooms, 1);
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
}
