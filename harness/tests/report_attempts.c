// SPDX-License-Identifier: Apache-2.0
// What became of a scenario before it was run again is in every report, and
// survives its way through files.
#include "harness/report/bundle.h"
#include "harness/report/reports.h"
#include "harness/report/terminal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fill(struct result *r, enum verdict v, const char *message)
{
    char *console = strdup(message);
    result_init(r);
    r->verdict = v;
    result_set(&r->path, "t/a.tc");
    result_set(&r->title, "a title");
    result_set(&r->suite, "t");
    if (v != VERDICT_FLAKY) {
        result_set(&r->message, "%s", message);
        result_set(&r->kind, "timeout");
        result_set(&r->where, "t/a.tc:3:1");
        result_add_section(r, "wait", message);
    }
    result_add_mark(r, "userspace", 1500000000, 0, 0);
    cr_assert_not_null(console);
    result_add_console(r, 0, console, strlen(console), 0);
}

// Failed twice, and then as v says.
static void make(struct result *r, enum verdict v)
{
    struct result first, second;
    fill(&first, VERDICT_FAILED, "why-first <&\x01>");
    fill(&second, VERDICT_FAILED, "why-second");
    fill(r, v, "why-last");
    result_add_property(r, "attempt", "3 of 3");
    result_add_property(r, "known", "it hangs");
    cr_assert_eq(result_add_attempt(&second, &first), 0);
    cr_assert_eq(result_add_attempt(r, &second), 0);
    cr_assert_null(second.attempts);
}

static char *report(enum report_kind kind, enum verdict v, bool flaky_ok,
                    const char *check)
{
    char path[] = "/tmp/toyvmm-attempts-XXXXXX";
    struct result r;
    struct error err = {""};
    make(&r, v);
    struct report_run run = {
        .results = {1, &r}, .version = "1", .flaky_ok = flaky_ok};
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(report_write(kind, path, &run, &err), 0, "%s", err.text);
    result_free(&r);
    if (check) {
        char command[1024];
        snprintf(command, sizeof(command), "%s '%s'", check, path);
        // NOLINTNEXTLINE(cert-env33-c): a constant of this test
        cr_expect_eq(system(command), 0, "%s", command);
    }
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    cr_assert_not_null(f);
    cr_assert_gt(getdelim(&text, &size, '\0', f), 0);
    fclose(f);
    unlink(path);
    return text;
}

// Every report tells of both attempts and of the verdict.
Test(attempts, are_in_each_report)
{
    static const struct {
        enum report_kind kind;
        const char *flaky;
    } table[] = {
        {REPORT_JUNIT, "value=\"flaky\""},
        {REPORT_JSON, "\"verdict\":\"flaky\""},
        {REPORT_TAP, "  verdict: flaky"},
        {REPORT_HTML, "1 <span class=\"v flaky\">flaky"},
        {REPORT_SUMMARY, ", 1 flaky"},
    };
    for (size_t i = 0; i < REPORTS; i++) {
        char *text = report(table[i].kind, VERDICT_FLAKY, false, NULL);
        cr_expect(strstr(text, "why-first"), "%s", report_name(table[i].kind));
        cr_expect(strstr(text, "why-second"), "%s", report_name(table[i].kind));
        cr_expect(strstr(text, table[i].flaky), "%s", text);
        free(text);
    }
}

Test(attempts, junit_calls_them_as_surefire_does)
{
    static const char valid[] =
        "! command -v xmllint >/dev/null || xmllint --noout --schema "
        "'" TEST_SOURCE_DIR "/harness/report/jenkins-junit.xsd'";
    char *text = report(REPORT_JUNIT, VERDICT_FLAKY, false, valid);
    cr_expect(strstr(text, "<flakyFailure message=\"why-first"));
    cr_expect(strstr(text, "failures=\"0\""));
    cr_expect_null(strstr(text, "<failure"));
    free(text);
    text = report(REPORT_JUNIT, VERDICT_FAILED, false, valid);
    cr_expect(strstr(text, "<failure message=\"why-last\""));
    cr_expect(strstr(text, "<rerunFailure message=\"why-second\" "
                           "type=\"timeout\"><stackTrace>t/a.tc:3:1: "));
    cr_expect_null(strstr(text, "flakyFailure"));
    free(text);
}

Test(attempts, tap_follows_the_exit_code)
{
    static const char valid[] =
        "! perl -MTAP::Parser -e 1 2>/dev/null || perl -MTAP::Parser -e '"
        "local $/; open F, \"<\", $ARGV[0]; my $tap = <F>;"
        "$tap =~ s/^TAP version 14/TAP version 13/;"
        "my $p = TAP::Parser->new({tap => $tap}); my $y = 0;"
        "while (my $r = $p->next) {"
        "  $y = @{$r->data->{attempts}} if $r->is_yaml }"
        "exit(!!$p->parse_errors || $y != 2)'";
    char *text = report(REPORT_TAP, VERDICT_FLAKY, false, valid);
    cr_expect(strstr(text, "\nnot ok 1 - a title\n"));
    free(text);
    text = report(REPORT_TAP, VERDICT_FLAKY, true, valid);
    cr_expect(strstr(text, "\nok 1 - a title\n"));
    free(text);
}

Test(attempts, json_has_all_of_them)
{
    free(report(REPORT_JSON, VERDICT_FLAKY, false,
                "! command -v python3 >/dev/null || python3 -c 'import json, "
                "sys\n"
                "s, e = [json.loads(l) for l in open(sys.argv[1])][1:]\n"
                "a = s[\"attempts\"]\n"
                "assert [x[\"message\"] for x in a] == [\"why-first <&\\x01>\","
                " \"why-second\"]\n"
                "assert a[1][\"consoles\"][0][\"text\"] == \"why-second\"\n"
                "assert e[\"scenarios\"][\"flaky\"] == 1\n'"));
}

Test(attempts, a_person_reads_them)
{
    struct result r;
    char *text = NULL;
    size_t size = 0;
    make(&r, VERDICT_FLAKY);
    FILE *f = open_memstream(&text, &size);
    terminal_result(f, &r, false);
    terminal_summary(f, &(struct result_list){1, &r}, 0);
    fclose(f);
    cr_expect_eq(strncmp(text, "flaky a title (t/a.tc, attempt 3 of 3, ", 39),
                 0, "%s", text);
    cr_expect(strstr(text, "attempt 2 failed: t/a.tc:3:1: why-second\n"));
    cr_expect(strstr(text, "1 scenario: 1 flaky in"));
    free(text);
    result_free(&r);
}

// A known failure is none to a CI, one that passes is.
Test(known, is_in_each_report)
{
    static const struct {
        enum report_kind kind;
        const char *known, *fixed;
    } table[] = {
        {REPORT_JUNIT,
         "<skipped message=\"known failure: it hangs: why-last\">",
         "<failure message=\"why-last\""},
        {REPORT_JSON, "\"verdict\":\"known\"", "\"verdict\":\"fixed\""},
        {REPORT_TAP, "\nnot ok 1 - a title # TODO it hangs\n",
         "\nnot ok 1 - a title\n"},
        {REPORT_HTML, "1 <span class=\"v known\">known",
         "1 <span class=\"v fixed\">fixed"},
        {REPORT_SUMMARY, ", 1 known", "#### fixed: a title"},
    };
    static const char valid[] =
        "! command -v xmllint >/dev/null || xmllint --noout --schema "
        "'" TEST_SOURCE_DIR "/harness/report/jenkins-junit.xsd'";
    for (size_t i = 0; i < REPORTS; i++) {
        const char *check = table[i].kind == REPORT_JUNIT ? valid : NULL;
        char *text = report(table[i].kind, VERDICT_KNOWN, false, check);
        cr_expect(strstr(text, table[i].known), "%s", text);
        free(text);
        text = report(table[i].kind, VERDICT_FIXED, false, check);
        cr_expect(strstr(text, table[i].fixed), "%s", text);
        free(text);
    }
}

// What did not begin is nowhere passed.
Test(unrun, is_in_each_report)
{
    static const char *const wanted[REPORTS] = {
        [REPORT_JUNIT] = "skipped=\"1\"",
        [REPORT_JSON] = "\"verdict\":\"unrun\"",
        [REPORT_TAP] = "\nnot ok 1 - a title # SKIP why-last\n",
        [REPORT_HTML] = "1 <span class=\"v unrun\">unrun",
        [REPORT_SUMMARY] = "0 passed, 0 failed, 0 errors, 0 skipped, 1 not run",
    };
    for (size_t i = 0; i < REPORTS; i++) {
        char *text =
            report((enum report_kind)i, VERDICT_UNRUN, false,
                   i ? NULL
                     : "! command -v xmllint >/dev/null || xmllint --noout "
                       "--schema '" TEST_SOURCE_DIR
                       "/harness/report/jenkins-junit.xsd'");
        cr_expect(strstr(text, wanted[i]), "%s", text);
        free(text);
    }
}

Test(attempts, survive_a_file)
{
    char path[] = "/tmp/toyvmm-attempts-XXXXXX";
    struct error err = {""};
    struct result r, back;
    struct bundle b = {.id = strdup("i"), .borrows = true}, read;
    make(&r, VERDICT_FLAKY);
    close(mkstemp(path));
    cr_assert_eq(result_save(&r, path, &err), 0, "%s", err.text);
    cr_assert_eq(result_load(&back, path, &err), 0, "%s", err.text);
    cr_expect_eq(back.verdict, VERDICT_FLAKY);
    cr_assert_eq(back.nattempts, 2);
    cr_expect_str_eq(back.attempts[0].sections[0].text, "why-first <&\x01>");
    cr_expect_str_eq(back.attempts[1].message, "why-second");
    result_free(&back);
    cr_assert_eq(bundle_add(&b, "e", "a", NULL, 0, false, &r), 0);
    cr_assert_eq(bundle_save(&b, path, &err), 0, "%s", err.text);
    cr_assert_eq(bundle_load(&read, path, &err), 0, "%s", err.text);
    cr_expect_eq(read.entries[0].result.nattempts, 2);
    bundle_free(&read);
    bundle_free(&b);
    result_free(&r);
    unlink(path);
}

Test(attempts, which_verdicts_fail_a_run)
{
    cr_expect_not(verdict_fails(VERDICT_PASSED, false));
    cr_expect_not(verdict_fails(VERDICT_SKIPPED, false));
    cr_expect(verdict_fails(VERDICT_FAILED, true));
    cr_expect(verdict_fails(VERDICT_ERROR, true));
    cr_expect(verdict_fails(VERDICT_FLAKY, false));
    cr_expect_not(verdict_fails(VERDICT_FLAKY, true));
    // They come beside one that failed, and are no less than it.
    cr_expect(verdict_fails(VERDICT_UNRUN, true));
    cr_expect_not(verdict_is_explained(VERDICT_UNRUN));
    cr_expect_not(verdict_fails(VERDICT_KNOWN, false));
    cr_expect(verdict_fails(VERDICT_FIXED, true));
}
