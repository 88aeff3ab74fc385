// SPDX-License-Identifier: Apache-2.0
// The tree of a stream's documents, and the levels of the one that is being
// read. See ktap_internal.h.
#include "harness/ktap/ktap_internal.h"

#include <stdlib.h>

struct ktap_node *ktap_add_node(struct ktap *k, struct ktap_node *parent)
{
    if (k->nnodes == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 64;
        struct ktap_node **nodes =
            reallocarray(k->nodes, cap, sizeof(struct ktap_node *));
        if (!nodes) {
            k->failed = true;
            return NULL;
        }
        k->nodes = nodes;
        k->cap = cap;
    }
    struct ktap_node *node = calloc(1, sizeof(*node));
    if (!node) {
        k->failed = true;
        return NULL;
    }
    k->nodes[k->nnodes++] = node;
    node->parent = parent;
    node->place = parent && parent->last ? parent->last->place + 1 : 1;
    if (parent && parent->last)
        parent->last->next = node;
    else if (parent)
        parent->first = node;
    if (parent)
        parent->last = node;
    return node;
}

// Lines that no result followed are about the last one, if it needs words.
void ktap_close_top(struct ktap *k, struct ktap_stream *s)
{
    struct ktap_level *level = ktap_top(s);
    if (level->last && !level->last->ok)
        ktap_text_move(k, &level->last->details, &level->pending);
    k->details -= level->pending.len;
    free(level->pending.bytes);
    free(level->next_name);
    free(level->named);
    *level = (struct ktap_level){0};
    s->depth--;
}

void ktap_close_to(struct ktap *k, struct ktap_stream *s, size_t depth)
{
    while (s->depth > depth)
        ktap_close_top(k, s);
}

bool ktap_open_level(struct ktap *k, struct ktap_stream *s, size_t indent,
                     bool hash)
{
    struct ktap_level *outer = s->depth ? ktap_top(s) : NULL;
    if (s->depth == KTAP_DEPTH || k->nnodes >= KTAP_TESTS_MAX) {
        k->too_many |= k->nnodes >= KTAP_TESTS_MAX;
        k->too_deep |= s->depth == KTAP_DEPTH;
        return false;
    }
    struct ktap_node *group = ktap_add_node(k, outer ? outer->group : NULL);
    if (!group)
        return false;
    group->is_group = true;
    if (outer) {
        group->name = outer->next_name;
        outer->next_name = NULL;
        outer->unclaimed = group;
    }
    s->depth++;
    *ktap_top(s) =
        (struct ktap_level){.group = group, .indent = indent, .hash = hash};
    return true;
}

bool ktap_open_document(struct ktap *k, struct ktap_stream *s, size_t indent,
                        uint64_t at_ns)
{
    ktap_close_to(k, s, 0);
    s->is_ktap = false;
    s->last_ns = at_ns;
    return ktap_open_level(k, s, indent, false);
}

bool ktap_wrap(struct ktap *k, struct ktap_stream *s, size_t indent)
{
    struct ktap_node *inner = s->levels[0].group;
    size_t nested = 1;
    for (struct ktap_node *n = inner->first; n; n = n->first)
        nested++;
    bool room = nested < KTAP_DEPTH && k->nnodes < KTAP_TESTS_MAX;
    struct ktap_node *outer = room ? ktap_add_node(k, NULL) : NULL;
    if (!outer)
        return false;
    outer->is_group = true;
    outer->first = outer->last = inner;
    inner->parent = outer;
    s->levels[1] = s->levels[0];
    s->levels[0] = (struct ktap_level){
        .group = outer, .unclaimed = inner, .indent = indent};
    s->depth = 2;
    return true;
}

void ktap_open_outer(struct ktap *k, struct ktap_stream *s, size_t indent)
{
    struct ktap_node *inner = s->levels[0].group;
    if (!ktap_wrap(k, s, indent)) {
        s->levels[0].indent = indent;
        return;
    }
    s->levels[0].group->has_version = inner->has_version;
    ktap_close_top(k, s);
}

bool ktap_is_used(const struct ktap_level *level)
{
    return level->group->results || level->group->has_plan;
}

bool ktap_open_sibling(struct ktap *k, struct ktap_stream *s)
{
    struct ktap_level *level = ktap_top(s);
    size_t indent = level->indent;
    bool hash = level->hash;
    char *name = level->next_name;
    level->next_name = NULL;
    ktap_close_top(k, s);
    if (!ktap_open_level(k, s, indent, hash)) {
        free(name);
        return false;
    }
    if (name) {
        free(ktap_top(s)->group->name);
        ktap_top(s)->group->name = name;
    }
    return true;
}
