// SPDX-License-Identifier: Apache-2.0
// A guest's only program, with a bug that real ones have: it looks whether its
// timer has gone off, and goes to sleep if not. When the timer goes off between
// the two, a few instructions, nobody ever wakes it. Built by e2e_exact.sh and
// scripts/bench/exact.sh; exploration must find it.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

// One of some ten thousand hits it.
#define ROUNDS 3000

static volatile sig_atomic_t gone_off;

static void take(int which)
{
    (void)which;
    gone_off = 1;
}

int main(void)
{
    const struct sigaction action = {.sa_handler = take};
    uint32_t chance = 1;
    sigaction(SIGALRM, &action, NULL);
    (void)!getrandom(&chance, sizeof(chance), 0);
    dprintf(1, "racing\n");
    for (int i = 0; i < ROUNDS; i++) {
        chance = chance * 1664525 + 1013904223;
        // Both take 50 to 150 us or thereabouts.
        const struct itimerval timer = {
            .it_value = {.tv_usec = 50 + (chance >> 16) % 100}};
        gone_off = 0;
        setitimer(ITIMER_REAL, &timer, NULL);
        for (volatile uint32_t work = (chance >> 8) % 20000; work > 0; work--)
            ;
        while (!gone_off)
            pause();
    }
    dprintf(1, "all of %d rounds\n", ROUNDS);
    for (;;)
        pause();
}
