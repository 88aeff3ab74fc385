// SPDX-License-Identifier: Apache-2.0
// What `gate` says of a mark that is slower: what of it grew, and whether
// somebody answers for it.
#include "harness/tests/cli_gate_util.h"

TestSuite(gate_grown, .init = gate_begin, .fini = gate_end);

// Twenty boots a side whose kernel takes longer on topic, by an initcall.
static void fill_phases(unsigned topic_ms)
{
    struct history *h = gate_history();
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
        struct history_run run = gate_run(topic, i);
        run.position = i;
        run.nmarks = 5;
        run.marks = marks;
        gate_add(h, run);
    }
    history_close(h);
}

Test(gate_grown, says_what_grew)
{
    fill_phases(100);
    cr_expect_eq(gate_judge(COMMAND_GATE, NULL, NULL), EXIT_FAILED);
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
    cr_expect_eq(gate_judge(COMMAND_GATE, NULL, NULL), EXIT_PASSED);
    json = get_file("c.json");
    cr_expect(strstr(json, "\"grew\":[]"));
    free(json);
}

// Prompt is 10 % slower on topic, which is commit bbbb2222.
Test(gate_grown, an_acknowledged_slow_down_breaks_it_only_when_it_grows)
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
        int code = gate_judge(COMMAND_GATE, "prompt", "known");
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
    cr_expect_eq(gate_judge(COMMAND_GATE, "prompt", "known"), EXIT_PASSED);
    char *json = get_file("c.json");
    cr_expect(strstr(json, "\"state\":\"needless\""), "%s", json);
    free(json);
}
