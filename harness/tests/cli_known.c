// SPDX-License-Identifier: Apache-2.0
// Known failures: what a file of them says, and what is wrong with it.
#include "harness/cli/known.h"
#include "harness/tests/cli_files.h"

#include <errno.h>

TestSuite(known, .init = enter_folder, .fini = leave_folder);

// 2030-01-01 00:00:00 UTC
#define NEW_YEAR INT64_C(1893456000)

Test(known, wrong_lines_are_told_all_at_once)
{
    struct known_failures k;
    struct error err = {""};
    char *text = NULL;
    size_t size = 0;
    put_file("known", "# a comment\n"
                      "boot\n"
                      "  b\xc3\xb6ot* 2030-02-30 ann \xc3\xb6\n"
                      "boot 2030-1-1 ann why\n"
                      "boot 2030-01-01\n"
                      "good 2030-01-01 ann  all is \t well \r\n"
                      "boot\t2030-01-01 ann\n"
                      "good 2031-01-01 bob once more\n");
    FILE *f = open_memstream(&text, &size);
    cr_assert_eq(known_load(&k, "known", f, &err), -EINVAL);
    fclose(f);
    static const char usage[] =
        "      = a line is SCENARIO UNTIL OWNER REASON, as `boot* 2030-12-31 "
        "ann hangs with two processors`\n";
    static const char day[] =
        "      = give the last day on which it is expected to fail as "
        "YYYY-MM-DD, like 2030-12-31\n";
    char *wanted = NULL;
    cr_assert_geq(
        asprintf(&wanted,
                 "known:2:5: error: there is no date behind the scenario\n"
                 "    2 | boot\n"
                 "      |     ^\n%s"
                 "known:3:9: error: this is no day of the calendar\n"
                 "    3 |   b\xc3\xb6ot* 2030-02-30 ann \xc3\xb6\n"
                 "      |         ^~~~~~~~~~\n%s"
                 "known:4:6: error: this is no day of the calendar\n"
                 "    4 | boot 2030-1-1 ann why\n"
                 "      |      ^~~~~~~~\n%s"
                 "known:5:16: error: nobody owns this: there is no name behind "
                 "the date\n"
                 "    5 | boot 2030-01-01\n"
                 "      |                ^\n%s"
                 "known:7:20: error: there is no reason behind the owner\n"
                 "    7 | boot\t2030-01-01 ann\n"
                 "      |     \t              ^\n%s"
                 "known:8:1: error: this scenario has line 6 already\n"
                 "    8 | good 2031-01-01 bob once more\n"
                 "      | ^~~~\n"
                 "      = make one line of the two\n",
                 usage, day, day, usage, usage),
        0);
    cr_expect_str_eq(text, wanted);
    cr_expect_str_eq(err.text,
                     "--known-failures known: 6 lines are wrong: nothing was "
                     "run");
    cr_assert_eq(k.count, 1);
    cr_expect_str_eq(k.list[0].reason, "all is \t well");
    cr_expect_eq(k.list[0].line, 6);
    cr_expect_eq(k.list[0].expires, NEW_YEAR + 86400);
    free(wanted);
    free(text);
    known_free(&k);
}

Test(known, a_file_that_is_not_there)
{
    struct known_failures k;
    struct error err = {""};
    cr_expect_eq(known_load(&k, "none", stderr, &err), -EINVAL);
    cr_expect_str_eq(err.text, "--known-failures none can't be read: No such "
                               "file or directory");
    known_free(&k);
}

// The cases of a `matrix` in t/a.tc, and b.tc; as the file says, at a time.
static void apply(struct selection *s, const char *file, int64_t now)
{
    char paths[][8] = {"t/a.tc", "b.tc"};
    char *list[] = {paths[0], paths[1]};
    struct options o = {.paths = list, .npaths = 2};
    struct known_failures k;
    struct error err = {""};
    put_file("known", file);
    (void)mkdir("t", 0700);
    put_file("t/a.tc", "guest busybox\nmatrix n 1 2\nexpect /${n}/\n");
    put_file("b.tc", "guest busybox\nexpect /x/\n");
    cr_assert_eq(selection_make(s, &o, stderr, &err), 0, "%s", err.text);
    cr_assert_eq(known_load(&k, "known", stderr, &err), 0, "%s", err.text);
    cr_assert_eq(known_apply(&k, now, s), 0);
    known_free(&k);
}

Test(known, names_and_globs_as_for_filter)
{
    static const struct {
        const char *pattern;
        bool known[3]; // t/a[n=1], t/a[n=2], ./b
    } table[] = {
        {"a", {true, true, false}},    {"t/a[n=2]", {false, true, false}},
        {"t/*", {true, true, false}},  {"*", {true, true, true}},
        {"./b", {false, false, true}}, {"a[n=3]", {false, false, false}},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct selection s;
        char line[64];
        snprintf(line, sizeof(line), "%s 2030-01-01 ann why", table[i].pattern);
        apply(&s, line, NEW_YEAR);
        cr_assert_eq(s.count, 3);
        for (size_t n = 0; n < 3; n++)
            cr_expect_eq(s.list[n].known != NULL, table[i].known[n], "%s %zu",
                         table[i].pattern, n);
        selection_free(&s);
    }
}

Test(known, until_the_day_is_over)
{
    static const char file[] = "b 2029-12-31 ann the old reason\n"
                               "* 2030-01-01 bob the new one\n";
    struct selection s;
    const struct selected *b;
    apply(&s, file, NEW_YEAR - 1);
    b = &s.list[2];
    cr_expect_str_eq(b->known, "the old reason (ann, until 2029-12-31)");
    cr_expect_str_eq(b->known_where, "known:1");
    cr_expect_not(b->known_expired);
    selection_free(&s);
    // A line that holds is more than one that is expired.
    apply(&s, file, NEW_YEAR);
    b = &s.list[2];
    cr_expect_str_eq(b->known, "the new one (bob, until 2030-01-01)");
    cr_expect_not(b->known_expired);
    selection_free(&s);
    apply(&s, file, NEW_YEAR + 86400);
    b = &s.list[2];
    cr_expect_str_eq(b->known_where, "known:1");
    cr_expect(b->known_expired);
    selection_free(&s);
}
