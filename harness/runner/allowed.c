// SPDX-License-Identifier: Apache-2.0
// Following an allowed report. See allowed.h.
#include "harness/runner/allowed.h"

#include "src/base/clock.h"

#include <string.h>

// The end of a report may be missed (a kernel of before Linux 5.16 marks none
// for a stack): silence, or so many lines, are the end as well.
#define SILENCE_NS (2 * NS_PER_S)
#define LINES_MAX  1000

void allowed_begin(struct allowed_report *a, const struct report_kinds *kinds,
                   const struct builtin_fail *kind, const char *line,
                   uint64_t ns)
{
    *a = (struct allowed_report){.active = true, .first = true, .last_ns = ns};
    report_begin(&a->scan, kinds, kind, line, strlen(line));
}

static bool is_over(const struct allowed_report *a, uint64_t ns)
{
    return !a->active || (ns > a->last_ns && ns - a->last_ns >= SILENCE_NS) ||
           a->lines >= LINES_MAX;
}

static void take_line(struct allowed_report *a, uint64_t ns)
{
    if (a->len && a->line[a->len - 1] == '\r')
        a->len--;
    enum report_line is = report_line(&a->scan, a->line, a->len);
    if (is != REPORT_FOREIGN)
        a->last_ns = ns;
    a->lines++;
    // What a report leads to was not allowed with it.
    a->active = is != REPORT_NEXT && is != REPORT_GRAVER;
}

void allowed_feed(struct allowed_report *a, const uint8_t *bytes, size_t len,
                  uint64_t ns)
{
    if (is_over(a, ns)) {
        a->active = false;
        return;
    }
    bool whole = len && bytes[len - 1] == '\n';
    size_t n = len - whole;
    size_t room = sizeof(a->line) - a->len;
    n = n < room ? n : room;
    memcpy(a->line + a->len, bytes, n);
    a->len += n;
    if (!whole)
        return;
    if (!a->first)
        take_line(a, ns);
    a->first = false;
    a->len = 0;
}

bool allowed_covers(const struct allowed_report *a, const char *line,
                    uint64_t ns)
{
    if (is_over(a, ns))
        return false;
    struct report_scan try = a->scan;
    return report_line(&try, line, strlen(line)) == REPORT_INSIDE;
}
