// SPDX-License-Identifier: Apache-2.0
// Columns, and the text. For harness/scenario only.
#include "harness/scenario/format_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Blanks in front of a comment that has code before it.
#define COMMENT_GAP 2

size_t format_width(const char *text)
{
    size_t width = 0;
    for (; *text && *text != '\n'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

// ---- Cells ------------------------------------------------------------------

// Lines that are put in columns together: from - to, without the latter.
struct run {
    struct format_line *lines;
    size_t from, to;
    size_t widths[FORMAT_CELLS]; // of the columns; the last one has none
};

// How wide the line becomes with its cells in these columns.
static size_t line_width(const struct format_line *line, const size_t *widths)
{
    size_t width = line->indent;
    for (size_t i = 0; i < line->ncells; i++) {
        size_t cell = format_width(line->cells[i]);
        bool last = i + 1 == line->ncells;
        width += last || cell > widths[i] ? cell : widths[i];
        width += !last;
    }
    return width;
}

// The columns' widths; all 0 when a line would not fit.
static void measure(struct run *r)
{
    for (size_t i = r->from; i < r->to; i++) {
        const struct format_line *line = &r->lines[i];
        for (size_t k = 0; k + 1 < line->ncells; k++) {
            size_t width = format_width(line->cells[k]);
            if (width > r->widths[k])
                r->widths[k] = width;
        }
    }
    for (size_t i = r->from; i < r->to; i++)
        if (line_width(&r->lines[i], r->widths) > FORMAT_WIDTH)
            memset(r->widths, 0, sizeof(r->widths));
}

// Joins the cells of each line into its first one.
static void join_cells(struct arena *arena, const struct run *r)
{
    for (size_t i = r->from; i < r->to; i++) {
        struct format_line *line = &r->lines[i];
        for (size_t k = 1; k < line->ncells; k++) {
            size_t width = format_width(line->cells[0]);
            size_t column = 0;
            for (size_t n = 0; n < k; n++)
                column += r->widths[n] + (n > 0);
            int blanks = width < column ? (int)(column - width) + 1 : 1;
            line->cells[0] = arena_printf(arena, "%s%*s%s", line->cells[0],
                                          blanks, "", line->cells[k]);
        }
        if (line->ncells)
            line->ncells = 1;
    }
}

static void align_cells(struct arena *arena, struct format_line *lines,
                        size_t count)
{
    for (size_t i = 0; i < count;) {
        struct run r = {.lines = lines, .from = i, .to = i + 1};
        while (lines[i].run != RUN_NONE && r.to < count &&
               lines[r.to].run == lines[i].run &&
               lines[r.to].indent == lines[i].indent)
            r.to++;
        if (lines[i].run != RUN_NONE)
            measure(&r);
        join_cells(arena, &r);
        i = r.to;
    }
}

// ---- Comments behind code ---------------------------------------------------

static bool ends_with_comment(const struct format_line *line)
{
    return line->ncells && line->comment && !strchr(line->cells[0], '\n');
}

// How many blanks stand in front of each line's comment, in gaps.
static void align_comments(const struct format_line *lines, size_t count,
                           size_t *gaps)
{
    for (size_t i = 0; i < count;) {
        size_t code = 0, comment = 0, to = i;
        for (; to < count && ends_with_comment(&lines[to]); to++) {
            size_t width = lines[to].indent + format_width(lines[to].cells[0]);
            size_t more = format_width(lines[to].comment);
            code = width > code ? width : code;
            comment = more > comment ? more : comment;
        }
        bool fits = code + COMMENT_GAP + comment <= FORMAT_WIDTH;
        for (; i < to; i++)
            if (fits)
                gaps[i] = code - lines[i].indent -
                          format_width(lines[i].cells[0]) + COMMENT_GAP;
        if (i < count)
            i++;
    }
}

// ---- Text -------------------------------------------------------------------

char *format_print(struct arena *arena, const struct list *lines, size_t *len)
{
    struct format_line *list = lines->items;
    size_t *gaps = arena_alloc(arena, (lines->count + 1) * sizeof(*gaps));
    for (size_t i = 0; i < lines->count; i++)
        gaps[i] = COMMENT_GAP;
    align_cells(arena, list, lines->count);
    align_comments(list, lines->count, gaps);

    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    if (!out)
        return NULL;
    for (size_t i = 0; i < lines->count; i++) {
        const struct format_line *line = &list[i];
        if (line->ncells || line->comment)
            fprintf(out, "%*s", (int)line->indent, "");
        if (line->ncells)
            fputs(line->cells[0], out);
        if (line->ncells && line->comment)
            fprintf(out, "%*s", (int)gaps[i], "");
        if (line->comment)
            fputs(line->comment, out);
        fputc('\n', out);
    }
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
