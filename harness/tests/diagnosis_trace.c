// SPDX-License-Identifier: Apache-2.0
// The kernel's reports, on recordings of real ones: each fires its name, is
// told whole, and nothing else, however it is cut into pieces; allowed, it
// fires nothing.
#include "harness/diagnosis/diagnosis.h"
#include "harness/tests/diagnosis_traces.h"
#include "harness/tests/kernel_time.h"
#include "harness/tests/runner_fake.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END "\r\nEND OF RECORDING\r\n"

static char *read_recording(const char *name, size_t *len)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/fixtures/consoles/traces/%s.raw",
             TEST_SOURCE_DIR, name);
    FILE *f = fopen(path, "rb");
    cr_assert(f, "%s", path);
    char *bytes = malloc(1 << 20);
    *len = fread(bytes, 1, 1 << 20, f);
    fclose(f);
    cr_assert_gt(*len, 0);
    cr_assert_lt(*len, 1 << 20);
    return bytes;
}

// Runs a scenario against the recording, `piece` bytes at a time.
static void replay(const char *scenario, const char *bytes, size_t len,
                   size_t piece, struct result *result)
{
    size_t n = (len + piece - 1) / piece;
    struct script_line *script = calloc(n + 1, sizeof(*script));
    char *pieces = calloc(n, piece + 1);
    struct kernel_time k = {0};
    bool in_report = false;
    uint64_t ns = NS_PER_S;
    for (size_t i = 0; i < n; i++) {
        size_t from = i * piece;
        uint64_t then = ns;
        for (size_t j = from; j < from + piece && j < len; j++) {
            // Within a report the recordings are slow: no pause ends it.
            bool begins = j && bytes[j - 1] == '\n' && !in_report;
            if (j && bytes[j - 1] == '\n')
                in_report = bytes[j] == '[' || bytes[j] == '<';
            if (begins && in_report)
                then = kernel_time(&k, bytes + j, len - j, then);
        }
        memcpy(pieces + i * (piece + 1), bytes + from,
               len - from < piece ? len - from : piece);
        script[i].prints = pieces + i * (piece + 1);
        script[i].after_ms = (then - ns) / NS_PER_MS + (i % 16 == 0);
        ns += script[i].after_ms * NS_PER_MS;
    }
    script[n].prints = END;
    script[n].after_ms = 500;
    fake_run(scenario, script, n + 1, NULL, result);
    free(pieces);
    free(script);
}

static const char *property(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->nproperties; i++) {
        if (!strcmp(r->properties[i].name, name))
            return r->properties[i].value;
    }
    return "";
}

// The trace's first and last line: the section has a heading of its own.
static void expect_ends(const struct recording *t, const char *trace)
{
    const char *first = strchr(trace, '\n');
    cr_assert(first, "%s", t->file);
    size_t len = strlen(trace) - 1;
    cr_assert_eq(trace[len], '\n');
    const char *last = memrchr(trace, '\n', len);
    cr_expect(
        memmem(first + 1, strcspn(first + 1, "\n"), t->first, strlen(t->first)),
        "%s begins with %.*s", t->file, (int)strcspn(first + 1, "\n"),
        first + 1);
    cr_expect(strstr(last, t->last), "%s ends with %s", t->file, last);
}

static void expect_report(const struct recording *t, const char *bytes,
                          size_t len, size_t piece)
{
    struct result r;
    replay("timeout 120m\nexpect /END OF RECORDING/ within 60m\n", bytes, len,
           piece, &r);
    cr_expect_eq(r.verdict, VERDICT_FAILED, "%s", t->file);
    cr_expect_str_eq(r.kind ? r.kind : "", t->kind, "%s: %s", t->file, r.kind);
    cr_expect_str_eq(r.message ? r.message : "", t->title, "%s: %s", t->file,
                     r.message);
    cr_expect_str_eq(property(&r, "failure.title"), t->group, "%s: %s", t->file,
                     property(&r, "failure.title"));
    const char *trace = result_section(&r, "trace");
    cr_expect(trace, "%s", t->file);
    if (trace)
        expect_ends(t, trace);
    result_free(&r);
}

Test(trace, recordings_fire_their_names_and_are_told_whole)
{
    static const size_t pieces[] = {4096, 1, 17, 400};
    for (size_t i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++) {
        size_t len;
        char *bytes = read_recording(recordings[i].file, &len);
        for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
            expect_report(&recordings[i], bytes, len, pieces[p]);
        free(bytes);
    }
}

Test(trace, an_allowed_report_fires_nothing)
{
    for (size_t i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++) {
        const struct recording *t = &recordings[i];
        size_t len;
        char *bytes = read_recording(t->file, &len);
        char scenario[256];
        snprintf(scenario, sizeof(scenario),
                 "%stimeout 120m\nallow %s\n%s%s\nexpect /END OF RECORDING/ "
                 "within 60m\n",
                 // An OOM kill is told at the end of its report.
                 strcmp(t->kind, "oom") ? "fail /Call Trace:/\n" : "", t->kind,
                 t->allow ? "allow " : "", t->allow ? t->allow : "");
        struct result r;
        replay(scenario, bytes, len, 100, &r);
        cr_expect_eq(r.verdict, VERDICT_PASSED, "%s: %s", t->file, r.message);
        result_free(&r);
        free(bytes);
    }
}

// ---- Hard cases, written by hand --------------------------------------------

#define CUT "[    1.000000] ------------[ cut here ]------------\r\n"
#define WARN(n)                                                                \
    CUT "[    1.000000] WARNING: CPU: 0 PID: 7 at lib/a.c:" #n                 \
        " f+0x1/0x2\r\n"                                                       \
        "[    1.000000] Call Trace:\r\n[    1.000000]  <TASK>\r\n"             \
        "[    1.000000]  g+0x1/0x2\r\n[    1.000000]  </TASK>\r\n"
#define WARN_END "[    1.000000] ---[ end trace 0000000000000000 ]---\r\n"

Test(trace, of_two_reports_the_first_is_told_alone)
{
    struct result r;
    RUN("expect /x/\n", &r,
        {.after_ms = 1, .prints = WARN(1) WARN_END WARN(2) WARN_END});
    const char *trace = result_section(&r, "trace");
    cr_assert(trace);
    cr_expect(strstr(trace, "a.c:1 "));
    cr_expect_null(strstr(trace, "a.c:2 "), "%s", trace);
    cr_expect_str_eq(r.message, "WARNING: at lib/a.c:1 f+0x1/0x2");
    result_free(&r);
}

Test(trace, a_report_without_its_end_stops_before_the_next)
{
    struct result r;
    RUN("expect /x/\n", &r, {.after_ms = 1, .prints = WARN(1) WARN(2)});
    const char *trace = result_section(&r, "trace");
    cr_assert(trace);
    cr_expect_null(strstr(trace, "a.c:2 "), "%s", trace);
    cr_expect_eq(strstr(strstr(trace, "cut here") + 1, "cut here"), NULL);
    result_free(&r);
}

Test(trace, allowing_one_report_does_not_allow_the_next)
{
    struct result r;
    RUN("allow /a\\.c:1 /\nexpect /x/\n", &r,
        {.after_ms = 1, .prints = WARN(1) WARN_END WARN(2) WARN_END});
    cr_expect_str_eq(r.message, "WARNING: at lib/a.c:2 f+0x1/0x2");
    result_free(&r);
    // Nor what it leads to.
    RUN("allow warning\nexpect /x/\n", &r,
        {.after_ms = 1,
         .prints = WARN(1) "[    1.1] x\r\n[    1.000000] Kernel panic - not "
                           "syncing: panic_on_warn set ...\r\n"});
    cr_expect_str_eq(r.message, "kernel panic: panic_on_warn set");
    result_free(&r);
}

Test(trace, an_allow_block_allows_the_whole_report)
{
    struct result r;
    RUN("fail /Call Trace/\nallow warning {\nexpect /a.c:1/\n}\n"
        "expect /done/\n",
        &r, {.after_ms = 1, .prints = WARN(1)},
        {.after_ms = 1, .prints = WARN_END "done\r\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

Test(trace, user_space_is_left_out_of_it)
{
    struct result r;
    RUN("expect /x/\n", &r,
        {.after_ms = 1,
         .prints = "login: [    1.000000] BUG: kernel NULL pointer "
                   "dereference, address: 0000000000000008\r\n"
                   "a user's line\r\nanother\r\n"
                   "typed [    1.000000] RIP: 0010:foo+0x1/0x2\r\n"
                   "[    1.000000] ---[ end trace 0000000000000000 ]---\r\n"});
    const char *trace = result_section(&r, "trace");
    cr_assert(trace);
    cr_expect_null(strstr(trace, "user's"));
    cr_expect_null(strstr(trace, "login"));
    cr_expect_null(strstr(trace, "typed"));
    cr_expect(strstr(trace, "2 lines"), "%s", trace);
    cr_expect_str_eq(r.message, "kernel NULL pointer dereference, address: "
                                "0000000000000008 in foo");
    result_free(&r);
}

// What the scenario says of a line comes before what the kernel does.
Test(trace, the_scenarios_own_words_stay)
{
    struct result r;
    RUN("fail /Attempted to kill init/ \"the app died\"\nexpect /x/\n", &r,
        {.after_ms = 1,
         .prints = "[    1.000000] Kernel panic - not syncing: Attempted to "
                   "kill init! exitcode=0x00000100\r\n"
                   "[    1.000000] ---[ end Kernel panic - not ]---\r\n"});
    cr_expect_str_eq(r.kind, "fail-pattern");
    cr_expect(strstr(r.message, "the app died"), "%s", r.message);
    cr_expect(result_section(&r, "trace"));
    result_free(&r);
}

// The drain ends with the report, not after a while: what comes later is not
// waited for.
Test(trace, the_end_of_a_panic_ends_the_run)
{
    struct result r;
    RUN("expect /x/\n", &r,
        {.after_ms = 1,
         .prints = "[    1.000000] Kernel panic - not syncing: A\r\n"
                   "[    1.000000] ---[ end Kernel panic - not syncing: A ]-"
                   "--\r\n"},
        {.after_ms = 1, .prints = "later\r\n"});
    cr_expect_null(strstr(r.consoles[0].bytes, "later"));
    result_free(&r);
}

// A report is not followed into the next boot.
Test(trace, a_reset_ends_an_allowed_report)
{
    struct result r;
    RUN("allow panic\nexpect reset\nexpect /x/\n", &r,
        {.after_ms = 1,
         .prints = "[    1.000000] Kernel panic - not syncing: A\r\n"},
        {.after_ms = 1, .event = EVENT(TOYVMM_EVENT_RESET)},
        {.after_ms = 1, .prints = WARN(3)});
    cr_expect_str_eq(r.kind ? r.kind : "", "warning", "%s", r.message);
    result_free(&r);
}

// An endless report costs no more than its limits.
Test(trace, an_endless_report_is_cut)
{
    static char line[] = "[    1.000000]  f+0x1/0x2\r\n";
    enum { LINES = 4000 };
    struct script_line *script = calloc(LINES + 1, sizeof(*script));
    script[0].prints = WARN(1);
    for (size_t i = 1; i <= LINES; i++)
        script[i].prints = line;
    struct result r;
    fake_run("expect /x/\n", script, LINES + 1, NULL, &r);
    const char *trace = result_section(&r, "trace");
    cr_assert(trace);
    cr_expect(strstr(trace, "and so on"));
    cr_expect_lt(strlen(trace), 100000);
    result_free(&r);
    free(script);
}

Test(trace, titles_for_grouping)
{
    static const struct {
        const char *title, *group;
    } cases[] = {
        {"unable to handle page fault for address: ffffc90000700000 in f",
         "unable to handle page fault for address: ADDR in f"},
        {"hung task kworker/u2:1:33 blocked for more than 120 seconds in f",
         "hung task kworker/u2:1 blocked for more than N seconds in f"},
        {"soft lockup - CPU#3 stuck for 23s! [sh:57] in f",
         "soft lockup - CPU stuck for Ns! [sh] in f"},
        {"Out of memory: Killed process 81 (tail)",
         "Out of memory: Killed process (tail)"},
        {"scheduling while atomic: sh/32/0x00000002",
         "scheduling while atomic: sh"},
        {"KASAN: double-free in kmem_cache_free+0xf4/0x3f0 [slab]",
         "KASAN: double-free in kmem_cache_free [slab]"},
        {"kernel BUG at lib/list_debug.c:33 in f",
         "kernel BUG at lib/list_debug.c:33 in f"},
        {"kernel panic: Attempted to kill init! exitcode=0x0100",
         "kernel panic: Attempted to kill init! exitcode=0x0100"},
        {"hard LOCKUP on cpu 2 in f", "hard LOCKUP on cpu in f"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *group = title_group(cases[i].title);
        cr_expect_str_eq(group, cases[i].group);
        free(group);
    }
}
