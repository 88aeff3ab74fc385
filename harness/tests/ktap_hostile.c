// SPDX-License-Identifier: Apache-2.0
// The KTAP reader against real recordings, against each place where a line can
// be cut, and against output that wants to break it.
#include "harness/tests/ktap_told.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *slurp(const char *name, size_t *len)
{
    char path[512];
    snprintf(path, sizeof(path),
             TEST_SOURCE_DIR "/fixtures/consoles/ktap/%s.raw", name);
    FILE *f = fopen(path, "re");
    cr_assert_not_null(f, "%s", path);
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    cr_assert_not_null(out);
    int c;
    // As the console filter does.
    while ((c = getc(f)) != EOF) {
        if (c != '\r')
            putc(c, out);
    }
    fclose(f);
    fclose(out);
    return text;
}

static size_t count(const struct result *r, enum verdict v)
{
    return result_count_tests(r, v);
}

// ---- Real output ------------------------------------------------------------

static const struct recording {
    const char *name;
    size_t passed, failed, errors, skipped;
    const char *some; // lines that ktap_told gives
} recordings[] = {
    {"kunit-6.1", 68, 0, 0, 2,
     "complete\nP hash/test_string_or\nP hash/test_hash_or\n"},
    {"kunit-kasan-6.1", 8, 0, 0, 0, "P kasan/kmalloc_oob_right\n"},
    {"kselftest-harness", 4, 0, 0, 0, "P child.fetch_fd\n"},
    // kcmp_test announces three tests and prints none of their results.
    {"kselftest", 26, 1, 1, 0,
     "P selftests: futex: futex_waitv/futex_waitv invalid clockid\n"
     "P selftests: futex: pidfd_getfd_test/global.flags_set\n"},
};
#define RECORDINGS (sizeof(recordings) / sizeof(recordings[0]))

Test(ktap_recordings, give_their_tests)
{
    for (size_t i = 0; i < RECORDINGS; i++) {
        const struct recording *c = &recordings[i];
        size_t len;
        char *text = slurp(c->name, &len);
        struct result r;
        result_init(&r);
        char *told = ktap_told_result(text, len, NULL, &r);
        cr_expect(strstr(told, c->some), "%s", told);
        cr_expect_eq(count(&r, VERDICT_PASSED), c->passed, "%s", told);
        cr_expect_eq(count(&r, VERDICT_FAILED), c->failed, "%s", told);
        cr_expect_eq(count(&r, VERDICT_ERROR), c->errors, "%s", told);
        cr_expect_eq(count(&r, VERDICT_SKIPPED), c->skipped, "%s", told);
        result_free(&r);
        free(told);
        free(text);
    }
}

// KASAN's reports stand between the test's lines.
Test(ktap_recordings, keep_kernel_reports_with_their_test)
{
    size_t len;
    char *text = slurp("kunit-kasan-6.1", &len);
    struct result r;
    result_init(&r);
    free(ktap_told_result(text, len, NULL, &r));
    cr_assert_gt(r.ntests, 0);
    cr_assert_not_null(r.tests[0].details);
    cr_expect(strstr(r.tests[0].details, "BUG: KASAN: "));
    result_free(&r);
    free(text);
}

// A guest that dies anywhere in it: nothing that came is lost, and unless all
// of it came, something is wrong and said to be.
Test(ktap_recordings, may_end_after_any_line)
{
    for (size_t i = 0; i < RECORDINGS; i++) {
        size_t len;
        char *text = slurp(recordings[i].name, &len);
        size_t passed = 0;
        for (size_t at = 0; at < len;) {
            const char *nl = memchr(text + at, '\n', len - at);
            at = nl ? (size_t)(nl - text) + 1 : len;
            struct result r;
            result_init(&r);
            char *told = ktap_told_result(text, at, "it died", &r);
            bool open = !strncmp(told, "open", 4);
            cr_expect_geq(count(&r, VERDICT_PASSED), passed);
            cr_expect(!open || count(&r, VERDICT_ERROR), "%s", told);
            passed = count(&r, VERDICT_PASSED);
            result_free(&r);
            free(told);
        }
        free(text);
    }
}

// ---- Cuts -------------------------------------------------------------------

static const char program[] =
    "TAP version 13\n1..4\n# about alpha\nok 1 - alpha\n"
    "    # Subtest: group\n    1..2\n    ok 1 one\n    not ok 2 two # exit=1\n"
    "not ok 2 - group\nok 3 - gamma # SKIP no device\n"
    "# # 1..1\nBail out! enough\n";

// Wherever the kernel cuts in, the program's tests stay what they are.
Test(ktap_cuts, a_kernel_message_anywhere_changes_nothing)
{
    static const char message[] = "[    3.141592] random: crng init done\n";
    size_t len = sizeof(program) - 1;
    char *whole = ktap_told(program, len, NULL);
    for (size_t at = 0; at <= len; at++) {
        // "# " and a message is a line that quotes the kernel.
        size_t from = at;
        while (from && program[from - 1] != '\n')
            from--;
        if (at > from && strspn(program + from, "# ") >= at - from &&
            memchr(program + from, '#', at - from))
            continue;
        char *cut = NULL;
        cr_assert_geq(
            asprintf(&cut, "%.*s%s%s", (int)at, program, message, program + at),
            0);
        char *told = ktap_told(cut, strlen(cut), NULL);
        cr_expect_str_eq(told, whole, "at %zu:\n%s", at, cut);
        free(told);
        free(cut);
    }
    free(whole);
}

Test(ktap_cuts, so_do_two_in_one_line)
{
    static const char line[] = "not ok 1 - alpha beta\n";
    static const char message[] = "[    3.141592] x\n";
    for (size_t a = 0; a < sizeof(line) - 1; a++) {
        for (size_t b = a; b < sizeof(line) - 1; b++) {
            char *cut = NULL;
            cr_assert_geq(asprintf(&cut, "TAP version 13\n1..1\n%.*s%s%.*s%s%s",
                                   (int)a, line, message, (int)(b - a),
                                   line + a, message, line + b),
                          0);
            char *told = ktap_told(cut, strlen(cut), NULL);
            cr_expect_str_eq(told, "complete\nF alpha beta\n", "%s", cut);
            free(told);
            free(cut);
        }
    }
}

Test(ktap_cuts, any_prefix_is_read)
{
    for (size_t at = 0; at < sizeof(program); at++)
        free(ktap_told(program, at, "it died"));
}

// ---- Output that wants to break it ------------------------------------------

static char *told_of(struct result *r, void (*fill)(FILE *f))
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    cr_assert_not_null(f);
    fill(f);
    fclose(f);
    result_init(r);
    char *told = ktap_told_result(text, len, "it died", r);
    free(text);
    return told;
}

static void many_tests(FILE *f)
{
    fputs("TAP version 13\n", f);
    for (int i = 1; i <= 100000; i++)
        fprintf(f, "ok %d same name\n", i);
    fputs("1..100000\n", f);
}

static void deep(FILE *f)
{
    fputs("KTAP version 1\n1..1\n", f);
    for (int i = 1; i < 1000; i++)
        fprintf(f, "%*s1..1\n", i, "");
    fprintf(f, "%*snot ok 1 lost\n", 1000, "");
}

static void rising(FILE *f)
{
    for (int i = 3000; i >= 0; i--)
        fprintf(f, "%*sok 1 a\n", i, "");
}

static void chatty(FILE *f)
{
    fputs("KTAP version 1\n1..3\n", f);
    for (int i = 0; i < 300000; i++)
        fprintf(f, "# line %d of what it has to say\n", i);
    fputs("not ok 1 a\nnot ok 2 b # reason\nok 3 c\n", f);
}

static void long_lines(FILE *f)
{
    fputs("KTAP version 1\n1..2\nnot ok 1 ", f);
    for (int i = 0; i < 100000; i++)
        fputs("\xc3\xa4", f);
    fputs("\n# ", f);
    for (int i = 0; i < 100000; i++)
        fputs("y", f);
    fputs("\nok 2 b\n", f);
}

static void orphans(FILE *f)
{
    fputs("KTAP version 1\n1..1\n", f);
    for (int i = 0; i < 100000; i++)
        fputs("    KTAP version 1\n    1..1\n", f);
}

static void documents(FILE *f)
{
    for (int i = 0; i < 100000; i++)
        fputs("TAP version 13\n1..1\nok 1 a\n", f);
}

static void held(FILE *f)
{
    fputs("TAP version 13\n1..1\n", f);
    for (int i = 0; i < 10000; i++)
        fputs("abc[    1.000000] x\n", f);
    fputs("\nok 1 a\n", f);
}

static const struct hostile {
    const char *name;
    void (*fill)(FILE *f);
    const char *told; // a line of what is told
} hostiles[] = {
    {"many tests", many_tests,
     "\nE (top level) (2): more than 65536 tests: the rest was not looked "
     "at\n"},
    {"deep", deep, "tests nested more than 16 deep were not looked at\n"},
    {"rising", rising, "neither plan nor version line"},
    {"chatty", chatty, "\nF a\nF b: reason\nP c\n"},
    {"long lines", long_lines, "\nP b\n"},
    {"orphans", orphans,
     "E test 65000: 1 of its 1 planned tests is missing: "
     "1; its own result never came\n"},
    {"documents", documents, "\nP a (1000)\n"},
    {"held", held, "\nP a\n"},
};

Test(ktap_hostile, memory_and_time_are_bounded)
{
    for (size_t i = 0; i < sizeof(hostiles) / sizeof(hostiles[0]); i++) {
        const struct hostile *h = &hostiles[i];
        struct result r;
        char *told = told_of(&r, h->fill);
        cr_expect(strstr(told, h->told), "%s: %.3000s", h->name, told);
        cr_expect_leq(r.ntests, KTAP_TESTS_MAX + 8, "%s", h->name);
        size_t details = 0;
        for (size_t n = 0; n < r.ntests; n++) {
            size_t len = r.tests[n].details ? strlen(r.tests[n].details) : 0;
            cr_expect_leq(len, KTAP_DETAIL_MAX + 64, "%s", h->name);
            details += len;
        }
        cr_expect_leq(details, KTAP_DETAILS_MAX + r.ntests * 64);
        result_free(&r);
        free(told);
    }
}

Test(ktap_hostile, says_how_much_it_left_out)
{
    struct result r;
    free(told_of(&r, chatty));
    cr_assert_not_null(r.tests[0].details);
    cr_expect(strstr(r.tests[0].details, "lines left out ...]\n"));
    cr_expect(strstr(r.tests[0].details, "line 0 of"));
    result_free(&r);
}

// A name is cut between characters.
Test(ktap_hostile, long_names_stay_text)
{
    struct result r;
    free(told_of(&r, long_lines));
    size_t len = strlen(r.tests[0].name);
    cr_expect_leq(len, 256);
    cr_expect_eq(len % 2, 0);
    result_free(&r);
}
