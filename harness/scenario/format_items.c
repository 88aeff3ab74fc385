// SPDX-License-Identifier: Apache-2.0
// Finds the statements and blocks in a row of tokens that the parser has taken.
// For harness/scenario only.
#include "harness/scenario/format_internal.h"

// Where in the tokens the walk is.
struct walk {
    const struct format_tokens *t;
    size_t at;
};

static const struct token *here(const struct walk *w)
{
    return w->at < w->t->count ? &w->t->list[w->at] : NULL;
}

static void walk_items(struct walk *w, struct format_block *out);

// From `{` to behind its `}`.
static void walk_block(struct walk *w, struct format_block *out)
{
    out->open = w->at++;
    walk_items(w, out);
    out->close = w->at;
    if (here(w))
        w->at++;
}

// A statement ends with its line, before a `}`, and after its own block. A
// pattern of several lines is one token.
static void walk_item(struct walk *w, struct format_item *out)
{
    out->head = w->at;
    for (const struct token *t; (t = here(w)); w->at++) {
        bool first = w->at == out->head;
        if (t->kind == TOKEN_OPEN || (t->kind == TOKEN_CLOSE && !first))
            break;
        if (!first && t->begin.line > t[-1].end.line)
            break;
    }
    out->nhead = w->at - out->head;
    const struct token *t = here(w);
    if (!t || t->kind != TOKEN_OPEN)
        return;
    walk_block(w, &out->blocks[out->nblocks++]);
    t = here(w);
    if (t && token_is(t, "else") && w->at + 1 < w->t->count &&
        t[1].kind == TOKEN_OPEN) {
        w->at++;
        walk_block(w, &out->blocks[out->nblocks++]);
    }
}

static void walk_items(struct walk *w, struct format_block *out)
{
    struct list items = {0};
    const struct token *t;
    while ((t = here(w)) && t->kind != TOKEN_CLOSE) {
        struct format_item item = {0};
        walk_item(w, &item);
        *(struct format_item *)list_add(w->t->arena, &items, sizeof(item)) =
            item;
    }
    out->nitems = items.count;
    out->items = items.items;
}

struct format_block format_items(const struct format_tokens *t)
{
    struct walk w = {.t = t};
    struct format_block file = {0};
    walk_items(&w, &file);
    return file;
}
