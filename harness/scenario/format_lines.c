// SPDX-License-Identifier: Apache-2.0
// From statements to lines: what stands on a line of its own, how deep, and
// where comments and empty lines go. For harness/scenario only.
#include "harness/scenario/format_internal.h"
#include "harness/scenario/parser.h"

#include <string.h>

#define INDENT 4
// Where a statement's second word stands: behind most words.
#define COLUMN 8

// The lines that are made so far.
struct layout {
    const struct format_tokens *t;
    struct list lines; // struct format_line
    size_t header;     // the items of the header
    size_t column;     // of the header's second words
};

static const struct token *token_at(const struct layout *l, size_t i)
{
    return &l->t->list[i];
}

static struct format_line *add_line(struct layout *l, unsigned indent)
{
    struct format_line *line =
        list_add(l->t->arena, &l->lines, sizeof(struct format_line));
    line->indent = indent;
    return line;
}

static const char *copy_span(const struct layout *l, const char *from,
                             const char *to)
{
    return arena_copy(l->t->arena, from, (size_t)(to - from));
}

// Tokens from - to, without the latter, one blank apart.
static const char *join(const struct layout *l, size_t from, size_t to)
{
    size_t room = 1;
    for (size_t i = from; i < to; i++)
        room += (size_t)(token_at(l, i)->end.at - token_at(l, i)->begin.at) + 1;
    char *out = arena_alloc(l->t->arena, room);
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        const struct token *t = token_at(l, i);
        size_t len = (size_t)(t->end.at - t->begin.at);
        if (i > from)
            out[n++] = ' ';
        memcpy(out + n, t->begin.at, len);
        n += len;
    }
    return out;
}

// ---- What stands between tokens ---------------------------------------------

static const char *gap_begin(const struct layout *l, size_t i)
{
    return i ? token_at(l, i - 1)->end.at : l->t->source;
}

static const char *gap_end(const struct layout *l, size_t i)
{
    if (i < l->t->count)
        return token_at(l, i)->begin.at;
    const char *from = gap_begin(l, i);
    return from + strlen(from);
}

static bool gap_has_comment(const struct layout *l, size_t i)
{
    const char *from = gap_begin(l, i);
    return memchr(from, '#', (size_t)(gap_end(l, i) - from)) != NULL;
}

// The comment at *at, which is moved to its line's end.
static const char *take_comment(const struct layout *l, const char **at)
{
    const char *from = *at;
    *at += strcspn(from, "\n");
    const char *end = *at;
    while (end[-1] == ' ' || end[-1] == '\t')
        end--;
    return copy_span(l, from, end);
}

enum edge { EDGE_NONE, EDGE_BEGIN = 1, EDGE_END = 2 };

// Comments and empty lines in front of token i. edges: the block, or the file,
// begins before the gap or ends after it, where no empty line is.
static void take_gap(struct layout *l, size_t i, unsigned indent,
                     unsigned edges)
{
    const char *end = gap_end(l, i);
    unsigned newlines = 0;
    bool behind_code = i > 0;
    for (const char *at = gap_begin(l, i); at < end;) {
        if (*at != '#') {
            newlines += *at++ == '\n';
            continue;
        }
        struct format_line *lines = l->lines.items;
        if (behind_code && !newlines && lines) {
            lines[l->lines.count - 1].comment = take_comment(l, &at);
            continue;
        }
        if (newlines > 1 && !(edges & EDGE_BEGIN))
            add_line(l, 0);
        edges &= ~(unsigned)EDGE_BEGIN;
        const char *comment = take_comment(l, &at);
        add_line(l, indent)->comment = comment;
        newlines = 0;
    }
    if (newlines > 1 && !edges)
        add_line(l, 0);
}

// ---- Statements without a block ---------------------------------------------

static bool head_is(const struct layout *l, const struct format_item *item,
                    const char *word)
{
    return item->nhead && token_is(token_at(l, item->head), word);
}

// `check NAME has|lacks|count PATTERN`.
static bool is_pattern_check(const struct layout *l,
                             const struct format_item *item)
{
    if (item->nhead < 4 || !head_is(l, item, "check"))
        return false;
    const struct token *t = token_at(l, item->head);
    return t[3].kind == TOKEN_PATTERN &&
           (token_is(&t[2], "has") || token_is(&t[2], "lacks") ||
            token_is(&t[2], "count"));
}

// A statement's word and the next token, with blanks up to the column.
static const char *word_and_next(const struct layout *l,
                                 const struct format_item *item, size_t column)
{
    const char *word = join(l, item->head, item->head + 1);
    if (item->nhead == 1)
        return word;
    size_t width = format_width(word);
    int blanks = width < column ? (int)(column - width) : 1;
    return arena_printf(l->t->arena, "%s%*s%s", word, blanks, "",
                        join(l, item->head + 1, item->head + 2));
}

static void add_simple(struct layout *l, const struct format_item *item,
                       unsigned indent, size_t column)
{
    struct format_line *line = add_line(l, indent);
    size_t at = item->head + 2, end = item->head + item->nhead;
    line->cells[line->ncells++] = word_and_next(l, item, column);
    if (item->nhead <= 2)
        return;
    if (is_pattern_check(l, item)) {
        line->run = RUN_CHECK;
        line->cells[line->ncells++] = join(l, at, at + 1);
        at++;
    } else if (head_is(l, item, "set")) {
        line->run = RUN_SET;
    } else if (head_is(l, item, "matrix")) {
        line->run = RUN_MATRIX;
    }
    line->cells[line->ncells++] = join(l, at, end);
}

// ---- Blocks on one line -----------------------------------------------------

// Whether a block may stay on, or go to, one line.
static bool block_is_short(const struct layout *l, const struct format_block *b)
{
    if (!b->nitems)
        return !gap_has_comment(l, b->close);
    return b->nitems == 1 && !b->items[0].nblocks &&
           token_at(l, b->open)->begin.line ==
               token_at(l, b->close)->begin.line;
}

static const char *short_block(const struct layout *l,
                               const struct format_block *b)
{
    if (!b->nitems)
        return "{ }";
    const struct format_item *item = &b->items[0];
    return arena_printf(l->t->arena, "{ %s }",
                        join(l, item->head, item->head + item->nhead));
}

// The blocks of an item on one line; NULL when that can't be.
static const char *on_one_line(const struct layout *l,
                               const struct format_item *item)
{
    for (size_t i = 0; i < item->nblocks; i++)
        if (!block_is_short(l, &item->blocks[i]))
            return NULL;
    const char *first = short_block(l, &item->blocks[0]);
    if (item->nblocks == 1)
        return first;
    size_t word = item->blocks[0].close + 1;
    if (gap_has_comment(l, word))
        return NULL;
    return arena_printf(l->t->arena, "%s else %s", first,
                        short_block(l, &item->blocks[1]));
}

static bool add_short(struct layout *l, const struct format_item *item,
                      unsigned indent, bool branch)
{
    const char *head = join(l, item->head, item->head + item->nhead);
    const char *blocks = on_one_line(l, item);
    const char *last = strrchr(head, '\n');
    size_t width = last ? format_width(last + 1) : indent + format_width(head);
    if (!blocks || width + 1 + format_width(blocks) > FORMAT_WIDTH)
        return false;
    struct format_line *line = add_line(l, indent);
    line->run = branch && !last ? RUN_BRANCH : RUN_NONE;
    line->cells[line->ncells++] = head;
    line->cells[line->ncells++] = blocks;
    return true;
}

// ---- All items --------------------------------------------------------------

static void add_items(struct layout *l, const struct format_block *b,
                      unsigned indent, bool branches);

// The lines between `{` and `}`, with `}` and what follows it up to its line's
// end.
static void add_body(struct layout *l, const struct format_item *item,
                     size_t which, unsigned indent)
{
    const struct format_block *b = &item->blocks[which];
    add_items(l, b, indent + INDENT, head_is(l, item, "expect"));
    take_gap(l, b->close, indent + INDENT,
             EDGE_END | (b->nitems ? 0U : EDGE_BEGIN));
    struct format_line *line = add_line(l, indent);
    line->cells[line->ncells++] = "}";
    if (which + 1 == item->nblocks)
        return;
    if (gap_has_comment(l, b->close + 1)) {
        take_gap(l, b->close + 1, indent, EDGE_NONE);
        line = add_line(l, indent);
    }
    line->cells[line->ncells++] = "else {";
}

static void add_item(struct layout *l, const struct format_item *item,
                     unsigned indent, size_t column, bool branch)
{
    if (!item->nblocks) {
        add_simple(l, item, indent, column);
        return;
    }
    if (add_short(l, item, indent, branch))
        return;
    struct format_line *line = add_line(l, indent);
    line->cells[line->ncells++] = arena_printf(
        l->t->arena, "%s {", join(l, item->head, item->head + item->nhead));
    for (size_t i = 0; i < item->nblocks; i++)
        add_body(l, item, i, indent);
}

static void add_items(struct layout *l, const struct format_block *b,
                      unsigned indent, bool branches)
{
    for (size_t i = 0; i < b->nitems; i++) {
        const struct format_item *item = &b->items[i];
        bool header = !indent && i < l->header;
        take_gap(l, item->head, indent, i ? EDGE_NONE : EDGE_BEGIN);
        add_item(l, item, indent, header ? l->column : COLUMN, branches);
    }
}

// ---- The file ---------------------------------------------------------------

static bool is_header(const struct layout *l, const struct format_item *item)
{
    const struct token *t = token_at(l, item->head);
    char *word =
        arena_copy(l->t->arena, t->begin.at, (size_t)(t->end.at - t->begin.at));
    return !item->nblocks && statement_at(word, IN_HEADER);
}

static void measure_header(struct layout *l, const struct format_block *file)
{
    l->column = COLUMN;
    while (l->header < file->nitems && is_header(l, &file->items[l->header])) {
        const struct format_item *item = &file->items[l->header++];
        size_t word = token_at(l, item->head)->width;
        if (item->nhead > 1 && word >= l->column)
            l->column = word + 1;
    }
}

struct list format_lines(const struct format_tokens *t,
                         const struct format_block *file)
{
    struct layout l = {.t = t};
    measure_header(&l, file);
    add_items(&l, file, 0, false);
    take_gap(&l, t->count, 0, EDGE_END | (t->count ? 0U : EDGE_BEGIN));
    return l.lines;
}
