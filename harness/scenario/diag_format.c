// SPDX-License-Identifier: Apache-2.0
// A diagnostic as text: message, the source line, a caret, a hint. Safe to
// print on a terminal whatever the file holds.
#include "harness/scenario/scenario.h"
#include "harness/scenario/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of longer lines a part round the caret is shown.
#define SHOWN_COLUMNS  120
#define BEFORE_COLUMNS 60

struct glyph {
    const char *bytes; // what is printed, len bytes
    size_t len;
    unsigned width;
    bool tab;
};

// The next character of a source line, or false at its end. What a terminal
// would obey, and what is not UTF-8, is shown as U+FFFD.
static bool next_glyph(const char **at, struct glyph *g)
{
    if (!**at)
        return false;
    uint32_t c = 0;
    size_t len = utf8_decode(*at, strnlen(*at, 4), &c);
    bool control = (c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0);
    g->tab = len && c == '\t';
    if (!len || control) {
        *g = (struct glyph){"\xef\xbf\xbd", 3, 1, false};
        len = len ? len : 1;
    } else {
        g->bytes = *at;
        g->len = len;
        g->width = g->tab ? 1 : utf8_width(c);
    }
    *at += len;
    return true;
}

// The line's first column that is shown, so that column is on the screen.
static unsigned first_column(const char *line, unsigned column)
{
    struct glyph g;
    unsigned columns = 0;
    while (columns <= SHOWN_COLUMNS && next_glyph(&line, &g))
        columns++;
    if (columns <= SHOWN_COLUMNS || column <= SHOWN_COLUMNS / 2)
        return 1;
    return column - BEFORE_COLUMNS + 1;
}

static void put_source(FILE *out, const struct diagnostic *d)
{
    struct glyph g;
    unsigned first = first_column(d->line, d->pos.column), column = 1;
    const char *at = d->line;
    fprintf(out, "%5u | %s", d->pos.line, first > 1 ? "..." : "");
    for (; next_glyph(&at, &g) && column < first + SHOWN_COLUMNS; column++)
        if (column >= first)
            fwrite(g.bytes, 1, g.len, out);
    fprintf(out, "%s\n      | %s", *at ? "..." : "", first > 1 ? "   " : "");

    // Below it: tabs as they are, so that both lines advance alike.
    at = d->line;
    for (column = 1; column < d->pos.column; column++) {
        if (!next_glyph(&at, &g))
            g = (struct glyph){.width = 1};
        if (column >= first)
            fprintf(out, g.tab ? "\t" : "%*s", g.tab ? 0 : (int)g.width, "");
    }
    for (unsigned i = 0; i < d->width; i++) {
        bool more = next_glyph(&at, &g) && column + i < first + SHOWN_COLUMNS;
        if (i && !more)
            break;
        unsigned width = more && !g.tab ? g.width : 1;
        for (unsigned w = 0; w < width; w++)
            fputc(i || w ? '~' : '^', out);
    }
    fputc('\n', out);
}

char *diagnostic_format(const struct diagnostic *d)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    fprintf(out, "%s:", d->pos.file);
    if (d->pos.line)
        fprintf(out, "%u:%u:", d->pos.line, d->pos.column);
    fprintf(out, " %s: %s\n",
            d->severity == SEVERITY_ERROR ? "error" : "warning", d->message);
    if (d->line)
        put_source(out, d);
    if (d->hint)
        fprintf(out, "      = %s\n", d->hint);
    for (size_t i = 0; i < d->nincluded; i++)
        fprintf(out, "      = included from %s:%u:%u\n",
                d->included_from[i].file, d->included_from[i].line,
                d->included_from[i].column);
    bool failed = ferror(out) != 0;
    if (fclose(out) || failed) {
        free(text);
        return NULL;
    }
    return text;
}
