// SPDX-License-Identifier: Apache-2.0
// The page of a run. See html.h.
#include "harness/report/html.h"

#include "harness/report/html_parts.h"
#include "harness/report/reports.h"
#include "harness/report/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// A passed scenario beyond so many has its row in the table only: the page
// must open in a browser.
#define TOLD_WHOLE  300
#define STRIP_BOOTS 3   // and more of one scenario are worth a picture
#define LISTED      500 // notes and tests of one scenario

void html_text(FILE *f, const char *text)
{
    if (text)
        xml_text(f, text, strlen(text));
}

void html_time(FILE *f, uint64_t ns)
{
    if (ns >= 100000000)
        fprintf(f, "%" PRIu64 ".%03u s", ns / 1000000000,
                (unsigned)(ns / 1000000 % 1000));
    else
        fprintf(f, "%" PRIu64 ".%u ms", ns / 1000000,
                (unsigned)(ns / 100000 % 10));
}

static void verdict(FILE *f, enum verdict v)
{
    fprintf(f, "<span class=\"v %s\">%s</span>", verdict_name(v),
            verdict_name(v));
}

static uint64_t last_mark(const struct result *r)
{
    return r->nmarks ? r->marks[r->nmarks - 1].wall_ns : 0;
}

// ---- The table --------------------------------------------------------------

static void row(FILE *f, const struct result *r, size_t index, bool told)
{
    fputs("<tr><td>", f);
    verdict(f, r->verdict);
    fputs("</td><td>", f);
    if (told)
        fprintf(f, "<a href=\"#s%zu\">", index);
    html_text(f, r->title ? r->title : r->path);
    fputs(told ? "</a></td><td>" : "</td><td>", f);
    html_text(f, r->guest);
    fputs("</td><td class=\"n\">", f);
    if (r->nmarks) {
        html_time(f, last_mark(r));
        fputs("</td><td>", f);
        html_text(f, r->marks[r->nmarks - 1].name);
    } else {
        fputs("</td><td>", f);
    }
    fputs("</td><td class=\"n\">", f);
    html_time(f, r->duration_ns);
    fputs("</td></tr>\n", f);
}

// Failed ones are always told.
static bool is_told(const struct result *r, size_t index)
{
    return index < TOLD_WHOLE || verdict_is_explained(r->verdict);
}

static void table(FILE *f, const struct result_list *list)
{
    fputs("<div class=\"wide\"><table><tr><th>verdict</th><th>scenario</th>"
          "<th>guest</th><th class=\"n\">last mark</th><th></th>"
          "<th class=\"n\">took</th></tr>\n",
          f);
    for (size_t i = 0; i < list->count; i++)
        row(f, &list->items[i], i, is_told(&list->items[i], i));
    fputs("</table></div>\n", f);
}

// ---- One scenario -----------------------------------------------------------

static void failure(FILE *f, const struct result *r)
{
    const char *name;
    if (r->message) {
        fputs("<p>", f);
        html_text(f, r->where);
        fputs(r->where ? ": " : "", f);
        html_text(f, r->message);
        fputs("</p>\n", f);
    }
    for (size_t i = 0; (name = result_section_at(i)); i++) {
        const char *text = result_section(r, name);
        if (!text)
            continue;
        fprintf(f, "<h3>%s</h3>\n<pre>", name);
        html_text(f, text);
        fputs("</pre>\n", f);
    }
}

// What became of it before it was run again.
static void attempts(FILE *f, const struct result *r)
{
    for (size_t i = 0; i < r->nattempts; i++) {
        const struct result *a = &r->attempts[i];
        fprintf(f, "<details><summary>Attempt %zu ", i + 1);
        verdict(f, a->verdict);
        fputs(" in ", f);
        html_time(f, a->duration_ns);
        fputs("</summary>\n", f);
        failure(f, a);
        html_boot(f, a);
        html_console(f, a);
        fputs("</details>\n", f);
    }
}

static void tests(FILE *f, const struct result *r)
{
    if (!r->ntests)
        return;
    fprintf(f,
            "<details%s><summary>%zu tests of the guest's, %zu failed"
            "</summary><table>\n",
            result_count_tests(r, VERDICT_FAILED) ? " open=\"open\"" : "",
            r->ntests, result_count_tests(r, VERDICT_FAILED));
    for (size_t i = 0; i < r->ntests && i < LISTED; i++) {
        const struct result_test *t = &r->tests[i];
        fputs("<tr><td>", f);
        verdict(f, t->verdict);
        fputs("</td><td>", f);
        html_text(f, t->name);
        fputs("</td><td>", f);
        html_text(f, t->message);
        fputs("</td></tr>\n", f);
    }
    fputs("</table></details>\n", f);
}

static void notes(FILE *f, const struct result *r)
{
    for (size_t i = 0; i < r->nnotes && i < LISTED; i++) {
        const struct result_note *n = &r->notes[i];
        fprintf(f, "<p class=\"%s\">", n->failed ? "failed" : "dim");
        html_text(f, n->where);
        fputs(n->where ? ": " : "", f);
        html_text(f, n->text);
        fputs("</p>\n", f);
    }
}

static void properties(FILE *f, const struct result *r)
{
    if (!r->nproperties)
        return;
    fputs("<details><summary>Properties</summary><table>\n", f);
    for (size_t i = 0; i < r->nproperties && i < LISTED; i++) {
        fputs("<tr><th>", f);
        html_text(f, r->properties[i].name);
        fputs("</th><td>", f);
        html_text(f, r->properties[i].value);
        fputs("</td></tr>\n", f);
    }
    fputs("</table></details>\n", f);
}

static void scenario(FILE *f, const struct result *r, size_t index)
{
    fprintf(f, "<section id=\"s%zu\"><h2>", index);
    html_text(f, r->title ? r->title : r->path);
    fputs("</h2>\n<p class=\"dim\">", f);
    verdict(f, r->verdict);
    fputs(" in ", f);
    html_time(f, r->duration_ns);
    fputs("; ", f);
    html_text(f, r->path);
    if (r->guest) {
        fputs(", guest ", f);
        html_text(f, r->guest);
    }
    if (r->accelerator) {
        fputs(", ", f);
        html_text(f, r->accelerator);
    }
    const char *seed = result_property(r, "seed");
    if (seed) {
        fputs(", seed ", f);
        html_text(f, seed);
    }
    fputs("</p>\n", f);
    if (r->guest_note) {
        fputs("<p class=\"dim\">", f);
        html_text(f, r->guest_note);
        fputs("</p>\n", f);
    }
    const char *attempt = result_property(r, "attempt");
    if (attempt) {
        fputs("<p class=\"dim\">attempt ", f);
        html_text(f, attempt);
        fputs("</p>\n", f);
    }
    attempts(f, r);
    failure(f, r);
    html_boot(f, r);
    notes(f, r);
    tests(f, r);
    html_console(f, r);
    properties(f, r);
    fputs("</section>\n", f);
}

// ---- Series -----------------------------------------------------------------

// Boots of one case follow each other.
static void series(FILE *f, const struct result_list *list)
{
    const struct result **boots =
        calloc(list->count + 1, sizeof(const struct result *));
    for (size_t i = 0; boots && i < list->count;) {
        const struct result *first = &list->items[i];
        size_t n = 0, end = i;
        while (end < list->count &&
               result_is_same_series(first, &list->items[end])) {
            if (list->items[end].verdict == VERDICT_PASSED)
                boots[n++] = &list->items[end];
            end++;
        }
        if (n >= STRIP_BOOTS) {
            fputs("<section><h2>", f);
            html_text(f, first->series);
            fprintf(f,
                    "</h2>\n<p class=\"dim\">Each mark in %zu boots that "
                    "passed, from process start</p>\n",
                    n);
            html_strip(f, boots, n);
            fputs("</section>\n", f);
        }
        i = end > i ? end : i + 1;
    }
    free(boots);
}

int html_print(FILE *f, const void *owner)
{
    const struct report_run *run = owner;
    const struct result_list *list = &run->results;
    size_t count[VERDICTS] = {0};
    for (size_t i = 0; i < list->count; i++)
        count[list->items[i].verdict]++;
    fputs(html_head, f);
    fprintf(f, "<h1>%zu scenario%s", list->count, list->count == 1 ? "" : "s");
    const char *comma = ": ";
    for (int v = 0; v < VERDICTS; v++) {
        if (!count[v])
            continue;
        fprintf(f, "%s%zu ", comma, count[v]);
        verdict(f, (enum verdict)v);
        comma = ", ";
    }
    fputs("</h1>\n<p class=\"dim\">toyvmm-test ", f);
    html_text(f, run->version);
    if (run->accelerator) {
        fputs(", accelerator ", f);
        html_text(f, run->accelerator);
    }
    fputs(", took ", f);
    html_time(f, run->duration_ns);
    fputs(run->interrupted ? ", interrupted</p>\n" : "</p>\n", f);
    table(f, list);
    series(f, list);
    for (size_t i = 0; i < list->count; i++) {
        if (is_told(&list->items[i], i))
            scenario(f, &list->items[i], i);
    }
    fputs("</body></html>\n", f);
    return ferror(f) ? -EIO : 0;
}
