// SPDX-License-Identifier: Apache-2.0
// KUnit as modules print it: suites without the document around them (before
// 6.6), on a console with time stamps and without, and out of debugfs.
#include "harness/tests/ktap_told.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct ktap_example modules[] = {
    {"one suite",
     "[    3.100000]     # Subtest: s\n"
     "[    3.100000]     1..2\n[    3.100000]     ok 1 - a\n"
     "[    3.100000]     # a: pass:1 fail:0 skip:0 total:1\n"
     "[    3.100000]     not ok 2 - b\n[    3.100000] # s: pass:1 fail:1 "
     "skip:0 total:2\n[    3.100000] # Totals: pass:1 fail:1 skip:0 total:2\n"
     "[    3.100000] not ok 1 - s\n",
     "planless\nP s/a\nF s/b\n"},
    {"two, counted on from those at boot",
     "[    3.100000]     # Subtest: s\n[    3.100000]     1..1\n"
     "[    3.100000]     ok 1 - a\n[    3.100000] ok 37 - s\n"
     "[    4.100000]     # Subtest: t\n[    4.100000]     1..1\n"
     "[    4.100000]     ok 1 - a # SKIP no device\n"
     "[    4.100000] ok 38 - t # SKIP no device\n",
     "planless\nP s/a\nS t/a: no device\n"},
    {"counted anew behind rmmod",
     "[    3.100000]     # Subtest: s\n[    3.100000]     1..1\n"
     "[    3.100000]     ok 1 - a\n[    3.100000] ok 1 - s\n"
     "[    4.100000]     # Subtest: s\n[    4.100000]     1..1\n"
     "[    4.100000]     ok 1 - a\n[    4.100000] ok 1 - s\n",
     "planless\nP s/a\nP s/a (2)\n"},
    {"one was lost",
     "[    3.100000]     # Subtest: s\n[    3.100000]     1..1\n"
     "[    3.100000]     ok 1 - a\n[    3.100000] ok 3 - s\n"
     "[    4.100000]     # Subtest: t\n[    4.100000]     1..1\n"
     "[    4.100000]     ok 1 - a\n[    4.100000] ok 5 - t\n",
     "planless\nP s/a\nP t/a\nE (top level): numbers are missing: 4\n"},
    {"the versions from 6.3 to 6.5",
     "[    3.100000]     KTAP version 1\n[    3.100000]     # Subtest: s\n"
     "[    3.100000]     # module: s_test\n[    3.100000]     1..1\n"
     "[    3.100000]         KTAP version 1\n[    3.100000]         # Subtest: "
     "p\n[    3.100000]         ok 1 x=1 # SKIP no\n"
     "[    3.100000]         ok 2 a b\n[    3.100000]     ok 1 p\n"
     "[    3.100000] ok 4 s\n[    3.100000]     KTAP version 1\n"
     "[    3.100000]     # Subtest: t\n[    3.100000]     1..1\n"
     "[    3.100000]     ok 1 rust_doctest_kernel_a_rs_0\n"
     "[    3.100000] ok 5 t\n",
     "planless\nS s/p/x=1: no\nP s/p/a b\nP t/rust_doctest_kernel_a_rs_0\n"},
    {"a suite that could not begin",
     "[    3.100000]     # failed to initialize (-12)\n"
     "[    3.100000] not ok 1 - s\n[    3.100000]     # Subtest: t\n"
     "[    3.100000]     1..1\n[    3.100000]     ok 1 - a\n"
     "[    3.100000] ok 2 - t\n",
     "planless\nF s\nP t/a\n"},
    {"nothing but one that could not",
     "[    3.100000]     # failed to initialize (-12)\n"
     "[    3.100000] not ok 1 - s\n",
     "planless\nF s\nE (top level): neither plan nor version line: nothing "
     "tells that it is whole\n"},
    {"without time stamps, or out of debugfs",
     "# cat s/results\n    # Subtest: s\n    1..1\n    ok 1 - a\nok 1 - s\n"
     "# cat t/results\n    # Subtest: t\n    1..1\n    ok 1 - a\nok 2 - t\n",
     "planless\nP s/a\nP t/a\n"},
    {"all tests came, the suite's result did not",
     "[    3.100000]     # Subtest: s\n[    3.100000]     1..1\n"
     "[    3.100000]     ok 1 - a\n",
     "open\nP s/a\nE s: its own result never came\n"},
    {"a test of a second suite is running",
     "[    3.100000]     # Subtest: s\n[    3.100000]     1..1\n"
     "[    3.100000]     ok 1 - a\n[    3.100000] ok 1 - s\n"
     "[    3.100000]     # Subtest: t\n[    3.100000]     1..1\n",
     "open\nP s/a\nE t: 1 of its 1 planned tests is missing: 1; its own result "
     "never came\n"},
    {"a test in a suite is missing",
     "[    3.100000]     # Subtest: s\n[    3.100000]     1..2\n"
     "[    3.100000]     ok 1 - a\n[    3.100000] ok 1 - s\n",
     "planless\nP s/a\nE s: 1 of its 2 planned tests is missing: 2\n"},
    {"a document follows",
     "[    3.100000]     # Subtest: s\n[    3.100000]     1..1\n"
     "[    3.100000]     ok 1 - a\n[    3.100000] ok 2 - s\n"
     "[    3.100000] KTAP version 1\n[    3.100000] 1..1\n"
     "[    3.100000]     KTAP version 1\n[    3.100000]     # Subtest: t\n"
     "[    3.100000]     1..1\n[    3.100000]     ok 1 a\n"
     "[    3.100000] ok 1 t\n",
     "complete\nP s/a\nP t/a\n"},
};

Test(ktap_kunit, suites_of_modules_are_planless)
{
    KTAP_CHECK_ALL(modules, NULL);
}

static const struct ktap_example others[] = {
    {"a program's plan may come in the end",
     "ok 1 - a\n    # Subtest: s\n"
     "    ok 1 - b\n    1..1\n"
     "ok 2 - s\n",
     "open\nP a\nP s/b\nE (top level): neither plan nor version line: nothing "
     "tells that it is whole\n"},
    {"a subtest of a document without a plan is not its end",
     "TAP version 14\nok 1 a\n    # Subtest: s\n    1..2\n    ok 1 b\n",
     "open\nP a\nP s/b\nE s: 1 of its 2 planned tests is missing: 2; its own "
     "result "
     "never came\n"},
    {"a document that is indented as a whole",
     "    TAP version 14\n    # Subtest: s\n        1..1\n        ok 1 a\n"
     "    ok 1 s\n    1..1\n",
     "complete\nP s/a\n"},
};

Test(ktap_kunit, other_documents_stay_what_they_are)
{
    KTAP_CHECK_ALL(others, NULL);
}
