// SPDX-License-Identifier: Apache-2.0
// Looking at a machine from outside: toyvmm.h's functions that read its
// registers and memory and tell what it does. See observe.h.
#include "src/machine/observe.h"

#include "src/base/clock.h"
#include "src/machine/machine.h"
#include "src/machine/paging.h"
#include "src/machine/pci_board.h"

#define RFLAGS_IF UINT64_C(0x200)

// ---- The verdict -----------------------------------------------------------

// Whoever does one thing is still seen elsewhere at times: in an interrupt.
static bool most(size_t n, size_t all)
{
    return n * 4 >= all * 3;
}

// How far apart the instructions of one wait loop lie, with what it calls.
#define LOOP_BYTES 256

// Accesses to one I/O port, for each sample, that are no chance: a kick finds
// such a guest at its port instructions, which looks like a loop.
#define BUSY_ACCESSES 4

static size_t near_count(const struct toyvmm_observation *o, size_t first)
{
    size_t n = 0;
    const struct toyvmm_sample *s = o->samples;
    for (size_t i = 0; i < o->nsamples; i++)
        n += s[i].rip - s[first].rip < LOOP_BYTES && s[i].cs == s[first].cs;
    return n;
}

// The loop that most samples are in, if there is one: fills low and high.
static bool find_loop(struct toyvmm_observation *o)
{
    size_t best = 0;
    for (size_t i = 1; i < o->nsamples; i++)
        if (near_count(o, i) > near_count(o, best))
            best = i;
    if (!most(near_count(o, best), o->nsamples))
        return false;
    o->low = o->high = o->samples[best].rip;
    for (size_t i = 0; i < o->nsamples; i++) {
        uint64_t rip = o->samples[i].rip;
        if (rip - o->low < LOOP_BYTES && rip > o->high)
            o->high = rip;
    }
    return true;
}

static uint64_t accesses(const struct toyvmm_stats *stats, uint16_t port)
{
    for (size_t i = 0; i < stats->nports; i++)
        if (stats->ports[i].port == port)
            return stats->ports[i].reads + stats->ports[i].writes;
    return 0;
}

static bool find_port(struct toyvmm_observation *o,
                      const struct toyvmm_stats *before,
                      const struct toyvmm_stats *after)
{
    uint64_t most_new = 0;
    for (size_t i = 0; i < after->nports; i++) {
        uint16_t port = after->ports[i].port;
        uint64_t new = accesses(after, port) - accesses(before, port);
        if (new > most_new) {
            most_new = new;
            o->io_port = port;
        }
    }
    return most_new >= BUSY_ACCESSES * o->nsamples;
}

void observe_judge(struct toyvmm_observation *o,
                   const struct toyvmm_stats *before,
                   const struct toyvmm_stats *after)
{
    size_t halted = 0;
    size_t waits = 0;
    for (size_t i = 0; i < o->nsamples; i++) {
        halted += o->samples[i].halted;
        waits += o->samples[i].waits;
    }
    if (waits == o->nsamples)
        o->activity = TOYVMM_WAITS;
    else if (most(halted, o->nsamples))
        o->activity = TOYVMM_IDLE;
    else if (find_port(o, before, after))
        o->activity = TOYVMM_PORT_IO;
    else if (find_loop(o))
        o->activity = TOYVMM_SPINS;
    else
        o->activity = TOYVMM_RUNS;
}

// ---- Samples ---------------------------------------------------------------

// A vCPU that can't be kicked out of its guest (seen under emulated VT-x) must
// not hold who looks at it.
#define PATIENCE_NS (1 * NS_PER_S)

// One look at a running vCPU. The caller holds lock. False when it has left
// (or its registers can't be had, or not until end_ns).
static bool look(struct processor *cpu, uint64_t end_ns)
{
    uint64_t end = clock_after(clock_now_ns(), PATIENCE_NS);
    end = end < end_ns ? end : end_ns;
    uint64_t samples = cpu->samples;
    bool asked = machine_request(cpu, REQUEST_LOOK);
    while (asked && !cpu->left && cpu->samples == samples &&
           machine_wait(cpu->machine, end))
        ;
    return cpu->samples != samples && cpu->sample_valid;
}

bool toyvmm_read_regs(struct toyvmm *vm, unsigned vcpu, struct toyvmm_regs *out)
{
    if (vcpu >= vm->nprocessors)
        return false;
    struct processor *cpu = &vm->processors[vcpu];
    pthread_mutex_lock(&vm->lock);
    bool valid = look(cpu, CLOCK_NEVER);
    if (valid)
        *out = cpu->sample.regs;
    pthread_mutex_unlock(&vm->lock);
    return valid;
}

// Waits a while, or until the vCPU left. The caller holds lock.
static void wait_inside(struct processor *cpu, uint64_t ns)
{
    uint64_t end = clock_after(clock_now_ns(), ns);
    while (!cpu->left && machine_wait(cpu->machine, end))
        ;
}

static void keep(struct toyvmm_observation *o, const struct vcpu_sample *s)
{
    o->samples[o->nsamples++] = (struct toyvmm_sample){
        .rip = s->regs.rip,
        .cs = s->regs.cs,
        .halted = s->halted,
        .waits = s->waits,
        .interrupts = (s->regs.rflags & RFLAGS_IF) != 0,
    };
    o->regs = s->regs;
    o->idt_base = s->idt_base;
    o->idt_limit = s->idt_limit;
    o->lstar = s->lstar;
}

// Takes the samples of a running vCPU. Their distances grow by a third of a
// millisecond, so that no tick of the guest's keeps pace with them. The caller
// holds lock.
static void sample_running(struct processor *cpu, uint64_t end_ns,
                           struct toyvmm_observation *o)
{
    while (o->nsamples < TOYVMM_SAMPLES && look(cpu, end_ns)) {
        keep(o, &cpu->sample);
        wait_inside(cpu, 2 * NS_PER_MS + o->nsamples * NS_PER_MS / 3);
    }
}

// The last state of a vCPU that its thread has left, which keeps it. The caller
// holds lock.
static bool sample_ended(struct processor *cpu, struct toyvmm_observation *o)
{
    const struct toyvmm_event *end = &cpu->machine->ending.event;
    struct vcpu_sample last;
    o->nsamples = 0;
    if (!cpu->access.ns || !vcpu_read_sample(&cpu->vcpu, &last))
        return false;
    keep(o, &last);
    o->lost = end->vcpu == cpu->vcpu.id && !end->has_regs;
    return true;
}

bool toyvmm_observe(struct toyvmm *vm, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out)
{
    uint64_t end = clock_after(clock_now_ns(), within_ns);
    *out = (struct toyvmm_observation){0};
    if (vcpu >= vm->nprocessors)
        return false;
    struct processor *cpu = &vm->processors[vcpu];
    struct toyvmm_stats before;
    struct toyvmm_stats after;
    machine_stats_of(cpu, &before);
    pthread_mutex_lock(&vm->lock);
    sample_running(cpu, end, out);
    // A thread that has left may still be telling the sink of the end.
    bool ended = cpu->left;
    bool seen = ended ? sample_ended(cpu, out) : out->nsamples > 0;
    pthread_mutex_unlock(&vm->lock);
    if (!seen)
        return false;
    machine_stats_of(cpu, &after);
    out->activity = TOYVMM_ENDED;
    if (!ended)
        observe_judge(out, &before, &after);
    for (unsigned i = PORT_HVC; i < TOYVMM_PORTS; i++)
        out->ports[i].listens = pci_board_listens(vm->board.pci, i);
    for (unsigned i = 0; i < TOYVMM_UARTS; i++) {
        struct uart_view view = uart_look(&vm->board.uarts[i]);
        out->ports[i].listens = view.listens;
        out->ports[i].polls = view.polls;
        out->ports[i].holds = view.holds;
    }
    return true;
}

size_t toyvmm_read_virtual(struct toyvmm *vm, const struct toyvmm_regs *regs,
                           uint64_t address, void *to, size_t len)
{
    return paging_read(&vm->memory, regs, address, to, len);
}
