// SPDX-License-Identifier: Apache-2.0
// Goes to sleep 20,000 times for moments, and prints when it awoke each time,
// as one number. Built by e2e_exact.sh: in the exact rig that is always the
// same number, however busy the host is.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

int main(void)
{
    struct timespec now = {0};
    uint64_t all = 0;
    for (int i = 0; i < 20000; i++) {
        const struct timespec rest = {.tv_nsec = 20000 + i % 7 * 1000};
        nanosleep(&rest, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        all = all * 1099511628211u + (uint64_t)now.tv_nsec;
    }
    printf("awake at %lld.%09ld, in all %016" PRIx64 "\n",
           (long long)now.tv_sec, now.tv_nsec, all);
}
