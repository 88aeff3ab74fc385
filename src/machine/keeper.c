// SPDX-License-Identifier: Apache-2.0
// The keeper thread: notices a guest that sleeps for ever, and drives the
// RTC's interrupt.
//
// Why it is needed: `hlt` with interrupts off is how a halted Linux ends (and
// many a broken one). With the interrupt controllers in the kernel KVM never
// tells: KVM_RUN just doesn't return. Controllers in user space would tell,
// and cost every interrupt of a live guest an exit.
//
// Why it does not disturb: looking at a vCPU means kicking it out of KVM_RUN.
// So the keeper first looks at something free, the CPU time of the vCPU
// thread: a guest that runs is never kicked. One whose clock stood still over
// a whole interval is idle or dead, and the kick tells which; an idle one has
// time to spare and goes back to sleep as it was, since a kick is no wake-up.
// A thread that merely got no CPU from the host looks idle too, and passes.
//
// How soon it knows: a guest that runs is looked at often, because that costs
// no kick; so one that halts is found after two looks, in less than 50 ms. One
// that was found asleep, and can wake, is kicked again seldom.
#include "src/base/clock.h"
#include "src/machine/machine.h"

#include <errno.h>

#define RUNS_NS   (20 * NS_PER_MS)
#define SLEEPS_NS (75 * NS_PER_MS)

// Waits until a deadline or until the machine ended. The caller holds lock.
static bool wait_while_running(struct toyvmm *vm, uint64_t deadline_ns)
{
    const struct timespec when = {
        .tv_sec = (time_t)(deadline_ns / NS_PER_S),
        .tv_nsec = (long)(deadline_ns % NS_PER_S),
    };
    int code = 0;
    while (vm->phase == MACHINE_RUNNING && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&vm->changed, &vm->lock, &when);
    return vm->phase == MACHINE_RUNNING;
}

void *machine_run_keeper(void *arg)
{
    struct toyvmm *vm = arg;
    uint64_t last_cpu_ns = UINT64_MAX;
    uint64_t next_look = clock_after(clock_now_ns(), RUNS_NS);
    uint64_t next_update = next_look;

    pthread_mutex_lock(&vm->lock);
    while (wait_while_running(vm, next_update < next_look ? next_update
                                                          : next_look)) {
        uint64_t now = clock_now_ns();
        if (now >= next_look) {
            uint64_t cpu_ns = clock_cpu_ns(vm->vcpu_clock);
            bool sleeps = cpu_ns == last_cpu_ns;
            if (sleeps)
                machine_request(vm, REQUEST_SLEEP);
            last_cpu_ns = cpu_ns;
            next_look = clock_after(now, sleeps ? SLEEPS_NS : RUNS_NS);
        }
        // A guest enables the RTC's interrupts without telling this thread;
        // it finds out when it looks next.
        pthread_mutex_unlock(&vm->lock);
        next_update = clock_after(now, board_update(&vm->board));
        pthread_mutex_lock(&vm->lock);
    }
    pthread_mutex_unlock(&vm->lock);
    return NULL;
}
