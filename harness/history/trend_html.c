// SPDX-License-Identifier: Apache-2.0
// Trends as one page: a plot for each mark, drawn as SVG, readable without a
// network and without a script. See trend.h.
#include "harness/history/trend.h"
#include "harness/report/xml.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

// The plot's area in SVG units, within its picture.
#define WIDTH  900.0
#define HEIGHT 240.0
#define LEFT   70.0
#define RIGHT  20.0
#define TOP    16.0
#define BOTTOM 34.0

// Colours are told apart by people who see red and green alike, too; points
// before and after a change differ by shape besides.
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<title>Boot times</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
    ":root{color-scheme:light dark;--ink:#1b1f24;--dim:#6a737d;--grid:#d8dee4;"
    "--line:#0b62c4;--band:#0b62c433;--up:#b3261e;--down:#1a7f37}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#8b949e;"
    "--grid:#30363d;--line:#58a6ff;--band:#58a6ff33;--up:#ff7b72;"
    "--down:#56d364}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem;color:var(--ink)}\n"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem}"
    "h3{font-size:1rem;margin:1.6rem 0 .2rem}\n"
    "p.on{color:var(--dim);margin:0}svg{width:100%;height:auto}\n"
    "svg text{font:11px system-ui,sans-serif;fill:var(--dim)}\n"
    ".grid{stroke:var(--grid)}.band{fill:var(--band)}"
    ".line{fill:none;stroke:var(--line);stroke-width:1.5}\n"
    ".dot{fill:var(--line)}.up{stroke:var(--up);fill:var(--up)}"
    ".down{stroke:var(--down);fill:var(--down)}"
    ".change{stroke-dasharray:4 3}\n"
    "svg text.up{fill:var(--up);stroke:none}"
    "svg text.down{fill:var(--down);stroke:none}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "td,th{text-align:left;padding:.15rem .9rem .15rem 0}\n"
    "</style></head><body>\n<h1>Boot times</h1>\n";

static void text(FILE *f, const char *s)
{
    xml_text(f, s, strlen(s));
}

// Where a value lies in the plot.
struct scale {
    double low, high; // ns, of the axis
    size_t npoints;
};

static double x_of(const struct scale *s, size_t at)
{
    double span = s->npoints > 1 ? (double)(s->npoints - 1) : 1;
    return LEFT + (double)at / span * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct scale *s, double ns)
{
    double part = (ns - s->low) / (s->high - s->low);
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
}

// A step of 1, 2 or 5 times a power of ten that cuts range into about four.
static double step_of(double range)
{
    double power = pow(10, floor(log10(range / 4)));
    double part = range / 4 / power;
    return power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

// The axis holds all intervals and at least 4 % of the time, so that noise does
// not look like a drama.
static struct scale make_scale(const struct trend_series *s, double *step)
{
    double low = s->points[0].summary.low;
    double high = s->points[0].summary.high;
    for (size_t i = 0; i < s->npoints; i++) {
        const struct summary *m = &s->points[i].summary;
        low = m->low < low ? m->low : low;
        high = m->high > high ? m->high : high;
    }
    double least = 0.04 * high;
    if (high - low < least) {
        double middle = (high + low) / 2;
        low = middle - least / 2;
        high = middle + least / 2;
    }
    *step = step_of(high - low);
    return (struct scale){floor(low / *step) * *step,
                          ceil(high / *step) * *step, s->npoints};
}

static void date(FILE *f, uint64_t unix_ns)
{
    time_t seconds = (time_t)(unix_ns / 1000000000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    fprintf(f, "%04d-%02d-%02d", utc.tm_year + 1900, utc.tm_mon + 1,
            utc.tm_mday);
}

static void draw_axes(FILE *f, const struct trend_series *s,
                      const struct scale *scale, double step)
{
    char buf[TREND_TIME];
    int lines = (int)lround((scale->high - scale->low) / step);
    for (int i = 0; i <= lines; i++) {
        double v = scale->low + i * step;
        fprintf(f,
                "<line class=\"grid\" x1=\"%g\" x2=\"%g\" y1=\"%.1f\" "
                "y2=\"%.1f\"/><text x=\"%g\" y=\"%.1f\" "
                "text-anchor=\"end\">%s</text>\n",
                LEFT, WIDTH - RIGHT, y_of(scale, v), y_of(scale, v), LEFT - 6,
                y_of(scale, v) + 4, trend_time(buf, v));
    }
    const size_t ends[] = {0, s->npoints - 1};
    for (size_t i = 0; i < (s->npoints > 1 ? 2 : 1); i++) {
        fprintf(f, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"%s\">",
                x_of(scale, ends[i]), HEIGHT - 8, i ? "end" : "start");
        date(f, s->points[ends[i]].first_unix_ns);
        fputs("</text>\n", f);
    }
}

static void draw_band(FILE *f, const struct trend_series *s,
                      const struct scale *scale)
{
    fputs("<path class=\"band\" d=\"", f);
    for (size_t i = 0; i < s->npoints; i++)
        fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', x_of(scale, i),
                y_of(scale, s->points[i].summary.high));
    for (size_t i = s->npoints; i-- > 0;)
        fprintf(f, "L%.1f %.1f", x_of(scale, i),
                y_of(scale, s->points[i].summary.low));
    fputs("Z\"/>\n<path class=\"line\" d=\"", f);
    for (size_t i = 0; i < s->npoints; i++)
        fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', x_of(scale, i),
                y_of(scale, s->points[i].summary.p50));
    fputs("\"/>\n", f);
}

// A dot says what it is when pointed at.
static void draw_dots(FILE *f, const struct trend_series *s,
                      const struct scale *scale)
{
    for (size_t i = 0; i < s->npoints; i++) {
        const struct trend_point *p = &s->points[i];
        char median[TREND_TIME];
        char low[TREND_TIME];
        char high[TREND_TIME];
        fprintf(f,
                "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>",
                x_of(scale, i), y_of(scale, p->summary.p50));
        text(f, p->is_commit ? "commit " : "session ");
        text(f, p->label);
        fprintf(f, ", ");
        date(f, p->first_unix_ns);
        fprintf(f, ": %s (%s to %s), %zu boots</title></circle>\n",
                trend_time(median, p->summary.p50),
                trend_time(low, p->summary.low),
                trend_time(high, p->summary.high), p->summary.n);
    }
}

static const char *direction(const struct change_point *c)
{
    return c->after > c->before ? "up" : "down";
}

static void draw_changes(FILE *f, const struct trend_series *s,
                         const struct scale *scale)
{
    for (size_t i = 0; i < s->nchanges; i++) {
        const struct change_point *c = &s->changes[i];
        double x = (x_of(scale, c->at) + x_of(scale, c->at - 1)) / 2;
        bool late = x > WIDTH / 2;
        fprintf(f,
                "<line class=\"change %s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%g\" "
                "y2=\"%g\"/><text class=\"%s\" x=\"%.1f\" y=\"%g\" "
                "text-anchor=\"%s\">%+.1f %%</text>\n",
                direction(c), x, x, TOP, HEIGHT - BOTTOM, direction(c),
                late ? x - 4 : x + 4, TOP + 8, late ? "end" : "start",
                100 * (c->after / c->before - 1));
    }
}

static void list_changes(FILE *f, const struct trend_series *s)
{
    if (!s->nchanges)
        return;
    fputs("<table><tr><th>change</th><th>first slow or fast one</th>"
          "<th>last before</th><th>median before</th><th>after</th>"
          "<th>p</th><th></th></tr>\n",
          f);
    for (size_t i = 0; i < s->nchanges; i++) {
        const struct change_point *c = &s->changes[i];
        char before[TREND_TIME];
        char after[TREND_TIME];
        fprintf(f, "<tr><td>%+.1f %%</td><td><code>",
                100 * (c->after / c->before - 1));
        text(f, s->points[c->at].label);
        fputs("</code></td><td><code>", f);
        text(f, s->points[c->at - 1].label);
        fprintf(f, "</code></td><td>%s</td><td>%s</td><td>%.3g</td><td>",
                trend_time(before, c->before), trend_time(after, c->after),
                c->p);
        char known[ACKNOWLEDGE_TEXT] = "";
        if (s->known)
            text(f, acknowledge_text(&s->known[i], known));
        fputs("</td></tr>\n", f);
    }
    fputs("</table>\n", f);
}

static void draw_series(FILE *f, const struct trend_series *s)
{
    double step;
    struct scale scale = make_scale(s, &step);
    fputs("<h3>", f);
    text(f, s->mark);
    fprintf(f, "</h3>\n<svg viewBox=\"0 0 %g %g\" role=\"img\"", WIDTH, HEIGHT);
    xml_attribute(f, "aria-label", s->mark);
    fputs(">\n", f);
    draw_axes(f, s, &scale, step);
    draw_band(f, s, &scale);
    draw_changes(f, s, &scale);
    draw_dots(f, s, &scale);
    fputs("</svg>\n", f);
    list_changes(f, s);
}

void trends_html(FILE *f, const struct trends *t)
{
    fputs(head, f);
    fputs("<p>Medians of each commit's boots, with their 95&#160;% bootstrap "
          "intervals. Dashed lines are changes that E-Divisive finds "
          "(p&#160;&#8804;&#160;0.01, 2&#160;% and more).</p>\n",
          f);
    for (size_t i = 0; i < t->count; i++) {
        const struct trend *one = &t->list[i];
        fputs("<h2>", f);
        text(f, one->scenario);
        fputs("</h2>\n<p class=\"on\">guest ", f);
        text(f, one->guest);
        fputs(", ", f);
        text(f, one->accelerator);
        fputs(" on ", f);
        text(f, one->host);
        fputs("</p>\n", f);
        for (size_t n = 0; n < one->nseries; n++)
            draw_series(f, &one->series[n]);
    }
    if (!t->count)
        fputs("<p>The history holds no such runs.</p>\n", f);
    fputs("</body></html>\n", f);
}
