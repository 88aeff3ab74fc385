// SPDX-License-Identifier: Apache-2.0
// Guarding the command's end (guard.h).
#include "harness/cli/guard.h"

#include "src/base/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

// What the signal handler has to reach; written while the timer is off.
static volatile sig_atomic_t exit_code;

void guard_streams(void)
{
    for (int fd = 0; fd < 3; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            (void)!open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
    }
}

void guard_pipes(void)
{
    signal(SIGPIPE, SIG_IGN);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    _exit(exit_code);
}

void guard_exit(int code, uint64_t at_ns)
{
    struct itimerval off = {0};
    setitimer(ITIMER_REAL, &off, NULL);
    if (at_ns == CLOCK_NEVER)
        return;
    exit_code = code;
    struct sigaction act = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &act, NULL);
    uint64_t now = clock_now_ns();
    uint64_t left = at_ns > now + NS_PER_US ? at_ns - now : NS_PER_US;
    struct itimerval on = {
        .it_value = {(time_t)(left / NS_PER_S),
                     (suseconds_t)(left % NS_PER_S / NS_PER_US)}};
    setitimer(ITIMER_REAL, &on, NULL);
}
