// SPDX-License-Identifier: Apache-2.0
// Machines and threads: several machines in one process, stop and register
// reads from many threads at any moment of a machine's life.
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>

TestSuite(machine_threads, .init = guest_needs_kvm);

Test(machine_threads, two_machines_at_once)
{
    struct guest_log a;
    struct guest_log b;
    guest_log_init(&a);
    guest_log_init(&b);
    struct toyvmm *vm_a = guest_start(image_echo_irq(), &a);
    struct toyvmm *vm_b = guest_start(image_echo_polled(), &b);
    guest_type(vm_b, &b, "for bq");
    guest_type(vm_a, &a, "for aq");
    cr_assert_eq(guest_wait_end(&a).kind, TOYVMM_EVENT_POWEROFF);
    cr_assert_eq(guest_wait_end(&b).kind, TOYVMM_EVENT_POWEROFF);
    toyvmm_destroy(vm_a);
    toyvmm_destroy(vm_b);
    cr_assert_str_eq(a.out, ">for aq");
    cr_assert_str_eq(b.out, "for bq");
}

static void *stop(void *arg)
{
    toyvmm_stop(arg);
    return NULL;
}

static void *read_until_it_ends(void *arg)
{
    struct toyvmm_regs regs;
    while (toyvmm_read_regs(arg, &regs))
        ;
    return NULL;
}

// Stops race each other, reads, and the guest's own end.
static void race(struct guest_image image)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image, &log);
    void *(*const bodies[])(void *) = {
        stop,
        read_until_it_ends,
        stop,
        read_until_it_ends,
    };
    enum { THREADS = sizeof bodies / sizeof *bodies };
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, bodies[i], vm);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    // The event came before toyvmm_stop returned.
    cr_assert(log.ended);
    toyvmm_destroy(vm);
    cr_assert_eq(log.nevents, 2);
    cr_assert_eq(log.events[0].kind, TOYVMM_EVENT_STARTED);
}

Test(machine_threads, start_and_stop_race)
{
    for (int i = 0; i < 20; i++) {
        race(image_spin());
        race(image_reset_pci());
        race(image_idle());
    }
}

Test(machine_threads, signals_stay_the_callers)
{
    sigset_t before;
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    struct guest_log log;
    guest_log_init(&log);
    guest_run(image_hi(), &log);
    struct toyvmm_probe probe;
    toyvmm_probe("/dev/kvm", &probe);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int sig = 1; sig < SIGRTMAX; sig++)
        cr_assert_eq(sigismember(&before, sig), sigismember(&after, sig));
    sigset_t pending;
    sigpending(&pending);
    cr_assert(!sigismember(&pending, KVM_KICK_SIGNAL));
}
