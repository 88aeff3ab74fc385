// SPDX-License-Identifier: Apache-2.0
// TAP 14 from result records. See tap.h.
#include "harness/report/tap.h"

#include "harness/report/visible.h"
#include "harness/report/xml.h"

#include <errno.h>
#include <string.h>

// A test point is one line, in which "#" begins a directive.
static const char *in_line(uint32_t c)
{
    switch (c) {
    case '#':
        return "\\#";
    case '\\':
        return "\\\\";
    case '\n':
    case '\t':
    case '\r':
        return " ";
    default:
        return NULL;
    }
}

static void line_text(FILE *f, const char *text)
{
    visible_text(f, text, strlen(text), in_line);
}

// "ok 3 - name # SKIP why"
// known: why it is expected not to be ok, or NULL.
static void point(FILE *f, const char *margin, enum verdict v, bool ok,
                  size_t number, const char *name, const char *message,
                  const char *known)
{
    fprintf(f, "%s%s %zu - ", margin, ok ? "ok" : "not ok", number);
    line_text(f, name ? name : "");
    if (v == VERDICT_SKIPPED || v == VERDICT_UNRUN) {
        fputs(" # SKIP", f);
        if (message && *message) {
            fputc(' ', f);
            line_text(f, message);
        }
    }
    if (v == VERDICT_KNOWN) {
        fputs(" # TODO ", f); // TAP's word for it
        line_text(f, known ? known : "");
    }
    fputc('\n', f);
}

// The same, for a line of YAML, in which "#" is text.
static const char *in_block(uint32_t c)
{
    return c == '\n' || c == '\t' || c == '\r' ? " " : NULL;
}

// ---- YAML -------------------------------------------------------------------

// "key: |" and the lines as they are: the literal style knows no escapes, so
// what a guest printed can't become YAML. The first line says how far they are
// indented, so it begins without blanks (Perl's reader knows no "|2").
static void literal(FILE *f, const char *margin, const char *key,
                    const char *text)
{
    text += text ? strspn(text, " \t\r\n") : 0;
    if (!text || !*text)
        return;
    fprintf(f, "%s%s: |\n", margin, key);
    while (*text) {
        size_t len = strcspn(text, "\n");
        fprintf(f, "%s  ", margin);
        visible_text(f, text, len, NULL);
        fputc('\n', f);
        text += len + (text[len] == '\n');
    }
}

static void seconds(FILE *f, const char *margin, const char *key, uint64_t ns)
{
    fprintf(f, "%s%s: ", margin, key);
    xml_seconds(f, ns);
    fputc('\n', f);
}

static void test_block(FILE *f, const struct result_test *t)
{
    static const char margin[] = "      ";
    bool told = t->message || t->details;
    if (t->verdict == VERDICT_PASSED || t->verdict == VERDICT_SKIPPED || !told)
        return;
    fprintf(f, "%s---\n", margin);
    fprintf(f, "%sverdict: %s\n", margin, verdict_name(t->verdict));
    literal(f, margin, "message", t->message);
    literal(f, margin, "details", t->details);
    seconds(f, margin, "at_s", t->at_ns);
    fprintf(f, "%s...\n", margin);
}

static void subtests(FILE *f, const struct result *r)
{
    if (!r->ntests)
        return;
    fputs("# Subtest: ", f);
    line_text(f, r->title ? r->title : "");
    fprintf(f, "\n    1..%zu\n", r->ntests);
    for (size_t i = 0; i < r->ntests; i++) {
        const struct result_test *t = &r->tests[i];
        bool ok = !verdict_fails(t->verdict, false);
        point(f, "    ", t->verdict, ok, i + 1, t->name, t->message, NULL);
        test_block(f, t);
    }
}

static void failed_notes(FILE *f, const struct result *r)
{
    bool any = false;
    for (size_t i = 0; i < r->nnotes; i++) {
        if (!r->notes[i].failed)
            continue;
        if (!any)
            fputs("  notes:\n", f);
        any = true;
        fputs("    - |\n      ", f);
        const char *where = r->notes[i].where;
        if (where) {
            visible_text(f, where, strlen(where), in_block);
            fputs(": ", f);
        }
        visible_text(f, r->notes[i].text, strlen(r->notes[i].text), in_block);
        fputc('\n', f);
    }
}

// Those before the last.
static void attempts(FILE *f, const struct result *r)
{
    static const char margin[] = "      ";
    if (r->nattempts)
        fputs("  attempts:\n", f);
    for (size_t i = 0; i < r->nattempts; i++) {
        const struct result *a = &r->attempts[i];
        fprintf(f, "    - verdict: %s\n", verdict_name(a->verdict));
        literal(f, margin, "kind", a->kind);
        literal(f, margin, "message", a->message);
        literal(f, margin, "where", a->where);
        seconds(f, margin, "duration_s", a->duration_ns);
        for (size_t k = 0; k < a->nsections; k++)
            literal(f, margin, a->sections[k].name, a->sections[k].text);
    }
}

static void scenario_block(FILE *f, const struct result *r)
{
    fputs("  ---\n", f);
    fprintf(f, "  verdict: %s\n", verdict_name(r->verdict));
    literal(f, "  ", "kind", r->kind);
    literal(f, "  ", "message", r->message);
    literal(f, "  ", "where", r->where);
    literal(f, "  ", "scenario", r->path);
    literal(f, "  ", "guest", r->guest);
    literal(f, "  ", "accelerator", r->accelerator);
    literal(f, "  ", "seed", result_property(r, "seed"));
    seconds(f, "  ", "duration_s", r->duration_ns);
    failed_notes(f, r);
    if (r->nsections)
        fputs("  sections:\n", f);
    for (size_t i = 0; i < r->nsections; i++)
        literal(f, "    ", r->sections[i].name, r->sections[i].text);
    attempts(f, r);
    fputs("  ...\n", f);
}

int tap_print(FILE *f, const void *owner)
{
    const struct report_run *run = owner;
    size_t n = run->results.count;
    fprintf(f, "TAP version 14\n1..%zu%s\n", n, n ? "" : " # SKIP nothing ran");
    for (size_t i = 0; i < n; i++) {
        const struct result *r = &run->results.items[i];
        subtests(f, r);
        bool known = r->verdict == VERDICT_KNOWN;
        bool ok = !known && !verdict_fails(r->verdict, run->flaky_ok);
        point(f, "", r->verdict, ok, i + 1, r->title, r->message,
              result_property(r, "known"));
        if (known || verdict_is_explained(r->verdict))
            scenario_block(f, r);
    }
    return ferror(f) ? -EIO : 0;
}
