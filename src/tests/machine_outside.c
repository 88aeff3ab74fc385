// SPDX-License-Identifier: Apache-2.0
// What reaches a machine from outside: the NMI button, and input and output on
// as many serial ports as it has.
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

TestSuite(machine_outside, .init = guest_needs_kvm);

// The end is told a moment before the machine counts as ended.
static void wait_phase(struct toyvmm *vm, struct guest_log *log)
{
    guest_wait_end(log);
    toyvmm_stop(vm);
}

Test(machine_outside, nmi_wakes_a_sleeping_guest)
{
    struct guest_log log;
    struct error err = {0};
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_nmi(), &log);
    guest_wait_output(&log, ">");
    cr_assert_eq(toyvmm_nmi(vm, &err), 0, "%s", err.text);
    guest_wait_output(&log, ">n");
    cr_assert_eq(toyvmm_nmi(vm, &err), 0, "%s", err.text);
    cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_POWEROFF);
    cr_assert_str_eq(log.out, ">nn");
    wait_phase(vm, &log);
    cr_assert_eq(toyvmm_nmi(vm, &err), -ESRCH);
    cr_assert(strstr(err.text, "does not run"), "%s", err.text);
    toyvmm_destroy(vm);
}

Test(machine_outside, a_masked_nmi_is_told)
{
    struct guest_log log;
    struct error err = {0};
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_nmi_masked(), &log);
    guest_wait_output(&log, ">");
    cr_assert_eq(toyvmm_nmi(vm, &err), -EBUSY);
    cr_assert(strstr(err.text, "LINT1"), "%s", err.text);
    toyvmm_destroy(vm);
}

struct race {
    struct toyvmm *vm;
    struct guest_log *log;
};

// Two that come together may be one for the guest; one after its "n" is not.
static void *press(void *arg)
{
    const struct race *race = arg;
    toyvmm_nmi(race->vm, NULL);
    guest_wait_output(race->log, ">n");
    toyvmm_nmi(race->vm, NULL);
    return NULL;
}

// Not for ever: each look takes the guest off its processor.
static void *look(void *arg)
{
    const struct race *race = arg;
    struct toyvmm_regs regs;
    for (int i = 0; i < 50 && toyvmm_read_regs(race->vm, 0, &regs); i++)
        ;
    return NULL;
}

// Buttons pressed, registers read and the guest's own end, all at once.
Test(machine_outside, nmi_races_with_everything)
{
    for (int i = 0; i < 10; i++) {
        struct guest_log log;
        guest_log_init(&log);
        struct race race = {guest_start(image_nmi(), &log), &log};
        void *(*const bodies[])(void *) = {press, look, press};
        pthread_t threads[3];
        guest_wait_output(&log, ">");
        for (size_t t = 0; t < 3; t++)
            pthread_create(&threads[t], NULL, bodies[t], &race);
        for (size_t t = 0; t < 3; t++)
            pthread_join(threads[t], NULL);
        cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_POWEROFF);
        toyvmm_destroy(race.vm);
    }
}

Test(machine_outside, has_as_many_uarts_as_asked_for)
{
    static const char *const seen[] = {"+---", "++--", "+++-", "++++"};
    for (unsigned n = 1; n <= TOYVMM_UARTS; n++) {
        struct guest_log log;
        guest_log_init(&log);
        struct toyvmm *vm = guest_create_with_ports(image_uarts(), n, &log);
        struct error err = {0};
        cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
        cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_POWEROFF);
        // Input for one that is not there waits, and breaks nothing.
        toyvmm_input_ready(vm, TOYVMM_PORTS - 1);
        toyvmm_destroy(vm);
        cr_assert_str_eq(log.out, seen[n - 1]);
    }
}

Test(machine_outside, each_port_is_its_own)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_two_uarts(), &log);
    guest_wait_output(&log, "abcd");
    guest_type_on(vm, &log, 1, "xq");
    cr_assert_eq(guest_wait_end(&log).kind, TOYVMM_EVENT_POWEROFF);
    toyvmm_destroy(vm);
    cr_assert_str_eq(log.out, "abcdxq");
    static const uint8_t ports[] = {0, 1, 2, 3, 1, 1};
    cr_assert_eq(memcmp(log.ports, ports, sizeof(ports)), 0);
    cr_assert(log.stamps_in_order);
}
