// SPDX-License-Identifier: Apache-2.0
// A folder of their own for tests of the command, and what they print. Each
// test is a process, and has its own.
#pragma once

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char test_folder[] = "/tmp/toyvmm-cli-XXXXXX";

static inline void enter_folder(void)
{
    cr_assert_not_null(mkdtemp(test_folder));
    cr_assert_eq(chdir(test_folder), 0);
}

static inline void leave_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -r '%s'", test_folder);
    cr_assert_eq(chdir("/"), 0);
    cr_expect_eq(system(command), 0);
}

static inline void put_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "we");
    cr_assert_not_null(f, "%s", name);
    fputs(text, f);
    fclose(f);
}

// A heap string.
static inline char *get_file(const char *name)
{
    FILE *f = fopen(name, "re");
    cr_assert_not_null(f, "%s", name);
    char *text = calloc(1, 1 << 16);
    cr_assert_not_null(text);
    cr_assert_lt(fread(text, 1, (1 << 16) - 1, f), 1U << 16);
    fclose(f);
    return text;
}

// Whether a file holds just this text.
static inline bool file_is(const char *name, const char *text)
{
    char *found = get_file(name);
    bool same = !strcmp(found, text);
    free(found);
    return same;
}
