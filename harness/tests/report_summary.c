// SPDX-License-Identifier: Apache-2.0
// The summary's table: a row for each case, and each row tells all verdicts and
// the name of its own case only.
#include "harness/report/reports.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 300

static struct result results[MOST];
static size_t count;

static void add(const char *path, const char *title, const char *series,
                enum verdict v)
{
    struct result *r = &results[count++];
    result_init(r);
    result_set(&r->path, "%s", path);
    result_set(&r->title, "%s", title);
    if (series)
        result_set(&r->series, "%s", series);
    if (v != VERDICT_ERROR)
        result_set(&r->guest, "busybox");
    r->verdict = v;
    result_add_mark(r, "login_prompt", (10 - count) * 1000000000, 1, 1);
}

// The rows of the table; the caller's.
static char *table(void)
{
    char path[] = "/tmp/toyvmm-summary-XXXXXX";
    struct report_run run = {.results = {count, results}, .version = "1"};
    struct error err = {""};
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(report_write(REPORT_SUMMARY, path, &run, &err), 0);
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(path, "re");
    cr_assert_gt(fread(text, 1, (1 << 20) - 1, f), 0);
    fclose(f);
    unlink(path);
    for (size_t i = 0; i < count; i++)
        result_free(&results[i]);
    count = 0;
    char *rows = strdup(strstr(text, "| --- |"));
    free(text);
    return rows;
}

static size_t lines(const char *text)
{
    size_t n = 0;
    for (; *text == '|'; text = strchr(text, '\n') + 1)
        n++;
    return n - 1;
}

Test(summary_rows, cases_of_a_matrix_are_not_one)
{
    add("t/m.tc", "M [k=a]", NULL, VERDICT_PASSED);
    add("t/m.tc", "M [k=b]", NULL, VERDICT_PASSED);
    add("t/m.tc", "M [k=c]", NULL, VERDICT_FAILED);
    add("t/n.tc", "M [k=c]", NULL, VERDICT_PASSED);
    char *rows = table();
    cr_expect_eq(lines(rows), 4);
    cr_expect_not_null(strstr(rows, "| passed | M \\[k=a\\] | t/m.tc | 1 |"));
    cr_expect_not_null(strstr(rows, "| passed | M \\[k=b\\] | t/m.tc | 1 |"));
    cr_expect_not_null(strstr(rows, "| failed | M \\[k=c\\] | t/m.tc | 1 |"));
    cr_expect_not_null(strstr(rows, "| passed | M \\[k=c\\] | t/n.tc | 1 |"));
    free(rows);
}

Test(summary_rows, a_series_is_one_with_all_of_its_verdicts)
{
    add("t/m.tc", "M (boot 1)", "M", VERDICT_PASSED);
    add("t/m.tc", "M (boot 2)", "M", VERDICT_FAILED);
    add("t/m.tc", "M (boot 3)", "M", VERDICT_ERROR);
    add("t/m.tc", "M (boot 4)", "M", VERDICT_PASSED);
    add("t/m.tc", "M [k=b] (boot 1)", "M [k=b]", VERDICT_PASSED);
    add("t/m.tc", "M [k=b] (boot 2)", "M [k=b]", VERDICT_PASSED);
    char *rows = table();
    cr_expect_eq(lines(rows), 2, "%s", rows);
    cr_expect_not_null(strstr(rows, "| 1 failed, 1 error, 2 passed | M | "
                                    "t/m.tc | 4 | busybox | `login_prompt` "
                                    "8.000 s |"),
                       "%s", rows);
    cr_expect_not_null(strstr(rows, "| passed | M \\[k=b\\] | t/m.tc | 2 |"));
    free(rows);
}

Test(summary_rows, names_are_no_markup)
{
    add("t/a|b.tc", "x | failed | `y` <b> $z$\n| z", NULL, VERDICT_PASSED);
    char *rows = table();
    cr_expect_eq(lines(rows), 1);
    cr_expect_not_null(strstr(rows, "| passed | x \\| failed \\| \\`y\\` "
                                    "&lt;b&gt; <span>$</span>z<span>$</span> "
                                    "\\| z | t/a\\|b.tc |"),
                       "%s", rows);
    free(rows);
}

Test(summary_rows, what_failed_has_its_row_among_very_many)
{
    for (int i = 0; i < MOST; i++) {
        char title[16];
        snprintf(title, sizeof(title), "case %d", i);
        add("t/m.tc", title, NULL, i == 299 ? VERDICT_FAILED : VERDICT_PASSED);
    }
    char *rows = table();
    cr_expect_eq(lines(rows), 200);
    cr_expect_not_null(strstr(rows, "| failed | case 299 |"));
    cr_expect_not_null(strstr(rows, "... and 100 more rows"));
    free(rows);
}
