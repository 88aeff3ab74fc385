// SPDX-License-Identifier: Apache-2.0
// Splitting a suite, and exit codes for git.
#include "harness/cli/bisect_exit.h"
#include "harness/cli/cli.h"
#include "harness/cli/shard.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES 60

static uint64_t state = 88172645463325252ULL;

static unsigned dice(unsigned sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % sides);
}

Test(shard, no_part_has_more_than_the_mean_and_one_case)
{
    char text[CASES][24];
    const char *names[CASES];
    double weights[CASES];
    unsigned part[CASES];
    for (unsigned round = 0; round < 200; round++) {
        unsigned shards = 1 + dice(9);
        size_t n = dice(CASES);
        double total = 0, most = 0;
        for (size_t i = 0; i < n; i++) {
            snprintf(text[i], sizeof(text[i]), "c%zu", i);
            names[i] = text[i];
            weights[i] = 1 + dice(round % 2 ? 1000 : 1);
            total += weights[i];
            most = weights[i] > most ? weights[i] : most;
        }
        cr_assert_eq(shard_split(names, weights, n, shards, part), 0);
        double load[10] = {0};
        for (size_t i = 0; i < n; i++) {
            cr_assert_lt(part[i], shards);
            load[part[i]] += weights[i];
        }
        for (unsigned k = 0; k < shards; k++)
            cr_expect_leq(load[k], total / shards + most);
    }
}

Test(shard, the_order_of_the_cases_does_not_matter)
{
    const char *names[] = {"a", "b", "c", "d", "e"};
    const char *turned[] = {"e", "d", "c", "b", "a"};
    const double weights[] = {1, 5, 1, 2, 1}, back[] = {1, 2, 1, 5, 1};
    unsigned one[5], other[5];
    cr_assert_eq(shard_split(names, weights, 5, 2, one), 0);
    cr_assert_eq(shard_split(turned, back, 5, 2, other), 0);
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(one[i], other[4 - i]);
    // b alone weighs as much as all others.
    cr_expect_neq(one[1], one[0]);
    cr_expect_eq(one[0], one[3]);
}

Test(bisect_exit, is_what_git_wants)
{
    cr_expect_eq(bisect_exit(EXIT_PASSED), 0);
    cr_expect_eq(bisect_exit(EXIT_FAILED), 1);
    cr_expect_eq(bisect_exit(EXIT_UNABLE), 125);
    // Neither a wrong command line nor Ctrl-C is a bad commit.
    cr_expect_gt(bisect_exit(EXIT_WRONG), 127);
    cr_expect_gt(bisect_exit(EXIT_INTERRUPTED), 127);
    for (int code = 0; code < 256; code++)
        cr_expect_eq(bisect_exit(bisect_exit(code)), bisect_exit(code));
}
