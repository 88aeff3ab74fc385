// SPDX-License-Identifier: Apache-2.0
// Machines with several processors: each of them runs, is seen and counted by
// itself; and the machine ends once, however many of them race to it.
#include "src/tests/machine_guests.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

TestSuite(machine_smp, .init = guest_needs_kvm);

#define CPUS 4

static struct toyvmm *start(struct guest_image image, struct guest_log *log)
{
    guest_log_init(log);
    const struct machine_shape shape = {
        .memory = GUEST_MEMORY, .cpus = CPUS, .ports = 1};
    struct toyvmm *vm = guest_create_shaped(image, shape, log);
    struct error err = {0};
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    return vm;
}

static size_t count(struct guest_log *log, char byte)
{
    size_t n = 0;
    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->nout; i++)
        n += log->out[i] == byte;
    pthread_mutex_unlock(&log->lock);
    return n;
}

// All of them have said that they run.
static void wait_for_all(struct guest_log *log)
{
    guest_wait_bytes(log, CPUS);
    cr_assert_eq(count(log, 'a'), CPUS - 1, "%s", log->out);
    cr_assert_eq(count(log, 'b'), 1, "%s", log->out);
}

static void check_one_end(const struct guest_log *log)
{
    cr_assert_eq(log->nevents, 2);
    cr_assert_eq(log->events[0].kind, TOYVMM_EVENT_STARTED);
    cr_assert(toyvmm_event_is_end(log->events[1].kind));
    cr_assert(log->stamps_in_order);
}

Test(machine_smp, each_runs_and_is_seen)
{
    struct guest_log log;
    struct toyvmm *vm = start(image_smp_spin(), &log);
    wait_for_all(&log);
    cr_assert_eq(toyvmm_vcpus(vm), CPUS);
    uint64_t exits = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        struct toyvmm_regs regs;
        guest_read_regs(vm, i, &regs);
        if (i == 0)
            cr_assert_geq(regs.rip, GUEST_GPA);
        else
            cr_assert_eq(regs.cs, 0x800, "a SIPI's segment");
        struct toyvmm_observation o;
        cr_assert(toyvmm_observe(vm, i, CLOCK_NEVER, &o));
        cr_assert_eq(o.activity, TOYVMM_SPINS, "vCPU %u: %d", i, o.activity);
        struct toyvmm_usage usage;
        toyvmm_vcpu_usage(vm, i, &usage);
        cr_assert_gt(usage.cpu_ns, 0);
        cr_assert_gt(usage.exits, 0);
        exits += usage.exits;
    }
    struct toyvmm_regs none;
    cr_assert_not(toyvmm_read_regs(vm, CPUS, &none));
    cr_assert_eq(toyvmm_stop(vm), 0);
    struct toyvmm_stats stats;
    toyvmm_stats(vm, &stats);
    cr_assert_geq(stats.usage.exits, exits);
    check_one_end(&log);
    cr_assert_eq(log.events[1].kind, TOYVMM_EVENT_STOPPED);
    toyvmm_destroy(vm);
}

// Stopped before the others were started, while they are, and after.
Test(machine_smp, stops_at_any_moment)
{
    for (unsigned i = 0; i < 6; i++) {
        struct guest_log log;
        struct toyvmm *vm = start(image_smp_spin(), &log);
        guest_wait_bytes(&log, i % 3);
        cr_assert_eq(toyvmm_stop(vm), 0);
        check_one_end(&log);
        toyvmm_destroy(vm);
    }
}

Test(machine_smp, ends_once)
{
    for (unsigned i = 0; i < 5; i++) {
        struct guest_log log;
        struct toyvmm *vm = start(image_smp_race(), &log);
        struct toyvmm_event end = guest_wait_end(&log);
        toyvmm_destroy(vm);
        check_one_end(&log);
        cr_assert(end.kind == TOYVMM_EVENT_RESET ||
                  end.kind == TOYVMM_EVENT_POWEROFF);
        cr_assert_lt(end.vcpu, CPUS);
        cr_assert_eq(end.vcpu == 0, end.kind == TOYVMM_EVENT_RESET);
    }
}

static void run_to_halt(struct guest_image image)
{
    struct guest_log log;
    struct toyvmm *vm = start(image, &log);
    struct toyvmm_event end = guest_wait_end(&log);
    cr_assert_eq(end.kind, TOYVMM_EVENT_HALT, "%s", end.detail);
    cr_assert(strstr(end.detail, "interrupts off"), "%s", end.detail);
    toyvmm_destroy(vm);
    check_one_end(&log);
}

Test(machine_smp, asleep_for_ever_when_all_are)
{
    run_to_halt(image_smp_halt());
    run_to_halt(image_smp_alone());
}

Test(machine_smp, one_that_goes_on_keeps_it_alive)
{
    struct guest_log log;
    struct toyvmm *vm = start(image_smp_one_goes_on(), &log);
    wait_for_all(&log);
    for (unsigned i = 0; i < 5; i++) {
        struct toyvmm_observation o;
        cr_assert(toyvmm_observe(vm, CPUS - 1, CLOCK_NEVER, &o));
        cr_assert_eq(o.activity, TOYVMM_IDLE);
    }
    cr_assert_not(guest_has_ended(&log));
    toyvmm_destroy(vm);
    cr_assert_eq(log.events[1].kind, TOYVMM_EVENT_STOPPED);
}

Test(machine_smp, one_that_was_not_started_says_so)
{
    struct guest_log log;
    struct toyvmm *vm = start(image_spin(), &log);
    guest_wait_output(&log, ".");
    struct toyvmm_observation o;
    cr_assert(toyvmm_observe(vm, 1, CLOCK_NEVER, &o));
    cr_assert_eq(o.activity, TOYVMM_WAITS);
    toyvmm_destroy(vm);
}
