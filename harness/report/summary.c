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

#define ROWS        200  // scenarios in the table
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

static bool is_bad(const struct result *r)
{
    return r->verdict == VERDICT_FAILED || r->verdict == VERDICT_ERROR;
}

static void failure(FILE *f, const struct result *r)
{
    fprintf(f, "#### %s: ", verdict_name(r->verdict));
    markdown_text(f, r->title ? r->title : r->path);
    fputs("\n\n", f);
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

// ---- The table: a row for each series of boots
// -------------------------------

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool is_same(const struct result *a, const struct result *b)
{
    return a->path && b->path && !strcmp(a->path, b->path) && a->guest &&
           b->guest && !strcmp(a->guest, b->guest) && a->verdict == b->verdict;
}

// The median time of a mark in these boots.
static uint64_t median_of(const struct result *boots, size_t n,
                          const char *mark, uint64_t *room)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        const struct result_mark *m = result_mark(&boots[i], mark);
        if (m)
            room[count++] = m->wall_ns;
    }
    qsort(room, count, sizeof(*room), ascending);
    return count ? room[count / 2] : 0;
}

static void marks(FILE *f, const struct result *boots, size_t n, uint64_t *room)
{
    static const char *const told[] = {"userspace", "login_prompt",
                                       "shell_prompt"};
    const char *comma = "";
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        uint64_t ns = median_of(boots, n, told[i], room);
        if (!ns)
            continue;
        fprintf(f, "%s`%s` ", comma, told[i]);
        seconds(f, ns);
        comma = ", ";
    }
}

static void rows(FILE *f, const struct result_list *list, uint64_t *room)
{
    size_t shown = 0;
    fputs("| verdict | scenario | boots | guest | marks (median) | took |\n"
          "| --- | --- | ---: | --- | --- | ---: |\n",
          f);
    for (size_t i = 0; i < list->count;) {
        const struct result *r = &list->items[i];
        size_t n = 1;
        uint64_t took = r->duration_ns;
        while (i + n < list->count && is_same(r, &list->items[i + n]))
            took += list->items[i + n++].duration_ns;
        i += n;
        if (shown++ >= ROWS)
            continue;
        fprintf(f, "| %s | ", verdict_name(r->verdict));
        markdown_text(f, n > 1 ? r->path : r->title ? r->title : r->path);
        fprintf(f, " | %zu | ", n);
        markdown_text(f, r->guest);
        fputs(" | ", f);
        marks(f, r, n, room);
        fputs(" | ", f);
        seconds(f, took);
        fputs(" |\n", f);
    }
    if (shown > ROWS)
        fprintf(f, "\n... and %zu more rows\n", shown - ROWS);
    fputc('\n', f);
}

int summary_print(FILE *f, const void *owner)
{
    const struct report_run *run = owner;
    const struct result_list *list = &run->results;
    size_t count[VERDICT_SKIPPED + 1] = {0}, told = 0;
    uint64_t *room = calloc(list->count + 1, sizeof(*room));
    if (!room)
        return -ENOMEM;
    for (size_t i = 0; i < list->count; i++)
        count[list->items[i].verdict]++;
    fprintf(f,
            "### %zu boot%s: %zu passed, %zu failed, %zu error%s, "
            "%zu skipped\n\n",
            list->count, list->count == 1 ? "" : "s", count[VERDICT_PASSED],
            count[VERDICT_FAILED], count[VERDICT_ERROR],
            count[VERDICT_ERROR] == 1 ? "" : "s", count[VERDICT_SKIPPED]);
    if (run->interrupted)
        fputs("**The run was interrupted.**\n\n", f);
    for (size_t i = 0; i < list->count; i++) {
        if (is_bad(&list->items[i]) && told++ < FAILURES)
            failure(f, &list->items[i]);
    }
    if (told > FAILURES)
        fprintf(f, "... and %zu more that did not pass\n\n", told - FAILURES);
    rows(f, list, room);
    fputs("toyvmm-test ", f);
    markdown_text(f, run->version);
    if (run->accelerator) {
        fputs(", accelerator ", f);
        markdown_text(f, run->accelerator);
    }
    fputs("\n\n", f);
    free(room);
    return ferror(f) ? -EIO : 0;
}
