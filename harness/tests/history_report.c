// SPDX-License-Identifier: Apache-2.0
// A comparison in words, and what a gate makes of it.
#include "harness/history/compare_report.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct compared_mark marks[] = {
    {"kernel_banner",
     {.change = CHANGE_SAME,
      .base_n = 20,
      .head_n = 20,
      .base = 3e8,
      .head = 3e8,
      .ratio = 1.001,
      .low = 0.99,
      .high = 1.01,
      .p = 0.7,
      .p_adjusted = 0.9,
      .detectable = 0.021}},
    {"login \"prompt\"",
     {.change = CHANGE_SLOWER,
      .base_n = 20,
      .head_n = 19,
      .base = 2.5e9,
      .head = 2.65e9,
      .ratio = 1.06,
      .low = 1.05,
      .high = 1.07,
      .dominance = 1,
      .p = 0.0001,
      .p_adjusted = 0.0002,
      .detectable = INFINITY}},
    {"shell",
     {.change = CHANGE_TOO_FEW,
      .base_n = 2,
      .head_n = 2,
      .needed = 24,
      .ratio = 1}},
    {"once|`",
     {.change = CHANGE_TOO_FEW,
      .base_n = 1,
      .head_n = 9,
      .needed = 6,
      .ratio = 1}},
    {"never", {.change = CHANGE_ABSENT}},
};

static const struct compared all = {
    .scenario = "boot.tc",
    .base = "v1",
    .head = "v2",
    .options = &compare_defaults,
    .nmarks = 5,
    .marks = marks,
    .warning = "the host is loud",
};

static char *written(void (*write)(FILE *f, const struct compared *c))
{
    static char text[8192];
    memset(text, 0, sizeof(text));
    FILE *f = fmemopen(text, sizeof(text) - 1, "w");
    write(f, &all);
    cr_assert_eq(fclose(f), 0);
    return text;
}

Test(compare_report, a_person_reads_it)
{
    const char *text = written(compared_terminal);
    cr_expect(strstr(text, "v2 against v1"));
    cr_expect(strstr(text, "same (2.1 % would have been seen) [20, 20]"));
    cr_expect(strstr(text, "2.500 s     2.650 s   +6.0 %"), "%s", text);
    cr_expect(strstr(text, "too few samples (24 of each would do)"));
    cr_expect(strstr(text, "too few samples (6 of each at least)"));
    cr_expect(strstr(text, "not seen"));
    cr_expect(strstr(text, "warning: the host is loud"));
}

Test(compare_report, a_merge_request_shows_it)
{
    const char *text = written(compared_markdown);
    cr_expect(strstr(text, "| `kernel_banner` | 300.0 ms | 300.0 ms | +0.1 %"));
    // Each row has as many cells as the head.
    char *copy = strdup(strstr(text, "| mark"));
    for (char *line = strtok(copy, "\n"); line && *line == '|';
         line = strtok(NULL, "\n")) {
        unsigned bars = 0;
        for (const char *c = line; *c; c++)
            bars += *c == '|' && (c == line || c[-1] != '\\');
        cr_expect_eq(bars, 8, "%s", line);
    }
    free(copy);
}

Test(compare_report, a_program_reads_it)
{
    const char *text = written(compared_json);
    cr_expect(strstr(text, "\"gate\":\"broken\""));
    cr_expect(strstr(text, "\"login \\\"prompt\\\"\""));
    cr_expect(strstr(text, "\"detectable\":null"));
    if (system("command -v python3 >/dev/null") != 0)
        return;
    char path[64];
    snprintf(path, sizeof(path), "/tmp/toyvmm-compared-%d.json", getpid());
    FILE *f = fopen(path, "we");
    fputs(text, f);
    fclose(f);
    char command[160];
    snprintf(command, sizeof(command), "python3 -m json.tool %s >/dev/null",
             path);
    cr_expect_eq(system(command), 0);
    unlink(path);
}

Test(compare_report, a_gate_breaks_on_what_is_slower_only)
{
    struct compared c = all;
    cr_expect_eq(compared_gate(&c), GATE_BROKEN);
    c.nmarks = 1;
    cr_expect_eq(compared_gate(&c), GATE_HOLDS);
    c.marks = marks + 2;
    c.nmarks = 2;
    cr_expect_eq(compared_gate(&c), GATE_OPEN);
}

// Of the exact rig each digit counts.
Test(compare_report, exact_times_are_told_to_the_nanosecond)
{
    const struct compared_mark exact[] = {
        {"login",
         {.change = CHANGE_SLOWER,
          .base_n = 4,
          .head_n = 4,
          .base = 2629898621,
          .head = 2632528519,
          .ratio = 1.001,
          .low = 1.0009,
          .high = 1.0011}},
        {"early",
         {.change = CHANGE_IDENTICAL,
          .base_n = 4,
          .head_n = 4,
          .base = 294967978,
          .head = 294967978,
          .ratio = 1,
          .low = 1,
          .high = 1,
          .p_adjusted = 1}},
    };
    struct compare_options o = compare_defaults;
    struct compared c = all;
    char text[8192] = "";
    o.floor = 1e6;
    c.options = &o;
    c.exact = true;
    c.marks = exact;
    c.nmarks = 2;
    void (*const write[])(FILE * f, const struct compared *c) = {
        compared_terminal, compared_markdown, compared_json};
    static const char *const says[][3] = {
        {"2.629898621 s 2.632528519 s   +0.100 %    +0.090 to  +0.110 %",
         "identical [4, 4]", "2 % and 1 ms or more; [seeds of base"},
        {"| 2.629898621 s | 2.632528519 s | +0.100 % | +0.090 to +0.110 % |",
         "| 1 | identical |", "0.294967978 s"},
        {"\"exact\":true,\"floor_ns\":1000000", "\"verdict\":\"identical\"",
         "\"gate\":\"broken\""},
    };
    for (size_t i = 0; i < 3; i++) {
        FILE *f = fmemopen(text, sizeof(text) - 1, "w");
        write[i](f, &c);
        cr_assert_eq(fclose(f), 0);
        for (size_t k = 0; k < 3; k++)
            cr_expect(strstr(text, says[i][k]), "%s: %s", says[i][k], text);
    }
    c.marks = exact + 1;
    c.nmarks = 1;
    cr_expect_eq(compared_gate(&c), GATE_HOLDS);
}
