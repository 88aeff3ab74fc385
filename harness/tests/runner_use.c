// SPDX-License-Identifier: Apache-2.0
// What the runner makes of texts that other files hold, and of values that
// stand in patterns.
#include "harness/guests/guest.h"
#include "harness/scenario/variables.h"
#include "harness/tests/scenario_test.h"

// A path is relative to the file that names it.
Test(runner_use, paths_stand_beside_their_file)
{
    const struct memory_file files[] = {
        {"t/a.tc", "use \"lib/m.tci\"\ninitrd i/${v}\nmark a"},
        {"t/lib/m.tci", "kernel k/${v}\nset v x\nuse \"/abs.tci\""},
        {"/abs.tci", "cmdline \"y\""},
        {NULL, NULL}};
    struct parsed_text p = parse_files(files);
    static const struct guest_overrides none = {0};
    struct guest guest;
    struct error err = {""};
    cr_assert_eq(p.code, 0, "%s", p.err.text);
    cr_assert_eq(guest_make(&guest, p.sc, &none, &err), 0, "%s", err.text);
    cr_assert_str_eq(guest.kernel, "t/lib/k/x");
    cr_assert_str_eq(guest.initrd, "t/i/x");
    guest_free(&guest);
    parsed_free(&p);
}

// Whatever a value holds, it matches itself alone: with the flag x, which
// ignores blanks that are not ASCII too, and in a class.
Test(runner_use, values_in_patterns_stand_for_themselves)
{
    static const char *const values[] = {"a b",
                                         "a.b",
                                         "#",
                                         "^-]",
                                         "\\E",
                                         "(?i)A",
                                         "x\ty\nz",
                                         "\"'/",
                                         "{2}",
                                         "$",
                                         "\302\205a",
                                         "\342\200\250",
                                         "\303\251",
                                         "_",
                                         "a-z",
                                         "\\",
                                         "\360\237\230\200"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct parsed_text p = parse_good(
            "guest g\nset v 1\nexpect m{ ^ ${v} $ }x\nexpect /^[${v}]+$/");
        for (size_t k = 0; k < 2; k++) {
            const struct pattern_node *n =
                &p.sc->steps.steps[k].u.expect.pattern;
            struct variables v = {0};
            struct error err = {""};
            size_t len, start, end, size = strlen(values[i]);
            cr_assert(variables_set(&v, "v", values[i], size));
            char *text = variables_expand(&v, &n->source, true, &len, &err);
            cr_assert(text, "%s", err.text);
            struct pattern *compiled =
                pattern_compile(text, len, n->flags, NULL, &err);
            cr_assert(compiled, "%s: %s", text, err.text);
            cr_expect_eq(pattern_search(compiled, values[i], size, 0, &start,
                                        &end, &err),
                         1, "%s", text);
            cr_expect_eq(
                pattern_search(compiled, "mm", 2, 0, &start, &end, &err), 0,
                "%s", text);
            pattern_free(compiled);
            free(text);
            variables_free(&v);
        }
        parsed_free(&p);
    }
}
