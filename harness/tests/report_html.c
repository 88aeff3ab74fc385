// SPDX-License-Identifier: Apache-2.0
// The page and the summary of a run: well-formed whatever a guest printed,
// self-contained, bounded; fences that hold.
#include "harness/report/reports.h"

#include <criterion/criterion.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOSTILE                                                                \
    "a]]>b<script>&\"'\x1b[31m\x01\x7f\r\nd\te\xff\xc3\x28\xed\xa0\x80"        \
    "\xef\xbf\xbe\xe2\x80\xae\xf0\x9f\x98\x80</pre></section>"

static void fill(struct result *r, enum verdict v)
{
    static const struct result_mark late = {.wall_ns = 900000000,
                                            .cpu_ns = 500000000,
                                            .exits = 30,
                                            .exits_by = {20, 5, 5, 0, 0}};
    result_init(r);
    r->verdict = v;
    result_set(&r->path, "%s", HOSTILE);
    result_set(&r->title, "%s", HOSTILE);
    result_set(&r->suite, "s");
    result_set(&r->guest, "%s", HOSTILE);
    result_set(&r->message, "%s", HOSTILE);
    result_add_section(r, "console", HOSTILE "\n```\n````` a fence\n");
    result_add_mark(r, "process_start", 0, 0, 0);
    // Marks at one moment, and one after the end.
    for (int i = 0; i < 30; i++)
        result_add_mark(r, HOSTILE, 400000000, 20000000, 7);
    result_put_mark(r, "userspace", &late);
    result_add_reading(r, HOSTILE, 5000000);
    result_add_initcall(r, HOSTILE, 1500, -19);
    result_add_note(r, true, 5, "w", "%s", HOSTILE);
    result_add_property(r, HOSTILE, HOSTILE);
    result_add_test(r, HOSTILE, v, 10, 10, HOSTILE, HOSTILE);
    char *bytes = malloc(300000);
    cr_assert_not_null(bytes);
    for (size_t i = 0; i < 300000; i++)
        bytes[i] = i % 80 ? (char)i : '\n';
    result_add_console(r, 0, bytes, 300000, 12);
    struct result_line *lines = calloc(2, sizeof(*lines));
    cr_assert_not_null(lines);
    lines[0] = (struct result_line){0, 100000000};
    lines[1] = (struct result_line){81, 900000000};
    result_console_lines(r, lines, 2);
    r->duration_ns = 800000000;
}

// The report of n scenarios, in a file; its text is the caller's.
static char *written(enum report_kind kind, size_t n, char path[64])
{
    struct result *r = calloc(n, sizeof(*r));
    struct error err = {""};
    for (size_t i = 0; i < n; i++)
        fill(&r[i], (enum verdict)(i % 4));
    struct report_run run = {
        .results = {n, r}, .version = "1.2", .accelerator = "kvm"};
    snprintf(path, 64, "/tmp/toyvmm-page-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(report_write(kind, path, &run, &err), 0, "%s", err.text);
    for (size_t i = 0; i < n; i++)
        result_free(&r[i]);
    free(r);
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    cr_assert_not_null(f);
    cr_assert_gt(getdelim(&text, &size, '\0', f), 0);
    fclose(f);
    return text;
}

Test(html, is_well_formed_whatever_a_guest_printed)
{
    char path[64], command[128];
    char *page = written(REPORT_HTML, 4, path);
    snprintf(command, sizeof(command), "xmllint --noout %s", path);
    // NOLINTNEXTLINE(cert-env33-c): the command is a constant of this test
    int status = system(command);
    unlink(path);
    cr_expect_null(strstr(page, "<script"));
    cr_expect_null(strstr(page, "src="));
    cr_expect_null(strstr(page, "url("));
    free(page);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        cr_skip_test("xmllint is not installed");
    cr_expect_eq(status, 0);
}

Test(html, tells_phases_times_and_exits)
{
    char path[64];
    char *page = written(REPORT_HTML, 1, path);
    unlink(path);
    cr_expect_not_null(strstr(page, "20 io, 5 mmio, 5 hlt"));
    cr_expect_not_null(strstr(page, "userspace 0.900 s"));
    cr_expect_not_null(strstr(page, "bytes left out here"));
    // A line's own time, and the silence before it.
    cr_expect_not_null(strstr(page, "<i>   0.100  </i>"));
    cr_expect_not_null(strstr(page, "   0.900* "));
    free(page);
}

Test(html, has_a_row_for_each_of_very_many)
{
    char path[64];
    char *page = written(REPORT_HTML, 700, path);
    unlink(path);
    size_t rows = 0, told = 0;
    for (const char *at = page; (at = strstr(at, "<tr><td><span")); at++)
        rows++;
    for (const char *at = page; (at = strstr(at, "<section id=")); at++)
        told++;
    // The guests' own tests have such rows, too.
    cr_expect_geq(rows, 700);
    // All of the first 300, and of the others those that did not pass.
    cr_expect_eq(told, 300 + 200);
    free(page);
}

Test(summary, fences_hold)
{
    char path[64];
    char *text = written(REPORT_SUMMARY, 2, path);
    unlink(path);
    // Longer than the longest run of backticks in what it holds.
    cr_expect_not_null(strstr(text, "\n``````text\n"));
    cr_expect_not_null(strstr(text, "\n``````\n"));
    // Outside of them nothing is markup.
    cr_expect_not_null(strstr(text, "#### failed: a\\]\\]&gt;b&lt;script&gt;"));
    cr_expect_not_null(strstr(text, "### 2 boots: 1 passed, 1 failed"));
    free(text);
}

Test(summary, is_bounded_and_added_to_what_is_there)
{
    char path[64];
    char *text = written(REPORT_SUMMARY, 1000, path);
    cr_expect_lt(strlen(text), 400000);
    cr_expect_not_null(strstr(text, "more that did not pass"));
    free(text);
    struct result none = {0};
    struct report_run run = {.results = {0, &none}, .version = "1"};
    struct error err = {""};
    FILE *f = fopen(path, "we");
    cr_assert_not_null(f);
    fputs("another step's words\n", f);
    fclose(f);
    cr_assert_eq(report_write(REPORT_SUMMARY, path, &run, &err), 0);
    f = fopen(path, "re");
    char line[64];
    cr_assert_not_null(fgets(line, sizeof(line), f));
    fclose(f);
    unlink(path);
    cr_expect_str_eq(line, "another step's words\n");
}
