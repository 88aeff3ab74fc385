// SPDX-License-Identifier: Apache-2.0
// The probe's time: each limit ends in one kick, however full the queue of
// signals is, and one that is not reached in none.
#include "src/base/clock.h"
#include "src/host/kvm.h"
#include "src/host/probe_limits.h"
#include "src/toyvmm.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

static sigset_t signals_before;
static struct rlimit queue_before;

// As where another process of this user has filled the queue.
static void set_up(void)
{
    cr_assert_eq(getrlimit(RLIMIT_SIGPENDING, &queue_before), 0);
    const struct rlimit none = {0, queue_before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_SIGPENDING, &none), 0);
    cr_assert_eq(kvm_kick_block_signals(&signals_before), 0);
}

// Other tests may run in this process.
static void tear_down(void)
{
    kvm_kick_drain();
    pthread_sigmask(SIG_SETMASK, &signals_before, NULL);
    setrlimit(RLIMIT_SIGPENDING, &queue_before);
}

TestSuite(host_limits, .init = set_up, .fini = tear_down, .timeout = 900);

static bool kicked(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, KVM_KICK_SIGNAL);
}

Test(host_limits, time_that_passes)
{
    struct probe_limits limits;
    struct error err = {""};
    uint64_t start = clock_now_ns();
    cr_assert_eq(probe_limits_start(&limits, NS_PER_S, 20 * NS_PER_MS, &err), 0,
                 "%s", err.text);
    sigset_t kick;
    sigemptyset(&kick);
    sigaddset(&kick, KVM_KICK_SIGNAL);
    int got = 0;
    cr_assert_eq(sigwait(&kick, &got), 0);
    cr_assert_geq(clock_now_ns() - start, 20 * NS_PER_MS);
    probe_limits_stop(&limits);
    cr_assert(!kicked(), "it comes once");
}

Test(host_limits, cpu_time)
{
    struct probe_limits limits;
    struct error err = {""};
    uint64_t start = clock_cpu_ns(CLOCK_THREAD_CPUTIME_ID);
    cr_assert_eq(probe_limits_start(&limits, 20 * NS_PER_MS, CLOCK_NEVER, &err),
                 0, "%s", err.text);
    while (!kicked())
        ;
    cr_assert_geq(clock_cpu_ns(CLOCK_THREAD_CPUTIME_ID) - start,
                  20 * NS_PER_MS);
    probe_limits_stop(&limits);
}

Test(host_limits, none_is_reached)
{
    for (int i = 0; i < 100; i++) {
        struct probe_limits limits;
        struct error err = {""};
        cr_assert_eq(
            probe_limits_start(&limits, CLOCK_NEVER, CLOCK_NEVER, &err), 0,
            "%s", err.text);
        probe_limits_stop(&limits);
    }
    cr_assert(!kicked());
}

// The verdict on this machine's /dev/kvm, whatever it is, does not depend on
// the queue.
Test(host_limits, the_probe_needs_no_queue)
{
    struct toyvmm_probe full, empty;
    toyvmm_probe("/dev/kvm", &full);
    setrlimit(RLIMIT_SIGPENDING, &queue_before);
    toyvmm_probe("/dev/kvm", &empty);
    // An overloaded host may use up the probe's time, with any queue.
    const char *late = "no answer in time";
    if (strstr(full.reason, late) || strstr(empty.reason, late))
        cr_skip_test("the probe had too little time here");
    cr_assert_eq(full.usable, empty.usable);
    cr_assert_str_eq(full.reason, empty.reason);
}
