// SPDX-License-Identifier: Apache-2.0
// What a guest printed, line by line with times. See html_parts.h.
#include "harness/report/html_parts.h"

#include "harness/report/xml.h"

#include "src/base/ports.h"

#include <inttypes.h>
#include <string.h>

// Of a longer console its two ends are shown.
#define HEAD_BYTES ((size_t)24 << 10)
#define TAIL_BYTES ((size_t)72 << 10)

#define GAP_NS UINT64_C(300000000) // a silence that is worth a look

struct walk {
    const struct result_console *c;
    size_t next;      // line time not used yet
    uint64_t last_ns; // of the line before; 0: none
};

// The time of the line that begins at offset, or UINT64_MAX.
static uint64_t time_of(struct walk *w, size_t offset)
{
    const struct result_console *c = w->c;
    while (w->next < c->nlines && c->lines[w->next].offset < offset)
        w->next++;
    if (w->next == c->nlines || c->lines[w->next].offset != offset)
        return UINT64_MAX;
    return c->lines[w->next].at_ns;
}

static void line(FILE *f, struct walk *w, size_t from, size_t to)
{
    uint64_t at = time_of(w, from);
    if (at == UINT64_MAX) {
        fprintf(f, "<i>%9s </i>", "");
    } else {
        bool gap = w->last_ns && at > w->last_ns + GAP_NS;
        fprintf(f, "<i%s>%4" PRIu64 ".%03u%c </i>", gap ? " class=\"gap\"" : "",
                at / 1000000000, (unsigned)(at / 1000000 % 1000),
                gap ? '*' : ' ');
        w->last_ns = at;
    }
    xml_text(f, w->c->bytes + from, to - from);
    fputc('\n', f);
}

static void lines(FILE *f, struct walk *w, size_t from, size_t to)
{
    while (from < to) {
        const char *newline = memchr(w->c->bytes + from, '\n', to - from);
        size_t end = newline ? (size_t)(newline - w->c->bytes) : to;
        size_t shown = end;
        while (shown > from && w->c->bytes[shown - 1] == '\r')
            shown--;
        line(f, w, from, shown);
        from = end + 1;
    }
}

static void one(FILE *f, const struct result_console *c)
{
    struct walk w = {.c = c};
    fprintf(f, "<details><summary>Console %s, %zu bytes%s</summary><pre>",
            port_name(c->port), c->len,
            c->elided ? ", its middle left out" : "");
    if (c->len <= HEAD_BYTES + TAIL_BYTES) {
        lines(f, &w, 0, c->len);
    } else {
        lines(f, &w, 0, HEAD_BYTES);
        fprintf(f, "<i>... %zu bytes left out here ...</i>\n",
                c->len - HEAD_BYTES - TAIL_BYTES);
        size_t from = c->len - TAIL_BYTES;
        const char *newline = memchr(c->bytes + from, '\n', TAIL_BYTES);
        lines(f, &w, newline ? (size_t)(newline - c->bytes) + 1 : from, c->len);
    }
    fputs("</pre></details>\n", f);
}

void html_console(FILE *f, const struct result *r)
{
    for (size_t i = 0; i < r->nconsoles; i++) {
        if (r->consoles[i].len)
            one(f, &r->consoles[i]);
    }
}
