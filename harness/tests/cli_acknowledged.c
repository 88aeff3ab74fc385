// SPDX-License-Identifier: Apache-2.0
// Slow-downs that are known: what a file of them says, what is wrong with it,
// and when a known one alarms again.
#include "harness/cli/acknowledged.h"
#include "harness/tests/cli_files.h"

#include <errno.h>

TestSuite(acknowledged, .init = enter_folder, .fini = leave_folder);

// 2030-01-01 00:00:00 UTC
#define NEW_YEAR INT64_C(1893456000)

static void load(struct acknowledgements *a, const char *text)
{
    struct error err = {""};
    put_file("known", text);
    cr_assert_eq(acknowledged_load(a, "known", stderr, &err), 0, "%s",
                 err.text);
}

// All commits lie between the two sides but one.
static bool covers(void *owner, const char *commit)
{
    (void)owner;
    return strcmp(commit, "0ther") != 0;
}

static enum acknowledge_state state(const struct acknowledgements *a,
                                    const char *scenario, const char *mark,
                                    double by, double at_least, int64_t now)
{
    const struct slowdown s = {scenario, mark, 1e9, by, at_least, 0.02};
    return acknowledge(a, &s, now, covers, NULL).state;
}

Test(acknowledged, alarms_again_when_it_grows_or_expires)
{
    struct acknowledgements a;
    load(&a, "# of this spring\n"
             "\n"
             "boot* login_prompt 1a2b3c 8% 2029-12-31 ann mitigations are on\n"
             "t/disk * * 120ms - bob  the new driver \n"
             "net login_prompt 0ther 50% - bob elsewhere\n");
    cr_assert_eq(a.count, 3);
    cr_expect_str_eq(a.list[1].reason, "the new driver");
    cr_expect_float_eq(a.list[0].fraction, 0.08, 1e-9);
    cr_expect_float_eq(a.list[1].ns, 120e6, 1);
    static const struct {
        const char *scenario, *mark;
        double by, at_least;
        int64_t now;
        enum acknowledge_state state;
    } cases[] = {
        {"t/boot", "login_prompt", .07, .06, 0, ACKNOWLEDGED_HOLDS},
        // Noise about the size is no growth, nor is one below the minimum.
        {"t/boot", "login_prompt", .11, .07, 0, ACKNOWLEDGED_HOLDS},
        {"t/boot", "login_prompt", .09, .085, 0, ACKNOWLEDGED_HOLDS},
        {"t/boot", "login_prompt", .12, .10, 0, ACKNOWLEDGED_OUTGROWN},
        {"t/boot", "login_prompt", .01, .00, 0, ACKNOWLEDGED_NEEDLESS},
        {"t/boot", "login_prompt", .07, .06, NEW_YEAR - 1, ACKNOWLEDGED_HOLDS},
        {"t/boot", "login_prompt", .07, .06, NEW_YEAR, ACKNOWLEDGED_EXPIRED},
        {"t/boot", "userspace", .07, .06, 0, ACKNOWLEDGED_NOT},
        {"t/disk", "userspace", .11, .10, NEW_YEAR, ACKNOWLEDGED_HOLDS},
        {"t/disk", "userspace", .15, .13, 0, ACKNOWLEDGED_OUTGROWN},
        {"u/disk", "userspace", .11, .10, 0, ACKNOWLEDGED_NOT},
        {"t/net", "login_prompt", .11, .10, 0, ACKNOWLEDGED_NOT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(state(&a, cases[i].scenario, cases[i].mark, cases[i].by,
                           cases[i].at_least, cases[i].now),
                     cases[i].state, "case %zu", i);
    acknowledged_free(&a);
}

// Of several lines the widest that is not expired counts.
Test(acknowledged, the_widest_line_counts)
{
    struct acknowledgements a;
    load(&a, "* * * 50% 2001-01-01 ann old\n"
             "* * * 5% - ann small\n"
             "* * * 100ms - ann large\n"
             "* * * 7% - ann middle\n");
    const struct slowdown s = {"t/boot", "m", 1e9, .09, .09, .02};
    const struct acknowledgement found =
        acknowledge(&a, &s, NEW_YEAR, covers, NULL);
    cr_expect_eq(found.state, ACKNOWLEDGED_HOLDS);
    cr_expect_eq(found.line->line, 3);
    char text[ACKNOWLEDGE_TEXT];
    cr_expect_str_eq(acknowledge_text(&found, text),
                     "acknowledged up to 100ms: large (ann), known:3");
    acknowledged_free(&a);
}

Test(acknowledged, wrong_lines_are_told_all_at_once)
{
    struct acknowledgements a;
    struct error err = {""};
    char *text = NULL;
    size_t size = 0;
    put_file("known", "boot login\n"
                      "boot login abc 8% - ann why\n"
                      "boot login abcd 8 - ann why\n"
                      "boot login abcd -8% - ann why\n"
                      "boot login abcd nan% - ann why\n"
                      "boot login abcd 8% 2030-02-30 ann why\n"
                      "boot login abcd 8% 2030-01-01 ann\n"
                      "boot login abcd 8% 2030-01-01 ann why\n");
    FILE *f = open_memstream(&text, &size);
    cr_expect_eq(acknowledged_load(&a, "known", f, &err), -EINVAL);
    cr_assert_eq(fclose(f), 0);
    cr_expect_str_eq(err.text,
                     "--acknowledged known: 7 lines are wrong: nothing was "
                     "run");
    static const char *const told[] = {
        "known:1:11: error: there is no commit behind the mark\n",
        "known:2:12: error: this is too short for a commit\n",
        "known:3:17: error: this is no size\n",
        "known:4:17: error: this is no size\n",
        "known:5:17: error: this is no size\n",
        "known:6:20: error: this is no day of the calendar\n",
        "known:7:34: error: there is no reason behind the owner\n",
    };
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        cr_expect(strstr(text, told[i]), "%s: %s", told[i], text);
    free(text);
    acknowledged_free(&a);
    cr_expect_eq(acknowledged_load(&a, "nothing", stderr, &err), -EINVAL);
    cr_expect_eq(acknowledged_load(&a, NULL, stderr, &err), 0);
}

Test(acknowledged, a_commit_is_known_by_its_beginning)
{
    cr_expect(acknowledge_is_commit("bbbb", "bbbb2222"));
    cr_expect_not(acknowledge_is_commit("bbb", "bbbb2222"));
    cr_expect_not(acknowledge_is_commit("bbbb3", "bbbb2222"));
    cr_expect_not(acknowledge_is_commit("bbbb", NULL));
}
