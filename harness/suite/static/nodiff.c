// SPDX-License-Identifier: Apache-2.0
// Stands in for libgit2 where toyvmm-test is linked with Criterion's static
// library. Criterion draws the diff of two strings with it, for assertions
// that toyvmm-test doesn't make, and by way of it loads eighteen more shared
// libraries, each of which it then searches for tests thirteen times: in an
// emulated machine that is a good part of a second for every process.
#include <stddef.h>

int git_libgit2_init(void);
int git_libgit2_shutdown(void);
int git_diff_buffers(void);

// As libgit2 says it: one user of the library now.
int git_libgit2_init(void)
{
    return 1;
}

int git_libgit2_shutdown(void)
{
    return 0;
}

// Not reached; Criterion prints both strings when there is no diff.
int git_diff_buffers(void)
{
    return -1;
}
