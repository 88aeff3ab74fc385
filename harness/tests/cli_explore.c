// SPDX-License-Identifier: Apache-2.0
// --explore: which boots it is made of, and what failures have in common.
#include "harness/cli/exact_difference.h"
#include "harness/cli/explore.h"
#include "harness/tests/cli_files.h"

#include <errno.h>

TestSuite(explore, .init = enter_folder, .fini = leave_folder);

Test(explore, each_case_once_a_seed_and_what_is_skipped_once)
{
    static char folder[] = ".";
    char *words[] = {folder};
    struct options o = {.jobs = 1,
                        .npaths = 1,
                        .paths = words,
                        .explore = 3,
                        .machine = {.kernel = "other"},
                        .seed = {.value = 41}};
    struct selection s = {0};
    struct exploration e;
    struct error err = {""};
    put_file("a.tc", "test \"A\"\nkernel \"image\"\nexpect /x/\n");
    put_file("b.tc", "test \"B\"\nkernel \"image\"\nexpect /x/\n");
    cr_assert_eq(selection_make(&s, &o, stderr, &err), 0, "%s", err.text);
    s.list[1].skip = strdup("for a reason");
    cr_assert_eq(explore_make(&e, &o, &s), 0);
    cr_assert_eq(e.boots.count, 4);
    cr_expect_str_eq(e.boots.cases[0].name, "a@41");
    cr_expect_str_eq(e.boots.cases[2].title, "A (seed 43)");
    cr_expect_str_eq(e.boots.cases[2].series, "A");
    cr_expect_eq(e.seeds[2], 43);
    cr_expect_str_eq(e.boots.cases[2].machine.kernel, "other");
    cr_expect_str_eq(e.boots.cases[3].title, "B");
    cr_expect_str_eq(e.boots.cases[3].skip, "for a reason");
    explore_free(&e);
    selection_free(&s);
}

Test(explore, a_failure_is_known_by_its_report_or_its_place)
{
    struct result r;
    char title[100];
    result_init(&r);
    explore_title(&r, title, sizeof(title));
    cr_expect_str_eq(title, "");
    r.verdict = VERDICT_FAILED;
    explore_title(&r, title, sizeof(title));
    cr_expect_str_eq(title, "no reason known");
    cr_assert_eq(result_set(&r.message, "it\ncame"), 0);
    cr_assert_eq(result_set(&r.where, "a.tc:3:1"), 0);
    explore_title(&r, title, sizeof(title));
    cr_expect_str_eq(title, "a.tc:3:1: it");
    cr_assert_eq(result_add_property(&r, "failure.title", "BUG: x"), 0);
    explore_title(&r, title, sizeof(title));
    cr_expect_str_eq(title, "BUG: x");
    result_free(&r);
}

// What ran goes by its own clock, whatever this host's says.
Test(explore, a_run_is_as_long_as_its_boots)
{
    struct result list[3];
    struct suite_run run = {.results = list, .count = 3};
    uint64_t start = 7, took = 7;
    for (size_t i = 0; i < 3; i++)
        result_init(&list[i]);
    exact_span(&run, &start, &took);
    cr_expect_eq(start, 7);
    list[0].started_unix_ns = 100;
    list[0].duration_ns = 10;
    list[1].started_unix_ns = 105;
    list[1].duration_ns = 20;
    list[2].started_unix_ns = 1; // never ran
    exact_span(&run, &start, &took);
    cr_expect_eq(start, 100);
    cr_expect_eq(took, 25);
}

// ---- Where two runs began to differ -----------------------------------------

static void put_console(struct result *r, char *bytes,
                        struct result_line *lines, size_t nlines)
{
    r->consoles = calloc(1, sizeof(*r->consoles));
    cr_assert(r->consoles);
    r->nconsoles = 1;
    r->consoles[0] = (struct result_console){
        .bytes = bytes, .len = strlen(bytes), .nlines = nlines, .lines = lines};
}

Test(explore, the_earliest_difference_is_told)
{
    static char one[] = "a\nbc\n", two[] = "a\nbd\n";
    static struct result_line at[] = {{0, 10}, {2, 20}},
                              late[] = {{0, 10}, {2, 21}};
    struct result a = {0}, b = {0};
    char text[300];
    cr_assert_eq(result_add_mark(&a, "first", 10, 5, 1), 0);
    cr_assert_eq(result_add_mark(&b, "first", 10, 5, 1), 0);
    put_console(&a, one, at, 2);
    put_console(&b, one, at, 2);
    exact_difference(&a, &b, text, sizeof(text));
    cr_expect_str_eq(text, "");
    b.duration_ns = 7;
    exact_difference(&a, &b, text, sizeof(text));
    cr_expect_str_eq(text, "the end after 0 and 7 ns");
    b.consoles[0].lines = late;
    exact_difference(&a, &b, text, sizeof(text));
    cr_expect_str_eq(text, "ttyS0's line 2: \"bc\" at 20 ns; \"bc\" at 21 ns");
    b.consoles[0].lines = at;
    b.consoles[0].bytes = two;
    exact_difference(&a, &b, text, sizeof(text));
    cr_expect_str_eq(text, "ttyS0's line 2: \"bc\" at 20 ns; \"bd\" at 20 ns");
    b.consoles[0].nlines = 1;
    exact_difference(&a, &b, text, sizeof(text));
    cr_expect_str_eq(text, "ttyS0's line 2: \"bc\" at 20 ns; none");
    // A mark before it.
    cr_assert_eq(result_add_mark(&a, "second", 15, 6, 2), 0);
    exact_difference(&a, &b, text, sizeof(text));
    cr_expect_str_eq(text, "mark second at 15 ns, and no such mark");
    cr_assert_eq(result_add_mark(&b, "second", 15, 6, 3), 0);
    exact_difference(&a, &b, text, sizeof(text));
    cr_expect_str_eq(text,
                     "mark second at 15 ns, CPU 6 ns, 2 exits; mark second "
                     "at 15 ns, CPU 6 ns, 3 exits");
    free(a.consoles);
    free(b.consoles);
    a.nconsoles = b.nconsoles = 0;
    a.consoles = b.consoles = NULL;
    result_free(&a);
    result_free(&b);
}
