// SPDX-License-Identifier: Apache-2.0
// Guests that sleep: which of them are asleep for ever, and that no other is
// taken for one.
#include "src/tests/machine_guests.h"

#include "src/machine/sleep.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <string.h>

TestSuite(machine_sleep, .init = guest_needs_kvm);

static struct guest_log run_to_halt(struct guest_image image)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm_event end = guest_run(image, &log);
    cr_assert_eq(end.kind, TOYVMM_EVENT_HALT, "%s: %s",
                 toyvmm_event_name(end.kind), end.detail);
    cr_assert(strstr(end.detail, "idle for ever"), "%s", end.detail);
    return log;
}

Test(machine_sleep, nothing_can_wake_it)
{
    run_to_halt(image_idle_for_ever());
    run_to_halt(image_idle_masked());
}

Test(machine_sleep, not_before_the_last_timer)
{
    struct guest_log apic = run_to_halt(image_idle_until_timer());
    cr_assert_str_eq(apic.out, ".");
    struct guest_log pit = run_to_halt(image_idle_until_pit());
    cr_assert_str_eq(pit.out, ".");
}

// Until the keeper has looked at it a few times: two would be a verdict.
static void check_left_alone(struct guest_image image)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image, &log);
    struct toyvmm_stats stats;
    do {
        toyvmm_stats(vm, &stats);
        sched_yield();
    } while (stats.usage.exits_by[TOYVMM_EXIT_INTR] < 8 &&
             !guest_has_ended(&log));
    toyvmm_stop(vm);
    struct toyvmm_event end = guest_wait_end(&log);
    cr_assert_eq(end.kind, TOYVMM_EVENT_STOPPED, "%s", end.detail);
    toyvmm_destroy(vm);
}

Test(machine_sleep, who_may_get_input_is_left_alone)
{
    check_left_alone(image_idle());
}

Test(machine_sleep, who_gets_ticks_is_left_alone)
{
    check_left_alone(image_idle_ticking());
}

// It sleeps all the time; each byte must reach it nevertheless.
Test(machine_sleep, input_wakes_it_after_many_looks)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_echo_irq(), &log);
    guest_wait_output(&log, ">");
    struct toyvmm_stats stats;
    do {
        toyvmm_stats(vm, &stats);
        sched_yield();
    } while (stats.usage.exits_by[TOYVMM_EXIT_INTR] < 4 &&
             !guest_has_ended(&log));
    guest_type(vm, &log, "xq");
    cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_POWEROFF);
    toyvmm_destroy(vm);
}
