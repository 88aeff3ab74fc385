// SPDX-License-Identifier: Apache-2.0
// The KTAP reader: what it makes of each kind of document, right and wrong.
#include "harness/tests/ktap_told.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

// ---- Results ----------------------------------------------------------------

static const struct ktap_example results[] = {
    {"ok and not ok", "TAP version 13\n1..2\nok 1 - a\nnot ok 2 b c\n",
     "complete\nP a\nF b c\n"},
    {"skips",
     "KTAP version 1\n1..6\nok 1 a # SKIP no disk\nok 2 b # SKIP\n"
     "not ok 3 c # skip: why\nok 4 # SKIP named here\nok 5 e # SKIPPED x\n"
     "ok 6 - f #SKIP y\n",
     "complete\nS a: no disk\nS b\nS c: why\nS named here: named here\n"
     "S e: x\nP f #SKIP y\n"},
    {"expected failures",
     "TAP version 13\n1..5\nnot ok 1 a # TODO later\nok 2 b # TODO soon\n"
     "ok 3 # XFAIL c\nnot ok 4 d # XFAIL\nnot ok 5 e # XPASS\n",
     "complete\nS a: TODO: later\nP b: TODO: soon\nS c: XFAIL: c\n"
     "S d: XFAIL\nF e: XPASS\n"},
    {"failures with reasons",
     "TAP version 13\n1..4\nnot ok 1 a # TIMEOUT 45 seconds\n"
     "not ok 2 b # exit=1\nnot ok 3 # error broke\nok 4 c # rcode=0\n",
     "complete\nF a: TIMEOUT: 45 seconds\nF b: exit=1\nF broke: ERROR: broke\n"
     "P c: rcode=0\n"},
    {"a hash that is no comment",
     "TAP version 13\n1..3\nok 1 issue #42\nok 2 a#b # SKIPJACK\n"
     "not ok 3 x #todolist\n",
     "complete\nP issue #42\nS a#b\nF x #todolist\n"},
    {"no name", "TAP version 13\n1..2\nok 1\nnot ok 2 -\n",
     "complete\nP test 1\nF test 2\n"},
    {"names that come twice",
     "TAP version 13\n1..4\nok 1 a\nok 2 a\nok 3 a (2)\nok 4 a\n",
     "complete\nP a\nP a (2)\nP a (2) (2)\nP a (3)\n"},
    {"no numbers (TAP)", "TAP version 13\n1..3\nok\nok - b\nnot ok c\n",
     "complete\nP test 1\nP b\nF c\n"},
    {"sentences are no results (KTAP)",
     "KTAP version 1\n1..2\nok 1 a\nok then\nokay\nok\nnot okay\nok 2 b\n",
     "complete\nP a\nP b\n"},
    {"a failure without number counts (KTAP)",
     "KTAP version 1\n1..2\nok 1 a\nnot ok b\n", "complete\nP a\nF b\n"},
    {"nothing", "a\nok\nok 1x\nnot ok\n# ok 1\n1..\n1..2x\n1.. 2\n",
     "nothing\n"},
    {"a plan alone begins a document (TAP 12)", "1..1\nok 1 a\n",
     "complete\nP a\n"},
    {"a plan at the end", "TAP version 13\nok 1 a\nok 2 b\n1..2\n",
     "complete\nP a\nP b\n"},
    {"the document begins in the middle",
     "x\ny\n# z\nTAP version 13\n1..1\n"
     "ok 1 a\nnot belonging\n",
     "complete\nP a\n"},
    {"no test at all, with a reason", "TAP version 13\n1..0 # SKIP no device\n",
     "complete\nS (top level): no device\n"},
    {"no test at all", "TAP version 13\n1..0\n",
     "complete\nE (top level): there is no test in it\n"},
};

Test(ktap, reads_results)
{
    KTAP_CHECK_ALL(results, NULL);
}

// ---- Nesting ----------------------------------------------------------------

static const struct ktap_example nested[] = {
    {"KUnit",
     "KTAP version 1\n1..2\n    KTAP version 1\n    # Subtest: s\n    1..2\n"
     "    ok 1 a\n    not ok 2 b\n# s: pass:1 fail:1\nnot ok 1 s\n"
     "    # Subtest: t\n    1..1\n        # Subtest: p\n        ok 1 x=1\n"
     "        ok 2 x=2\n    ok 1 p\nok 2 t\n",
     "complete\nP s/a\nF s/b\nP t/p/x=1\nP t/p/x=2\n"},
    {"two spaces, and a name from the result alone",
     "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n    KTAP version 1\n"
     "    1..1\n    ok 1 c\n  ok 1 b\nok 1 a\n",
     "complete\nP a/b/c\n"},
    {"tabs",
     "TAP version 14\n1..1\n\t# Subtest: s\n\t1..1\n\tok 1 - a\n"
     "ok 1 - s\n",
     "complete\nP s/a\n"},
    {"TAP 14: the subtest's line stands outside",
     "TAP version 14\n1..2\n# Subtest: s\n    1..1\n    ok 1 - a\nok 1 - s\n"
     "# Subtest: none\nok 2 - t\n",
     "complete\nP s/a\nP t\n"},
    {"kselftest's runner",
     "TAP version 13\n1..2\n# selftests: x: y\n# TAP version 13\n# 1..2\n"
     "# # hint\n# ok 1 a\n# ok 2 b # SKIP c\nok 1 selftests: x: y\n"
     "# selftests: x: z\n# 1..1\n# not ok 1 a\n# # Totals\n"
     "not ok 2 selftests: x: z # exit=1\n",
     "complete\nP selftests: x: y/a\nS selftests: x: y/b: c\n"
     "F selftests: x: z/a\n"},
    {"a subtest behind # with subtests of its own",
     "TAP version 13\n1..1\n# TAP version 14\n# 1..1\n#     1..1\n"
     "#     ok 1 a\n# ok 1 b\nok 1 c\n",
     "complete\nP c/b/a\n"},
    {"a parent that fails alone",
     "KTAP version 1\n1..1\n  1..1\n  ok 1 a\nnot ok 1 s\n",
     "complete\nP s/a\nF s: it failed, though none of its 1 tests did\n"},
    {"a parent that hides a failure",
     "KTAP version 1\n1..1\n  1..2\n  ok 1 a\n  not ok 2 b\nok 1 s\n",
     "complete\nP s/a\nF s/b\nE s: it says ok, though 1 of its 2 tests "
     "failed\n"},
    {"expected failures don't make a parent a liar",
     "KTAP version 1\n1..1\n  1..2\n  ok 1 a\n  not ok 2 b # XFAIL\nok 1 s\n",
     "complete\nP s/a\nS s/b: XFAIL\n"},
    {"a parent without its result",
     "KTAP version 1\n1..2\n    # Subtest: s\n    1..1\n    ok 1 a\n"
     "    # Subtest: t\n    1..1\n    ok 1 b\nok 2 t\n1..2\nok 1 x\n",
     "complete\nP s/a\nE s: its own result never came\nP t/b\nP x\n"
     "E (top level): it has two plans\n"},
    {"a group without tests",
     "KTAP version 1\n1..3\n    # Subtest: s\nok 1 s\n    # Subtest: t\n"
     "not ok 2 t\n    # Subtest: u\nok 3 u # SKIP why\n",
     "complete\nE s: there is no test in it\nF t\nS u: why\n"},
    {"the first lines were lost",
     "    1..2\n    ok 1 a\n    ok 2 b\nok 3 s\n1..3\n",
     "open\nP s/a\nP s/b\nE (top level): 2 of its 3 planned tests are missing: "
     "1-2\n"},
    {"a second document",
     "TAP version 13\n1..1\nok 1 a\nTAP version 13\n1..1\nok 1 a\n",
     "complete\nP a\nP a (2)\n"},
    {"a second document cuts the first",
     "TAP version 13\n1..2\nok 1 a\nTAP version 13\n1..1\nok 1 b\n",
     "complete\nP a\nE (top level): 1 of its 2 planned tests is missing: 2\n"
     "P b\n"},
    {"a header that comes twice",
     "TAP version 13\nTAP version 13\n1..1\n"
     "ok 1 a\n",
     "complete\nP a\n"},
};

Test(ktap, reads_nested_documents)
{
    KTAP_CHECK_ALL(nested, NULL);
}

// ---- What does not add up ---------------------------------------------------

static const struct ktap_example wrong[] = {
    {"missing", "KTAP version 1\n1..9\nok 1 a\nok 3 c\nok 7 d\n",
     "open\nP a\nP c\nP d\nE (top level): 6 of its 9 planned tests are "
     "missing: 2, 4-6, 8-9\n"},
    {"too many", "KTAP version 1\n1..1\nok 1 a\nok 2 b\nnot ok 3 c\n",
     "complete\nP a\nP b\nF c\nE (top level): numbers are beyond its plan "
     "1..1: "
     "2, 3\n"},
    {"twice", "KTAP version 1\n1..3\nok 1 a\nok 1 b\nok 1 c\n",
     "complete\nP a\nP b\nP c\nE (top level): 2 of its 3 planned tests are "
     "missing: 2-3; numbers came more than once: 1\n"},
    {"out of order, but all there",
     "KTAP version 1\n1..3\nok 2 b\nok 3 c\n"
     "ok 1 a\n",
     "complete\nP b\nP c\nP a\n"},
    {"zero", "KTAP version 1\n1..2\nok 0 a\nok 1 b\n",
     "complete\nP a\nP b\nE (top level): 1 of its 2 planned tests is missing: "
     "2; numbers are beyond its plan 1..2: 0\n"},
    {"a hole without a plan", "KTAP version 1\nok 1 a\nok 4 b\n",
     "planless\nP a\nP b\nE (top level): numbers are missing: 2-3\n"},
    {"no plan", "KTAP version 1\nok 1 a\nok 2 b\n", "planless\nP a\nP b\n"},
    {"neither plan nor version", "ok 1 a\n",
     "open\nP a\nE (top level): neither plan nor version line: nothing tells "
     "that it is whole\n"},
    {"enormous numbers",
     "KTAP version 1\n1..99999999999999999999\n"
     "ok 18446744073709551616 a\n",
     "open\nP a\nE (top level): 999999999 of its 1000000000 planned tests are "
     "missing: 1-999999999\n"},
    {"a plan in a subtest",
     "KTAP version 1\n1..1\n  1..3\n  ok 1 a\n  ok 2 b\nok 1 s\n",
     "complete\nP s/a\nP s/b\nE s: 1 of its 3 planned tests is missing: 3\n"},
    {"a planned group in which nothing ran",
     "TAP version 13\n1..1\n# 1..3\n# PASS\nok 1 s\n",
     "complete\nE s: 3 of its 3 planned tests are missing: 1-3\n"},
    {"two plans", "TAP version 13\n1..1\n1..1\nok 1 a\n",
     "complete\nP a\nE (top level): it has two plans\n"},
    {"bail out", "TAP version 13\n1..3\nok 1 a\nBail out! no memory\n",
     "complete\nP a\nE (top level): Bail out! no memory\n"},
    {"bail out before the plan", "TAP version 13\nBail out! x\n1..2 # y\n",
     "complete\nE (top level): Bail out! x\n"},
    {"bail out in a subtest",
     "TAP version 13\n1..2\n# 1..3\n# ok 1 a\n# Bail out!\nnot ok 1 s\n"
     "ok 2 t\n",
     "complete\nP s/a\nF s: Bail out!\nP t\n"},
};

Test(ktap, tells_what_does_not_add_up)
{
    KTAP_CHECK_ALL(wrong, NULL);
}

// ---- A document that is cut -------------------------------------------------

static const struct ktap_example cut[] = {
    {"between tests", "KTAP version 1\n1..3\nok 1 a\n",
     "open\nP a\nE test 2: it ran when X\nE (top level): 2 of its 3 planned "
     "tests are missing: 2-3\n"},
    {"in a KUnit test",
     "KTAP version 1\n1..1\n    # Subtest: s\n    1..3\n    ok 1 a\n"
     "    # test_b: initializing\n    # note: no test\nStack: no test\n",
     "open\nP s/a\nE s/test_b: it ran when X\nE s: 2 of its 3 planned tests "
     "are missing: 2-3\nE (top level): 1 of its 1 planned tests is missing: "
     "1\n"},
    {"in a test of kselftest_harness.h",
     "TAP version 13\n1..2\n#  RUN           global.a ...\n",
     "open\nE global.a: it ran when X\nE (top level): 2 of its 2 planned tests "
     "are missing: 1-2\n"},
    {"in a program that kselftest's runner started",
     "TAP version 13\n1..2\nok 1 selftests: x: y\n# selftests: x: z\n",
     "open\nP selftests: x: y\nE selftests: x: z: it ran when X\n"
     "E (top level): 1 of its 2 planned tests is missing: 2\n"},
    {"behind the tests of a group",
     "KTAP version 1\n1..1\n    # Subtest: s\n    1..1\n    ok 1 a\n",
     "open\nP s/a\nE s: its own result had not come when X\n"
     "E (top level): 1 of its 1 planned tests is missing: 1\n"},
    {"after the header", "KTAP version 1\n",
     "open\nE (top level): there is no test in it\n"},
};

Test(ktap, names_the_test_that_ran)
{
    KTAP_CHECK_ALL(cut, "X");
}

// ---- What stands around it --------------------------------------------------

static const struct ktap_example noise[] = {
    {"KUnit at boot",
     "[    0.060000] Linux version 6\n[    1.000000] KTAP version 1\n"
     "[    1.000000] 1..1\n[    1.000000]     # Subtest: s\n"
     "[    1.000000]     1..2\n[    1.234567]     ok 1 a\n"
     "[    1.300000] random: crng init done\n[   11.300000]     ok 2 b\n"
     "[  111.300000] ok 1 s\n[  111.400000] Freeing memory\n",
     "complete\nP s/a\nP s/b\n"},
    {"with caller ids and levels",
     "[    1.000000][    T1] TAP version 14\n"
     "<6>[    1.000000][    T1] 1..2\n[    1.000000][   C12] ok 1 - a\n"
     "<4>[    1.000000] ok 2 - b\n",
     "complete\nP a\nP b\n"},
    {"levels alone", "<6>TAP version 14\n<6>1..1\n<6>ok 1 - a\n",
     "complete\nP a\n"},
    {"kernel messages between lines",
     "TAP version 13\n[    1.000000] a: b\n1..2\nok 1 a\n"
     "[    1.000000] ok to go\nok 2 b\n",
     "complete\nP a\nP b\n"},
    {"KUnit while a program prints",
     "TAP version 13\n1..2\nok 1 a\n[    1.000000] KTAP version 1\n"
     "[    1.000000] 1..1\nok 2 b\n[    1.000000] not ok 1 k\n",
     "complete\nP a\nP b\nF k\n"},
    {"the program's document is open",
     "TAP version 13\n1..2\n[    1.000000] KTAP version 1\n"
     "[    1.000000] 1..1\n[    1.000000] ok 1 k\nok 1 a\n",
     "open\nP a\nE (top level): 1 of its 2 planned tests is missing: 2\nP k\n"},
    {"a cut line",
     "TAP version 13\n1..2\nok 1 al[    3.141592] random: x\n"
     "pha\nnot [    3.141592] y\nok 2 beta\n",
     "complete\nP alpha\nF beta\n"},
    {"cut more than once",
     "TAP version 13\n1..2\nn[    3.141592] x\not [    3.141592] y\no"
     "[    3.141592] z\nk 1 a\nok 2 b\n",
     "complete\nF a\nP b\n"},
    {"the kernel's own result cuts a program's",
     "TAP version 13\n1..1\n[    1.000000] 1..1\no[    1.000000] ok 1 k\n"
     "k 1 a\n",
     "complete\nP a\nP k\n"},
    {"a diagnostic that quotes the kernel is whole",
     "TAP version 13\n1..2\n# log: [    1.000000] BUG\nok 1 a\n"
     "# [    1.000000] not ok 1 quoted\nok 2 b\n",
     "complete\nP a\nP b\n"},
    {"a result that quotes the kernel is whole",
     "TAP version 13\n1..2\nok 1 saw [    1.000000] BUG\nok 2 b\n",
     "complete\nP saw\nP b\n"},
    {"a progress bar before it", "TAP version 13\n1..1\n 10%\r 90%\rok 1 a\r\n",
     "complete\nP a\n"},
    {"blanks at the end", "TAP version 13 \n1..1\t\nok 1 a  \n",
     "complete\nP a\n"},
    {"YAML",
     "TAP version 14\n1..2\nnot ok 1 - a\n  ---\n  ok 2 no: result\n  x: y\n"
     "  ...\nok 2 - b\n  ---\n  never: ends\nok 3 - c\n",
     "complete\nF a\nP b\nP c\nE (top level): numbers are beyond its plan "
     "1..2: 3\n"},
};

Test(ktap, ignores_what_stands_around)
{
    KTAP_CHECK_ALL(noise, NULL);
}

Test(ktap, keeps_diagnostics_for_their_test)
{
    static const char text[] =
        "KTAP version 1\n1..2\n    # Subtest: s\n    1..3\n"
        "    # a: fine\n    ok 1 a\n    # b: EXPECTATION FAILED\n"
        "    Expected 1 == 2, but\n        1 == 1\n    not ok 2 b\n"
        "    not ok 3 c\n    # c: said later\nnot ok 1 s\n"
        "not ok 2 d\n  ---\n  why: it broke\n  ...\n";
    struct result r;
    result_init(&r);
    free(ktap_told_result(text, sizeof(text) - 1, NULL, &r));
    cr_assert_eq(r.ntests, 4);
    cr_expect_str_eq(r.tests[0].details, "a: fine\n");
    cr_expect_str_eq(r.tests[1].details, "b: EXPECTATION FAILED\n"
                                         "Expected 1 == 2, but\n"
                                         "    1 == 1\n");
    cr_expect_str_eq(r.tests[2].details, "c: said later\n");
    cr_expect_str_eq(r.tests[3].details, "why: it broke\n");
    // A line a millisecond: each took as long as its lines.
    cr_expect_eq(r.tests[0].at_ns, 5 * NS_PER_MS);
    cr_expect_eq(r.tests[1].took_ns, 4 * NS_PER_MS);
    result_free(&r);
}
