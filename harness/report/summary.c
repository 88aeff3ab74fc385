// SPDX-License-Identifier: Apache-2.0
// Markdown. See summary.h.
#include "harness/report/summary.h"

#include "harness/report/markdown.h"
#include "harness/report/reports.h"
#include "harness/report/visible.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROWS        200  // cases in the table
#define FAILURES    20   // told at length
#define SECTION_MAX 4000 // bytes of one, its end

static void seconds(FILE *f, uint64_t ns)
{
    fprintf(f, "%" PRIu64 ".%03u s", ns / 1000000000,
            (unsigned)(ns / 1000000 % 1000));
}

// The longest run of backticks: a fence must be longer.
static size_t longest_ticks(const char *s)
{
    size_t longest = 0, n = 0;
    for (; *s; s++) {
        n = *s == '`' ? n + 1 : 0;
        longest = n > longest ? n : longest;
    }
    return longest;
}

static void fenced(FILE *f, const char *s)
{
    size_t len = strlen(s), ticks = longest_ticks(s) + 1;
    const char *from = len > SECTION_MAX ? s + len - SECTION_MAX : s;
    ticks = ticks < 3 ? 3 : ticks;
    for (size_t i = 0; i < ticks; i++)
        fputc('`', f);
    fputs(from == s ? "text\n" : "text\n...\n", f);
    visible_text(f, from, strlen(from), NULL);
    fputc('\n', f);
    for (size_t i = 0; i < ticks; i++)
        fputc('`', f);
    fputs("\n\n", f);
}

// To be told at length, whether it fails the run or not.
static bool is_bad(const struct result *r)
{
    return verdict_is_explained(r->verdict);
}

static void explanation(FILE *f, const struct result *r)
{
    markdown_text(f, r->where);
    fputs(r->where ? ": " : "", f);
    markdown_text(f, r->message);
    fputs("\n\n", f);
    static const char *const told[] = {"near-miss", "trace", "console"};
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        const char *section = result_section(r, told[i]);
        if (!section)
            continue;
        fprintf(f, "<details><summary>%s</summary>\n\n", told[i]);
        fenced(f, section);
        fputs("</details>\n\n", f);
    }
}

static void failure(FILE *f, const struct result *r)
{
    fprintf(f, "#### %s: ", verdict_name(r->verdict));
    markdown_text(f, r->title ? r->title : r->path);
    const char *seed = result_property(r, "seed");
    if (seed) {
        fputs(" (seed ", f);
        markdown_text(f, seed);
        fputc(')', f);
    }
    fputs("\n\n", f);
    for (size_t i = 0; i < r->nattempts; i++) {
        fprintf(f, "Attempt %zu %s: ", i + 1,
                verdict_name(r->attempts[i].verdict));
        explanation(f, &r->attempts[i]);
    }
    if (r->verdict == VERDICT_FLAKY)
        fprintf(f, "Attempt %zu passed.\n\n", r->nattempts + 1);
    else
        explanation(f, r);
}

// ---- The table: a row for each case ----------------------------------------

// Boots of a case follow each other in a run.
struct row {
    const struct result *const *boots;
    size_t count;
};

static size_t count_of(const struct row *row, enum verdict v)
{
    size_t n = 0;
    for (size_t i = 0; i < row->count; i++)
        n += row->boots[i]->verdict == v;
    return n;
}

// The verdict that all have, or how many have which, the worst first.
static void verdicts(FILE *f, const struct row *row)
{
    static const enum verdict order[] = {
        VERDICT_FAILED, VERDICT_ERROR, VERDICT_FIXED,   VERDICT_FLAKY,
        VERDICT_UNRUN,  VERDICT_KNOWN, VERDICT_SKIPPED, VERDICT_PASSED};
    const char *comma = "";
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        size_t n = count_of(row, order[i]);
        if (!n)
            continue;
        fputs(comma, f);
        if (n < row->count)
            fprintf(f, "%zu ", n);
        fputs(verdict_name(order[i]), f);
        comma = ", ";
    }
}

static void marks(FILE *f, const struct row *row, uint64_t *room)
{
    static const char *const told[] = {"userspace", "login_prompt",
                                       "shell_prompt"};
    const char *comma = "";
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        size_t n = result_mark_times(row->boots, row->count, told[i], room);
        if (!n)
            continue;
        fprintf(f, "%s`%s` ", comma, told[i]);
        seconds(f, room[n / 2]);
        comma = ", ";
    }
}

static void print_row(FILE *f, const struct row *row, uint64_t *room)
{
    const struct result *r = row->boots[0];
    const char *title = row->count > 1 ? r->series : r->title;
    const char *guest = NULL;
    uint64_t took = 0;
    for (size_t i = 0; i < row->count; i++) {
        took += row->boots[i]->duration_ns;
        guest = guest ? guest : row->boots[i]->guest;
    }
    fputs("| ", f);
    verdicts(f, row);
    fputs(" | ", f);
    markdown_text(f, title ? title : r->path);
    fputs(" | ", f);
    markdown_text(f, r->path);
    fprintf(f, " | %zu | ", row->count);
    markdown_text(f, guest);
    fputs(" | ", f);
    marks(f, row, room);
    fputs(" | ", f);
    seconds(f, took);
    fputs(" |\n", f);
}

static bool has_bad(const struct row *row)
{
    return count_of(row, VERDICT_FAILED) || count_of(row, VERDICT_ERROR) ||
           count_of(row, VERDICT_FLAKY) || count_of(row, VERDICT_FIXED);
}

// Those with a boot that did not pass, or the others.
static void rows_of(FILE *f, const struct row *list, size_t n, bool bad,
                    size_t *room_left, uint64_t *room)
{
    for (size_t i = 0; i < n && *room_left; i++) {
        if (has_bad(&list[i]) != bad)
            continue;
        print_row(f, &list[i], room);
        --*room_left;
    }
}

// boots are all of the run's. list and room have place for as many.
static void rows(FILE *f, const struct result *const *boots, size_t count,
                 struct row *list, uint64_t *room)
{
    size_t n = 0;
    fputs("| verdict | scenario | file | boots | guest | marks (median) "
          "| took |\n"
          "| --- | --- | --- | ---: | --- | --- | ---: |\n",
          f);
    for (size_t i = 0; i < count; i += list[n++].count) {
        list[n] = (struct row){boots + i, 1};
        while (i + list[n].count < count &&
               result_is_same_series(boots[i], boots[i + list[n].count]))
            list[n].count++;
    }
    // What did not pass has its row, whatever must be left out.
    size_t left = ROWS;
    if (n <= ROWS) {
        for (size_t i = 0; i < n; i++)
            print_row(f, &list[i], room);
    } else {
        rows_of(f, list, n, true, &left, room);
        rows_of(f, list, n, false, &left, room);
        fprintf(f, "\n... and %zu more rows\n", n - ROWS);
    }
    fputc('\n', f);
}

static int table(FILE *f, const struct result_list *all)
{
    const struct result **boots =
        calloc(all->count + 1, sizeof(const struct result *));
    struct row *list = calloc(all->count + 1, sizeof(*list));
    uint64_t *room = calloc(all->count + 1, sizeof(*room));
    int code = boots && list && room ? 0 : -ENOMEM;
    for (size_t i = 0; !code && i < all->count; i++)
        boots[i] = &all->items[i];
    if (!code)
        rows(f, boots, all->count, list, room);
    free(boots);
    free(list);
    free(room);
    return code;
}

int summary_print(FILE *f, const void *owner)
{
    const struct report_run *run = owner;
    const struct result_list *list = &run->results;
    size_t count[VERDICTS] = {0}, told = 0;
    for (size_t i = 0; i < list->count; i++)
        count[list->items[i].verdict]++;
    fprintf(f,
            "### %zu boot%s: %zu passed, %zu failed, %zu error%s, "
            "%zu skipped",
            list->count, list->count == 1 ? "" : "s", count[VERDICT_PASSED],
            count[VERDICT_FAILED], count[VERDICT_ERROR],
            count[VERDICT_ERROR] == 1 ? "" : "s", count[VERDICT_SKIPPED]);
    if (count[VERDICT_FLAKY])
        fprintf(f, ", %zu flaky", count[VERDICT_FLAKY]);
    if (count[VERDICT_UNRUN])
        fprintf(f, ", %zu not run", count[VERDICT_UNRUN]);
    if (count[VERDICT_KNOWN])
        fprintf(f, ", %zu known", count[VERDICT_KNOWN]);
    if (count[VERDICT_FIXED])
        fprintf(f, ", %zu fixed", count[VERDICT_FIXED]);
    fputs("\n\n", f);
    if (run->interrupted)
        fputs("**The run was interrupted.**\n\n", f);
    for (size_t i = 0; i < list->count; i++) {
        if (is_bad(&list->items[i]) && told++ < FAILURES)
            failure(f, &list->items[i]);
    }
    if (told > FAILURES)
        fprintf(f, "... and %zu more that did not pass\n\n", told - FAILURES);
    int code = table(f, list);
    fputs("toyvmm-test ", f);
    markdown_text(f, run->version);
    if (run->accelerator) {
        fputs(", accelerator ", f);
        markdown_text(f, run->accelerator);
    }
    fputs("\n\n", f);
    return code ? code : ferror(f) ? -EIO : 0;
}
