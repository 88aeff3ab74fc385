// SPDX-License-Identifier: Apache-2.0
// What `gate` and `compare` make of a history: each way in which boots can
// pass, fail, be few or lack a mark has its exit code and its word.
#include "harness/cli/cli.h"
#include "harness/cli/compare_history.h"
#include "harness/history/history.h"
#include "harness/tests/cli_files.h"

#include <criterion/redirect.h>
#include <inttypes.h>

static void begin(void)
{
    enter_folder();
    cr_redirect_stdout();
    cr_redirect_stderr();
}

TestSuite(gate, .init = begin, .fini = leave_folder);

#define MS UINT64_C(1000000)

// The boots of one side.
struct boots_of {
    unsigned passed, failed;
    unsigned ms;      // when they reached the mark; 0: a time that is none
    const char *mark; // NULL: "prompt"
};

static void add_runs(struct history *h, const char *commit, const char *branch,
                     const struct boots_of *b)
{
    struct error err = {""};
    for (unsigned i = 0; i < b->passed + b->failed; i++) {
        bool passed = i < b->passed;
        const struct history_mark mark = {b->mark ? b->mark : "prompt",
                                          b->ms * MS, b->ms * MS, 7};
        struct history_run run = {
            .session = branch,
            .position = i,
            .scenario = "t/boot",
            .guest = "busybox",
            .commit = commit,
            .branch = branch,
            .started_unix_ns = 1000 * MS * (i + 1),
            .duration_ns = b->ms * MS,
            .verdict = passed  ? "passed"
                       : i % 2 ? "failed"
                               : "error",
            .environment = {"cpu", NULL, "kvm", "1", 1 << 20, 1, NULL},
            .subject = {commit, NULL, "quiet"},
            .nmarks = passed,
            .marks = &mark,
        };
        history_new_id(run.id);
        cr_assert_eq(history_add(h, &run, 1, &err), 0, "%s", err.text);
    }
}

static void fill(const struct boots_of *base, const struct boots_of *head)
{
    struct history *h = NULL;
    struct error err = {""};
    remove("boot.db");
    cr_assert_eq(history_open("boot.db", &h, &err), 0, "%s", err.text);
    add_runs(h, "aaaa1111", "main", base);
    add_runs(h, "bbbb2222", "topic", head);
    history_close(h);
}

static int judge_with(enum command command, const char *marks,
                      const char *acknowledged)
{
    char main_[] = "main", topic[] = "topic";
    char *paths[] = {main_, topic};
    const struct options o = {
        .command = command,
        .paths = paths,
        .npaths = 2,
        .history = "boot.db",
        .marks = marks,
        .acknowledged = acknowledged,
        .reports = {[REPORT_JSON] = "c.json", [REPORT_SUMMARY] = "c.md"}};
    remove("c.json");
    remove("c.md");
    return compare_history(&o);
}

static int judge(enum command command, const char *marks)
{
    return judge_with(command, marks, NULL);
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
        cr_expect_eq(judge(COMMAND_COMPARE, NULL), cases[i].compare,
                     "compare, %s", cases[i].what);
        int code = judge(COMMAND_GATE, NULL);
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
    cr_expect_eq(judge(COMMAND_GATE, NULL), EXIT_WRONG,
                 "topic is nothing that the history knows");
    struct history *h = NULL;
    struct error err = {""};
    const struct history_mark mark = {"prompt", 500 * MS, 1, 1};
    const struct history_run other = {
        .id = "0123456789abcdef0123456789abcdef",
        .session = "s",
        .scenario = "t/other",
        .guest = "busybox",
        .commit = "bbbb2222",
        .branch = "topic",
        .started_unix_ns = 1,
        .verdict = "passed",
        .environment = {"cpu", NULL, "kvm", "1", 1 << 20, 1, NULL},
        .subject = {"k", NULL, ""},
        .nmarks = 1,
        .marks = &mark,
    };
    cr_assert_eq(history_open("boot.db", &h, &err), 0);
    cr_assert_eq(history_add(h, &other, 1, &err), 0);
    history_close(h);
    cr_expect_eq(judge(COMMAND_GATE, NULL), EXIT_UNABLE);
}

Test(gate, a_mark_that_nobody_reached_is_a_slip)
{
    fill(&(struct boots_of){10, 0, 500, NULL},
         &(struct boots_of){10, 0, 500, NULL});
    cr_expect_eq(judge(COMMAND_GATE, "prompt"), EXIT_PASSED);
    cr_expect_eq(judge(COMMAND_GATE, "promt"), EXIT_WRONG);
    cr_expect_eq(judge(COMMAND_GATE, "prompt,x"), EXIT_WRONG);
    // It is none where the head had no chance to reach it.
    fill(&(struct boots_of){10, 0, 500, NULL},
         &(struct boots_of){0, 10, 0, NULL});
    cr_expect_eq(judge(COMMAND_GATE, "prompt"), EXIT_FAILED);
}

// Boots of the exact rig: seeds first..first+n-1 after so many nanoseconds,
// each seed a little later than the one before it.
static void add_seeds(struct history *h, const char *commit, const char *branch,
                      const char *fingerprint, uint64_t first, unsigned n,
                      uint64_t ns)
{
    struct error err = {""};
    for (uint64_t i = first; i < first + n; i++) {
        uint64_t cpu = ns + i * 7000 % 50000;
        const struct history_mark mark = {"prompt", 5 * MS, cpu, 7};
        struct history_run run = {
            .session = branch,
            .scenario = "t/boot",
            .guest = "busybox",
            .commit = commit,
            .branch = branch,
            .started_unix_ns = 1000 * MS * (i + 1),
            .duration_ns = 6 * MS,
            .verdict = "passed",
            .seeded = true,
            .seed = i,
            .environment = {"any", NULL, "exact", "1", 1 << 20, 1, fingerprint},
            .subject = {commit, NULL, "quiet"},
            .nmarks = 1,
            .marks = &mark,
        };
        history_new_id(run.id);
        cr_assert_eq(history_add(h, &run, 1, &err), 0, "%s", err.text);
    }
}

Test(gate, exact_boots_are_compared_seed_by_seed)
{
    static const struct {
        const char *what;
        uint64_t base, head; // ns
        unsigned from, n;    // head's seeds; base has 1 to 4
        const char *fingerprint;
        int code;
        const char *says;
    } cases[] = {
        {"equal", 2600 * MS, 2600 * MS, 1, 4, "f", 0, "\"identical\""},
        {"one nanosecond", 2600 * MS, 2600 * MS + 1, 1, 4, "f", 0, "\"same\""},
        {"slower", 2600 * MS, 2603 * MS, 1, 4, "f", 1, "\"slower\""},
        {"faster", 2603 * MS, 2600 * MS, 1, 4, "f", 0, "\"faster\""},
        // Only these two seeds say anything.
        {"two seeds in common", 2600 * MS, 2600 * MS, 3, 4, "f", 0,
         "\"base_n\":2,\"head_n\":2"},
        {"none in common", 2600 * MS, 2600 * MS, 5, 4, "f", 3, "not measured"},
        {"another rig", 2600 * MS, 2600 * MS, 1, 4, "g", 3, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct history *h = NULL;
        struct error err = {""};
        remove("boot.db");
        cr_assert_eq(history_open("boot.db", &h, &err), 0, "%s", err.text);
        add_seeds(h, "aaaa1111", "main", "f", 1, 4, cases[i].base);
        add_seeds(h, "bbbb2222", "topic", cases[i].fingerprint, cases[i].from,
                  cases[i].n, cases[i].head);
        // The newest counts; it is the same one.
        add_seeds(h, "aaaa1111", "main", "f", 1, 1, cases[i].base);
        history_close(h);
        int code = judge(COMMAND_GATE, NULL);
        cr_expect_eq(code, cases[i].code, "%s: exit %d", cases[i].what, code);
        char *json = get_file("c.json");
        if (cases[i].says) {
            cr_expect(strstr(json, cases[i].says), "%s: %s", cases[i].what,
                      json);
            cr_expect(strstr(json, "\"exact\":true"));
        }
        free(json);
    }
}

// Boots by the clock on the wall beside them are another group.
Test(gate, exact_boots_are_not_mixed_with_others)
{
    const struct boots_of plain = {10, 0, 500, NULL};
    fill(&plain, &plain);
    struct history *h = NULL;
    struct error err = {""};
    cr_assert_eq(history_open("boot.db", &h, &err), 0, "%s", err.text);
    add_seeds(h, "aaaa1111", "main", "f", 1, 4, 2600 * MS);
    add_seeds(h, "bbbb2222", "topic", "f", 1, 4, 2600 * MS);
    history_close(h);
    cr_expect_eq(judge(COMMAND_GATE, NULL), 0);
    char *json = get_file("c.json");
    cr_expect(strstr(json, "\"exact\":true"));
    cr_expect(strstr(json, "\"exact\":false"));
    cr_expect(strstr(json, "\"base_n\":10"));
    cr_expect(strstr(json, "\"base_n\":4"));
    free(json);
}

// Twenty boots a side whose kernel takes longer on topic, by an initcall.
static void fill_phases(unsigned topic_ms)
{
    struct history *h = NULL;
    struct error err = {""};
    remove("boot.db");
    cr_assert_eq(history_open("boot.db", &h, &err), 0, "%s", err.text);
    for (uint64_t i = 0; i < 40; i++) {
        bool topic = i >= 20;
        uint64_t more = topic ? topic_ms * MS : 0;
        uint64_t noise = i * 7 % 20 * MS / 10;
        const struct history_mark marks[] = {
            {"kernel_banner", 200 * MS + noise, 1, 1},
            {"init_started", 700 * MS + noise + more, 2, 1},
            {"prompt", 1000 * MS + 2 * noise + more, 3, 1},
            {"initcall:slow_init", 50 * MS + noise + more, 0, 0},
            {"initcall:calm_init", 90 * MS + noise, 0, 0},
        };
        struct history_run run = {
            .session = topic ? "b" : "a",
            .position = i,
            .scenario = "t/boot",
            .guest = "busybox",
            .commit = topic ? "bbbb2222" : "aaaa1111",
            .branch = topic ? "topic" : "main",
            .started_unix_ns = 1000 * MS * (i + 1),
            .verdict = "passed",
            .environment = {"cpu", NULL, "kvm", "1", 1 << 20, 1, NULL},
            .subject = {"k", NULL, "quiet"},
            .nmarks = 5,
            .marks = marks,
        };
        history_new_id(run.id);
        cr_assert_eq(history_add(h, &run, 1, &err), 0, "%s", err.text);
    }
    history_close(h);
}

Test(gate, says_what_grew)
{
    fill_phases(100);
    cr_expect_eq(judge(COMMAND_GATE, NULL), EXIT_FAILED);
    char *json = get_file("c.json"), *page = get_file("c.md");
    cr_expect(strstr(json, "\"grew\":[{\"mark\":\"init_started\""), "%s", json);
    cr_expect(strstr(json, "\"kind\":\"phase\",\"name\":\"kernel_banner\","
                           "\"until\":\"init_started\",\"verdict\":\"slower\""),
              "%s", json);
    cr_expect(strstr(json, "\"kind\":\"initcall\",\"name\":\"slow_init\""));
    cr_expect_null(strstr(json, "calm_init"), "it did not grow");
    cr_expect_null(strstr(json, "\"mark\":\"initcall"), "it is no mark");
    cr_expect(strstr(page, "What grew until prompt, +100"), "%s", page);
    cr_expect(strstr(page, "| `kernel_banner` to `init_started` | +100"), "%s",
              page);
    free(json);
    free(page);
    fill_phases(0);
    cr_expect_eq(judge(COMMAND_GATE, NULL), EXIT_PASSED);
    json = get_file("c.json");
    cr_expect(strstr(json, "\"grew\":[]"));
    free(json);
}

// Prompt is 10 % slower on topic, which is commit bbbb2222.
Test(gate, an_acknowledged_slow_down_breaks_it_only_when_it_grows)
{
    static const struct {
        const char *line;
        int code;
        const char *says;
    } cases[] = {
        {"boot prompt bbbb 12% - ann why", 0, "\"state\":\"holds\""},
        {"t/* * bbbb2222 120ms 2999-12-31 ann why", 0,
         "\"until\":\"2999-12-31"},
        {"boot prompt * 12% - ann why", 0, "\"gate\":\"holds\""},
        {"boot prompt bbbb 5% - ann why", 1, "\"state\":\"outgrown\""},
        {"boot prompt bbbb 12% 2001-01-01 ann why", 1, "\"state\":\"expired\""},
        {"boot prompt aaaa 12% - ann why", 1, "\"acknowledged\":null"},
        {"boot prompt cccc 12% - ann why", 1, "\"acknowledged\":null"},
        {"boot other bbbb 12% - ann why", 1, "\"acknowledged\":null"},
        {"boot", EXIT_WRONG, NULL},
    };
    fill_phases(100);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_file("known", cases[i].line);
        int code = judge_with(COMMAND_GATE, "prompt", "known");
        cr_expect_eq(code, cases[i].code, "%s: %d", cases[i].line, code);
        if (!cases[i].says)
            continue;
        char *json = get_file("c.json"), *page = get_file("c.md");
        cr_expect(strstr(json, cases[i].says), "%s: %s", cases[i].line, json);
        cr_expect(strstr(json, "\"verdict\":\"slower\""),
                  "it is, all the same");
        cr_expect_eq(strstr(page, "1F534") != NULL, cases[i].code == 1, "%s",
                     page);
        free(json);
        free(page);
    }
    // A line that nobody needs any more is told.
    fill_phases(0);
    put_file("known", "boot prompt bbbb 12% - ann why");
    cr_expect_eq(judge_with(COMMAND_GATE, "prompt", "known"), EXIT_PASSED);
    char *json = get_file("c.json");
    cr_expect(strstr(json, "\"state\":\"needless\""), "%s", json);
    free(json);
}
