// SPDX-License-Identifier: Apache-2.0
// The keeper thread: notices a guest that sleeps for ever, and fetches the
// output that KVM keeps back.
//
// Why it is needed: `hlt` with interrupts off is how a halted Linux ends (and
// many a broken one). With the interrupt controllers in the kernel KVM never
// tells: KVM_RUN just doesn't return. Controllers in user space would tell,
// and cost every interrupt of a live guest an exit. Nor does KVM tell of bytes
// that it keeps back: a guest that prints and then computes makes no exit.
//
// Why it does not disturb: looking at a vCPU means kicking it out of KVM_RUN.
// So the keeper first looks at something free, the CPU time of the vCPU
// threads: a guest that runs is never kicked. One whose clocks stood still over
// a whole interval is idle or dead, and the kick tells which; an idle one has
// time to spare and goes back to sleep as it was, since a kick is no wake-up.
// A thread that merely got no CPU from the host looks idle too, and passes.
// What KVM keeps back lies in memory that both share: no kick is needed.
//
// How soon it knows: a guest that runs is looked at often, because that costs
// no kick; so one that halts is found after two looks, in less than 50 ms. One
// that was found asleep, and can wake, is kicked again seldom.
#include "src/base/clock.h"
#include "src/machine/machine.h"

#define RUNS_NS         (20 * NS_PER_MS)
#define SLEEPS_NS       (75 * NS_PER_MS)
#define FETCH_NS        (4 * NS_PER_MS)
#define FETCH_SLEEPS_NS (10 * NS_PER_MS)

// When the keeper does what next.
struct plan {
    uint64_t look, fetch;
    uint64_t last_cpu_ns; // of all vCPUs
    bool sleeps;
};

// Waits until a deadline or until the machine ended. The caller holds lock.
static bool wait_while_running(struct toyvmm *vm, uint64_t deadline_ns)
{
    while (vm->phase == MACHINE_RUNNING && clock_now_ns() < deadline_ns &&
           machine_wait(vm, deadline_ns))
        ;
    return vm->phase == MACHINE_RUNNING;
}

static uint64_t first(const struct plan *p)
{
    return p->look < p->fetch ? p->look : p->fetch;
}

static uint64_t cpu_ns_of_all(struct toyvmm *vm)
{
    struct toyvmm_usage usage;
    machine_usage(vm, &usage, NULL);
    return usage.cpu_ns;
}

static void ask_for_sleep(struct toyvmm *vm)
{
    pthread_mutex_lock(&vm->lock);
    vm->sleep_round++;
    for (unsigned i = 0; i < vm->nprocessors; i++)
        machine_request(&vm->processors[i], REQUEST_SLEEP);
    pthread_mutex_unlock(&vm->lock);
}

static void look(struct toyvmm *vm, struct plan *p, uint64_t now)
{
    uint64_t cpu_ns = cpu_ns_of_all(vm);
    p->sleeps = cpu_ns == p->last_cpu_ns;
    if (p->sleeps)
        ask_for_sleep(vm);
    p->last_cpu_ns = cpu_ns;
    p->look = clock_after(now, p->sleeps ? SLEEPS_NS : RUNS_NS);
}

// While the sink has enough the bytes stay where they are; when KVM has no
// room for more, the guest makes an exit, and waits.
static void fetch(struct toyvmm *vm, struct plan *p, uint64_t now)
{
    if (!machine_is_full(vm)) {
        const struct access access = {.ns = now};
        board_settle(&vm->board, machine_fetch(vm, &access));
    }
    p->fetch = clock_after(now, p->sleeps ? FETCH_SLEEPS_NS : FETCH_NS);
    if (!vm->coalesced.ring)
        p->fetch = CLOCK_NEVER;
}

void *machine_run_keeper(void *arg)
{
    struct toyvmm *vm = arg;
    const struct guard_seat seat =
        confine_seat(vm->guard, SANDBOX_KEEPER, 0, "the keeper");
    guard_enter(&seat);
    uint64_t now = clock_now_ns();
    struct plan plan = {
        .look = clock_after(now, RUNS_NS),
        .fetch = clock_after(now, FETCH_NS),
        .last_cpu_ns = UINT64_MAX,
    };

    pthread_mutex_lock(&vm->lock);
    while (wait_while_running(vm, first(&plan))) {
        pthread_mutex_unlock(&vm->lock);
        now = clock_now_ns();
        if (now >= plan.fetch)
            fetch(vm, &plan, now);
        if (now >= plan.look)
            look(vm, &plan, now);
        pthread_mutex_lock(&vm->lock);
    }
    pthread_mutex_unlock(&vm->lock);
    return NULL;
}
