// SPDX-License-Identifier: Apache-2.0
// The MSR policy on made-up index lists.
#include "src/host/msrs.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t pick(const uint32_t *indices, uint32_t n,
                   struct msr_setting out[MSRS_MAX])
{
    struct kvm_msr_list *list = calloc(1, sizeof *list + n * sizeof *indices);
    cr_assert(list);
    list->nmsrs = n;
    if (n)
        memcpy(list->indices, indices, n * sizeof *indices);
    size_t picked = msrs_policy(list, out);
    free(list);
    return picked;
}

Test(host_msrs, only_what_is_listed)
{
    struct msr_setting out[MSRS_MAX];
    const uint32_t without[] = {0x10, 0x174, 0xc0000081};
    // The MTRRs are there on kernels that don't list them.
    cr_assert_eq(pick(NULL, 0, out), 1);
    cr_assert_eq(out[0].index, 0x2ff);
    cr_assert_eq(pick(without, 3, out), 1);

    const uint32_t with[] = {0x10, 0x2ff, 0x1a0};
    cr_assert_eq(pick(with, 3, out), 2);
    cr_assert_eq(out[0].index, 0x1a0);
    cr_assert_eq(out[0].set, 1);
    cr_assert_eq(out[0].clear, 0);
    cr_assert_eq(out[1].index, 0x2ff);
    cr_assert_eq(out[1].set, 0x806); // enabled, write-back
}

Test(host_msrs, what_is_refused_is_counted_and_survived)
{
    struct msr_setting out[MSRS_MAX];
    const uint32_t with[] = {0x2ff, 0x1a0};
    size_t n = pick(with, 2, out);
    int fds[2];
    cr_assert_eq(pipe(fds), 0); // refuses every ioctl of a vCPU
    cr_assert_eq(msrs_apply(fds[0], out, n), 0);
    close(fds[0]);
    close(fds[1]);
}
