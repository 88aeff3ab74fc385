// SPDX-License-Identifier: Apache-2.0
// Which words hide a failure, and what the names are that stand before them:
// the TAP 14 and KTAP texts, and what programs make of them.
#include "harness/tests/ktap_told.h"

#include "harness/report/output.h"
#include "harness/report/tap.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ktap_example names[] = {
    {"a method's name is none",
     "TAP version 13\n1..5\nnot ok 1 Range #skip drops the first\n"
     "not ok 2 - #skip drops the first\nnot ok 3 #todo\n"
     "ok 4 Range #skip drops none\nnot ok 5 Range#skip\n",
     "complete\nF Range #skip drops the first\nF #skip drops the first\n"
     "F #todo\nP Range #skip drops none\nF Range#skip\n"},
    {"nor is a part of an address",
     "TAP version 14\n1..4\nok 1 https://example.com/page.html#skip is a url\n"
     "not ok 2 a.html#skip here\nnot ok 3 see issue #42\n"
     "not ok 4 a.html --> b.html#l12 # SKIP no net\n",
     "complete\nP https://example.com/page.html#skip is a url\n"
     "F a.html#skip here\nF see issue #42\n"
     "S a.html --> b.html#l12: no net\n"},
    {"nor what is joined to the name",
     "TAP version 14\n1..2\nnot ok 1 a# SKIP\nnot ok 2 b#SKIP\n",
     "complete\nF a# SKIP\nF b#SKIP\n"},
    {"nor what is escaped",
     "TAP version 14\n1..3\nnot ok 1 - must not \\# SKIP\n"
     "not ok 2 hello \\\\\\\\\\\\\\# todo\nok 3 - a \\# b # SKIP c \\# d\n",
     "complete\nF must not # SKIP\nF hello \\\\\\# todo\nS a # b: c # d\n"},
    {"an escaped backslash escapes no hash",
     "TAP version 14\n1..2\nnot ok 1 - hello \\\\# todo hash \\# character\n"
     "not ok 2 - hello \\\\ # todo hash # character\n",
     "complete\nS hello \\: TODO: hash # character\n"
     "S hello \\ (2): TODO: hash # character\n"},
    {"other backslashes are themselves",
     "TAP version 14\n1..2\nok 1 - C:\\new \\n \\\nok 2 - \\d+\\\\w\n",
     "complete\nP C:\\new \\n \\\nP \\d+\\w\n"},
    {"only the first hash divides",
     "TAP version 14\n1..2\nnot ok 1 - hello # description # todo\n"
     "not ok 2 - a # exit=1 # SKIP\n",
     "complete\nF hello: description # todo\nF a: exit=1 # SKIP\n"},
    {"in any case, with longer words",
     "TAP version 14\n1..6\nnot ok 1 a # SkIp\nok 2 b # Skipped: no net\n"
     "not ok 3 c #\tskip\ttabs\nnot ok 4 d # TODO: later\n"
     "not ok 5 e # skip-ci why\nnot ok 6 f # SKIP(no kvm)\n",
     "complete\nS a\nS b: no net\nS c: tabs\nS d: TODO: later\nS e: why\n"
     "S f: (no kvm)\n"},
    {"KTAP's own are words",
     "KTAP version 1\n1..5\nnot ok 1 a # xfail known\nnot ok 2 b # XFAILED\n"
     "not ok 3 c # XFAIL_2 x\nnot ok 4 d # unknown SKIP\n"
     "not ok 5 e # XFAIL\n",
     "complete\nS a: XFAIL: known\nF b: XFAILED\nF c: XFAIL_2 x\n"
     "F d: unknown SKIP\nS e: XFAIL\n"},
    {"without a name",
     "TAP version 13\n1..5\nok 1 # skip this one\nok 2 - #SkIp that one\n"
     "ok 3 # SKIP\nnot ok 4 # XPASS x\nok 5 #42 is fixed\n",
     "complete\nS this one: this one\nS that one: that one\nS test 3\n"
     "F x: XPASS: x\nP #42 is fixed\n"},
    {"a plan without tests",
     "TAP version 14\n1..0 # WWW::Mechanize \\# not installed\n",
     "complete\nS (top level): WWW::Mechanize # not installed\n"},
    {"a plan without tests, old", "1..0 #Skipped: not root\n",
     "complete\nS (top level): not root\n"},
    {"what bails out", "TAP version 14\n1..2\nBail out! \\# and \\\\\n",
     "complete\nE (top level): Bail out! # and \\\n"},
    {"a subtest's name",
     "TAP version 14\n1..1\n# Subtest: a \\# b\n    1..1\n    not ok 1 c\n"
     "not ok 1\n",
     "complete\nF a # b/c\n"},
    {"dashes and line ends",
     "TAP version 13\r\n1..4\r\nok 1 - a\r\nok 2 b\r\nok 3 - - c\r\n"
     "not ok 4 -d # SKIP\r\n",
     "complete\nP a\nP b\nP - c\nS -d\n"},
};

Test(ktap_directives, stand_where_the_texts_have_them)
{
    KTAP_CHECK_ALL(names, NULL);
}

static const struct ktap_example parents[] = {
    {"a timeout over tests that passed",
     "TAP version 13\n1..1\n# TAP version 13\n# 1..2\n# ok 1 a\n# ok 2 b\n"
     "not ok 1 selftests: x: y # TIMEOUT 45 seconds\n",
     "complete\nP selftests: x: y/a\nP selftests: x: y/b\n"
     "F selftests: x: y: TIMEOUT: 45 seconds\n"},
    {"a timeout over tests that did not come",
     "TAP version 13\n1..1\n# 1..2\n# not ok 1 a\n"
     "not ok 1 s # TIMEOUT 45 seconds\n",
     "complete\nF s/a\nF s: TIMEOUT: 45 seconds; 1 of its 2 planned tests is "
     "missing: 2\n"},
    {"a crash behind a failed test",
     "KTAP version 1\n1..1\n  1..1\n  not ok 1 a\nnot ok 1 s # exit=139\n",
     "complete\nF s/a\nF s: exit=139\n"},
    {"a status that says no more than the tests",
     "KTAP version 1\n1..2\n  1..1\n  not ok 1 a\nnot ok 1 s # exit=1\n"
     "  1..1\n  ok 1 a\nnot ok 2 t # exit=1\n",
     "complete\nF s/a\nP t/a\nF t: exit=1\n"},
    {"a parent that bailed out",
     "TAP version 13\n1..1\n# 1..2\n# Bail out! no device\n"
     "not ok 1 s # exit=1\n",
     "complete\nF s: exit=1; Bail out! no device\n"},
    {"a parent that passed",
     "KTAP version 1\n1..1\n  1..1\n  ok 1 a\n"
     "ok 1 s # rcode=0\n",
     "complete\nP s/a\n"},
    {"an error of the parent's in a parent",
     "KTAP version 1\n1..1\n  1..1\n    1..1\n    ok 1 a\n"
     "  not ok 1 b # ERROR cleanup\nnot ok 1 c\n",
     "complete\nP c/b/a\nF c/b: ERROR: cleanup\n"},
    {"skipped, but its tests failed",
     "KTAP version 1\n1..1\n  1..1\n  not ok 1 a\nnot ok 1 s # SKIP why\n",
     "complete\nF s/a\nE s: it says ok, though 1 of its 1 tests failed\n"},
    {"its plan skips, and it failed",
     "TAP version 13\n1..2\n# 1..0 # SKIP no root\nnot ok 1 s # exit=1\n"
     "# 1..0 # SKIP no root\nok 2 t # SKIP\n",
     "complete\nF s: exit=1\nS t: no root\n"},
};

Test(ktap_directives, keep_a_parents_own_reason)
{
    KTAP_CHECK_ALL(parents, NULL);
}

static const char block[] =
    "TAP version 13\n1..3\nnot ok 1 a # TODO flaky\n  ---\n  out: |-\n"
    "    TAP version 13\n    # Subtest: inner\n        not ok 1 - deeper\n"
    "          ---\n          x: 1\n          ...\n        1..1\n"
    "    ok 1 - inner\n\n    1..3\n  ...\nnot ok 2 b\n    ---\n    x: y\n"
    "   z\nok 3 c\n";

Test(ktap_yaml, ends_at_its_own_indentation)
{
    struct result r;
    result_init(&r);
    char *told = ktap_told_result(block, sizeof(block) - 1, NULL, &r);
    cr_expect_str_eq(told, "complete\nS a: TODO: flaky\nF b\nP c\n");
    cr_assert_eq(r.ntests, 3);
    cr_expect_str_eq(r.tests[0].details,
                     "out: |-\n  TAP version 13\n  # Subtest: inner\n"
                     "      not ok 1 - deeper\n        ---\n        x: 1\n"
                     "        ...\n      1..1\n  ok 1 - inner\n\n  1..3\n");
    cr_expect_str_eq(r.tests[1].details, "x: y\n", "its end was missing");
    free(told);
    result_free(&r);
}

static const struct ktap_example blocks[] = {
    {"results behind a block without an end",
     "TAP version 14\n1..2\nok 1 a\n    ---\n    x: y\n  1..1\n  not ok 1 c\n"
     "not ok 2 b\n",
     "complete\nP a\nF b/c\n"},
    {"dashes within",
     "TAP version 14\n1..2\nok 1 a\n  ---\n  ---\n"
     "  ok 2 b\n  ...\nok 2 c\n",
     "complete\nP a\nP c\n"},
    {"in a subtest",
     "TAP version 14\n1..1\n    1..1\n    not ok 1 a\n      ---\n"
     "      ok 2 b\n\n        ...\n    x\n      ...\nnot ok 1 s\n",
     "complete\nF s/a\n"},
    {"behind hashes",
     "TAP version 13\n1..1\n# 1..2\n# ok 1 a\n#   ---\n#     ...\n"
     "#   ok 2 c\n#   ...\n# ok 2 b\nok 1 s\n",
     "complete\nP s/a\nP s/b\n"},
};

Test(ktap_yaml, hides_nothing_but_itself)
{
    KTAP_CHECK_ALL(blocks, NULL);
}

// What the TAP report writes, the reader reads: names as they are.
Test(ktap_directives, survive_a_report)
{
    static const char *const given[] = {
        "a # SKIP b", "#skip",        "x \\",        "x \\# TODO",
        "1 2",        "C:\\\\dir",    "- - d",       "a #",
        "\\\\",       "# Subtest: x", "ok 1 # SKIP",
    };
    enum { GIVEN = sizeof(given) / sizeof(given[0]) };
    struct report_run run = {.results = {0}};
    struct result one, r;
    result_init(&one);
    one.title = strdup("t # SKIP");
    one.verdict = VERDICT_FAILED;
    for (size_t i = 0; i < GIVEN; i++)
        result_add_test(&one, given[i], VERDICT_FAILED, 0, 0, "why # SKIP",
                        "  ...\nok 1 no\n");
    run.results.items = &one;
    run.results.count = 1;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    cr_assert_not_null(f);
    cr_assert_eq(tap_print(f, &run), 0);
    fclose(f);
    result_init(&r);
    free(ktap_told_result(text, len, NULL, &r));
    cr_assert_eq(r.ntests, GIVEN, "%s", text);
    for (size_t i = 0; i < GIVEN; i++) {
        char *name = NULL;
        cr_assert_geq(asprintf(&name, "t # SKIP/%s", given[i]), 0);
        cr_expect_eq(r.tests[i].verdict, VERDICT_FAILED, "%s", name);
        cr_expect_str_eq(r.tests[i].name, name, "%s", text);
        free(name);
    }
    result_free(&r);
    result_free(&one);
    free(text);
}
