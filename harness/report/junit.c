// SPDX-License-Identifier: Apache-2.0
// JUnit XML from result records. See junit.h, and jenkins-junit.xsd for the
// shape.
#include "harness/report/junit.h"

#include "harness/report/junit_names.h"
#include "harness/report/xml.h"
#include "src/base/clock.h"
#include "src/base/ports.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// libxml2, and what is built on it, refuses a text of more than 10,000,000
// bytes unless it is told otherwise. Of one testcase no more than this is
// written, markup and what stands for control characters counted: first its
// explanation, then what its consoles and its details have.
#define CASE_ROOM        ((size_t)9000000)
#define EXPLANATION_ROOM (CASE_ROOM / 3)

// All testcases of a report, or of one suite.
struct counts {
    size_t tests;
    size_t of[VERDICTS];
};

static void count(struct counts *n, const struct result *r)
{
    n->tests += 1 + r->ntests;
    n->of[r->verdict]++;
    for (size_t v = 0; v < VERDICTS; v++)
        n->of[v] += result_count_tests(r, (enum verdict)v);
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static void property(FILE *f, const char *name, const char *value)
{
    if (!value)
        return;
    fputs("      <property", f);
    xml_attribute(f, "name", name);
    xml_attribute(f, "value", value);
    fputs("/>\n", f);
}

// mark.NAME.exits.io and so on, of the reasons that there were.
static void exit_properties(FILE *f, const struct result_mark *m)
{
    for (int i = 0; i < VMEXITS; i++) {
        char name[256], value[24];
        if (!m->exits_by[i])
            continue;
        snprintf(name, sizeof(name), "mark.%.200s.exits.%s", m->name,
                 result_exit_name((enum result_exit)i));
        snprintf(value, sizeof(value), "%" PRIu64, m->exits_by[i]);
        property(f, name, value);
    }
}

// mark.NAME.vcpu1.cpu_s and .exits, of each of several vCPUs.
static void vcpu_properties(FILE *f, const struct result_mark *m)
{
    for (size_t i = 0; i < m->nvcpus; i++) {
        char name[256], value[48];
        uint64_t us = m->vcpus[i].cpu_ns / NS_PER_US;
        snprintf(name, sizeof(name), "mark.%.200s.vcpu%zu.cpu_s", m->name, i);
        snprintf(value, sizeof(value), "%" PRIu64 ".%03" PRIu64, us / 1000000,
                 us / 1000 % 1000);
        property(f, name, value);
        snprintf(name, sizeof(name), "mark.%.200s.vcpu%zu.exits", m->name, i);
        snprintf(value, sizeof(value), "%" PRIu64, m->vcpus[i].exits);
        property(f, name, value);
    }
}

// A mark is three numbers: NAME in seconds, its CPU time and its VM exits.
static void mark_properties(FILE *f, const struct result_mark *m)
{
    const struct {
        const char *suffix;
        bool seconds;
        uint64_t value;
    } parts[] = {
        {"wall_s", true, m->wall_ns},
        {"cpu_s", true, m->cpu_ns},
        {"exits", false, m->exits},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char name[256];
        snprintf(name, sizeof(name), "mark.%.200s.%s", m->name,
                 parts[i].suffix);
        fputs("      <property", f);
        xml_attribute(f, "name", name);
        fputs(" value=\"", f);
        if (parts[i].seconds)
            xml_seconds(f, parts[i].value);
        else
            fprintf(f, "%" PRIu64, parts[i].value);
        fputs("\"/>\n", f);
    }
    exit_properties(f, m);
    vcpu_properties(f, m);
}

// What the guest told of its times: seconds, and microseconds.
static void guest_times(FILE *f, const struct result *r)
{
    char name[256], value[48];
    for (size_t i = 0; i < r->nreadings; i++) {
        uint64_t us = r->readings[i].ns / NS_PER_US;
        snprintf(name, sizeof(name), "reading.%.200s.s", r->readings[i].name);
        snprintf(value, sizeof(value), "%" PRIu64 ".%06" PRIu64, us / 1000000,
                 us % 1000000);
        property(f, name, value);
    }
    for (size_t i = 0; i < r->ninitcalls; i++) {
        snprintf(name, sizeof(name), "initcall.%.200s.us",
                 r->initcalls[i].name);
        snprintf(value, sizeof(value), "%" PRIu64, r->initcalls[i].us);
        property(f, name, value);
    }
}

static void properties(FILE *f, const struct result *r)
{
    fputs("    <properties>\n", f);
    property(f, "scenario", r->path);
    property(f, "guest", r->guest);
    property(f, "guest.note", r->guest_note);
    property(f, "accelerator", r->accelerator);
    if (r->nattempts || r->verdict > VERDICT_SKIPPED)
        property(f, "verdict", verdict_name(r->verdict));
    for (size_t i = 0; i < r->nproperties; i++)
        property(f, r->properties[i].name, r->properties[i].value);
    for (size_t i = 0; i < r->nmarks; i++)
        mark_properties(f, &r->marks[i]);
    guest_times(f, r);
    for (size_t i = 0; i < r->nnotes; i++) {
        if (!r->notes[i].failed)
            property(f, "note", r->notes[i].text);
    }
    fputs("    </properties>\n", f);
}

// Why it did not pass, with everything that a reader of the report has. Returns
// how many bytes that is.
static size_t explanation(FILE *f, const struct result *r, size_t room)
{
    char *text = NULL;
    size_t len = 0, written = 0;
    FILE *t = open_memstream(&text, &len);
    if (!t)
        return 0;
    if (r->where)
        fprintf(t, "%s: ", r->where);
    fprintf(t, "%s\n", or_empty(r->message));
    for (size_t i = 0; i < r->nnotes; i++) {
        const struct result_note *n = &r->notes[i];
        if (n->failed)
            fprintf(t, "%s%s%s\n", or_empty(n->where), n->where ? ": " : "",
                    n->text);
    }
    for (size_t i = 0; i < r->nsections; i++)
        fprintf(t, "%s\n", r->sections[i].text);
    if (!fclose(t))
        written = xml_text_within(f, text, len, room);
    free(text);
    return written;
}

// The elements that say that a testcase did not pass.
static const char *const elements[] = {
    [VERDICT_PASSED] = NULL,     [VERDICT_FAILED] = "failure",
    [VERDICT_ERROR] = "error",   [VERDICT_SKIPPED] = "skipped",
    [VERDICT_FLAKY] = NULL, // its last attempt passed
    [VERDICT_UNRUN] = "skipped",
    [VERDICT_KNOWN] = "skipped", // as pytest does with an xfail,
    [VERDICT_FIXED] = "failure", // and with a strict one that passes
};

static void open_verdict(FILE *f, enum verdict v, const char *message,
                         const char *type)
{
    fprintf(f, "      <%s", elements[v]);
    xml_attribute(f, "message", message);
    if (strcmp(elements[v], "skipped") != 0)
        xml_attribute(f, "type", type);
    fputc('>', f);
}

static void open_testcase(FILE *f, const char *name, const char *class_name,
                          uint64_t ns)
{
    fputs("    <testcase", f);
    xml_attribute(f, "name", name);
    xml_attribute(f, "classname", class_name);
    fputs(" time=\"", f);
    xml_seconds(f, ns);
    fputs("\">\n", f);
}

// The largest room that consoles of these widths may have each, so that all of
// them fit: what one doesn't need is for the others.
static size_t fair_room(const size_t *widths, size_t n, size_t room)
{
    size_t open = n, fair = n ? room / n : 0;
    for (size_t before = 0; open && open != before;) {
        size_t left = room;
        before = open;
        open = 0;
        for (size_t i = 0; i < n; i++) {
            if (widths[i] > fair)
                open++;
            else
                left -= widths[i];
        }
        fair = open ? left / open : fair;
    }
    return fair < XML_LEAST_ROOM ? XML_LEAST_ROOM : fair;
}

static int consoles(FILE *f, const struct result *r, size_t room)
{
    size_t *widths = calloc(r->nconsoles + 1, sizeof(*widths));
    if (!widths)
        return -ENOMEM;
    for (size_t i = 0; i < r->nconsoles; i++) {
        const struct result_console *c = &r->consoles[i];
        widths[i] = c->bytes ? xml_text_width(c->bytes, c->len) : 0;
    }
    size_t fair = fair_room(widths, r->nconsoles, room);
    fputs("      <system-out>", f);
    for (size_t i = 0; i < r->nconsoles; i++) {
        const struct result_console *c = &r->consoles[i];
        if (i)
            fprintf(f, "\n---- %s ----\n", port_name(c->port));
        if (c->bytes)
            xml_text_within(f, c->bytes, c->len, fair);
    }
    fputs("</system-out>\n", f);
    free(widths);
    return 0;
}

// The attempts that failed, as Maven's surefire names them: flakyFailure of a
// case that passed in the end, rerunFailure of one that did not. Returns how
// many bytes their explanations have.
static size_t attempts(FILE *f, const struct result *r)
{
    const char *element =
        r->verdict == VERDICT_FLAKY ? "flakyFailure" : "rerunFailure";
    size_t written = 0;
    size_t room = r->nattempts ? EXPLANATION_ROOM / r->nattempts : 0;
    for (size_t i = 0; i < r->nattempts; i++) {
        const struct result *a = &r->attempts[i];
        fprintf(f, "      <%s", element);
        xml_attribute(f, "message", a->message);
        xml_attribute(f, "type", a->kind);
        fputs("><stackTrace>", f);
        written += explanation(f, a, room);
        fprintf(f, "</stackTrace></%s>\n", element);
    }
    return written;
}

static int testcase(FILE *f, const struct result *r,
                    const struct junit_case *named)
{
    size_t room = CASE_ROOM;
    open_testcase(f, named->name, named->class_name, r->duration_ns);
    if (elements[r->verdict]) {
        char *text = NULL;
        if (r->verdict == VERDICT_KNOWN &&
            asprintf(&text, "known failure: %s: %s",
                     or_empty(result_property(r, "known")),
                     or_empty(r->message)) < 0)
            return -ENOMEM;
        open_verdict(f, r->verdict, text ? text : r->message, r->kind);
        free(text);
        room -= explanation(f, r, EXPLANATION_ROOM);
        fprintf(f, "</%s>\n", elements[r->verdict]);
    }
    room -= attempts(f, r);
    int code = consoles(f, r, room);
    fputs("    </testcase>\n", f);
    return code;
}

// A test that the guest ran is a testcase beside its scenario, in a class of
// the scenario's own.
static void guest_test(FILE *f, const struct result_test *t,
                       const char *class_name, const char *name)
{
    open_testcase(f, name, class_name, t->took_ns);
    const char *details = or_empty(t->details);
    if (elements[t->verdict]) {
        open_verdict(f, t->verdict, t->message, "ktap");
        xml_text_within(f, details, strlen(details), CASE_ROOM);
        fprintf(f, "</%s>\n", elements[t->verdict]);
    } else if (*details) {
        fputs("      <system-out>", f);
        xml_text_within(f, details, strlen(details), CASE_ROOM);
        fputs("</system-out>\n", f);
    }
    fputs("    </testcase>\n", f);
}

static void guest_tests(FILE *f, const struct result *r,
                        const struct junit_case *named)
{
    for (size_t i = 0; i < r->ntests; i++)
        guest_test(f, &r->tests[i], named->guest_class, named->tests[i]);
}

static void timestamp(FILE *f, uint64_t unix_ns)
{
    time_t seconds = (time_t)(unix_ns / NS_PER_S);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    fprintf(f, " timestamp=\"%04d-%02d-%02dT%02d:%02d:%02d\"",
            utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
            utc.tm_min, utc.tm_sec);
}

static int testsuite(FILE *f, const struct result *r,
                     const struct junit_case *named)
{
    fputs("  <testsuite", f);
    xml_attribute(f, "name", named->suite);
    struct counts n = {0};
    count(&n, r);
    fprintf(f, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
            n.tests, n.of[VERDICT_FAILED] + n.of[VERDICT_FIXED],
            n.of[VERDICT_ERROR],
            n.of[VERDICT_SKIPPED] + n.of[VERDICT_UNRUN] + n.of[VERDICT_KNOWN]);
    fputs(" time=\"", f);
    xml_seconds(f, r->duration_ns);
    fputc('"', f);
    timestamp(f, r->started_unix_ns);
    if (r->path)
        xml_attribute(f, "file", r->path);
    fputs(">\n", f);
    properties(f, r);
    int code = testcase(f, r, named);
    guest_tests(f, r, named);
    fputs("  </testsuite>\n", f);
    return code;
}

int junit_print(FILE *f, const struct result_list *all)
{
    uint64_t total = 0;
    struct counts n = {0};
    struct junit_names names;
    int code = junit_names_make(&names, all);
    if (code) {
        junit_names_free(&names);
        return code;
    }
    for (size_t i = 0; i < all->count; i++) {
        total += all->items[i].duration_ns;
        count(&n, &all->items[i]);
    }
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", f);
    xml_attribute(f, "name", "toyvmm-test");
    fprintf(f, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"",
            n.tests, n.of[VERDICT_FAILED] + n.of[VERDICT_FIXED],
            n.of[VERDICT_ERROR]);
    xml_seconds(f, total);
    fputs("\">\n", f);
    for (size_t i = 0; !code && i < all->count; i++)
        code = testsuite(f, &all->items[i], &names.list[i]);
    fputs("</testsuites>\n", f);
    junit_names_free(&names);
    return code ? code : ferror(f) ? -EIO : 0;
}
