// SPDX-License-Identifier: Apache-2.0
// What `matrix` makes of a file: how many cases, with which values, names and
// titles, and what is told of those that are wrong.
#include "harness/cli/cases.h"
#include "harness/tests/cli_files.h"

#include <errno.h>

TestSuite(cases, .init = enter_folder, .fini = leave_folder);

#define MACHINE "kernel \"k\"\n"
#define STEP    "expect /x/\n"

static struct case_list list;
static struct tally tally;

// Reads text as a.tc; errors are in the file log. sets: "a=b" or NULL.
static int read_these(const char *text, const char *name, const char *value)
{
    struct override set = {name, value};
    put_file("a.tc", text);
    tally = (struct tally){0};
    FILE *log = fopen("log", "we");
    int code = cases_read(&list, "a.tc", &set, name != NULL, log, &tally);
    fclose(log);
    return code;
}

// The labels of all cases, one after the other.
static const char *labels(const char *text, const char *name, const char *value)
{
    static char out[4096];
    *out = '\0';
    cr_assert_eq(read_these(text, name, value), 0);
    for (size_t i = 0; i < list.count; i++) {
        strcat(out, list.list[i].label);
        strcat(out, "|");
    }
    case_list_free(&list);
    return out;
}

Test(cases, are_the_product)
{
    const char *two = MACHINE "matrix a 1 2\nmatrix b x y z\n" STEP;
    cr_expect_str_eq(labels(MACHINE STEP, NULL, NULL), "|");
    cr_expect_str_eq(labels(MACHINE "matrix a one\n" STEP, NULL, NULL),
                     "[a=one]|");
    cr_expect_str_eq(labels(two, NULL, NULL), "[a=1,b=x]|[a=1,b=y]|[a=1,b=z]|"
                                              "[a=2,b=x]|[a=2,b=y]|[a=2,b=z]|");
    cr_expect_str_eq(labels(two, "b", "y"), "[a=1,b=y]|[a=2,b=y]|");
    cr_expect_str_eq(labels(two, "a", "2"), "[a=2,b=x]|[a=2,b=y]|[a=2,b=z]|");
}

Test(cases, labels_need_no_quotes)
{
    cr_expect_str_eq(labels(MACHINE "matrix k \"a b\" /boot/x \"\" v6.1-2_+\n"
                                    "matrix l '$(rm)' \"\xc3\xa4\"\n" STEP,
                            "k", "a b"),
                     "[k=a_b,l=__rm_]|[k=a_b,l=__]|");
    cr_expect_str_eq(
        labels(MACHINE "matrix k \"\" /boot/x v6.1-2_+\n" STEP, NULL, NULL),
        "[k=]|[k=_boot_x]|[k=v6.1-2_+]|");
    const char *label = labels(
        MACHINE
        "matrix k "
        "0123456789012345678901234567890123456789012345678901234567\n" STEP,
        NULL, NULL);
    cr_expect_str_eq(label, "[k=0123456789012345678901234567890123456789...]|");
}

Test(cases, have_their_values)
{
    cr_assert_eq(read_these(MACHINE "matrix a \"1 2\" 3\nset v \"<${a}>\"\n"
                                    "cmdline \"x=${v}\"\n" STEP,
                            NULL, NULL),
                 0);
    cr_assert_eq(list.count, 2);
    cr_expect_eq(list.list[1].nsets, 1);
    cr_expect_str_eq(list.list[1].sets[0].name, "a");
    cr_expect_str_eq(list.list[1].sets[0].value, "3");
    cr_expect_str_eq(list.list[0].scenario->cmdline.pieces[0].bytes, "x=<1 2>");
    cr_expect_str_eq(list.list[1].scenario->cmdline.pieces[0].bytes, "x=<3>");
    case_list_free(&list);
}

// The title of the second case of `matrix a 1 2` and `matrix b "x y"`.
static const char *second_title(const char *title)
{
    static char out[256];
    char text[512];
    snprintf(text, sizeof(text),
             MACHINE "%s\nmatrix a 1 2\nmatrix b \"x y\"\n" STEP, title);
    cr_assert_eq(read_these(text, NULL, NULL), 0);
    cr_assert_eq(list.count, 2);
    snprintf(out, sizeof(out), "%s", list.list[1].title);
    case_list_free(&list);
    return out;
}

Test(cases, titles_tell_them_apart)
{
    cr_expect_str_eq(second_title("test \"T\""), "T [a=2,b=x y]");
    cr_expect_str_eq(second_title(""), "a [a=2,b=x y]");
    cr_expect_str_eq(second_title("test \"T ${a}\""), "T 2 [b=x y]");
    cr_expect_str_eq(second_title("test \"${b}, ${a}\""), "x y, 2");
}

Test(cases, titles_that_would_be_equal_have_all_values)
{
    cr_assert_eq(read_these("test \"${a}${b}\"\n" MACHINE
                            "matrix a x xy\nmatrix b z yz\n" STEP,
                            NULL, NULL),
                 0);
    cr_assert_eq(list.count, 4);
    cr_expect_str_eq(list.list[0].title, "xz");
    cr_expect_str_eq(list.list[1].title, "xyz [a=x,b=yz]");
    cr_expect_str_eq(list.list[2].title, "xyz [a=xy,b=z]");
    cr_expect_str_eq(list.list[3].title, "xyyz");
    case_list_free(&list);
}

static bool told(const char *what)
{
    char *text = get_file("log");
    bool found = strstr(text, what) != NULL;
    if (!found)
        cr_log_error("told was: %s", text);
    free(text);
    return found;
}

static size_t times_told(const char *what)
{
    char *text = get_file("log");
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        n++;
    free(text);
    return n;
}

Test(cases, what_is_wrong_is_told_once)
{
    cr_expect_eq(read_these(MACHINE "matrix a 1 2 3\nexpct /x/\nexpect /(/\n",
                            NULL, NULL),
                 -EINVAL);
    cr_expect_eq(tally.errors, 2);
    cr_expect_eq(times_told("unknown statement"), 1);
    // A warning of the file is no error, and isn't said for each case.
    cr_expect_eq(read_these(MACHINE "timeout 5s\nmatrix a 1 2 3\n"
                                    "expect /x/ within 6s\n",
                            NULL, NULL),
                 0);
    cr_expect_eq(list.count, 3);
    case_list_free(&list);
    cr_expect_eq(tally.errors, 0);
    cr_expect_eq(tally.warnings, 1);
    cr_expect_eq(times_told("warning"), 1);
}

Test(cases, what_is_wrong_with_one_case_names_it)
{
    char long_value[700];
    memset(long_value, 'x', sizeof(long_value));
    long_value[sizeof(long_value) - 1] = '\0';
    char text[1024];
    // A guest's name that is none, in one of the cases.
    snprintf(text, sizeof(text),
             "matrix a busybox \"no such name\"\n"
             "guest ${a}\n" STEP);
    cr_expect_eq(read_these(text, NULL, NULL), -EINVAL);
    cr_expect(told("a.tc, case [a=no_such_name]:\na.tc:2:"));
    cr_expect_eq(tally.errors, 1);
}

Test(cases, values_that_an_axis_does_not_have)
{
    cr_expect_eq(read_these(MACHINE "matrix a 1 2\n" STEP, "a", "3"), -EINVAL);
    cr_expect(told("a.tc:2:8: error"));
}

static char *powers_of_two(unsigned n)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    fputs(MACHINE, f);
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "matrix a%u x y\n", i);
    fputs(STEP, f);
    fclose(f);
    return text;
}

Test(cases, are_limited)
{
    char *most = powers_of_two(12);
    cr_expect_eq(read_these(most, NULL, NULL), 0);
    cr_expect_eq(list.count, CASES_MAX);
    case_list_free(&list);
    free(most);
    // Also where the product has more digits than any number.
    for (unsigned n = 13; n < 200; n += 51) {
        char *more = powers_of_two(n);
        cr_expect_eq(read_these(more, NULL, NULL), -EINVAL);
        cr_expect(told("more than 4096 cases"));
        cr_expect_eq(tally.errors, 1);
        free(more);
    }
}

Test(cases, files_that_are_not_there)
{
    FILE *log = fopen("log", "we");
    tally = (struct tally){0};
    cr_expect_eq(cases_read(&list, "no.tc", NULL, 0, log, &tally), -ENOENT);
    fclose(log);
    cr_expect(told("no.tc: "));
    cr_expect_eq(tally.errors, 1);
}
