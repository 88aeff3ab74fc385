// SPDX-License-Identifier: Apache-2.0
// Results as lines of text. See terminal.h.
#include "harness/report/terminal.h"

#include "harness/report/visible.h"
#include "harness/report/xml.h"
#include "src/base/clock.h"

#include <inttypes.h>
#include <string.h>

static const char *const words[] = {
    [VERDICT_PASSED] = "ok   ",
    [VERDICT_FAILED] = "FAIL ",
    [VERDICT_ERROR] = "ERROR",
    [VERDICT_SKIPPED] = "skip ",
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

static void marks(FILE *f, const struct result *r)
{
    for (size_t i = 0; i < r->nmarks; i++) {
        fprintf(f, "      %-16s ", r->marks[i].name);
        xml_seconds(f, r->marks[i].wall_ns);
        fputs(" s  cpu ", f);
        xml_seconds(f, r->marks[i].cpu_ns);
        fprintf(f, " s  %" PRIu64 " exits\n", r->marks[i].exits);
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
    xml_seconds(f, r->duration_ns);
    fputs(" s)\n", f);
    if (r->guest_note)
        line_with_place(f, NULL, r->guest_note);
    if (r->verdict != VERDICT_PASSED && r->message)
        line_with_place(f, r->where, r->message);
    notes(f, r);
    for (size_t i = 0; r->verdict != VERDICT_PASSED && i < r->nsections; i++)
        block(f, "        ", r->sections[i].text);
    if (verbose)
        marks(f, r);
}

void terminal_summary(FILE *f, const struct result_list *all,
                      uint64_t duration_ns)
{
    size_t counts[VERDICT_SKIPPED + 1] = {0};
    for (size_t i = 0; i < all->count; i++)
        counts[all->items[i].verdict]++;
    static const struct {
        enum verdict verdict;
        const char *word;
    } parts[] = {
        {VERDICT_PASSED, "passed"},
        {VERDICT_FAILED, "failed"},
        {VERDICT_ERROR, "could not be judged"},
        {VERDICT_SKIPPED, "skipped"},
    };
    fprintf(f, "%zu scenario%s: ", all->count, all->count == 1 ? "" : "s");
    bool first = true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t n = counts[parts[i].verdict];
        if (!n)
            continue;
        fprintf(f, "%s%zu %s", first ? "" : ", ", n, parts[i].word);
        first = false;
    }
    fputs(" in ", f);
    xml_seconds(f, duration_ns);
    fputs(" s\n", f);
}
