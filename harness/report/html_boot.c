// SPDX-License-Identifier: Apache-2.0
// A boot as a picture. See html_parts.h.
#include "harness/report/html_parts.h"

#include "harness/report/xml.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// In SVG units.
#define WIDTH  960.0
#define BAR    24.0
#define ROW    15.0 // of a label
#define LETTER 6.2  // a label's width for each character, at most
#define DRAWN  60   // marks; of more the first
#define STRIPS 40   // marks of a strip plot
#define NAME   48   // characters of a label

// Where a time lies.
struct axis {
    double end_ns;
    double left;
};

static double x_of(const struct axis *a, uint64_t ns)
{
    double part = a->end_ns > 0 ? (double)ns / a->end_ns : 0;
    return a->left + (part > 1 ? 1 : part) * (WIDTH - a->left);
}

// Labels lie in rows below the bar: each in the first row whose last label
// ends before it begins. One that would leave the picture ends at its mark.
struct label {
    double x, from;
    unsigned row;
};

static unsigned place(struct label *labels, const double *x,
                      const double *width, size_t n)
{
    double ends[DRAWN];
    unsigned rows = 0;
    for (size_t i = 0; i < n; i++) {
        double from = x[i] + width[i] > WIDTH ? WIDTH - width[i] : x[i];
        from = from < 0 ? 0 : from;
        unsigned row = 0;
        while (row < rows && ends[row] > from)
            row++;
        rows += row == rows;
        ends[row] = from + width[i] + 8;
        labels[i] = (struct label){x[i], from, row};
    }
    return rows;
}

static size_t drawn_marks(const struct result *r,
                          const struct result_mark **out)
{
    size_t n = 0;
    for (size_t i = 0; i < r->nmarks && n < DRAWN; i++) {
        if (strcmp(r->marks[i].name, "process_start") != 0)
            out[n++] = &r->marks[i];
    }
    return n;
}

static void timeline(FILE *f, const struct result *r)
{
    const struct result_mark *marks[DRAWN];
    struct label labels[DRAWN];
    double x[DRAWN], width[DRAWN];
    size_t n = drawn_marks(r, marks);
    uint64_t end = r->duration_ns;
    for (size_t i = 0; i < n; i++)
        end = marks[i]->wall_ns > end ? marks[i]->wall_ns : end;
    const struct axis axis = {(double)end, 0};
    for (size_t i = 0; i < n; i++) {
        size_t len = strnlen(marks[i]->name, NAME);
        x[i] = x_of(&axis, marks[i]->wall_ns);
        width[i] = (double)(len + 9) * LETTER; // and its time
    }
    unsigned rows = place(labels, x, width, n);
    double height = BAR + ROW * rows + 8;
    fprintf(f,
            "<svg viewBox=\"0 0 %g %g\" role=\"img\"><title>The boot to "
            "scale, in all ",
            WIDTH, height);
    html_time(f, end);
    fputs("</title>\n", f);
    double from = 0;
    for (size_t i = 0; i <= n; i++) {
        double to = i < n ? x[i] : WIDTH;
        fprintf(f,
                "<rect class=\"p%c\" x=\"%.1f\" y=\"0\" width=\"%.1f\" "
                "height=\"%g\"/>\n",
                i % 2 ? 'b' : 'a', from, to > from ? to - from : 0, BAR);
        from = to > from ? to : from;
    }
    for (size_t i = 0; i < n; i++) {
        double y = BAR + ROW * (labels[i].row + 1);
        fprintf(f,
                "<line class=\"lead\" x1=\"%.1f\" y1=\"%g\" x2=\"%.1f\" "
                "y2=\"%g\"/><line class=\"tick\" x1=\"%.1f\" y1=\"0\" "
                "x2=\"%.1f\" y2=\"%g\"/><text x=\"%.1f\" y=\"%g\">",
                x[i], BAR, x[i], y - 9, x[i], x[i], BAR, labels[i].from, y);
        xml_text(f, marks[i]->name, strnlen(marks[i]->name, NAME));
        fputc(' ', f);
        html_time(f, marks[i]->wall_ns);
        fputs("</text>\n", f);
    }
    fputs("</svg>\n", f);
}

// ---- Figures ----------------------------------------------------------------

static void cell_time(FILE *f, uint64_t ns)
{
    fputs("<td class=\"n\">", f);
    html_time(f, ns);
    fputs("</td>", f);
}

static uint64_t since(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

// "vCPU 1: 0.112 s, 20 exits", a line each: since the mark before.
static void share_lines(FILE *f, const struct result_mark *m,
                        const struct result_mark *last)
{
    for (size_t i = 0; i < m->nvcpus && i < DRAWN; i++) {
        struct result_share before = {0};
        if (i < last->nvcpus)
            before = last->vcpus[i];
        fprintf(f, "<br>vCPU %zu: ", i);
        html_time(f, since(m->vcpus[i].cpu_ns, before.cpu_ns));
        fprintf(f, ", %" PRIu64 " exits",
                since(m->vcpus[i].exits, before.exits));
    }
}

static void mark_rows(FILE *f, const struct result *r)
{
    const struct result_mark nothing = {0};
    const struct result_mark *last = &nothing;
    for (size_t i = 0; i < r->nmarks && i < DRAWN; i++) {
        const struct result_mark *m = &r->marks[i];
        fputs("<tr><td>", f);
        html_text(f, m->name);
        fputs("</td>", f);
        cell_time(f, m->wall_ns);
        cell_time(f, since(m->wall_ns, last->wall_ns));
        cell_time(f, since(m->cpu_ns, last->cpu_ns));
        fprintf(f, "<td class=\"n\">%" PRIu64 "</td><td>",
                since(m->exits, last->exits));
        const char *comma = "";
        for (int k = 0; k < VMEXITS && result_mark_has_reasons(m); k++) {
            uint64_t n = since(m->exits_by[k], last->exits_by[k]);
            if (!n)
                continue;
            fprintf(f, "%s%" PRIu64 " %s", comma, n,
                    result_exit_name((enum result_exit)k));
            comma = ", ";
        }
        share_lines(f, m, last);
        fputs("</td></tr>\n", f);
        last = m;
    }
}

static void readings(FILE *f, const struct result *r)
{
    if (!r->nreadings)
        return;
    fputs("<h3>The guest's own times</h3>\n<table>", f);
    for (size_t i = 0; i < r->nreadings && i < DRAWN; i++) {
        fputs("<tr><td>", f);
        html_text(f, r->readings[i].name);
        fputs("</td>", f);
        cell_time(f, r->readings[i].ns);
        fputs("</tr>\n", f);
    }
    fputs("</table>\n", f);
}

static void initcalls(FILE *f, const struct result *r)
{
    if (!r->ninitcalls)
        return;
    fprintf(f, "<h3>The slowest of %" PRIu64 " initcalls (", r->initcalls_seen);
    html_time(f, r->initcalls_us * 1000);
    fputs(" in all)</h3>\n<table>", f);
    double most = (double)r->initcalls[0].us;
    for (size_t i = 0; i < r->ninitcalls && i < DRAWN; i++) {
        const struct result_initcall *call = &r->initcalls[i];
        fputs("<tr><td>", f);
        html_text(f, call->name);
        fputs("</td>", f);
        cell_time(f, call->us * 1000);
        fprintf(f,
                "<td><span class=\"bar\" style=\"width:%.1frem\"></span>"
                "%s</td></tr>\n",
                most > 0 ? 16 * (double)call->us / most : 0,
                call->result ? " failed" : "");
    }
    fputs("</table>\n", f);
}

void html_boot(FILE *f, const struct result *r)
{
    if (r->nmarks) {
        timeline(f, r);
        fputs("<details><summary>Phases: time, CPU, VM exits</summary>"
              "<div class=\"wide\"><table><tr><th>until</th>"
              "<th class=\"n\">at</th><th class=\"n\">took</th>"
              "<th class=\"n\">guest CPU</th><th class=\"n\">exits</th>"
              "<th>of these</th></tr>\n",
              f);
        mark_rows(f, r);
        fputs("</table></div></details>\n", f);
    }
    readings(f, r);
    initcalls(f, r);
}

// ---- Several boots ----------------------------------------------------------

static void strip_row(FILE *f, const struct axis *axis, const char *name,
                      const uint64_t *times, size_t n, double y)
{
    fprintf(f, "<text x=\"0\" y=\"%g\">", y + 4);
    xml_text(f, name, strnlen(name, 26));
    fprintf(f,
            "</text><line class=\"lead\" x1=\"%g\" y1=\"%g\" x2=\"%g\" "
            "y2=\"%g\"/>\n",
            axis->left, y, WIDTH, y);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%g\" r=\"4\"/>",
                x_of(axis, times[i]), y);
    uint64_t median = times[n / 2];
    fprintf(f,
            "<line class=\"med\" x1=\"%.1f\" y1=\"%g\" x2=\"%.1f\" "
            "y2=\"%g\"><title>median ",
            x_of(axis, median), y - 8, x_of(axis, median), y + 8);
    html_time(f, median);
    fputs("</title></line>\n", f);
}

void html_strip(FILE *f, const struct result *const *boots, size_t n)
{
    const struct result_mark *marks[DRAWN];
    size_t nmarks = drawn_marks(boots[0], marks);
    uint64_t *times = calloc(n + 1, sizeof(*times));
    uint64_t end = 0;
    nmarks = nmarks > STRIPS ? STRIPS : nmarks;
    for (size_t i = 0; times && i < nmarks; i++) {
        size_t count = result_mark_times(boots, n, marks[i]->name, times);
        if (count && times[count - 1] > end)
            end = times[count - 1];
    }
    const struct axis axis = {(double)end * 1.01, 170};
    if (times && nmarks) {
        fprintf(f,
                "<svg viewBox=\"0 0 %g %g\" role=\"img\"><title>Each mark in "
                "%zu boots; the line is the median</title>\n",
                WIDTH, 22.0 * (double)nmarks + 6, n);
        for (size_t i = 0; i < nmarks; i++) {
            size_t count = result_mark_times(boots, n, marks[i]->name, times);
            strip_row(f, &axis, marks[i]->name, times, count,
                      14 + 22.0 * (double)i);
        }
        fputs("</svg>\n", f);
    }
    free(times);
}
