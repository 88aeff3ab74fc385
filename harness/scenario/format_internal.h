// SPDX-License-Identifier: Apache-2.0
// What the files format*.c share. For harness/scenario only.
//
//   tokens ──▶ items ──▶ lines of cells ──▶ text
//        items.c    lines.c           print.c     (format_*.c)
#pragma once

#include "harness/scenario/lexer.h"

// The tokens of a file as the parser took them, newlines left out. Between two
// of them stand blanks, newlines and comments only.
struct format_tokens {
    struct arena *arena;
    const char *source;
    size_t count;
    const struct token *list;
};

// ---- Items: statements, and the branches of `expect one` --------------------

struct format_item;

struct format_block {
    size_t open, close; // the tokens `{` and `}`
    size_t nitems;
    const struct format_item *items;
};

// A head, and a block where it has one; `if` has a second one, its `else` being
// the token after the first `}`.
struct format_item {
    size_t head, nhead;
    size_t nblocks;
    struct format_block blocks[2];
};

// All items of a file, in an imagined block around it.
struct format_block format_items(const struct format_tokens *t);

// ---- Lines ------------------------------------------------------------------

// Neighbouring lines of one kind stand in columns.
enum format_run { RUN_NONE, RUN_SET, RUN_MATRIX, RUN_CHECK, RUN_BRANCH };

#define FORMAT_CELLS 3

// Without cells and comment it is an empty line. Strings are in the arena.
struct format_line {
    unsigned indent;
    enum format_run run;
    size_t ncells;
    const char *cells[FORMAT_CELLS];
    const char *comment; // NULL: none
};

// The lines of a file: struct format_line.
struct list format_lines(const struct format_tokens *t,
                         const struct format_block *file);

// ---- Text -------------------------------------------------------------------

#define FORMAT_WIDTH 80

// Characters up to the text's first line end.
size_t format_width(const char *text);

// Puts the lines' cells and comments in columns and joins all to one text, a
// heap block. NULL when out of memory.
char *format_print(struct arena *arena, const struct list *lines, size_t *len);
