// SPDX-License-Identifier: Apache-2.0
// Trends of a history with a known change, in all their forms.
#include "harness/history/exchange.h"
#include "harness/history/random.h"
#include "harness/history/trend.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMITS 24
#define EACH    6

static char path[64];

static void fill(struct history *h)
{
    struct random_source random = {1};
    for (uint64_t c = 0; c < COMMITS; c++) {
        char commit[16];
        snprintf(commit, sizeof(commit), "<c%02u>", (unsigned)c);
        for (uint64_t i = 0; i < EACH; i++) {
            uint64_t ns = 2500000000 + random_below(&random, 20000000);
            if (c >= 15)
                ns += 200000000; // 8 %
            const struct history_mark marks[] = {
                {"process_start", 0, 0, 0},
                {"login_prompt", ns, ns / 2, 500},
                {"initcall:slow_init", c >= 15 ? 150000000 : 50000000, 0, 0},
            };
            struct history_run r = {
                .session = "s",
                .position = i,
                .scenario = "a \"b\", c.tc",
                .guest = "alpine",
                .commit = commit,
                .started_unix_ns =
                    (1700000000 + c * 86400 + i) * UINT64_C(1000000000),
                .verdict = i == 5 ? "failed" : "passed",
                .environment = {"AMD & sons", NULL, "kvm", "1", 1, 1},
                .subject = {"k", NULL, ""},
                .nmarks = 3,
                .marks = marks,
            };
            history_new_id(r.id);
            struct error err = {""};
            cr_assert_eq(history_add(h, &r, 1, &err), 0, "%s", err.text);
        }
    }
}

static struct trends make(void)
{
    struct history *h;
    struct error err = {""};
    snprintf(path, sizeof(path), "/tmp/toyvmm-trend-%d.db", getpid());
    unlink(path);
    cr_assert_eq(history_open(path, &h, &err), 0, "%s", err.text);
    fill(h);
    struct trends t;
    cr_assert_eq(
        trends_read(h, &(struct history_query){0}, NULL, TREND_WALL, &t, &err),
        0, "%s", err.text);
    history_close(h);
    unlink(path);
    return t;
}

static char *written(void (*write)(FILE *f, const struct trends *t),
                     const struct trends *t)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    write(f, t);
    cr_assert_eq(fclose(f), 0);
    char *copy = strdup(text);
    free(text);
    return copy;
}

static void terminal(FILE *f, const struct trends *t)
{
    trends_terminal(f, t, 100);
}

Test(trend, runs_become_points_and_the_change_is_found)
{
    struct trends t = make();
    cr_assert_eq(t.count, 1);
    cr_assert_eq(t.list[0].nseries, 1, "process_start is no mark to follow");
    const struct trend_series *s = &t.list[0].series[0];
    cr_expect_str_eq(s->mark, "login_prompt");
    cr_assert_eq(s->npoints, COMMITS);
    cr_expect_str_eq(s->points[3].label, "<c03>");
    cr_expect_eq(s->points[3].summary.n, EACH - 1, "failed runs don't count");
    cr_assert_eq(s->nchanges, 1);
    cr_expect_eq(s->changes[0].at, 15);
    trends_free(&t);
}

Test(trend, a_terminal_shows_line_and_change)
{
    struct trends t = make();
    char *text = written(terminal, &t);
    cr_expect(strstr(text, "\xe2\x96\x81"), "%s", text);
    cr_expect(strstr(text, "\xe2\x96\x88"));
    cr_expect(strstr(text, "at <c15>: 2.5"), "%s", text);
    cr_expect(strstr(text, "n 5"));
    cr_expect(strstr(text, "what grew until login_prompt, +"), "%s", text);
    cr_expect(strstr(text, "+100.0 ms"), "%s", text);
    cr_expect(strstr(text, "  initcall slow_init *\n"), "%s", text);
    free(text);
    trends_free(&t);
}

Test(trend, csv_has_a_row_for_each_point)
{
    struct trends t = make();
    char *text = written(trends_csv, &t);
    size_t rows = 0;
    for (const char *c = text; (c = strstr(c, "\r\n")); c += 2)
        rows++;
    cr_expect_eq(rows, 1 + COMMITS);
    cr_expect(strstr(text, "\"a \"\"b\"\", c.tc\",alpine,kvm,"), "%s", text);
    cr_expect(strstr(text, ",login_prompt,<c15>,,"));
    free(text);
    trends_free(&t);
}

Test(trend, programs_read_changes_and_what_grew)
{
    struct trends t = make();
    char *text = written(trends_json, &t);
    cr_expect(strstr(text, "{\"trend\":1,\"scenario\":\"a \\\"b\\\", c.tc\""),
              "%s", text);
    cr_expect(strstr(text, "\"changes\":[{\"commit\":\"<c15>\",\"point\":15,"
                           "\"verdict\":\"slower\""));
    cr_expect(strstr(text, "\"kind\":\"initcall\",\"name\":\"slow_init\""));
    cr_expect_null(strstr(text, "\"mark\":\"initcall"));
    free(text);
    trends_free(&t);
}

Test(trend, an_acknowledged_change_is_no_alarm)
{
    static const struct {
        const char *commit;
        double size;
        int64_t expires;
        int alarms;
        const char *says;
    } cases[] = {
        {"<c15", 0.1, INT64_MAX, 0, "acknowledged up to size: why (ann)"},
        {"<c15>", 0.1, 5, 1, "expired: this was acknowledged"},
        {"<c15", 0.03, INT64_MAX, 1, "it has outgrown what was acknowledged"},
        {"<c14", 0.1, INT64_MAX, 1, "at <c15>"},
        {"*", 0.1, INT64_MAX, 0, "acknowledged up to"},
    };
    struct error err = {""};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct trends t = make();
        struct acknowledged line = {.scenario = strdup("a*"),
                                    .mark = strdup("login_prompt"),
                                    .commit = strdup(cases[i].commit),
                                    .size = strdup("size"),
                                    .fraction = cases[i].size,
                                    .until = strdup("-"),
                                    .owner = strdup("ann"),
                                    .reason = strdup("why"),
                                    .expires = cases[i].expires,
                                    .line = 1};
        const struct acknowledgements a = {"known", 1, &line};
        cr_expect_eq(trends_acknowledge(&t, &a, 10, &err), cases[i].alarms,
                     "case %zu", i);
        char *text = written(terminal, &t);
        cr_expect(strstr(text, cases[i].says), "%s", text);
        free(text);
        text = written(trends_json, &t);
        cr_expect_eq(strstr(text, "\"acknowledged\":null") != NULL,
                     !strcmp(cases[i].commit, "<c14"));
        free(text);
        char *const fields[] = {line.scenario, line.mark,  line.commit,
                                line.size,     line.until, line.owner,
                                line.reason};
        trends_free(&t);
        for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
            free(fields[k]);
    }
}

Test(trend, openmetrics_tells_the_newest)
{
    struct trends t = make();
    char *text = written(trends_openmetrics, &t);
    cr_expect(strstr(text, "toyvmm_boot_seconds{scenario=\"a \\\"b\\\", c.tc\","
                           "guest=\"alpine\",accelerator=\"kvm\","
                           "mark=\"login_prompt\",quantile=\"0.5\"} 2.7"),
              "%s", text);
    cr_expect(strstr(text, "toyvmm_boot_samples{"));
    cr_expect_str_eq(text + strlen(text) - 6, "# EOF\n");
    free(text);
    trends_free(&t);
}

// HTML is checked as XML where it can be: the body has no void elements.
Test(trend, the_page_is_well_formed_and_escaped)
{
    struct trends t = make();
    char *text = written(trends_html, &t);
    cr_expect_null(strstr(text, "<c15>"));
    cr_expect(strstr(text, "&lt;c15&gt;"));
    cr_expect(strstr(text, "AMD &amp; sons"));
    cr_expect_null(strstr(text, "<script"));
    cr_expect_null(strstr(text, "http"), "needs no network");
    cr_expect_null(strstr(text, "nan"));
    char file[64];
    snprintf(file, sizeof(file), "/tmp/toyvmm-trend-%d.xml", getpid());
    FILE *f = fopen(file, "we");
    fputs(strstr(text, "<body>"), f);
    cr_assert_eq(fseek(f, -(long)strlen("</html>\n"), SEEK_END), 0);
    fputs("       \n", f);
    fclose(f);
    char command[128];
    snprintf(command, sizeof(command), "xmllint --noout %s", file);
    if (system("command -v xmllint >/dev/null") == 0)
        cr_expect_eq(system(command), 0);
    unlink(file);
    free(text);
    trends_free(&t);
}

Test(trend, nothing_is_said_plainly)
{
    struct trends none = {0};
    char *text = written(terminal, &none);
    cr_expect_str_eq(text, "the history holds no such runs\n");
    free(text);
    text = written(trends_html, &none);
    cr_expect(strstr(text, "no such runs"));
    free(text);
}

// Otava wants a number in each cell: a mark that a point lacks is no column.
Test(trend, otava_reads_a_file_for_each_line)
{
    struct trends t = make();
    struct trend *one = &t.list[0];
    struct trend_point few = one->series[0].points[0];
    struct trend_series series[2] = {
        one->series[0],
        {.mark = (char[]){"rare"}, .points = &few, .npoints = 1}};
    struct trend two[2] = {*one, *one};
    two[0].series = series;
    two[0].nseries = 2;
    two[1].scenario = (char[]){"a.'b', c.tc"};
    const struct trends both = {.count = 2, .list = two};
    char name[OTAVA_NAME], other[OTAVA_NAME];
    otava_name(&both, 0, name);
    otava_name(&both, 1, other);
    cr_expect_eq(strncmp(name, "a__b___c.tc-alpine-kvm-", 23), 0, "%s", name);
    cr_expect_str_neq(name, other);
    two[1].scenario = one->scenario;
    otava_name(&both, 1, other);
    cr_expect_str_eq(other + strlen(other) - 2, "_2");
    cr_expect_eq(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-"),
                 strlen(name));
    char *text = NULL;
    size_t len = 0, rows = 0;
    FILE *f = open_memstream(&text, &len);
    otava_csv(f, &two[0]);
    cr_assert_eq(fclose(f), 0);
    cr_expect_eq(strncmp(text,
                         "time,commit,\"login_prompt\"\n"
                         "2023-11-14 22:13:20 +0000,\"<c00>\",2.5",
                         62),
                 0, "%s", text);
    for (const char *c = text; (c = strchr(c, '\n')); c++)
        rows++;
    cr_expect_eq(rows, 1 + COMMITS);
    cr_expect_null(strstr(text, ",,"));
    free(text);
    char *config = written(otava_config, &both);
    cr_expect(strstr(config, name) && strstr(config, other));
    cr_expect(strstr(config, "      \"login_prompt\":\n        direction: -1"),
              "%s", config);
    cr_expect_null(strstr(config, "rare"));
    free(config);
    trends_free(&t);
}

// Of several environments one is told: a name stands once in an object.
Test(trend, bencher_reads_the_newest)
{
    struct trends t = make();
    struct trend two[2] = {t.list[0], t.list[0]};
    const struct trends both = {.count = 2, .list = two};
    char *text = written(bencher_json, &both);
    static const char key[] =
        "{\"a \\\"b\\\", c.tc: login_prompt (alpine, kvm)\":{\"latency\":"
        "{\"value\":2.7";
    cr_expect_eq(strncmp(text, key, sizeof(key) - 1), 0, "%s", text);
    cr_expect(strstr(text, ",\"lower_value\":2"));
    cr_expect(strstr(text, ",\"upper_value\":2"));
    const char *first = strstr(text, "login_prompt");
    cr_expect_null(strstr(first + 1, "login_prompt"));
    free(text);
    t.unit = TREND_CPU;
    text = written(bencher_json, &t);
    cr_expect(strstr(text, "{\"cpu-time\":{\"value\":"), "%s", text);
    free(text);
    trends_free(&t);
}
