// SPDX-License-Identifier: Apache-2.0
// See suite_attempts_util.h.
#include "harness/tests/suite_attempts_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void put_recording(const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof(command), "cp '%s' '%s'", from, to);
    // NOLINTNEXTLINE(cert-env33-c): paths of this test
    cr_assert_eq(system(command), 0);
}

static char folder[] = "/tmp/toyvmm-attempts-XXXXXX";

void attempts_begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    put_recording(RECORDINGS "timeout.tvr", "a.tvr");
    put_recording(RECORDINGS "secret.tvr", "b.tvr");
}

void attempts_end(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    cr_assert_eq(chdir("/"), 0);
    cr_expect_eq(system(command), 0);
}
