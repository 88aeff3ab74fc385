// SPDX-License-Identifier: Apache-2.0
// Results as lines of text. See terminal.h.
#include "harness/report/terminal.h"

#include "harness/report/visible.h"
#include "harness/report/xml.h"
#include "src/base/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
    [VERDICT_PASSED] = "ok   ", [VERDICT_FAILED] = "FAIL ",
    [VERDICT_ERROR] = "ERROR",  [VERDICT_SKIPPED] = "skip ",
    [VERDICT_FLAKY] = "flaky",  [VERDICT_UNRUN] = "unrun",
    [VERDICT_KNOWN] = "known",  [VERDICT_FIXED] = "fixed",
};

// Each line of text behind a margin.
static void block(FILE *f, const char *margin, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        fputs(margin, f);
        visible_text(f, text, len, NULL);
        fputc('\n', f);
        text += len + (text[len] == '\n');
    }
}

static void line_with_place(FILE *f, const char *where, const char *text)
{
    fputs("      ", f);
    if (where)
        fprintf(f, "%s: ", where);
    visible_text(f, text, strlen(text), NULL);
    fputc('\n', f);
}

// "(1290 io, 56 intr)".
static void reasons(FILE *f, const struct result_mark *m)
{
    const char *before = " (";
    for (int i = 0; i < VMEXITS; i++) {
        if (!m->exits_by[i])
            continue;
        fprintf(f, "%s%" PRIu64 " %s", before, m->exits_by[i],
                result_exit_name((enum result_exit)i));
        before = ", ";
    }
    if (*before == ',')
        fputc(')', f);
}

// More vCPUs than these fill lines and say little.
#define SHARES_TOLD 4

// "; CPU 1.203, 0.112 s", of vCPUs 0, 1, ...
static void shares(FILE *f, const struct result_mark *m)
{
    size_t told = m->nvcpus < SHARES_TOLD ? m->nvcpus : SHARES_TOLD;
    for (size_t i = 0; i < told; i++) {
        fputs(i ? ", " : "; by vCPU ", f);
        xml_seconds(f, m->vcpus[i].cpu_ns);
        fprintf(f, " s/%" PRIu64, m->vcpus[i].exits);
    }
    if (told < m->nvcpus)
        fprintf(f, " and %zu more", m->nvcpus - told);
}

static void marks(FILE *f, const struct result *r)
{
    int width = 16;
    for (size_t i = 0; i < r->nmarks; i++) {
        int len = (int)strnlen(r->marks[i].name, 40);
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < r->nmarks; i++) {
        fprintf(f, "      %-*s ", width, r->marks[i].name);
        xml_seconds(f, r->marks[i].wall_ns);
        fputs(" s  cpu ", f);
        xml_seconds(f, r->marks[i].cpu_ns);
        fprintf(f, " s  %" PRIu64 " exits", r->marks[i].exits);
        reasons(f, &r->marks[i]);
        shares(f, &r->marks[i]);
        fputc('\n', f);
    }
}

// Without the locale's idea of a decimal point.
static void milliseconds(FILE *f, int width, uint64_t us)
{
    fprintf(f, "%*" PRIu64 ".%03u ms", width, us / 1000, (unsigned)(us % 1000));
}

// What the guest told of its times.
static void guest_times(FILE *f, const struct result *r)
{
    for (size_t i = 0; i < r->nreadings; i++) {
        fputs(i ? ", " : "      the guest says: ", f);
        fprintf(f, "%s ", r->readings[i].name);
        xml_seconds(f, r->readings[i].ns);
        fputs(" s", f);
    }
    if (r->nreadings)
        fputc('\n', f);
    if (!r->initcalls_seen)
        return;
    fprintf(f, "      %" PRIu64 " initcalls took ", r->initcalls_seen);
    milliseconds(f, 0, r->initcalls_us);
    fputs(", the slowest:\n", f);
    for (size_t i = 0; i < r->ninitcalls; i++) {
        const char *name = r->initcalls[i].name;
        milliseconds(f, 12, r->initcalls[i].us);
        fputs("  ", f);
        visible_text(f, name, strlen(name), NULL);
        fputc('\n', f);
    }
}

// The message again as a note is said once.
static bool repeats_message(const struct result *r, const struct result_note *n)
{
    return r->message && !strcmp(r->message, n->text);
}

static void notes(FILE *f, const struct result *r)
{
    for (size_t i = 0; i < r->nnotes; i++) {
        if (!repeats_message(r, &r->notes[i]))
            line_with_place(f, r->notes[i].where, r->notes[i].text);
    }
}

// How much of a guest's own failed tests a person reads here: all of it is in
// the reports.
#define TESTS_SHOWN   10
#define DETAILS_SHOWN 20

static void verdict_counts(FILE *f, const size_t counts[VERDICTS],
                           const char *error_word)
{
    const struct {
        enum verdict verdict;
        const char *word;
    } parts[] = {
        {VERDICT_PASSED, "passed"},       {VERDICT_FAILED, "failed"},
        {VERDICT_FLAKY, "flaky"},         {VERDICT_ERROR, error_word},
        {VERDICT_SKIPPED, "skipped"},     {VERDICT_UNRUN, "not run"},
        {VERDICT_KNOWN, "known to fail"}, {VERDICT_FIXED, "fixed"},
    };
    bool first = true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t n = counts[parts[i].verdict];
        if (!n)
            continue;
        fprintf(f, "%s%zu %s", first ? "" : ", ", n, parts[i].word);
        first = false;
    }
}

// The first lines of text, and how many more there are.
static void first_lines(FILE *f, const char *margin, const char *text)
{
    const char *end = text;
    size_t lines = 0;
    while (*end && lines < DETAILS_SHOWN) {
        end += strcspn(end, "\n");
        end += *end == '\n';
        lines++;
    }
    char *shown = strndup(text, (size_t)(end - text));
    if (shown)
        block(f, margin, shown);
    free(shown);
    size_t more = 0;
    for (; *end; more++) {
        end += strcspn(end, "\n");
        end += *end == '\n';
    }
    if (more)
        fprintf(f, "%s... %zu more lines\n", margin, more);
}

static void guest_test(FILE *f, const struct result_test *t)
{
    fprintf(f, "        %s ", words[t->verdict]);
    visible_text(f, t->name, strlen(t->name), NULL);
    if (t->message) {
        fputs(": ", f);
        visible_text(f, t->message, strlen(t->message), NULL);
    }
    fputc('\n', f);
    if (t->details)
        first_lines(f, "                ", t->details);
}

// The tests that the guest ran: how many, and those that failed.
static void guest_tests(FILE *f, const struct result *r)
{
    if (!r->ntests)
        return;
    size_t counts[VERDICTS];
    for (size_t v = 0; v < VERDICTS; v++)
        counts[v] = result_count_tests(r, (enum verdict)v);
    fprintf(f, "      %zu kernel test%s: ", r->ntests,
            r->ntests == 1 ? "" : "s");
    verdict_counts(f, counts, "with an error");
    fputc('\n', f);
    size_t failed = counts[VERDICT_FAILED] + counts[VERDICT_ERROR];
    size_t shown = 0;
    for (size_t i = 0; i < r->ntests && shown < TESTS_SHOWN; i++) {
        enum verdict v = r->tests[i].verdict;
        if (v != VERDICT_FAILED && v != VERDICT_ERROR)
            continue;
        guest_test(f, &r->tests[i]);
        shown++;
    }
    if (failed > shown)
        fprintf(f, "        ... %zu more\n", failed - shown);
}

// Of one that was run again: why it failed before.
static void attempts(FILE *f, const struct result *r)
{
    for (size_t i = 0; i < r->nattempts; i++) {
        const struct result *a = &r->attempts[i];
        fprintf(f, "      attempt %zu %s: ", i + 1, verdict_name(a->verdict));
        if (a->where)
            fprintf(f, "%s: ", a->where);
        if (a->message)
            visible_text(f, a->message, strlen(a->message), NULL);
        fputc('\n', f);
    }
}

void terminal_result(FILE *f, const struct result *r, bool verbose)
{
    fprintf(f, "%s ", words[r->verdict]);
    const char *title = r->title ? r->title : r->path ? r->path : "";
    visible_text(f, title, strlen(title), NULL);
    fprintf(f, " (");
    if (r->path)
        fprintf(f, "%s, ", r->path);
    if (r->guest)
        fprintf(f, "guest %s, ", r->guest);
    if (r->accelerator)
        fprintf(f, "%s, ", r->accelerator);
    const char *seed = result_property(r, "seed");
    if (seed)
        fprintf(f, "seed %s, ", seed);
    const char *attempt = result_property(r, "attempt");
    if (attempt)
        fprintf(f, "attempt %s, ", attempt);
    xml_seconds(f, r->duration_ns);
    fputs(" s)\n", f);
    if (r->guest_note)
        line_with_place(f, NULL, r->guest_note);
    if (r->verdict != VERDICT_PASSED && r->message)
        line_with_place(f, r->where, r->message);
    attempts(f, r);
    notes(f, r);
    guest_tests(f, r);
    bool explained = r->verdict != VERDICT_PASSED &&
                     (r->verdict != VERDICT_KNOWN || verbose);
    for (size_t i = 0; explained && i < r->nsections; i++)
        block(f, "        ", r->sections[i].text);
    if (verbose) {
        marks(f, r);
        guest_times(f, r);
    }
}

void terminal_summary(FILE *f, const struct result_list *all,
                      uint64_t duration_ns)
{
    size_t counts[VERDICTS] = {0};
    for (size_t i = 0; i < all->count; i++)
        counts[all->items[i].verdict]++;
    fprintf(f, "%zu scenario%s: ", all->count, all->count == 1 ? "" : "s");
    verdict_counts(f, counts, "could not be judged");
    fputs(" in ", f);
    xml_seconds(f, duration_ns);
    fputs(" s\n", f);
}
