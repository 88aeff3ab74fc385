// SPDX-License-Identifier: Apache-2.0
// The in-kernel 8254: ticks that a guest missed are lost, as on a PC's own.
// Making up for them would keep KVM from using AVIC.
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>

TestSuite(machine_timer, .init = guest_needs_kvm, .timeout = 900);

static char ticks(bool made_up_for)
{
    struct guest_log log;
    struct error err = {""};
    guest_log_init(&log);
    struct toyvmm *vm = guest_create(image_ticks_after_a_pause(), &log);
    struct kvm_reinject_control control = {.pit_reinject = 1};
    if (!kvm_host_cap(&vm->kvm.host, KVM_CAP_REINJECT_CONTROL))
        cr_skip_test("this KVM can't be told");
    if (made_up_for)
        cr_assert_eq(kvm_ioctl(vm->kvm.fd, KVM_REINJECT_CONTROL, &control), 0);
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_POWEROFF);
    toyvmm_destroy(vm);
    return log.out[0];
}

Test(machine_timer, missed_ticks_are_lost)
{
    cr_assert_eq(ticks(false), '+', "eight ticks take their time");
}

// KVM's own default, so that the test above is known to see something. Where
// each tick takes the host longer than 27 ms, it could not.
Test(machine_timer, missed_ticks_by_default)
{
    if (ticks(true) == '+')
        cr_skip_test("this host is too slow to make up for ticks");
}
