// SPDX-License-Identifier: Apache-2.0
// Tests of src/base/error.h: codes pass through, sentences are never cut
// without saying so.
#include "src/base/error.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(error, returns_code_and_fills_sentence)
{
    struct error err;
    cr_assert_eq(error_set(&err, -EINVAL, "%s: line %d", "a.tc", 3), -EINVAL);
    cr_assert_str_eq(err.text, "a.tc: line 3");
}

Test(error, null_error_is_fine)
{
    cr_assert_eq(error_set(NULL, -EIO, "x"), -EIO);
    cr_assert_eq(error_errno(NULL, ENOENT, "x"), -ENOENT);
    cr_assert_eq(error_prefix(NULL, -EIO, "x"), -EIO);
}

Test(error, errno_adds_reason)
{
    struct error err;
    cr_assert_eq(error_errno(&err, ENOENT, "can't open %s", "k"), -ENOENT);
    cr_assert_str_eq(err.text, "can't open k: No such file or directory");
}

Test(error, prefix_keeps_the_sentence)
{
    struct error err;
    error_set(&err, -EINVAL, "empty file");
    cr_assert_eq(error_prefix(&err, -EINVAL, "%s", "initrd"), -EINVAL);
    cr_assert_str_eq(err.text, "initrd: empty file");
}

Test(error, long_sentences_end_in_dots)
{
    struct error err;
    char name[600];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';

    error_set(&err, -1, "%s", name);
    cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
    cr_assert_str_eq(err.text + sizeof(err.text) - 4, "...");

    // Cut while the reason is appended.
    name[500] = '\0';
    error_errno(&err, ENOENT, "%s", name);
    cr_assert_eq(strlen(err.text), sizeof(err.text) - 1);
    cr_assert_str_eq(err.text + sizeof(err.text) - 4, "...");
}
