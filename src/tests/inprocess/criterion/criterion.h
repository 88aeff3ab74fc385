// SPDX-License-Identifier: Apache-2.0
// Stands in for <criterion/criterion.h> in ThreadSanitizer builds: Criterion
// maps the memory it shares with its workers where ThreadSanitizer has its
// shadow. The same tests, one after the other, in this process; TAP on stdout.
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct inprocess_options {
    void (*init)(void);
    void (*fini)(void);
    double timeout;
    bool disabled;
    const char *description;
    int signal;
    int exit_code;
};

struct inprocess_test {
    const char *suite, *name;
    void (*body)(void);
    struct inprocess_options options;
    struct inprocess_test *next;
};

void inprocess_add_test(struct inprocess_test *test);
void inprocess_add_suite(const char *suite, struct inprocess_options options);
// Ends the test when fatal.
void inprocess_failed(const char *file, int line, const char *what, bool fatal);
_Noreturn void inprocess_skip(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

#define Test(s, n, ...)                                                        \
    static void inprocess_##s##_##n(void);                                     \
    __attribute__((constructor)) static void inprocess_add_##s##_##n(void)     \
    {                                                                          \
        static struct inprocess_test test = {                                  \
            #s, #n, inprocess_##s##_##n, {__VA_ARGS__}, NULL};                 \
        inprocess_add_test(&test);                                             \
    }                                                                          \
    static void inprocess_##s##_##n(void)

#define TestSuite(s, ...)                                                      \
    __attribute__((constructor)) static void inprocess_suite_##s(void)         \
    {                                                                          \
        inprocess_add_suite(#s, (struct inprocess_options){__VA_ARGS__});      \
    }                                                                          \
    extern int inprocess_end_##s

#define INPROCESS(good, what, fatal)                                           \
    ((good) ? (void)0 : inprocess_failed(__FILE__, __LINE__, what, fatal))

#define cr_skip_test(...)          inprocess_skip(__VA_ARGS__)
#define cr_assert(a, ...)          INPROCESS(a, #a, true)
#define cr_assert_not(a, ...)      INPROCESS(!(a), "!(" #a ")", true)
#define cr_assert_fail(...)        INPROCESS(false, "fail", true)
#define cr_assert_null(a, ...)     INPROCESS((a) == NULL, #a " == NULL", true)
#define cr_assert_not_null(a, ...) INPROCESS((a) != NULL, #a " != NULL", true)
#define cr_assert_eq(a, b, ...)    INPROCESS((a) == (b), #a " == " #b, true)
#define cr_assert_neq(a, b, ...)   INPROCESS((a) != (b), #a " != " #b, true)
#define cr_assert_lt(a, b, ...)    INPROCESS((a) < (b), #a " < " #b, true)
#define cr_assert_leq(a, b, ...)   INPROCESS((a) <= (b), #a " <= " #b, true)
#define cr_assert_gt(a, b, ...)    INPROCESS((a) > (b), #a " > " #b, true)
#define cr_assert_geq(a, b, ...)   INPROCESS((a) >= (b), #a " >= " #b, true)
#define cr_assert_str_eq(a, b, ...)                                            \
    INPROCESS(!strcmp(a, b), #a " is the text " #b, true)
#define cr_assert_arr_eq(a, b, n, ...)                                         \
    INPROCESS(!memcmp(a, b, n), #a " is the bytes " #b, true)
#define cr_expect(a, ...)          INPROCESS(a, #a, false)
#define cr_expect_not(a, ...)      INPROCESS(!(a), "!(" #a ")", false)
#define cr_expect_eq(a, b, ...)    INPROCESS((a) == (b), #a " == " #b, false)
#define cr_expect_null(a, ...)     INPROCESS((a) == NULL, #a " == NULL", false)
#define cr_expect_not_null(a, ...) INPROCESS((a) != NULL, #a " != NULL", false)
#define cr_expect_neq(a, b, ...)   INPROCESS((a) != (b), #a " != " #b, false)
#define cr_expect_lt(a, b, ...)    INPROCESS((a) < (b), #a " < " #b, false)
#define cr_expect_leq(a, b, ...)   INPROCESS((a) <= (b), #a " <= " #b, false)
#define cr_expect_gt(a, b, ...)    INPROCESS((a) > (b), #a " > " #b, false)
#define cr_expect_geq(a, b, ...)   INPROCESS((a) >= (b), #a " >= " #b, false)
#define cr_expect_str_eq(a, b, ...)                                            \
    INPROCESS(!strcmp(a, b), #a " is the text " #b, false)
