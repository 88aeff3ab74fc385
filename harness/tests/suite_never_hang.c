// SPDX-License-Identifier: Apache-2.0
// The second lines: the watchdog's thread, the roster of workers, and writing
// to whom nobody listens to.
#include "harness/report/outlet.h"
#include "harness/suite/roster.h"
#include "harness/suite/watchdog.h"
#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void post(void *owner)
{
    sem_post(owner);
}

Test(watchdog, fires_when_told_another_time, .timeout = 900)
{
    struct watchdog w;
    struct error err = {""};
    sem_t fired;
    sem_init(&fired, 0, 0);
    cr_assert_eq(watchdog_start(&w, CLOCK_NEVER, post, &fired, &err), 0, "%s",
                 err.text);
    watchdog_set(&w, clock_after(clock_now_ns(), 3600 * NS_PER_S));
    watchdog_set(&w, clock_now_ns());
    sem_wait(&fired);
    watchdog_stop(&w);
    int more;
    sem_getvalue(&fired, &more);
    cr_expect_eq(more, 0, "once");
    sem_destroy(&fired);
}

Test(watchdog, does_not_fire_when_stopped, .timeout = 900)
{
    struct watchdog w;
    struct error err = {""};
    sem_t fired;
    sem_init(&fired, 0, 0);
    cr_assert_eq(watchdog_start(&w,
                                clock_after(clock_now_ns(), 3600 * NS_PER_S),
                                post, &fired, &err),
                 0);
    watchdog_stop(&w);
    cr_expect_neq(sem_trywait(&fired), 0);
    sem_destroy(&fired);
}

// Whether its thread gains privileges yet: 0, or 1 when not.
struct looked {
    int privileges;
    sem_t fired;
};

static void look(void *owner)
{
    struct looked *l = owner;
    l->privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    sem_post(&l->fired);
}

Test(watchdog, its_next_thread_is_confined_as_the_caller, .timeout = 900)
{
    struct watchdog w;
    struct error err = {""};
    struct looked l = {.privileges = -1};
    sem_init(&l.fired, 0, 0);
    cr_assert_eq(watchdog_start(&w, CLOCK_NEVER, look, &l, &err), 0, "%s",
                 err.text);
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(watchdog_renew(&w, &err), 0, "%s", err.text);
    cr_expect_neq(sem_trywait(&l.fired), 0, "it fires when its time comes");
    watchdog_set(&w, clock_now_ns());
    sem_wait(&l.fired);
    cr_expect_eq(l.privileges, 1);
    watchdog_stop(&w);
    sem_destroy(&l.fired);
}

// ---- The roster -------------------------------------------------------------

struct desk {
    char dir[32];
    struct roster roster;
};

static void open_desk(struct desk *d, size_t ncases)
{
    struct error err = {""};
    strcpy(d->dir, "/tmp/toyvmm-test-XXXXXX");
    cr_assert_not_null(mkdtemp(d->dir));
    cr_assert_eq(roster_open(&d->roster, d->dir, ncases, &err), 0, "%s",
                 err.text);
}

static void close_desk(struct desk *d)
{
    char path[SUITE_PATH];
    roster_close(&d->roster);
    unlink(suite_path(path, d->dir, SUITE_CLOCK));
    rmdir(d->dir);
}

static void report_for_duty(const struct desk *d, uint64_t index, pid_t pid,
                            uint64_t end_ns)
{
    char path[SUITE_PATH];
    struct notice notice = {.index = index, .end_ns = end_ns, .pid = pid};
    int fd = open(suite_path(path, d->dir, SUITE_CLOCK), O_WRONLY | O_NONBLOCK);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, &notice, sizeof(notice)), (ssize_t)sizeof(notice));
    close(fd);
}

// Waits for something to happen and takes it.
static void attend(struct desk *d)
{
    struct pollfd fds[8];
    size_t n = roster_poll(&d->roster, fds, 8);
    cr_assert_gt(poll(fds, n, -1), 0);
    roster_take(&d->roster, fds, n);
}

static pid_t sleeper(void)
{
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        for (;;)
            pause();
    }
    return pid;
}

Test(roster, kills_a_stopped_worker_when_it_is_due, .timeout = 900)
{
    struct desk d;
    open_desk(&d, 3);
    pid_t pid = sleeper();
    kill(pid, SIGSTOP);
    cr_expect_eq(roster_wake_ns(&d.roster), CLOCK_NEVER);
    report_for_duty(&d, 2, pid, 1000);
    attend(&d);
    report_for_duty(&d, 2, pid, 2000); // it knows better now
    attend(&d);
    cr_expect_eq(d.roster.count, 1U);
    cr_expect_eq(roster_wake_ns(&d.roster), 2000U);
    roster_kill(&d.roster, 1999);
    cr_expect_not(d.roster.killed[2]);
    roster_kill(&d.roster, 2000);
    cr_expect(d.roster.killed[2]);
    cr_expect_eq(roster_wake_ns(&d.roster), CLOCK_NEVER);
    attend(&d); // its end
    cr_expect_eq(d.roster.ended, 1U);
    cr_expect_eq(d.roster.count, 0U);
    int status;
    cr_expect_eq(waitpid(pid, &status, 0), pid);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close_desk(&d);
}

Test(roster, believes_no_nonsense, .timeout = 900)
{
    struct desk d;
    open_desk(&d, 1);
    pid_t pid = sleeper();
    report_for_duty(&d, 1, pid, 0); // there is no such case
    attend(&d);
    cr_expect_eq(d.roster.count, 0U);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    report_for_duty(&d, 0, pid, 0); // there is no such process any more
    attend(&d);
    cr_expect_eq(d.roster.count, 0U);
    cr_expect_eq(d.roster.ended, 1U);
    close_desk(&d);
}

Test(roster, deadlines_are_stretched_and_never_shortened)
{
    cr_expect_eq(suite_after(100, 1.5, 1), 100 + 1500 * NS_PER_MS);
    cr_expect_eq(suite_after(100, 1.5, 4), 100 + 6 * NS_PER_S);
    cr_expect_eq(suite_after(100, 1.5, 0.1), 100 + 1500 * NS_PER_MS);
    cr_expect_eq(suite_after(CLOCK_NEVER, 1.5, 1), CLOCK_NEVER);
    cr_expect_eq(suite_after(0, 1.5, 1e30), CLOCK_NEVER);
}

// ---- Outlets ----------------------------------------------------------------

Test(outlet, a_full_pipe_is_given_up, .timeout = 900)
{
    int ends[2];
    static char much[1 << 20];
    cr_assert_eq(pipe(ends), 0);
    cr_expect_not(outlet_write(ends[1], much, sizeof(much), 0));
    // What fits was written, and a reader that comes back gets the rest.
    char byte;
    cr_expect_eq(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
}

static void *drain(void *owner)
{
    const int *fd = owner;
    static char bytes[4096];
    size_t total = 0;
    for (ssize_t n; (n = read(*fd, bytes, sizeof(bytes))) > 0;)
        total += (size_t)n;
    return (void *)total;
}

Test(outlet, a_slow_reader_gets_all_of_it, .timeout = 900)
{
    int ends[2];
    static char much[1 << 20];
    pthread_t thread;
    void *total;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(pthread_create(&thread, NULL, drain, &ends[0]), 0);
    cr_expect(outlet_write(ends[1], much, sizeof(much), CLOCK_NEVER));
    close(ends[1]);
    pthread_join(thread, &total);
    cr_expect_eq((size_t)total, sizeof(much));
    close(ends[0]);
}

Test(outlet, closed_and_broken_streams_are_errors)
{
    int ends[2];
    signal(SIGPIPE, SIG_IGN);
    cr_assert_eq(pipe(ends), 0);
    close(ends[0]);
    cr_expect_not(outlet_write(ends[1], "x", 1, CLOCK_NEVER));
    close(ends[1]);
    cr_expect_not(outlet_write(ends[1], "x", 1, CLOCK_NEVER));
    char path[] = "/tmp/toyvmm-test-XXXXXX";
    int fd = mkstemp(path);
    cr_expect(outlet_write(fd, "x", 1, 0), "a file is never full of patience");
    close(fd);
    unlink(path);
}
