// SPDX-License-Identifier: Apache-2.0
// A run of the exact rig: its seed stands in every report, and nothing of the
// host that it ran on.
#include "harness/report/reports.h"
#include "harness/report/terminal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void fill(struct result *r)
{
    result_init(r);
    r->verdict = VERDICT_FAILED;
    cr_assert_eq(result_set(&r->path, "x.tc"), 0);
    cr_assert_eq(result_set(&r->title, "x"), 0);
    cr_assert_eq(result_set(&r->suite, "."), 0);
    cr_assert_eq(result_set(&r->accelerator, "exact"), 0);
    cr_assert_eq(result_set(&r->message, "it broke"), 0);
    cr_assert_eq(result_add_property(r, "seed", "47110815"), 0);
}

// The text of a report, on the heap.
static char *report(enum report_kind kind)
{
    char path[] = "/tmp/toyvmm-report-XXXXXX";
    struct result r;
    struct error err = {""};
    fill(&r);
    struct report_run run = {
        .results = {1, &r}, .version = "1.2", .accelerator = "exact"};
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(report_write(kind, path, &run, &err), 0, "%s", err.text);
    close(fd);
    FILE *f = fopen(path, "re");
    char *text = calloc(1, 1 << 20);
    cr_assert(f && text);
    cr_expect_gt(fread(text, 1, (1 << 20) - 1, f), 0);
    fclose(f);
    unlink(path);
    result_free(&r);
    return text;
}

Test(seed, stands_in_every_report)
{
    for (unsigned kind = 0; kind < REPORTS; kind++) {
        char *text = report((enum report_kind)kind);
        cr_expect_not_null(strstr(text, "47110815"), "%s",
                           report_name((enum report_kind)kind));
        free(text);
    }
    struct result r;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    cr_assert_not_null(f);
    fill(&r);
    terminal_result(f, &r, false);
    fclose(f);
    cr_expect_not_null(strstr(text, "exact, seed 47110815, "), "%s", text);
    free(text);
    result_free(&r);
}

Test(seed, its_report_is_the_same_on_any_host)
{
    struct utsname host;
    char *text = report(REPORT_JSON);
    cr_assert_eq(uname(&host), 0);
    cr_expect_not_null(strstr(text, "\"host\":{\"name\":\"rig\","
                                    "\"kernel\":null"),
                       "%s", text);
    cr_expect_null(strstr(text, host.release));
    free(text);
}
