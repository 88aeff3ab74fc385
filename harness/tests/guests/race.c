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

// Half of all boots hit it, or thereabouts.
#define ROUNDS 500

// It works for as long as its timer takes, and learns how long that is; by how
// much it is longer or shorter is chance.
#define TIMER_US 100
#define STEP     100
#define DITHER   1000

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
    uint32_t usual = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const struct itimerval timer = {.it_value = {.tv_usec = TIMER_US}};
        chance = chance * 1664525 + 1013904223;
        volatile uint32_t work = usual + (chance >> 16) % DITHER;
        gone_off = 0;
        setitimer(ITIMER_REAL, &timer, NULL);
        while (work > 0)
            work--;
        if (!gone_off)
            usual += STEP;
        else if (usual >= STEP)
            usual -= STEP;
        while (!gone_off)
            pause();
    }
    dprintf(1, "all of %d rounds\n", ROUNDS);
    for (;;)
        pause();
}
