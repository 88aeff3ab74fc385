// SPDX-License-Identifier: Apache-2.0
// The reports' formats: JSON lines are read back by Python, TAP by Perl's
// parser, JUnit's counts agree with its testcases, whatever a guest printed.
#include "harness/report/json.h"
#include "harness/report/reports.h"
#include "harness/report/terminal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOSTILE                                                                \
    "a]]>b<c>&\"'\\#\x1b[31m\x01\x7f\r\nd\te\xff\xc3\x28\xed\xa0\x80"          \
    "\xef\xbf\xbe\xc2\x85\xe2\x80\xae\xf0\x9f\x98\x80..\n---\n...\nok 1 x\n"

static void fill(struct result *r, enum verdict v, const char *text)
{
    result_init(r);
    r->verdict = v;
    result_set(&r->path, "%s.tc", text);
    result_set(&r->title, "%s", text);
    result_set(&r->suite, "a/%s", text);
    result_set(&r->message, "%s", text);
    result_set(&r->kind, "ktap");
    result_set(&r->where, "x.tc:1:1");
    result_add_section(r, "wait", text);
    result_add_section(r, "wait", "again");
    result_add_mark(r, text, 1500000000, 20000000, 77);
    struct result_share shares[] = {{1100000000, 60}, {4000000, 17}};
    const struct result_mark smp = {.wall_ns = 1600000000,
                                    .cpu_ns = 1104000000,
                                    .exits = 77,
                                    .nvcpus = 2,
                                    .vcpus = shares};
    result_put_mark(r, "smp", &smp);
    result_add_note(r, true, 5, "w", "%s", text);
    result_add_property(r, text, text);
    result_add_test(r, text, VERDICT_PASSED, 10, 10, NULL, text);
    result_add_test(r, "s/b", VERDICT_FAILED, 20, 1500000000, text, text);
    result_add_test(r, "s/c", VERDICT_SKIPPED, 20, 0, text, NULL);
    result_add_test(r, "s/d", VERDICT_ERROR, 20, 0, NULL, NULL);
    char *bytes = malloc(256);
    for (int i = 0; bytes && i < 256; i++)
        bytes[i] = (char)i;
    result_add_console(r, 0, bytes, 256, 12);
    result_add_console(r, 1, NULL, 0, 0);
    r->started_unix_ns = UINT64_C(1700000000123456789);
    r->duration_ns = 3;
}

// A report of four scenarios, one of each verdict, in a file. Its name.
static const char *written(enum report_kind kind, const char *text)
{
    static char path[] = "/tmp/toyvmm-report-XXXXXX";
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    struct result r[4];
    for (int v = 0; v < 4; v++)
        fill(&r[v], (enum verdict)v, text);
    struct report_run run = {.results = {4, r},
                             .version = "1.2",
                             .accelerator = "kvm",
                             .started_unix_ns = r[0].started_unix_ns,
                             .duration_ns = 9};
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    struct error err = {""};
    cr_assert_eq(report_write(kind, path, &run, &err), 0, "%s", err.text);
    for (int v = 0; v < 4; v++)
        result_free(&r[v]);
    return path;
}

static void need(const char *program)
{
    char command[128];
    snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
    // NOLINTNEXTLINE(cert-env33-c): the command is a constant of this test
    if (system(command))
        cr_skip_test("%s is not installed", program);
}

// Runs `command FILE`; true when it exits with 0.
static bool holds(const char *command, const char *path)
{
    char *whole = NULL;
    cr_assert_geq(asprintf(&whole, "%s '%s'", command, path), 0);
    // NOLINTNEXTLINE(cert-env33-c): the command is a constant of this test
    int status = system(whole);
    free(whole);
    unlink(path);
    return status == 0;
}

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "re");
    cr_assert_not_null(f);
    char *text = NULL;
    size_t size = 0;
    cr_assert_gt(getdelim(&text, &size, '\0', f), 0);
    fclose(f);
    unlink(path);
    return text;
}

// ---- JSON -------------------------------------------------------------------

// SCHEMA.md, as a program.
static const char schema[] =
    "python3 -c '\n"
    "import json, sys\n"
    "text = (str, type(None))\n"
    "shapes = {\n"
    " \"run\": {\"schema\": int, \"version\": text, \"accelerator\": text,\n"
    "  \"config\": text,\n"
    "  \"host\": {\"name\": text, \"kernel\": text, \"machine\": text},\n"
    "  \"started\": str, \"scenarios\": int},\n"
    " \"scenario\": {\"path\": text, \"title\": text, \"suite\": text,\n"
    "  \"guest\": text, \"guest_note\": text, \"accelerator\": text,\n"
    "  \"verdict\": str, \"kind\": text, \"message\": text, \"where\": text,\n"
    "  \"started\": str, \"duration_ns\": int, \"sections\": dict,\n"
    "  \"marks\": [{\"name\": str, \"wall_ns\": int, \"cpu_ns\": int,\n"
    "   \"exits\": int, \"exits_by\": (dict, type(None))}],\n"
    "  \"readings\": [{\"name\": str, \"ns\": int}],\n"
    "  \"initcalls\": {\"count\": int, \"us\": int, \"slowest\":\n"
    "   [{\"name\": str, \"us\": int, \"result\": (int, float)}]},\n"
    "  \"notes\": [{\"failed\": bool, \"at_ns\": int, \"where\": text,\n"
    "   \"text\": str}],\n"
    "  \"properties\": [{\"name\": str, \"value\": str}],\n"
    "  \"tests\": [{\"name\": str, \"verdict\": str, \"message\": text,\n"
    "   \"details\": text, \"at_ns\": int, \"took_ns\": int}],\n"
    "  \"consoles\": [{\"port\": int, \"text\": str, \"elided\": int}],\n"
    "  \"attempts\": list},\n"
    " \"end\": {\"scenarios\": dict, \"tests\": dict, \"duration_ns\": int,\n"
    "  \"interrupted\": bool}}\n"
    "def fits(value, shape):\n"
    "  if isinstance(shape, dict):\n"
    "    assert set(value) == set(shape), (set(value) ^ set(shape))\n"
    "    for name in shape: fits(value[name], shape[name])\n"
    "  elif isinstance(shape, list):\n"
    "    for one in value: fits(one, shape[0])\n"
    "  else: assert isinstance(value, shape), (value, shape)\n"
    "def unique(pairs):\n"
    "  assert len(dict(pairs)) == len(pairs)\n"
    "  return dict(pairs)\n"
    "lines = open(sys.argv[1], \"rb\").read().decode().splitlines()\n"
    "all = [json.loads(l, object_pairs_hook=unique) for l in lines]\n"
    "for one in all:\n"
    "  for m in one.get(\"marks\", []):\n"
    "    v = m.pop(\"vcpus\", None)\n"
    "    assert (v is not None) == (m[\"name\"] == \"smp\")\n"
    "    for k in (\"cpu_ns\", \"exits\"):\n"
    "      assert v is None or sum(s[k] for s in v) == m[k]\n"
    "for one in all: fits(one, dict(shapes[one[\"type\"]], type=str))\n"
    "assert [o[\"type\"] for o in all] == [\"run\"] + 4 * [\"scenario\"] +\\\n"
    "  [\"end\"]\n"
    "assert all[0][\"schema\"] == 1 and all[0][\"scenarios\"] == 4\n"
    "assert all[0][\"started\"] == \"2023-11-14T22:13:20.123456789Z\"\n"
    "s = all[1]\n"
    "assert s[\"sections\"][\"wait\"].endswith(\"again\")\n"
    "back = s[\"consoles\"][0][\"text\"].encode(\"utf-8\", "
    "\"surrogateescape\")\n"
    "assert back == bytes(range(256))\n"
    "assert s[\"title\"].encode(\"utf-8\", \"surrogateescape\").startswith(\n"
    "  b\"a]]>b<c>&\")\n"
    "assert s[\"tests\"][1][\"took_ns\"] == 1500000000\n"
    "assert all[-1][\"tests\"] == {\"passed\": 4, \"failed\": 4,\n"
    "  \"error\": 4, \"skipped\": 4}\n"
    "assert all[-1][\"scenarios\"][\"skipped\"] == 1\n"
    "'";

Test(json, is_what_the_schema_says)
{
    need("python3");
    cr_expect(holds(schema, written(REPORT_JSON, HOSTILE)));
}

static char *json_of(const char *bytes, size_t len)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    struct json j = {.f = f};
    json_bytes(&j, NULL, bytes, len);
    fclose(f);
    return text;
}

Test(json, escapes)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *json;
    } cases[] = {
        {"plain \xc3\xa4 \xf0\x9f\x98\x80", 13,
         "\"plain \xc3\xa4 \xf0\x9f\x98\x80\""},
        {"\"\\\n\r\t", 5, "\"\\\"\\\\\\n\\r\\t\""},
        {"\0\x1b\x7f", 3, "\"\\u0000\\u001b\\u007f\""},
        {"\xff\x80", 2, "\"\\udcff\\udc80\""},
        {"\xc3", 1, "\"\\udcc3\""},
        {"\xed\xb3\xbf", 3, "\"\\udced\\udcb3\\udcbf\""}, // U+DCFF itself
        {"\xc2\x85\xe2\x80\xae\xef\xbb\xbf", 8, "\"\\u0085\\u202e\\ufeff\""},
        {"", 0, "\"\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *json = json_of(cases[i].bytes, cases[i].len);
        cr_expect_str_eq(json, cases[i].json);
        free(json);
    }
    char *null = json_of(NULL, 0);
    cr_expect_str_eq(null, "null");
    free(null);
}

// ---- TAP --------------------------------------------------------------------

Test(tap, is_what_perl_reads)
{
    need("perl");
    // Perl's parser knows TAP 13: subtests and YAML are no test points to it.
    cr_expect(holds("perl -MTAP::Parser -e '"
                    "local $/; open F, \"<\", $ARGV[0]; my $tap = <F>;"
                    "$tap =~ s/^TAP version 14/TAP version 13/;"
                    "my $p = TAP::Parser->new({tap => $tap}); $p->run;"
                    "my @failed = $p->failed; my @skipped = $p->skipped;"
                    "exit($p->tests_run != 4 || @failed != 2 || @skipped != 1"
                    "  || $p->parse_errors)'",
                    written(REPORT_TAP, HOSTILE)));
}

Test(tap, has_subtests_and_explanations)
{
    char *text = slurp(written(REPORT_TAP, "plain"));
    cr_expect(strstr(text, "TAP version 14\n1..4\n# Subtest: plain\n    1..4\n"
                           "    ok 1 - plain\n    not ok 2 - s/b\n"
                           "      ---\n      verdict: failed\n"
                           "      message: |\n        plain\n"));
    cr_expect(strstr(text, "    ok 3 - s/c # SKIP plain\n    not ok 4 - s/d\n"
                           "ok 1 - plain\n"));
    cr_expect(strstr(text, "not ok 2 - plain\n  ---\n  verdict: failed\n"
                           "  kind: |\n    ktap\n"));
    cr_expect(strstr(text, "ok 4 - plain # SKIP plain\n"));
    cr_expect(strstr(text, "  sections:\n    wait: |\n      plain\n"));
    free(text);
}

Test(tap, one_line_stays_one_line)
{
    char *text = slurp(written(REPORT_TAP, "a\nok 9 - b # SKIP c\\"));
    cr_expect(strstr(text, "\nok 1 - a ok 9 - b \\# SKIP c\\\\\n"));
    cr_expect_null(strstr(text, "\nok 9"));
    free(text);
}

Test(tap, of_nothing)
{
    struct report_run run = {.version = "1"};
    char path[] = "/tmp/toyvmm-report-XXXXXX";
    close(mkstemp(path));
    cr_assert_eq(report_write(REPORT_TAP, path, &run, NULL), 0);
    char *text = slurp(path);
    cr_expect_str_eq(text, "TAP version 14\n1..0 # SKIP nothing ran\n");
    free(text);
}

// ---- JUnit ------------------------------------------------------------------

Test(junit, has_the_guests_tests)
{
    char *text = slurp(written(REPORT_JUNIT, "plain"));
    cr_expect(strstr(text, "tests=\"20\" failures=\"5\" errors=\"5\""));
    cr_expect(strstr(text, "tests=\"5\" failures=\"2\" errors=\"1\" "
                           "skipped=\"1\""));
    cr_expect(strstr(text,
                     "<testcase name=\"s/b\" "
                     "classname=\"a.plain.plain: plain\" time=\"1.500\">\n"
                     "      <failure message=\"plain\" type=\"ktap\">"
                     "plain</failure>"));
    cr_expect(strstr(text, "<skipped message=\"plain\"></skipped>"));
    free(text);
}

Test(junit, counts_what_it_has)
{
    need("xmllint");
    cr_expect(holds("f() { [ \"$(xmllint --xpath \"count(//$2)\" \"$1\")\" = "
                    "\"$(xmllint --xpath \"sum(//testsuite/@$3)\" \"$1\")\" ]; "
                    "}; g() { f \"$1\" testcase tests && f \"$1\" failure "
                    "failures && f \"$1\" error errors && f \"$1\" skipped "
                    "skipped; }; g",
                    written(REPORT_JUNIT, HOSTILE)));
}

// ---- Terminal ---------------------------------------------------------------

Test(terminal, lists_the_failed_tests)
{
    struct result r;
    fill(&r, VERDICT_FAILED, "plain");
    for (int i = 0; i < 30; i++)
        result_add_test(&r, "more", VERDICT_FAILED, 0, 0, NULL, NULL);
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    terminal_result(f, &r, false);
    fclose(f);
    cr_expect(strstr(text, "      34 kernel tests: 1 passed, 31 failed, "
                           "1 with an error, 1 skipped\n"
                           "        FAIL  s/b: plain\n"
                           "                plain\n"
                           "        ERROR s/d\n"
                           "        FAIL  more\n"));
    cr_expect(strstr(text, "        ... 22 more\n"));
    free(text);
    result_free(&r);
}
