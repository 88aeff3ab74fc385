// SPDX-License-Identifier: Apache-2.0
// --output-dir: which folder a scenario has, and what is in it.
#include "harness/cli/output_dir.h"
#include "harness/tests/cli_files.h"

#include <errno.h>

static const char *const names[][2] = {
    {"t/deep", "a[k=1]"}, {".", "b"}, {"../x", "a"},
    {"t.deep", "a[k=1]"}, {"t", "s"},
};
static struct selected cases[5];

static void begin(void)
{
    enter_folder();
    for (size_t i = 0; i < 5; i++)
        cases[i] = (struct selected){.suite = strdup(names[i][0]),
                                     .name = strdup(names[i][1])};
    cases[4].skip = strdup("why");
}

static void end(void)
{
    for (size_t i = 0; i < 5; i++) {
        free(cases[i].suite);
        free(cases[i].name);
        free(cases[i].skip);
    }
    leave_folder();
}

TestSuite(output_dir, .init = begin, .fini = end);

static const char *const folders[] = {"t.deep.a[k=1]", "b", "_.x.a",
                                      "t.deep.a[k=1]~2", "t.s"};
static const struct selection all = {.count = 5, .list = cases};

Test(output_dir, folders_are_named_after_scenarios)
{
    char *record[5] = {0}, *replay[5] = {0};
    char replayed[] = "r.tvr";
    replay[1] = replayed;
    struct recordings r = {.count = 5, .record = record, .replay = replay};
    struct output_dir d;
    struct error err = {""};
    cr_assert_eq(output_dir_make(&d, "out", &all, &r, &err), 0, "%s", err.text);
    for (size_t i = 0; i < 5; i++)
        cr_expect_str_eq(d.folders[i], folders[i]);
    cr_expect_str_eq(record[0], "out/t.deep.a[k=1]/recording.tvr");
    cr_expect_str_eq(record[2], "out/_.x.a/recording.tvr");
    cr_expect_eq(access("out/_.x.a", W_OK), 0);
    // A replay is recorded already, and what is skipped never is.
    cr_expect_null(record[1]);
    cr_expect_null(record[4]);
    for (size_t i = 0; i < 5; i++)
        free(record[i]);
    output_dir_free(&d);
}

Test(output_dir, a_file_in_its_place)
{
    struct output_dir d;
    struct error err = {""};
    put_file("out", "");
    cr_expect_eq(output_dir_make(&d, "out", &all, NULL, &err), -EEXIST);
    cr_expect(strstr(err.text, "--output-dir: out can't be made"));
    output_dir_free(&d);
}

static void add_console(struct result *r, unsigned port, const char *text)
{
    cr_assert_eq(result_add_console(r, port, strdup(text), strlen(text), 0), 0);
}

// A flaky scenario, and one of a series.
Test(output_dir, holds_all_that_is_known)
{
    struct selection two = {.count = 2, .list = cases};
    struct boot list[] = {{.selected = 0}, {.selected = 1, .number = 7}};
    struct plan_case what[] = {{.name = "a"}, {.name = "b#07"}};
    struct boots b = {.count = 2, .list = list, .cases = what};
    struct result r[2], before;
    struct output_dir d;
    struct error err = {""};
    result_init(&before);
    before.verdict = VERDICT_FAILED;
    result_set(&before.message, "it was late");
    add_console(&before, 0, "first\r\n");
    for (size_t i = 0; i < 2; i++) {
        result_init(&r[i]);
        result_set(&r[i].title, "title %zu", i);
        add_console(&r[i], 0, i ? "series" : "\033[31msecond\xff");
    }
    r[0].verdict = VERDICT_FLAKY;
    add_console(&r[0], 4, "virtio");
    cr_assert_eq(result_add_attempt(&r[0], &before), 0);
    // What an earlier run left.
    cr_assert_eq(mkdir("out", 0700) || mkdir("out/b#03", 0700) ||
                     mkdir("out/bb", 0700),
                 0);
    put_file("out/b#03/console.ttyS0.log", "old");
    put_file("out/b#03/mine", "kept");
    put_file("out/bb/report.txt", "of another");
    cr_assert_eq(output_dir_make(&d, "out", &two, NULL, &err), 0, "%s",
                 err.text);
    const struct report_run run = {.results = {2, r}, .version = "1"};
    cr_assert_eq(output_dir_write(&d, &b, &run, stderr), 0);
    cr_expect_neq(access("out/b#03/console.ttyS0.log", F_OK), 0);
    cr_expect(file_is("out/b#03/mine", "kept"));
    cr_expect(file_is("out/bb/report.txt", "of another"));
    cr_expect(
        file_is("out/t.deep.a[k=1]/console.ttyS0.log", "\033[31msecond\xff"));
    cr_expect(file_is("out/t.deep.a[k=1]/console.hvc0.log", "virtio"));
    cr_expect(file_is("out/t.deep.a[k=1]/attempt1.ttyS0.log", "first\r\n"));
    cr_expect(file_is("out/b#07/console.ttyS0.log", "series"));
    static const struct {
        const char *file, *says;
    } reports[] = {
        {"report.txt", "flaky title 0 ("},
        {"report.json", "\"verdict\":\"flaky\""},
        {"report.html", "1 scenario: 1 <span class=\"v flaky\">"},
        {"attempt1.txt", "it was late"},
    };
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "out/t.deep.a[k=1]/%s", reports[i].file);
        char *text = get_file(name);
        cr_expect(strstr(text, reports[i].says), "%s", text);
        free(text);
    }
    output_dir_free(&d);
    result_free(&r[0]);
    result_free(&r[1]);
}

// One that can't be written takes no other one along.
Test(output_dir, what_fails_is_told)
{
    struct selection two = {.count = 2, .list = cases};
    struct boot list[] = {{.selected = 0}, {.selected = 1}};
    struct plan_case what[] = {{.name = "a"}, {.name = "b"}};
    struct boots b = {.count = 2, .list = list, .cases = what};
    struct result r[2] = {{.title = NULL}, {.title = NULL}};
    struct output_dir d;
    struct error err = {""};
    char *text = NULL;
    size_t size = 0;
    cr_assert_eq(output_dir_make(&d, "out", &two, NULL, &err), 0);
    put_file("out/t.deep.a[k=1]", "in the way");
    const struct report_run run = {.results = {2, r}, .version = "1"};
    FILE *f = open_memstream(&text, &size);
    cr_expect_eq(output_dir_write(&d, &b, &run, f), -EEXIST);
    fclose(f);
    cr_expect(strstr(text, "out/t.deep.a[k=1] can't be made"), "%s", text);
    cr_expect_eq(access("out/b/report.txt", F_OK), 0);
    free(text);
    output_dir_free(&d);
}
