// SPDX-License-Identifier: Apache-2.0
// What a machine has spent by when, and where its vCPU runs.
#include "src/base/clock.h"
#include "src/machine/pin.h"
#include "src/machine/spent.h"
#include "src/tests/machine_guests.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

TestSuite(machine_usage, .init = guest_needs_kvm);

static struct toyvmm_usage found(struct spent *s, uint64_t ns)
{
    struct toyvmm_usage usage = {.exits = UINT64_MAX};
    cr_assert(spent_find(s, ns, &usage, NULL), "%lu", (unsigned long)ns);
    return usage;
}

Test(machine_spent, a_moment_has_the_reading_before_it)
{
    struct spent *s = spent_new(1);
    struct toyvmm_usage usage;
    cr_assert(!spent_find(s, 5, &usage, NULL));
    cr_assert(spent_is_due(s, 0));
    for (uint64_t i = 1; i <= 3; i++)
        spent_add(s, i * 1000000, &(struct toyvmm_usage){.exits = i}, NULL);
    cr_assert(!spent_is_due(s, 3000000 + SPENT_STEP_NS - 1));
    cr_assert(spent_is_due(s, 3000000 + SPENT_STEP_NS));
    cr_assert_eq(found(s, 999999).exits, 1, "nothing older is known");
    cr_assert_eq(found(s, 1000000).exits, 1);
    cr_assert_eq(found(s, 1999999).exits, 1);
    cr_assert_eq(found(s, 2000000).exits, 2);
    cr_assert_eq(found(s, 3000000 + SPENT_STEP_NS).exits, 3);
    cr_assert(!spent_find(s, 3000001 + SPENT_STEP_NS, &usage, NULL));
    spent_free(s);
}

Test(machine_spent, the_oldest_readings_are_forgotten)
{
    struct spent *s = spent_new(1);
    const uint64_t total = 3 * SPENT_KEPT + 7;
    for (uint64_t i = 0; i < total; i++)
        spent_add(s, i * 10, &(struct toyvmm_usage){.exits = i}, NULL);
    uint64_t first = total - SPENT_KEPT;
    cr_assert_eq(found(s, 0).exits, first);
    for (uint64_t i = first; i < total; i++)
        cr_assert_eq(found(s, i * 10 + 9).exits, i);
    spent_free(s);
}

// What the vCPUs have of each reading goes with it.
Test(machine_spent, shares_go_with_their_reading)
{
    struct spent *s = spent_new(3);
    struct toyvmm_usage usage;
    struct toyvmm_share each[3];
    for (uint64_t i = 0; i < SPENT_KEPT + 5; i++) {
        const struct toyvmm_share of[3] = {{i, 1}, {2 * i, 2}, {3 * i, 3}};
        spent_add(s, i * 10, &(struct toyvmm_usage){.cpu_ns = 6 * i}, of);
    }
    cr_assert(spent_find(s, 1009, &usage, each));
    cr_expect(usage.cpu_ns == 600 && each[0].cpu_ns == 100 &&
              each[1].cpu_ns == 200 && each[2].cpu_ns == 300 &&
              each[2].exits == 3);
    spent_free(s);
}

Test(machine_usage, by_the_time_of_each_byte)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_print_on(), &log);
    enum { BYTES = sizeof log.out - 1 };
    char all[BYTES + 1];
    memset(all, '.', BYTES);
    all[BYTES] = '\0';
    guest_wait_output(&log, all);
    struct toyvmm_usage last = {0};
    for (size_t i = 0; i < BYTES; i++) {
        struct toyvmm_usage at;
        toyvmm_usage_at(vm, log.stamps[i], &at, NULL);
        uint64_t io = at.exits_by[TOYVMM_EXIT_IO];
        cr_assert_leq(io, i + 1, "byte %zu: %lu", i, (unsigned long)io);
        cr_assert_geq(at.cpu_ns, last.cpu_ns);
        cr_assert_geq(at.exits, last.exits);
        last = at;
    }
    cr_assert_gt(last.cpu_ns, 0);
    toyvmm_destroy(vm);
}

Test(machine_usage, of_an_event_is_exact)
{
    struct guest_log log;
    guest_log_init(&log);
    struct toyvmm *vm = guest_start(image_user_space(), &log);
    guest_wait_end(&log);
    for (size_t i = 0; i < log.nevents; i++) {
        const struct toyvmm_event *e = &log.events[i];
        struct toyvmm_usage at;
        toyvmm_usage_at(vm, e->ns, &at, NULL);
        cr_assert_eq(memcmp(&at, &e->usage, sizeof at), 0, "%s",
                     toyvmm_event_name(e->kind));
        uint64_t sum = 0;
        for (int k = 0; k < TOYVMM_EXITS; k++)
            sum += e->usage.exits_by[k];
        cr_assert_eq(sum, e->usage.exits);
    }
    struct toyvmm_usage late;
    toyvmm_usage_at(vm, UINT64_MAX, &late, NULL);
    cr_assert_geq(late.cpu_ns, log.events[log.nevents - 1].usage.cpu_ns);
    toyvmm_destroy(vm);
}

Test(machine_usage, memory_is_ready_before_the_first_run)
{
    struct guest_log log;
    guest_log_init(&log);
    uint64_t before = clock_now_ns();
    guest_run(image_hi(), &log);
    const struct toyvmm_event *started = &log.events[0];
    cr_assert_geq(started->ready_ns, before);
    cr_assert_leq(started->ready_ns, started->ns);
    cr_assert_eq(log.events[1].ready_ns, 0);
}

// ---- Pinning ---------------------------------------------------------------

static unsigned first_cpu(void)
{
    cpu_set_t set;
    unsigned cpu = 0;
    cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
    while (!CPU_ISSET(cpu, &set))
        cpu++;
    return cpu;
}

Test(machine_usage, a_pinned_vcpu_runs_there_alone)
{
    struct guest_log log;
    guest_log_init(&log);
    cpu_set_t before;
    cpu_set_t set;
    sched_getaffinity(0, sizeof before, &before);
    struct toyvmm *vm = guest_create(image_spin(), &log);
    vm->pin = (struct toyvmm_pin){true, first_cpu()};
    struct error err = {0};
    cr_assert_eq(toyvmm_start(vm, &err), 0, "%s", err.text);
    guest_wait_output(&log, ".");
    pthread_getaffinity_np(vm->processors[0].thread, sizeof set, &set);
    cr_assert_eq(CPU_COUNT(&set), 1);
    cr_assert(CPU_ISSET(first_cpu(), &set));
    pthread_getaffinity_np(vm->keeper_thread, sizeof set, &set);
    cr_assert(CPU_EQUAL(&set, &before));
    toyvmm_destroy(vm);
}

Test(machine_pin, a_cpu_that_is_not_there_is_refused_by_name)
{
    struct error err = {0};
    cpu_set_t before;
    cpu_set_t after;
    sched_getaffinity(0, sizeof before, &before);
    cr_assert_eq(toyvmm_check_pin((struct toyvmm_pin){false, 99999}, &err), 0);
    cr_assert_eq(toyvmm_check_pin((struct toyvmm_pin){true, first_cpu()}, &err),
                 0);
    const unsigned wrong[] = {CPU_SETSIZE - 1, CPU_SETSIZE, 99999};
    for (size_t i = 0; i < 3; i++) {
        const struct toyvmm_pin pin = {true, wrong[i]};
        cr_assert_eq(toyvmm_check_pin(pin, &err), -EINVAL);
        cr_assert(strstr(err.text, "the CPUs here are 0"), "%s", err.text);
    }
    sched_getaffinity(0, sizeof after, &after);
    cr_assert(CPU_EQUAL(&before, &after));
}

Test(machine_pin, no_thread_is_made_for_it)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    cr_assert_eq(pin_attr(&attr, (struct toyvmm_pin){true, 99999}), EINVAL);
    cr_assert_eq(pin_attr(&attr, (struct toyvmm_pin){false, 99999}), 0);
    pthread_attr_destroy(&attr);
}
