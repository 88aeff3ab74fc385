// SPDX-License-Identifier: Apache-2.0
// JUnit XML from result records. See junit.h, and jenkins-junit.xsd for the
// shape.
#include "harness/report/junit.h"

#include "harness/report/output.h"
#include "harness/report/xml.h"
#include "src/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t count(const struct result_list *all, enum verdict v)
{
    size_t n = 0;
    for (size_t i = 0; i < all->count; i++)
        n += all->items[i].verdict == v;
    return n;
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
}

static void properties(FILE *f, const struct result *r)
{
    fputs("    <properties>\n", f);
    property(f, "scenario", r->path);
    property(f, "guest", r->guest);
    property(f, "guest.note", r->guest_note);
    property(f, "accelerator", r->accelerator);
    for (size_t i = 0; i < r->nproperties; i++)
        property(f, r->properties[i].name, r->properties[i].value);
    for (size_t i = 0; i < r->nmarks; i++)
        mark_properties(f, &r->marks[i]);
    for (size_t i = 0; i < r->nnotes; i++) {
        if (!r->notes[i].failed)
            property(f, "note", r->notes[i].text);
    }
    fputs("    </properties>\n", f);
}

// Why it did not pass, with everything that a reader of the report has.
static void explanation(FILE *f, const struct result *r)
{
    char *text = NULL;
    size_t len = 0;
    FILE *t = open_memstream(&text, &len);
    if (!t)
        return;
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
        xml_text(f, text, len);
    free(text);
}

static void verdict_element(FILE *f, const struct result *r)
{
    static const char *const elements[] = {
        [VERDICT_PASSED] = NULL,
        [VERDICT_FAILED] = "failure",
        [VERDICT_ERROR] = "error",
        [VERDICT_SKIPPED] = "skipped",
    };
    const char *element = elements[r->verdict];
    if (!element)
        return;
    fprintf(f, "      <%s", element);
    xml_attribute(f, "message", r->message);
    if (r->verdict != VERDICT_SKIPPED)
        xml_attribute(f, "type", r->kind);
    fputc('>', f);
    explanation(f, r);
    fprintf(f, "</%s>\n", element);
}

static void testcase(FILE *f, const struct result *r)
{
    // Readers take a dot in a class name for the step into a package.
    char *class_name = strdup(or_empty(r->suite));
    for (char *c = class_name; c && *c; c++) {
        if (*c == '/')
            *c = '.';
    }
    fputs("    <testcase", f);
    xml_attribute(f, "name", r->title);
    xml_attribute(f, "classname", class_name);
    free(class_name);
    fputs(" time=\"", f);
    xml_seconds(f, r->duration_ns);
    fputs("\">\n", f);
    verdict_element(f, r);
    fputs("      <system-out>", f);
    for (size_t i = 0; i < r->nconsoles; i++) {
        if (i)
            fprintf(f, "\n---- ttyS%u ----\n", r->consoles[i].port);
        if (r->consoles[i].bytes)
            xml_text(f, r->consoles[i].bytes, r->consoles[i].len);
    }
    fputs("</system-out>\n    </testcase>\n", f);
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

static void testsuite(FILE *f, const struct result *r)
{
    fputs("  <testsuite", f);
    xml_attribute(f, "name", r->path ? r->path : r->title);
    fprintf(f, " tests=\"1\" failures=\"%d\" errors=\"%d\" skipped=\"%d\"",
            r->verdict == VERDICT_FAILED, r->verdict == VERDICT_ERROR,
            r->verdict == VERDICT_SKIPPED);
    fputs(" time=\"", f);
    xml_seconds(f, r->duration_ns);
    fputc('"', f);
    timestamp(f, r->started_unix_ns);
    if (r->path)
        xml_attribute(f, "file", r->path);
    fputs(">\n", f);
    properties(f, r);
    testcase(f, r);
    fputs("  </testsuite>\n", f);
}

static int write_report(FILE *f, const void *owner)
{
    const struct result_list *all = owner;
    uint64_t total = 0;
    for (size_t i = 0; i < all->count; i++)
        total += all->items[i].duration_ns;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites", f);
    xml_attribute(f, "name", "toyvmm-test");
    fprintf(f, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"",
            all->count, count(all, VERDICT_FAILED), count(all, VERDICT_ERROR));
    xml_seconds(f, total);
    fputs("\">\n", f);
    for (size_t i = 0; i < all->count; i++)
        testsuite(f, &all->items[i]);
    fputs("</testsuites>\n", f);
    return ferror(f) ? -EIO : 0;
}

int junit_write(const char *path, const struct result_list *results,
                struct error *err)
{
    return output_write(path, write_report, results, err);
}
