// SPDX-License-Identifier: Apache-2.0
// See exact_difference.h.
#include "harness/cli/exact_difference.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SHOWN 40 // bytes of a line

static bool same_mark(const struct result_mark *a, const struct result_mark *b)
{
    return !strcmp(a->name, b->name) && a->wall_ns == b->wall_ns &&
           a->cpu_ns == b->cpu_ns && a->exits == b->exits;
}

// Returns its time, UINT64_MAX when the marks are the same.
static uint64_t first_mark(const struct result *a, const struct result *b,
                           char *out, size_t size)
{
    size_t i = 0;
    while (i < a->nmarks && i < b->nmarks &&
           same_mark(&a->marks[i], &b->marks[i]))
        i++;
    if (i < a->nmarks && i < b->nmarks) {
        const struct result_mark *x = &a->marks[i], *y = &b->marks[i];
        snprintf(out, size,
                 "mark %s at %" PRIu64 " ns, CPU %" PRIu64 " ns, %" PRIu64
                 " exits; mark %s at %" PRIu64 " ns, CPU %" PRIu64
                 " ns, %" PRIu64 " exits",
                 x->name, x->wall_ns, x->cpu_ns, x->exits, y->name, y->wall_ns,
                 y->cpu_ns, y->exits);
        return x->wall_ns < y->wall_ns ? x->wall_ns : y->wall_ns;
    }
    if (a->nmarks == b->nmarks)
        return UINT64_MAX;
    const struct result *more = a->nmarks > b->nmarks ? a : b;
    snprintf(out, size, "mark %s at %" PRIu64 " ns, and no such mark",
             more->marks[i].name, more->marks[i].wall_ns);
    return more->marks[i].wall_ns;
}

// A line's printable beginning.
static void show(const struct result_console *c, size_t line, char *out)
{
    size_t n = 0;
    uint64_t at = line < c->nlines ? c->lines[line].offset : c->len;
    for (; at < c->len && n < SHOWN && c->bytes[at] != '\n'; at++) {
        if (c->bytes[at] >= ' ' && c->bytes[at] < 0x7f)
            out[n++] = c->bytes[at];
    }
    out[n] = '\0';
}

static uint64_t time_of(const struct result_console *c, size_t line)
{
    return line < c->nlines ? c->lines[line].at_ns : UINT64_MAX;
}

static bool same_line(const struct result_console *a,
                      const struct result_console *b, size_t line)
{
    char x[SHOWN + 1], y[SHOWN + 1];
    show(a, line, x);
    show(b, line, y);
    return time_of(a, line) == time_of(b, line) && !strcmp(x, y);
}

static uint64_t first_line(const struct result_console *a,
                           const struct result_console *b, char *out,
                           size_t size)
{
    size_t i = 0, most = a->nlines > b->nlines ? a->nlines : b->nlines;
    while (i < most && same_line(a, b, i))
        i++;
    if (i == most)
        return UINT64_MAX;
    char x[SHOWN + 1], y[SHOWN + 1];
    uint64_t at = time_of(a, i), then = time_of(b, i);
    show(a, i, x);
    show(b, i, y);
    int n = snprintf(out, size, "ttyS%u's line %zu: ", a->port, i + 1);
    for (int k = 0; k < 2 && n > 0 && (size_t)n < size; k++) {
        uint64_t when = k ? then : at;
        const char *sep = k ? "; " : "";
        n += when == UINT64_MAX
                 ? snprintf(out + n, size - (size_t)n, "%snone", sep)
                 : snprintf(out + n, size - (size_t)n,
                            "%s\"%s\" at %" PRIu64 " ns", sep, k ? y : x, when);
    }
    return at < then ? at : then;
}

void exact_difference(const struct result *a, const struct result *b, char *out,
                      size_t size)
{
    char line[256];
    *out = '\0';
    uint64_t earliest = first_mark(a, b, out, size);
    for (size_t i = 0; i < a->nconsoles && i < b->nconsoles; i++) {
        uint64_t at =
            first_line(&a->consoles[i], &b->consoles[i], line, sizeof(line));
        if (at < earliest) {
            earliest = at;
            snprintf(out, size, "%s", line);
        }
    }
    if (earliest == UINT64_MAX && a->duration_ns != b->duration_ns)
        snprintf(out, size, "the end after %" PRIu64 " and %" PRIu64 " ns",
                 a->duration_ns, b->duration_ns);
}
