// SPDX-License-Identifier: Apache-2.0
// How machines end: every way a guest has, and toyvmm_stop; the event that
// tells of it, exactly once, last and in order.
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <string.h>

TestSuite(machine_life, .init = guest_needs_kvm);

static void check_order(const struct guest_log *log)
{
    cr_assert_geq(log->nevents, 2);
    cr_assert_eq(log->events[0].kind, TOYVMM_EVENT_STARTED);
    cr_assert_eq(log->events[0].usage.exits, 0);
    for (size_t i = 1; i + 1 < log->nevents; i++)
        cr_assert(!toyvmm_event_is_end(log->events[i].kind));
    cr_assert(toyvmm_event_is_end(log->events[log->nevents - 1].kind));
    cr_assert(log->stamps_in_order);
}

static struct guest_log run_to(struct guest_image image,
                               enum toyvmm_event_kind kind, const char *detail)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm_event end = guest_run(image, &log);
    cr_assert_eq(end.kind, kind, "%s: %s", toyvmm_event_name(end.kind),
                 end.detail);
    cr_assert(strstr(end.detail, detail), "%s", end.detail);
    // An AMD processor loses them at a triple fault.
    if (kind != TOYVMM_EVENT_TRIPLE_FAULT)
        cr_assert(end.has_regs);
    else if (end.has_regs)
        cr_assert_geq(end.regs.rip, GUEST_GPA);
    cr_assert_gt(end.usage.exits, 0);
    check_order(&log);
    return log;
}

Test(machine_life, power_off)
{
    run_to(image_hi(), TOYVMM_EVENT_POWEROFF, "S5");
    run_to(image_power_off_sleep(), TOYVMM_EVENT_POWEROFF, "sleep control");
}

Test(machine_life, reset_each_way)
{
    run_to(image_reset_kbd(), TOYVMM_EVENT_RESET, "keyboard controller");
    run_to(image_reset_pci(), TOYVMM_EVENT_RESET, "0xcf9");
    run_to(image_reset_fast(), TOYVMM_EVENT_RESET, "0x92");
    run_to(image_reset_kbd_output(), TOYVMM_EVENT_RESET, "output port");
    struct guest_log log =
        run_to(image_reset_pci_steps(), TOYVMM_EVENT_RESET, "0xcf9");
    cr_assert_str_eq(log.out, ".");
}

Test(machine_life, triple_fault)
{
    struct guest_log log =
        run_to(image_triple_fault(), TOYVMM_EVENT_TRIPLE_FAULT, "double fault");
    cr_assert_eq(log.nout, 0);
    run_to(image_triple_fault_int3(), TOYVMM_EVENT_TRIPLE_FAULT, "");
}

Test(machine_life, halt_with_interrupts_off_is_noticed)
{
    struct guest_log log =
        run_to(image_halt(), TOYVMM_EVENT_HALT, "interrupts off");
    // Past cli and hlt.
    cr_assert_eq(log.events[log.nevents - 1].regs.rip, GUEST_GPA + 2);
}

Test(machine_life, code_outside_memory_is_an_internal_error)
{
    struct guest_log log = run_to(image_jump_to_device(),
                                  TOYVMM_EVENT_INTERNAL_ERROR, "0xd8000000");
    cr_assert_eq(log.events[log.nevents - 1].regs.rip, 0xd8000000);
}

Test(machine_life, what_kvm_cannot_emulate_is_an_internal_error)
{
    // With the instruction's bytes: fadds (%rbx).
    struct guest_log log =
        run_to(image_no_emulation(), TOYVMM_EVENT_INTERNAL_ERROR, "d8 03");
    cr_assert(strstr(log.events[log.nevents - 1].detail, "emulation failure"));
}

Test(machine_life, user_space_is_told_once)
{
    struct guest_log log =
        run_to(image_user_space(), TOYVMM_EVENT_POWEROFF, "");
    cr_assert_eq(log.nevents, 3);
    cr_assert_eq(log.events[1].kind, TOYVMM_EVENT_USERSPACE);
    // 7 first, then 123: the event belongs to the second exit.
    cr_assert_eq(log.events[1].usage.exits, 2);
}

Test(machine_life, user_space_is_told_through_memory)
{
    struct guest_log log =
        run_to(image_user_space_memory(), TOYVMM_EVENT_POWEROFF, "");
    cr_assert_str_eq(log.out, "m");
    cr_assert_eq(log.nevents, 3);
    cr_assert_eq(log.events[1].kind, TOYVMM_EVENT_USERSPACE);
    // A dword, a read, 7, 123: the event belongs to the fourth.
    cr_assert_eq(log.events[1].usage.exits_by[TOYVMM_EXIT_MMIO], 4);
    cr_assert_leq(log.events[1].usage.exits_by[TOYVMM_EXIT_IO], 1);
    log = run_to(image_user_space_old(), TOYVMM_EVENT_POWEROFF, "");
    cr_assert_eq(log.nevents, 3);
    cr_assert_eq(log.events[1].kind, TOYVMM_EVENT_USERSPACE);
}

Test(machine_life, stop_ends_a_guest_that_spins)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_spin(), &log);
    toyvmm_stop(vm);
    cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_STOPPED);
    toyvmm_stop(vm);
    toyvmm_destroy(vm);
    check_order(&log);
    cr_assert_eq(log.nevents, 2);
}

Test(machine_life, stop_after_the_end_adds_nothing)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_reset_pci(), &log);
    guest_wait_end(&log);
    toyvmm_stop(vm);
    toyvmm_destroy(vm);
    cr_assert_eq(log.nevents, 2);
    cr_assert_eq(log.events[1].kind, TOYVMM_EVENT_RESET);
}

Test(machine_life, an_idle_guest_is_left_alone)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_idle(), &log);
    // Until the keeper has looked at it three times, and let it sleep on.
    struct toyvmm_stats stats;
    do {
        toyvmm_stats(vm, &stats);
        sched_yield();
    } while (stats.usage.exits_by[TOYVMM_EXIT_INTR] < 3 &&
             !guest_has_ended(&log));
    toyvmm_stop(vm);
    cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_STOPPED);
    toyvmm_destroy(vm);
}

Test(machine_life, never_started)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_create(image_hi(), &log);
    struct toyvmm_regs regs;
    cr_assert(!toyvmm_read_regs(vm, 0, &regs));
    toyvmm_destroy(vm);

    vm = guest_create(image_hi(), &log);
    toyvmm_stop(vm);
    struct error err = {0};
    cr_assert_lt(toyvmm_start(vm, &err), 0);
    cr_assert_neq(err.text[0], 0);
    toyvmm_destroy(vm);
    cr_assert_eq(log.nevents, 0);
}

Test(machine_life, starts_once)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_spin(), &log);
    struct error err = {0};
    cr_assert_lt(toyvmm_start(vm, &err), 0);
    toyvmm_destroy(vm);
    cr_assert_eq(log.nevents, 2);
}
