// SPDX-License-Identifier: Apache-2.0
// The list of diagnostics: adding, limiting, sorting. For harness/scenario
// only; how one is printed is in diag_format.c.
#include "harness/scenario/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct diagnostic *items(const struct diag *d)
{
    return d->items.items;
}

// The text of a line. Lines that were named before share their copy: a line
// may be megabytes long.
static const char *source_line(struct diag *d, unsigned line)
{
    for (size_t i = 0; i < d->items.count; i++)
        if (items(d)[i].pos.line == line && items(d)[i].line)
            return items(d)[i].line;
    const char *at = d->source;
    for (unsigned n = 1; n < line && at; n++) {
        at = strchr(at, '\n');
        if (at)
            at++;
    }
    return at ? arena_copy(d->arena, at, strcspn(at, "\n")) : NULL;
}

void diag_add(struct diag *d, enum severity severity, struct source_pos pos,
              unsigned width, const char *hint, const char *fmt, va_list args)
{
    if (severity == SEVERITY_WARNING) {
        if (d->warnings == DIAG_MAX_WARNINGS)
            return;
        d->warnings++;
    } else if (d->errors == DIAG_MAX_ERRORS) {
        if (!d->overflow.line)
            d->overflow = pos;
        return;
    } else {
        d->errors++;
    }

    char text[512];
    if (vsnprintf(text, sizeof(text), fmt, args) >= (int)sizeof(text))
        memcpy(text + sizeof(text) - 4, "...", 4);
    const char *line = pos.line ? source_line(d, pos.line) : NULL;
    struct diagnostic *item =
        list_add(d->arena, &d->items, sizeof(struct diagnostic));
    item->severity = severity;
    item->pos = pos;
    item->pos.file = d->file;
    item->width = width ? width : 1;
    item->message = arena_string(d->arena, text);
    item->hint = hint ? arena_string(d->arena, hint) : NULL;
    item->line = line;
}

void diag_error(struct diag *d, struct source_pos pos, unsigned width,
                const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    diag_add(d, SEVERITY_ERROR, pos, width, hint, fmt, args);
    va_end(args);
}

void diag_warning(struct diag *d, struct source_pos pos, unsigned width,
                  const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    diag_add(d, SEVERITY_WARNING, pos, width, hint, fmt, args);
    va_end(args);
}

bool diag_full(const struct diag *d)
{
    return d->overflow.line != 0;
}

static int by_position(const void *left, const void *right)
{
    const struct diagnostic *a = left, *b = right;
    if (a->pos.line != b->pos.line)
        return a->pos.line < b->pos.line ? -1 : 1;
    if (a->pos.column != b->pos.column)
        return a->pos.column < b->pos.column ? -1 : 1;
    if (a->severity != b->severity)
        return a->severity < b->severity ? -1 : 1;
    return strcmp(a->message, b->message);
}

void diag_finish(struct diag *d, struct diagnostics *out)
{
    if (d->items.count)
        qsort(d->items.items, d->items.count, sizeof(struct diagnostic),
              by_position);
    if (d->overflow.line) {
        struct source_pos pos = d->overflow;
        d->errors--; // room for this one
        diag_error(d, pos, 1, NULL, "too many errors: the rest is not shown");
    }
    out->count = d->items.count;
    out->errors = d->errors;
    out->list = items(d);
    out->arena = d->arena;
}

void diagnostics_free(struct diagnostics *d)
{
    if (!d)
        return;
    arena_free(d->arena);
    memset(d, 0, sizeof(*d));
}
