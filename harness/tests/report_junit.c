// SPDX-License-Identifier: Apache-2.0
// The JUnit report is valid and readable whatever a guest printed: checked
// with libxml2 against jenkins-junit.xsd.
#include "harness/report/junit.h"
#include "harness/report/output.h"
#include "harness/report/reports.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// What a hostile guest puts into every text that it can reach.
#define HOSTILE                                                                \
    "a]]>b<c>&\"'\x1b[31m\x01\x7f\r\nd\te\xff\xc3\x28\xed\xa0\x80"             \
    "\xef\xbf\xbe\xc2\x85\xe2\x80\xae\xc0\xafz\xf4\x90\x80\x80"

static char *temporary(void)
{
    static char name[] = "/tmp/toyvmm-report-XXXXXX";
    memcpy(name + sizeof(name) - 7, "XXXXXX", 6);
    int fd = mkstemp(name);
    cr_assert_geq(fd, 0);
    close(fd);
    return name;
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "re");
    cr_assert_not_null(f);
    char *text = NULL;
    size_t size = 0;
    cr_assert_gt(getdelim(&text, &size, '\0', f), 0);
    fclose(f);
    return text;
}

static bool valid(const char *path)
{
    char command[512];
    snprintf(command, sizeof(command),
             "xmllint --noout --schema "
             "'" TEST_SOURCE_DIR "/harness/report/jenkins-junit.xsd' '%s' 2>&1",
             path);
    // NOLINTNEXTLINE(cert-env33-c): the command is a constant of this test
    return system(command) == 0;
}

static int write_all(const char *path, const struct result_list *all)
{
    struct report_run run = {.results = *all};
    return report_write(REPORT_JUNIT, path, &run, NULL);
}

static void need_xmllint(void)
{
    if (system("command -v xmllint >/dev/null"))
        cr_skip_test("xmllint (libxml2-utils) is not installed");
}

static void fill(struct result *r, enum verdict v, const char *text)
{
    result_init(r);
    r->verdict = v;
    result_set(&r->path, "tests/%s.tc", text);
    result_set(&r->title, "%s", text);
    result_set(&r->suite, "tests/%s", text);
    result_set(&r->guest, "%s", text);
    result_set(&r->accelerator, "replay");
    result_set(&r->message, "%s", text);
    result_set(&r->where, "%s:1:1", text);
    result_set(&r->kind, "%s", text);
    for (size_t i = 0; result_section_at(i); i++)
        result_add_section(r, result_section_at(i), text);
    r->duration_ns = UINT64_C(1234567890);
    r->started_unix_ns = UINT64_C(1700000000) * 1000000000;
    result_add_mark(r, text, 1500000000, 20000000, 77);
    result_add_note(r, true, 5, NULL, "%s", text);
    result_add_note(r, false, 6, text, "%s", text);
    result_add_property(r, text, text);
    for (unsigned port = 0; port < 2; port++) {
        char *bytes = malloc(256);
        for (int i = 0; bytes && i < 256; i++)
            bytes[i] = (char)i;
        result_add_console(r, port, bytes, 256, 0);
    }
}

Test(junit, hostile_results_give_a_valid_report)
{
    need_xmllint();
    struct result r[4];
    for (int v = 0; v < 4; v++)
        fill(&r[v], (enum verdict)v, HOSTILE);
    struct result_list all = {4, r};
    const char *path = temporary();
    cr_assert_eq(write_all(path, &all), 0);
    cr_expect(valid(path));
    char *text = slurp(path);
    cr_expect(strstr(text, "\xe2\x90\x9b[31m"), "ESC is a picture");
    cr_expect(strstr(text, "]]&gt;"));
    cr_expect(strstr(text, "\\xFF"));
    cr_expect(strstr(text, "\\u{202E}"));
    cr_expect_null(strstr(text, "\x1b"));
    cr_expect(strstr(text, "time=\"1.234\""));
    cr_expect(strstr(text, "tests=\"4\" failures=\"1\" errors=\"1\""));
    free(text);
    unlink(path);
    for (int v = 0; v < 4; v++)
        result_free(&r[v]);
}

Test(junit, an_empty_run_is_valid)
{
    need_xmllint();
    struct result_list none = {0, NULL};
    const char *path = temporary();
    cr_assert_eq(write_all(path, &none), 0);
    cr_expect(valid(path));
    unlink(path);
}

Test(junit, numbers_do_not_follow_the_locale)
{
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8"))
        setlocale(LC_ALL, "");
    struct result r;
    fill(&r, VERDICT_PASSED, "plain");
    struct result_list all = {1, &r};
    const char *path = temporary();
    cr_assert_eq(write_all(path, &all), 0);
    char *text = slurp(path);
    cr_expect(strstr(text, "name=\"mark.plain.wall_s\" value=\"1.500\""));
    cr_expect(strstr(text, "name=\"mark.plain.exits\" value=\"77\""));
    cr_expect(strstr(text, "classname=\"tests.plain.plain\""));
    free(text);
    unlink(path);
    result_free(&r);
}

// ---- Limits -----------------------------------------------------------------

static char *many(const char *unit, size_t bytes)
{
    size_t len = strlen(unit);
    char *text = malloc(bytes + len + 1);
    cr_assert_not_null(text);
    size_t n = 0;
    for (; n < bytes; n += len)
        memcpy(text + n, unit, len);
    text[n] = '\0';
    return text;
}

// As much of unit as a guest and the harness can put wherever text goes.
static void fill_up(struct result *r, const char *unit)
{
    char *text = many(unit, 1000000);
    fill(r, VERDICT_FAILED, text);
    result_set(&r->guest_note, "%s", text);
    result_add_reading(r, text, 1);
    result_add_initcall(r, text, 1, 0);
    for (int i = 0; i < 20; i++)
        result_add_note(r, i % 2, 7, text, "%s", text);
    result_add_test(r, text, VERDICT_ERROR, 0, 0, text, text);
    result_add_test(r, text, VERDICT_PASSED, 0, 0, NULL, text);
    result_add_test(r, text, VERDICT_SKIPPED, 0, 0, text, text);
    for (unsigned port = 2; port < 5; port++)
        result_add_console(r, port, many(unit, 1500000), 1500000, 0);
    free(text);
}

// Does `command FILE` read it without a word?
static bool reads(const char *command, const char *path)
{
    char *whole = NULL;
    cr_assert_geq(asprintf(&whole, "%s '%s' 2>&1", command, path), 0);
    // NOLINTNEXTLINE(cert-env33-c): the command is a constant of this test
    int status = system(whole);
    free(whole);
    return status == 0;
}

static void expect_read(const char *path)
{
    cr_expect(valid(path));
    static const char *const readers[] = {"--stream", "--push"};
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        char command[64];
        snprintf(command, sizeof(command), "xmllint --noout %s >/dev/null",
                 readers[i]);
        cr_expect(reads(command, path), "%s", readers[i]);
    }
    if (!system("command -v python3 >/dev/null"))
        cr_expect(reads("python3 -c 'import sys, xml.etree.ElementTree as E\n"
                        "for c in E.parse(sys.argv[1]).iter(\"testcase\"):\n"
                        "  assert sum(len(t) for t in c.itertext()) < 1e7'",
                        path));
}

// 10,000,000 bytes are the most that libxml2 takes as one text: what is written
// counts, not what the guest printed, and all ports of a testcase together.
Test(junit, text_of_any_size_is_read_by_libxml2)
{
    need_xmllint();
    static const char *const units[] = {"\xff", "&\"<\r\n\xe2\x80\xae\x01"};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct result r;
        fill_up(&r, units[i]);
        struct result_list all = {1, &r};
        const char *path = temporary();
        cr_assert_eq(write_all(path, &all), 0);
        result_free(&r);
        expect_read(path);
        unlink(path);
    }
}

Test(junit, what_is_left_out_is_told_and_both_ends_stay)
{
    struct result r;
    result_init(&r);
    result_set(&r.path, "a.tc");
    result_set(&r.title, "A");
    char *noise = many("\xff", 4000000), *small = many("b\n", 1000);
    memcpy(noise, "begins", 6);
    memcpy(noise + 3999996, "ends", 4);
    result_add_console(&r, 0, noise, 4000000, 0);
    result_add_console(&r, 1, small, 1000, 0);
    struct result_list all = {1, &r};
    const char *path = temporary();
    cr_assert_eq(write_all(path, &all), 0);
    char *text = slurp(path);
    size_t len = strlen(text);
    cr_expect(len > 8900000 && len < 9002000, "%zu", len);
    cr_expect_not_null(strstr(text, "<system-out>begins\\xFF"));
    cr_expect_not_null(strstr(text, "\\xFFends\n---- ttyS1 ----\nb\nb\n"));
    const char *told = strstr(text, "\n[... ");
    cr_assert_not_null(told);
    // A byte is four characters.
    long left_out = strtol(told + 6, NULL, 10);
    cr_expect(left_out > 1740000 && left_out < 1760000, "%ld", left_out);
    cr_expect_null(strstr(told + 1, "\n[... "), "the other port is whole");
    free(text);
    unlink(path);
    result_free(&r);
}

// Files of any size, for the limits are those of one text.
Test(junit, many_large_scenarios_are_read)
{
    need_xmllint();
    struct result r[3];
    for (size_t i = 0; i < 3; i++) {
        fill(&r[i], VERDICT_PASSED, "plain");
        result_add_console(&r[i], 2, many("line &\n", 6000000), 6000000, 0);
    }
    struct result_list all = {3, r};
    const char *path = temporary();
    cr_assert_eq(write_all(path, &all), 0);
    for (size_t i = 0; i < 3; i++)
        result_free(&r[i]);
    expect_read(path);
    unlink(path);
}

Test(output, tells_what_can_not_be_written)
{
    struct error err = {""};
    cr_expect_eq(output_check("/no/such/folder/x.xml", &err), -ENOENT);
    cr_expect(strstr(err.text, "/no/such/folder/x.xml"));
    cr_expect_eq(output_check("/tmp", &err), -EISDIR);
    cr_expect_eq(output_check("", &err), -EINVAL);
    cr_expect_eq(output_check("/dev/null", &err), 0);
    cr_expect_eq(output_check("-", &err), 0);
}

static int fails(FILE *f, const void *owner)
{
    (void)owner;
    fputs("half", f);
    return -EIO;
}

Test(output, a_failed_write_leaves_the_old_file)
{
    const char *path = temporary();
    FILE *f = fopen(path, "we");
    fputs("old", f);
    fclose(f);
    struct error err = {""};
    cr_expect_eq(output_write(path, fails, NULL, &err), -EIO);
    char *text = slurp(path);
    cr_expect_str_eq(text, "old");
    free(text);
    unlink(path);
}
