// SPDX-License-Identifier: Apache-2.0
// The guard: who called what is told by name, whoever else is confined; and
// what becomes of a thread that can't be.
#include "src/tests/guard_fixture.h"

#include <dirent.h>

TestSuite(guard, .init = guard_needs_a_sandbox);

static void *enter(void *seat)
{
    guard_enter(seat);
    return NULL;
}

static void run_one(struct guard_seat *seat)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, enter, seat), 0);
    pthread_join(thread, NULL);
}

Test(guard, a_call_is_told_with_its_thread)
{
    struct guard_log log;
    guard_log_begin(&log, guard_call_out);
    struct guard_seat seat = guard_log_seat(&log, SANDBOX_KEEPER, "the keeper");
    run_one(&seat);
    guard_log_end_caught(&log, "the keeper");
}

// Each of them: the one that is caught waits, the others need not.
Test(guard, many_threads_of_all_kinds)
{
    struct guard_log log;
    for (enum sandbox_thread kind = 0; kind < SANDBOX_THREADS; kind++) {
        guard_log_begin(&log, guard_call_out);
        struct guard_seat seats[] = {
            guard_log_seat(&log, kind, "one"),
            guard_log_seat(&log, kind, "two"),
            guard_log_seat(&log, SANDBOX_VCPU, "three"),
        };
        pthread_t threads[3];
        for (size_t i = 0; i < 3; i++)
            cr_assert_eq(pthread_create(&threads[i], NULL, enter, &seats[i]),
                         0);
        for (size_t i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        guard_log_end(&log);
        cr_expect_eq(log.entered, 3U);
        cr_expect_eq(log.caught, 3U);
        cr_expect_eq(log.result, EPERM);
        cr_expect_str_eq(log.call, "socket");
    }
}

static int do_nothing(void)
{
    return 0;
}

Test(guard, a_thread_that_keeps_to_its_list)
{
    struct guard_log log;
    guard_log_begin(&log, do_nothing);
    struct guard_seat seat = guard_log_seat(&log, SANDBOX_DISK, "disk vda");
    run_one(&seat);
    guard_log_end_well(&log);
    cr_expect_eq(log.entered, 1U);
}

static void *call_freely(void *seat)
{
    static int result;
    guard_enter(seat);
    result = guard_call_out();
    return &result;
}

// Nobody is confined by accident, nor in secret not.
Test(guard, without_a_place)
{
    struct guard_log log;
    struct guard_seat nobody = {.guard = NULL};
    pthread_t thread;
    void *result = NULL;
    guard_log_begin(&log, NULL);
    cr_assert_eq(pthread_create(&thread, NULL, call_freely, &nobody), 0);
    pthread_join(thread, &result);
    cr_expect_eq(*(int *)result, 0);
    guard_free(log.guard);
    // A guard for no thread at all.
    struct error err = {""};
    const struct guard_hooks hooks = {&log, guard_log_caught, guard_log_refused,
                                      guard_log_entered};
    log.guard = guard_new(&hooks, 0, &err);
    cr_assert_not_null(log.guard, "%s", err.text);
    struct guard_seat seat = guard_log_seat(&log, SANDBOX_LOOP, "the network");
    cr_assert_eq(pthread_create(&thread, NULL, call_freely, &seat), 0);
    pthread_join(thread, &result);
    cr_expect_eq(*(int *)result, 0);
    guard_log_end(&log);
    cr_expect_eq(log.refused, 1U);
    cr_expect_eq(log.code, ENOSPC);
    cr_expect_eq(log.entered, 0U);
    cr_expect_str_eq(log.who, "the network");
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    cr_assert_not_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

Test(guard, leaves_no_descriptor)
{
    struct guard_log log;
    unsigned before = open_descriptors();
    guard_log_begin(&log, do_nothing);
    for (unsigned i = 0; i < 3; i++) {
        struct guard_seat seat = guard_log_seat(&log, SANDBOX_SHARE, "x");
        run_one(&seat);
    }
    guard_log_end_well(&log);
    cr_expect_eq(open_descriptors(), before);
}
