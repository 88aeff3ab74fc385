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
static const char *source_line(struct diag *d, const struct source *s,
                               unsigned line)
{
    for (size_t i = 0; i < d->items.count; i++)
        if (items(d)[i].pos.line == line && items(d)[i].line &&
            !strcmp(items(d)[i].pos.file, s->path))
            return items(d)[i].line;
    const char *at = s->text;
    for (unsigned n = 1; n < line && at; n++) {
        at = strchr(at, '\n');
        if (at)
            at++;
    }
    return at ? arena_copy(d->arena, at, strcspn(at, "\n")) : NULL;
}

// Where and in what the file of s was used, innermost first.
static void add_chain(struct diag *d, const struct source *s,
                      struct diagnostic *item)
{
    struct source_pos *chain =
        arena_alloc(d->arena, (s->depth + 1) * sizeof(*chain));
    for (; s->user; s = s->user) {
        chain[item->nincluded] = s->use;
        chain[item->nincluded++].file = arena_string(d->arena, s->user->path);
    }
    item->included_from = chain;
}

static bool said_already(const struct diag *d, const struct diagnostic *item)
{
    for (size_t i = 0; i < d->items.count; i++) {
        const struct diagnostic *known = &items(d)[i];
        if (known->pos.line == item->pos.line &&
            known->pos.column == item->pos.column &&
            known->severity == item->severity &&
            !strcmp(known->pos.file, item->pos.file) &&
            !strcmp(known->message, item->message))
            return true;
    }
    return false;
}

// False when there are too many already.
static bool take_room(struct diag *d, enum severity severity,
                      struct source_pos pos)
{
    if (severity == SEVERITY_WARNING) {
        if (d->warnings == DIAG_MAX_WARNINGS)
            return false;
        d->warnings++;
    } else if (d->errors == DIAG_MAX_ERRORS) {
        if (!d->overflow.line)
            d->overflow = pos;
        return false;
    } else {
        d->errors++;
    }
    return true;
}

void diag_add(struct diag *d, enum severity severity, struct source_pos pos,
              unsigned width, const char *hint, const char *fmt, va_list args)
{
    char text[512];
    if (vsnprintf(text, sizeof(text), fmt, args) >= (int)sizeof(text))
        memcpy(text + sizeof(text) - 4, "...", 4);
    const struct source *source = source_of_pos(d->sources, &pos);
    struct diagnostic new = {
        .severity = severity,
        .pos = pos,
        .width = width ? width : 1,
        .message = text,
    };
    new.pos.file = source ? source->path : d->path;
    if (said_already(d, &new) || !take_room(d, severity, pos))
        return;
    new.message = arena_string(d->arena, text);
    new.hint = hint ? arena_string(d->arena, hint) : NULL;
    if (source && pos.line)
        new.line = source_line(d, source, pos.line);
    new.pos.file = arena_string(d->arena, new.pos.file);
    if (source)
        add_chain(d, source, &new);
    *(struct diagnostic *)list_add(d->arena, &d->items, sizeof(new)) = new;
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

static int compare_places(const struct source_pos *a,
                          const struct source_pos *b)
{
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return 0;
}

// The place of d in the file that stands `level` files below the scenario's
// own; NULL when d's own file stands above that.
static const struct source_pos *place_at(const struct diagnostic *d,
                                         size_t level)
{
    if (level < d->nincluded)
        return &d->included_from[d->nincluded - 1 - level];
    return level == d->nincluded ? &d->pos : NULL;
}

// The order of the text with every `use` replaced by its file.
static int by_position(const void *left, const void *right)
{
    const struct diagnostic *a = left, *b = right;
    for (size_t level = 0;; level++) {
        const struct source_pos *of_a = place_at(a, level);
        const struct source_pos *of_b = place_at(b, level);
        if (!of_a || !of_b)
            return of_a ? 1 : of_b ? -1 : strcmp(a->message, b->message);
        int order = compare_places(of_a, of_b);
        if (order)
            return order;
        if (level == a->nincluded && level == b->nincluded &&
            a->severity != b->severity)
            return a->severity < b->severity ? -1 : 1;
    }
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
