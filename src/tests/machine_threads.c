// SPDX-License-Identifier: Apache-2.0
// Machines and threads: several machines in one process, stop and register
// reads from many threads at any moment of a machine's life.
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

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

// A device's thread says that the machine can't go on, to vCPUs that run or
// sleep; what comes after the first is no other end.
Test(machine_threads, what_a_device_can_not_do_without)
{
    const struct guest_image images[] = {image_spin(), image_listen(),
                                         image_smp_spin()};
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        struct guest_log log;
        guest_log_init(&log);
        struct toyvmm *vm = guest_create_shaped(
            images[i],
            (struct machine_shape){
                .memory = GUEST_MEMORY, .cpus = i == 2 ? 4 : 1, .ports = 1},
            &log);
        cr_assert_eq(toyvmm_start(vm, NULL), 0);
        guest_wait_bytes(&log, 1);
        vm->board.hooks.broken(vm, "disk vda: it is gone");
        vm->board.hooks.broken(vm, "disk vdb: it is gone");
        struct toyvmm_event end = guest_wait_end(&log);
        cr_expect_eq(end.kind, TOYVMM_EVENT_INTERNAL_ERROR);
        cr_expect_str_eq(end.detail, "disk vda: it is gone");
        toyvmm_destroy(vm);
    }
}

static void *stop(void *arg)
{
    toyvmm_stop(arg);
    return NULL;
}

static void *read_until_it_ends(void *arg)
{
    struct toyvmm_regs regs;
    while (toyvmm_read_regs(arg, 0, &regs))
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

// Where the user's queue of signals is full (another process may do that), a
// kick still arrives: looks, the button and the stop answer at once.
Test(machine_threads, a_kick_needs_no_room_in_a_queue)
{
    struct rlimit before;
    cr_assert_eq(getrlimit(RLIMIT_SIGPENDING, &before), 0);
    const struct rlimit none = {0, before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_SIGPENDING, &none), 0);
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_spin(), &log);
    guest_wait_output(&log, ".");
    struct toyvmm_regs regs;
    struct error err = {0};
    for (int i = 0; i < 20; i++)
        guest_read_regs(vm, 0, &regs);
    cr_assert_neq(toyvmm_nmi(vm, &err), -ETIMEDOUT);
    cr_assert_eq(toyvmm_stop(vm), 0);
    toyvmm_destroy(vm);
    // Other tests may run in this process.
    cr_assert_eq(setrlimit(RLIMIT_SIGPENDING, &before), 0);
}

// A vCPU that KVM does not give back: its thread is gone from the machine's
// view only, so that the test can end. The end is told once, the call returns.
Test(machine_threads, a_lost_vcpu_is_given_up)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_spin(), &log);
    guest_wait_output(&log, ".");
    pthread_t vcpu = vm->processors[0].thread;
    pthread_mutex_lock(&vm->lock);
    vm->processors[0].exists = false; // kicks go nowhere
    pthread_mutex_unlock(&vm->lock);
    cr_assert_eq(toyvmm_stop(vm), -ETIMEDOUT);
    cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_STOPPED);
    cr_assert_eq(toyvmm_stop(vm), -ETIMEDOUT);
    size_t events = log.nevents;

    pthread_mutex_lock(&vm->lock);
    vm->processors[0].exists = true;
    machine_request(&vm->processors[0], REQUEST_STOP);
    pthread_mutex_unlock(&vm->lock);
    pthread_join(vcpu, NULL);
    pthread_join(vm->keeper_thread, NULL);
    cr_assert_eq(log.nevents, events, "nothing is told after the end");
    toyvmm_destroy(vm);
}
