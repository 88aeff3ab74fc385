// SPDX-License-Identifier: Apache-2.0
// What a machine is seen to do: the verdict on samples, which needs no KVM, and
// tiny guests that idle, spin, print, run and end.
#include "src/machine/observe.h"
#include "src/tests/machine_guests.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>

// ---- The verdict -----------------------------------------------------------

static struct toyvmm_observation samples(const uint64_t *rips, size_t n)
{
    struct toyvmm_observation o = {.nsamples = n};
    for (size_t i = 0; i < n; i++)
        o.samples[i] = (struct toyvmm_sample){.rip = rips[i], .cs = 0x10};
    return o;
}

static void judge(struct toyvmm_observation *o, uint64_t exits)
{
    const struct toyvmm_stats before = {.usage.exits_by = {7}};
    struct toyvmm_stats after = {.usage.exits_by = {7 + exits}, .nports = 2};
    after.ports[0] = (struct toyvmm_port_count){0x71, 1, 0};
    after.ports[1] = (struct toyvmm_port_count){0x3fd, exits, 0};
    observe_judge(o, &before, &after);
}

Test(machine_judge, a_loop_with_one_look_at_an_interrupt)
{
    const uint64_t rips[] = {0x1010, 0x1044, 0x1000, 0x9000, 0x1044, 0x1012};
    struct toyvmm_observation o = samples(rips, 6);
    judge(&o, 0);
    cr_assert_eq(o.activity, TOYVMM_SPINS);
    cr_assert_eq(o.low, 0x1000);
    cr_assert_eq(o.high, 0x1044);
}

Test(machine_judge, far_apart_is_no_loop)
{
    const uint64_t rips[] = {0x1000, 0x2000, 0x3000, 0x1000, 0x5000, 0x6000};
    struct toyvmm_observation o = samples(rips, 6);
    judge(&o, 0);
    cr_assert_eq(o.activity, TOYVMM_RUNS);
    // Nor is the same address in the kernel and in a program.
    const uint64_t same[] = {0x1000, 0x1000, 0x1000, 0x1000};
    o = samples(same, 4);
    o.samples[0].cs = o.samples[1].cs = 0x33;
    judge(&o, 0);
    cr_assert_eq(o.activity, TOYVMM_RUNS);
}

Test(machine_judge, at_a_port_is_no_loop_either)
{
    const uint64_t rips[] = {0x1000, 0x1000, 0x1000, 0x1000};
    struct toyvmm_observation o = samples(rips, 4);
    judge(&o, 16);
    cr_assert_eq(o.activity, TOYVMM_PORT_IO);
    cr_assert_eq(o.io_port, 0x3fd);
    judge(&o, 15);
    cr_assert_eq(o.activity, TOYVMM_SPINS);
}

Test(machine_judge, idle_with_a_tick_now_and_then)
{
    const uint64_t rips[] = {0x1000, 0x1000, 0x8000, 0x1000};
    struct toyvmm_observation o = samples(rips, 4);
    o.samples[0].halted = o.samples[1].halted = o.samples[3].halted = true;
    judge(&o, 100);
    cr_assert_eq(o.activity, TOYVMM_IDLE);
    o.samples[0].halted = false;
    judge(&o, 0);
    cr_assert_neq(o.activity, TOYVMM_IDLE);
}

// ---- Guests ----------------------------------------------------------------

TestSuite(machine_observe, .init = guest_needs_kvm);

static struct guest_log watched;

static struct toyvmm *start(struct guest_image image)
{
    guest_log_init(&watched);
    return guest_start(image, &watched);
}

static struct toyvmm_observation observe(struct toyvmm *vm)
{
    struct toyvmm_observation o;
    cr_assert(toyvmm_observe(vm, 0, CLOCK_NEVER, &o));
    return o;
}

Test(machine_observe, spins_with_interrupts_off)
{
    struct toyvmm *vm = start(image_spin_off());
    guest_wait_output(&watched, ".");
    struct toyvmm_observation o = observe(vm);
    cr_assert_eq(o.activity, TOYVMM_SPINS);
    cr_assert_eq(o.nsamples, TOYVMM_SAMPLES);
    for (size_t i = 0; i < o.nsamples; i++) {
        cr_assert_not(o.samples[i].interrupts);
        cr_assert_not(o.samples[i].halted);
    }
    cr_assert_eq(o.high, o.regs.rip);
    // The instruction there is the jump to itself.
    uint8_t insn[2] = {0};
    cr_assert_eq(toyvmm_read_virtual(vm, &o.regs, o.regs.rip, insn, 2), 2);
    cr_assert_eq(insn[0], 0xeb);
    cr_assert_eq(insn[1], 0xfe);
    cr_assert_not(o.ports[0].listens);
    toyvmm_destroy(vm);
}

Test(machine_observe, spins_with_interrupts_on)
{
    struct toyvmm *vm = start(image_spin());
    guest_wait_output(&watched, ".");
    struct toyvmm_observation o = observe(vm);
    cr_assert_eq(o.activity, TOYVMM_SPINS);
    cr_assert(o.samples[o.nsamples - 1].interrupts);
    cr_assert_eq(o.regs.rbx, 0x5bad);
    toyvmm_destroy(vm);
}

Test(machine_observe, listens_and_is_asleep)
{
    struct toyvmm *vm = start(image_listen());
    guest_wait_output(&watched, ">");
    struct toyvmm_observation o;
    // Between the byte and its sleep there are a few instructions.
    do {
        o = observe(vm);
        sched_yield();
    } while (o.activity != TOYVMM_IDLE);
    cr_assert(o.ports[0].listens);
    cr_assert_not(o.ports[0].holds);
    cr_assert_not(o.ports[1].listens);
    // It takes what is typed into its FIFO, and never reads it.
    guest_type(vm, &watched, "x");
    o = observe(vm);
    cr_assert(o.ports[0].holds);
    cr_assert_not(guest_has_ended(&watched));
    toyvmm_destroy(vm);
}

Test(machine_observe, prints_without_end)
{
    struct toyvmm *vm = start(image_print_on());
    guest_wait_output(&watched, ".");
    struct toyvmm_observation o = observe(vm);
    cr_assert_eq(o.activity, TOYVMM_PORT_IO);
    cr_assert_eq(o.io_port, 0x3f8);
    toyvmm_destroy(vm);
}

Test(machine_observe, wanders)
{
    struct toyvmm *vm = start(image_wander());
    guest_wait_output(&watched, ".");
    struct toyvmm_observation o = observe(vm);
    cr_assert_eq(o.activity, TOYVMM_RUNS);
    toyvmm_destroy(vm);
}

Test(machine_observe, after_the_end)
{
    struct toyvmm *vm = start(image_halt());
    struct toyvmm_event end = guest_wait_end(&watched);
    struct toyvmm_observation o = observe(vm);
    cr_assert_eq(o.activity, TOYVMM_ENDED);
    cr_assert_eq(o.nsamples, 1);
    cr_assert_eq(o.regs.rip, end.regs.rip);
    cr_assert_eq(o.regs.rip, GUEST_GPA + 2);
    uint8_t insn = 0;
    cr_assert_eq(toyvmm_read_virtual(vm, &o.regs, GUEST_GPA + 1, &insn, 1), 1);
    cr_assert_eq(insn, 0xf4);
    // Beyond RAM nothing is read.
    cr_assert_eq(toyvmm_read_virtual(vm, &o.regs, GUEST_MEMORY, &insn, 1), 0);
    toyvmm_destroy(vm);
}

// A sink that takes its time over the end.
static sem_t looked;

static void take_time(void *owner, const struct toyvmm_event *event)
{
    guest_log_sink(owner).event(owner, event);
    if (toyvmm_event_is_end(event->kind))
        sem_wait(&looked);
}

Test(machine_observe, while_the_end_is_told)
{
    guest_log_init(&watched);
    cr_assert_eq(sem_init(&looked, 0, 0), 0);
    struct toyvmm_sink sink = guest_log_sink(&watched);
    sink.event = take_time;
    struct toyvmm *vm = guest_create_on(
        image_halt(),
        (struct machine_shape){.memory = GUEST_MEMORY, .cpus = 1, .ports = 1},
        &sink);
    struct error err = {""};
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    guest_wait_end(&watched);
    struct toyvmm_observation o;
    bool seen = toyvmm_observe(vm, 0, CLOCK_NEVER, &o);
    sem_post(&looked);
    cr_assert(seen);
    cr_assert_eq(o.activity, TOYVMM_ENDED);
    cr_assert_eq(o.regs.rip, GUEST_GPA + 2);
    toyvmm_destroy(vm);
}

Test(machine_observe, before_the_start)
{
    guest_log_init(&watched);
    struct toyvmm *vm = guest_create(image_hi(), &watched);
    struct toyvmm_observation o;
    cr_assert_not(toyvmm_observe(vm, 0, CLOCK_NEVER, &o));
    toyvmm_stop(vm);
    cr_assert_not(toyvmm_observe(vm, 0, CLOCK_NEVER, &o));
    toyvmm_destroy(vm);
}
