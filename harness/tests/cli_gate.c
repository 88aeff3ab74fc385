// SPDX-License-Identifier: Apache-2.0
// What `gate` and `compare` make of a history: each way in which boots can
// pass, fail, be few or lack a mark has its exit code and its word.
#include "harness/tests/cli_gate_util.h"

TestSuite(gate, .init = gate_begin, .fini = gate_end);

// The boots of one side.
struct boots_of {
    unsigned passed, failed;
    unsigned ms;      // when they reached the mark; 0: a time that is none
    const char *mark; // NULL: "prompt"
};

static void add_runs(struct history *h, bool topic, const struct boots_of *b)
{
    for (unsigned i = 0; i < b->passed + b->failed; i++) {
        const struct history_mark mark = {b->mark ? b->mark : "prompt",
                                          b->ms * MS, b->ms * MS, 7};
        struct history_run run = gate_run(topic, i);
        bool passed = i < b->passed;
        run.position = i;
        run.duration_ns = b->ms * MS;
        run.nmarks = passed;
        run.marks = &mark;
        if (!passed)
            run.verdict = i % 2 ? "failed" : "error";
        gate_add(h, run);
    }
}

static void fill(const struct boots_of *base, const struct boots_of *head)
{
    struct history *h = gate_history();
    add_runs(h, false, base);
    add_runs(h, true, head);
    history_close(h);
}

Test(gate, says_what_the_boots_say)
{
    static const struct {
        const char *what;
        struct boots_of base, head;
        int gate, compare; // exit codes
        const char *word;  // of the gate
        const char *marks; // in the report
    } cases[] = {
        {"faster",
         {10, 0, 1000, NULL},
         {10, 0, 500, NULL},
         0,
         0,
         "holds",
         "\"verdict\":\"faster\""},
        {"slower",
         {10, 0, 500, NULL},
         {10, 0, 1000, NULL},
         1,
         0,
         "broken",
         "\"verdict\":\"slower\""},
        {"the same",
         {10, 0, 500, NULL},
         {10, 0, 500, NULL},
         0,
         0,
         "holds",
         "\"verdict\":\"same\""},
        {"one of each",
         {1, 0, 500, NULL},
         {1, 0, 5000, NULL},
         0,
         0,
         "too few samples",
         "\"verdict\":\"too few samples\""},
        {"one of base",
         {1, 0, 500, NULL},
         {200, 0, 5000, NULL},
         0,
         0,
         "too few samples",
         "\"base_n\":1"},
        {"one of head",
         {200, 0, 500, NULL},
         {1, 0, 5000, NULL},
         0,
         0,
         "too few samples",
         "\"head_n\":1"},
        {"two of each",
         {2, 0, 500, NULL},
         {2, 0, 5000, NULL},
         0,
         0,
         "too few samples",
         "\"head_n\":2"},
        {"head fails",
         {10, 0, 500, NULL},
         {0, 10, 0, NULL},
         1,
         1,
         "broken",
         "10 of head's boots did not pass, 0 did"},
        {"one boot, and head fails",
         {1, 0, 500, NULL},
         {0, 1, 0, NULL},
         1,
         1,
         "broken",
         "1 of head's boots did not pass"},
        {"head fails often",
         {10, 0, 500, NULL},
         {8, 2, 500, NULL},
         1,
         1,
         "broken",
         "2 of head's boots did not pass, 8 did"},
        {"head fails, base did once",
         {19, 1, 500, NULL},
         {0, 10, 0, NULL},
         1,
         1,
         "broken",
         "1 of base's boots did not pass, 19 did; 10 of head's"},
        {"head fails once",
         {20, 0, 500, NULL},
         {19, 1, 500, NULL},
         0,
         0,
         "holds",
         "\"head_n\":19"},
        {"head fails once and is slower",
         {20, 0, 500, NULL},
         {19, 1, 1000, NULL},
         1,
         0,
         "broken",
         "\"verdict\":\"slower\""},
        {"base fails",
         {0, 10, 0, NULL},
         {10, 0, 500, NULL},
         3,
         3,
         "not measured",
         "10 of base's boots did not pass, 0 did"},
        {"both fail",
         {0, 10, 0, NULL},
         {0, 10, 0, NULL},
         3,
         3,
         "not measured",
         "10 of base's boots did not pass, 0 did; 10 of head's"},
        {"other marks",
         {10, 0, 500, "old"},
         {10, 0, 500, "new"},
         3,
         3,
         "not measured",
         "\"verdict\":\"not seen\""},
        {"no time",
         {10, 0, 0, NULL},
         {10, 0, 500, NULL},
         3,
         3,
         "not measured",
         "\"base_n\":0"},
        {"no time at all",
         {10, 0, 0, NULL},
         {10, 0, 0, NULL},
         3,
         3,
         "not measured",
         "no mark was reached by both sides"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fill(&cases[i].base, &cases[i].head);
        cr_expect_eq(gate_judge(COMMAND_COMPARE, NULL, NULL), cases[i].compare,
                     "compare, %s", cases[i].what);
        int code = gate_judge(COMMAND_GATE, NULL, NULL);
        cr_expect_eq(code, cases[i].gate, "%s: exit %d", cases[i].what, code);
        char *json = get_file("c.json"), *page = get_file("c.md");
        char word[64];
        snprintf(word, sizeof(word), "\"gate\":\"%s\"", cases[i].word);
        cr_expect_not_null(strstr(json, word), "%s: %s", cases[i].what, json);
        cr_expect_not_null(strstr(json, cases[i].marks), "%s: %s",
                           cases[i].what, json);
        cr_expect_null(strstr(json, ":nan"));
        cr_expect_not_null(strstr(page, "### t/boot: `topic` against `main`"),
                           "%s", page);
        free(json);
        free(page);
    }
}

Test(gate, without_boots_of_a_side_nothing_is_measured)
{
    fill(&(struct boots_of){10, 0, 500, NULL},
         &(struct boots_of){0, 0, 0, NULL});
    cr_expect_eq(gate_judge(COMMAND_GATE, NULL, NULL), EXIT_WRONG,
                 "topic is nothing that the history knows");
    // Nor of what it does know: another scenario's boot.
    struct error err = {""};
    struct history *h = NULL;
    const struct history_mark mark = {"prompt", 500 * MS, 1, 1};
    struct history_run other = gate_run(true, 0);
    other.scenario = "t/other";
    other.nmarks = 1;
    other.marks = &mark;
    cr_assert_eq(history_open("boot.db", &h, &err), 0, "%s", err.text);
    gate_add(h, other);
    history_close(h);
    cr_expect_eq(gate_judge(COMMAND_GATE, NULL, NULL), EXIT_UNABLE);
}

Test(gate, a_mark_that_nobody_reached_is_a_slip)
{
    fill(&(struct boots_of){10, 0, 500, NULL},
         &(struct boots_of){10, 0, 500, NULL});
    cr_expect_eq(gate_judge(COMMAND_GATE, "prompt", NULL), EXIT_PASSED);
    cr_expect_eq(gate_judge(COMMAND_GATE, "promt", NULL), EXIT_WRONG);
    cr_expect_eq(gate_judge(COMMAND_GATE, "prompt,x", NULL), EXIT_WRONG);
    // It is none where the head had no chance to reach it.
    fill(&(struct boots_of){10, 0, 500, NULL},
         &(struct boots_of){0, 10, 0, NULL});
    cr_expect_eq(gate_judge(COMMAND_GATE, "prompt", NULL), EXIT_FAILED);
}
