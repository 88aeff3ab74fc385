// SPDX-License-Identifier: Apache-2.0
// Result records survive the way through a file, and a damaged file is
// refused; the lines that a person reads.
#include "harness/report/result.h"
#include "harness/report/terminal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fill(struct result *r)
{
    result_init(r);
    r->verdict = VERDICT_FAILED;
    result_set(&r->path, "a/b.tc");
    result_set(&r->title, "Title");
    result_set(&r->message, "no \x1b[1mprompt");
    result_set(&r->where, "a/b.tc:3:1");
    result_add_section(r, "wait", "one\ntwo");
    result_add_section(r, "trace", "");
    result_add_test(r, "s/t", VERDICT_SKIPPED, 5, 4, "SKIP", NULL);
    for (int i = 0; i < 9; i++) {
        char name[8];
        snprintf(name, sizeof(name), "m%d", i);
        result_add_mark(r, name, (uint64_t)i, 2, 3);
        result_add_note(r, i & 1, 4, i & 2 ? "w" : NULL, "note %d", i);
        result_add_property(r, name, "");
    }
    struct result_share shares[] = {{1, 2}, {3, 4}, {5, 6}};
    r->marks[8].nvcpus = 3;
    r->marks[8].vcpus = malloc(sizeof(shares));
    memcpy(r->marks[8].vcpus, shares, sizeof(shares));
    char *bytes = malloc(3);
    memcpy(bytes, "a\0b", 3);
    result_add_console(r, 1, bytes, 3, 12);
}

Test(result, is_the_same_after_save_and_load)
{
    struct result a, b;
    fill(&a);
    char path[] = "/tmp/toyvmm-result-XXXXXX";
    close(mkstemp(path));
    struct error err = {""};
    cr_assert_eq(result_save(&a, path, &err), 0, "%s", err.text);
    cr_assert_eq(result_load(&b, path, &err), 0, "%s", err.text);
    cr_expect_eq(b.verdict, VERDICT_FAILED);
    cr_expect_str_eq(b.message, a.message);
    cr_expect_null(b.guest, "NULL stays NULL");
    cr_expect_eq(b.nmarks, 9);
    cr_expect_str_eq(b.marks[8].name, "m8");
    cr_expect_eq(b.marks[8].wall_ns, 8);
    cr_expect_eq(b.marks[7].nvcpus, 0);
    cr_assert_eq(b.marks[8].nvcpus, 3);
    cr_expect(b.marks[8].vcpus[2].cpu_ns == 5 &&
              b.marks[8].vcpus[2].exits == 6);
    cr_expect_eq(b.nnotes, 9);
    cr_expect(b.notes[7].failed && !b.notes[8].failed);
    cr_expect_null(b.notes[0].where);
    cr_assert_eq(b.nconsoles, 1);
    cr_expect_eq(b.consoles[0].port, 1);
    cr_expect_eq(b.consoles[0].len, 3);
    cr_expect_eq(memcmp(b.consoles[0].bytes, "a\0b", 3), 0);
    cr_expect_eq(b.consoles[0].elided, 12);
    cr_expect_eq(b.nsections, 1, "an empty section is none");
    cr_expect_str_eq(result_section(&b, "wait"), "one\ntwo");
    cr_expect_null(result_section(&b, "trace"));
    cr_assert_eq(b.ntests, 1);
    cr_expect_str_eq(b.tests[0].name, "s/t");
    cr_expect_eq(b.tests[0].verdict, VERDICT_SKIPPED);
    cr_expect_eq(b.tests[0].at_ns, 5);
    cr_expect_str_eq(b.tests[0].message, "SKIP");
    cr_expect_null(b.tests[0].details);
    // A loaded record can grow on.
    cr_expect_eq(result_add_mark(&b, "more", 1, 1, 1), 0);
    unlink(path);
    result_free(&a);
    result_free(&b);
}

Test(result, every_cut_is_refused)
{
    struct result a, b;
    fill(&a);
    char path[] = "/tmp/toyvmm-result-XXXXXX";
    close(mkstemp(path));
    cr_assert_eq(result_save(&a, path, NULL), 0);
    FILE *f = fopen(path, "re");
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    fclose(f);
    for (long len = size - 1; len >= 0; len--) {
        cr_assert_eq(truncate(path, len), 0);
        struct error err = {""};
        cr_assert_eq(result_load(&b, path, &err), -EINVAL, "%ld", len);
        cr_assert(strstr(err.text, "damaged"));
    }
    unlink(path);
    result_free(&a);
}

Test(terminal, a_failure_explains_itself)
{
    struct result r;
    fill(&r);
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    terminal_result(f, &r, true);
    terminal_summary(f, &(struct result_list){1, &r}, 1500000000);
    fclose(f);
    cr_expect(strstr(text, "FAIL  Title (a/b.tc, "));
    cr_expect(strstr(text, "a/b.tc:3:1: no \xe2\x90\x9b[1mprompt\n"));
    cr_expect(strstr(text, "        two\n"));
    cr_expect(strstr(text, "1 scenario: 1 failed in 1.500 s\n"));
    cr_expect_null(strchr(text, 0x1b));
    free(text);
    result_free(&r);
}
