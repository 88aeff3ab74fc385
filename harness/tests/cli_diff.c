// SPDX-License-Identifier: Apache-2.0
// Differences, by example, and applied to what they were made from.
#include "harness/cli/diff.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char *diff(const char *old, const char *new)
{
    char *text = NULL;
    size_t len = 0;
    struct error err = {""};
    FILE *f = open_memstream(&text, &len);
    cr_assert_not_null(f);
    cr_assert_eq(diff_print(f, "f", "new", old, new, &err), 0, "%s", err.text);
    fclose(f);
    return text;
}

#define HEAD "--- f\n+++ f (new)\n"

Test(diff, examples)
{
    static const struct {
        const char *old, *new, *diff;
    } table[] = {
        {"", "", ""},
        {"a\n", "a\n", ""},
        {"", "a\n", HEAD "@@ -0,0 +1 @@\n+a\n"},
        {"a\n", "", HEAD "@@ -1 +0,0 @@\n-a\n"},
        {"a\nb\nc\n", "a\nx\nc\n", HEAD "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
        {"a", "a\n",
         HEAD "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
        // Two places, and two that are near each other.
        {"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\ny\n",
         HEAD "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n"
              "@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n"},
        {"a\n1\n2\n3\n4\n5\n6\nb\n", "x\n1\n2\n3\n4\n5\n6\ny\n",
         HEAD "@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char *text = diff(table[i].old, table[i].new);
        cr_expect_str_eq(text, table[i].diff, "%zu gives:\n%s", i, text);
        free(text);
    }
}

static unsigned dice(uint64_t *state, unsigned sides)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(*state >> 33) % sides;
}

static char *random_lines(uint64_t *state)
{
    unsigned n = dice(state, 30);
    char *text = calloc(1, 2 * n + 1);
    cr_assert_not_null(text);
    for (unsigned i = 0; i < n; i++) {
        text[2 * i] = (char)('a' + dice(state, 4));
        text[2 * i + 1] = '\n';
    }
    return text;
}

// Applies a diff: lines before a hunk are copied, its own must be there.
static char *patch(const char *old, const char *diff)
{
    char *out = calloc(1, 4096), *end = out;
    unsigned line = 1;
    cr_assert_not_null(out);
    for (const char *at = diff; *at; at += strcspn(at, "\n") + 1) {
        size_t len = strcspn(at, "\n");
        if (!strncmp(at, "---", 3) || !strncmp(at, "+++", 3))
            continue;
        if (*at == '@') {
            char *rest;
            unsigned long from = strtoul(at + 4, &rest, 10);
            from += *rest == ',' && rest[1] == '0';
            for (; line < from; line++, old += 2, end += 2)
                memcpy(end, old, 2);
            continue;
        }
        cr_assert_eq(len, 2U);
        if (*at == ' ' || *at == '-') {
            cr_assert_eq(old[0], at[1]);
            old += 2;
            line++;
        }
        if (*at != '-') {
            memcpy(end, at + 1, 2);
            end += 2;
        }
    }
    strcpy(end, old);
    return out;
}

Test(diff, can_be_applied)
{
    uint64_t state = 1;
    for (unsigned i = 0; i < 2000; i++) {
        char *old = random_lines(&state);
        char *new = random_lines(&state);
        char *text = diff(old, new);
        char *made = patch(old, text);
        cr_assert_str_eq(made, new, "%s\nbecame:\n%s\nby:\n%s", old, made,
                         text);
        free(old);
        free(new);
        free(text);
        free(made);
    }
}

// So many pairs of lines aren't compared one by one.
Test(diff, large)
{
    size_t n = 10000;
    char *old = calloc(1, 2 * n + 3), *new = calloc(1, 2 * n + 3);
    cr_assert(old && new);
    for (size_t i = 0; i < n; i++) {
        memcpy(old + 2 * i, "a\n", 2);
        memcpy(new + 2 * i, "b\n", 2);
    }
    char *text = diff(old, new);
    cr_expect(strstr(text, "@@ -1,10000 +1,10000 @@"));
    free(text);
    free(old);
    free(new);
}
