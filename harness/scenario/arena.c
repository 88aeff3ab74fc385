// SPDX-License-Identifier: Apache-2.0
// A bump allocator in chunks, with calls to make when it is freed. For
// harness/scenario only.
#include "harness/scenario/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)16 * 1024)

struct chunk {
    struct chunk *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *what);
    void *what;
};

struct arena {
    struct chunk *chunks; // the first is the one in use
    struct deferred *deferred;
    size_t left; // of the limit
    jmp_buf *on_failure;
};

struct arena *arena_new(size_t limit)
{
    struct arena *a = calloc(1, sizeof(*a));
    if (a)
        a->left = limit;
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct deferred *d = a->deferred; d; d = d->next)
        d->fn(d->what);
    for (struct chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(a);
}

void arena_on_failure(struct arena *a, jmp_buf *where)
{
    a->on_failure = where;
}

static void *allocate(struct arena *a, size_t size)
{
    const size_t unit = alignof(max_align_t);
    if (size > SIZE_MAX / 4)
        return NULL;
    size = (size + unit - 1) / unit * unit;
    struct chunk *c = a->chunks;
    if (!c || size > c->size - c->used) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        if (room > a->left)
            return NULL;
        c = calloc(1, sizeof(*c) + room);
        if (!c)
            return NULL;
        a->left -= room;
        c->size = room;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *at = c->bytes + c->used;
    c->used += size;
    return at;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *at = allocate(a, size);
    if (!at)
        longjmp(*a->on_failure, 1);
    return at;
}

char *arena_copy(struct arena *a, const char *bytes, size_t len)
{
    char *copy = arena_alloc(a, len + 1);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

char *arena_string(struct arena *a, const char *text)
{
    return arena_copy(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    void *copy = len < 0 ? NULL : allocate(a, (size_t)len + 1);
    if (copy)
        memcpy(copy, text, (size_t)len);
    if (len >= 0)
        free(text);
    if (!copy)
        longjmp(*a->on_failure, 1);
    return copy;
}

void arena_defer(struct arena *a, void (*fn)(void *what), void *what)
{
    struct deferred *d = allocate(a, sizeof(*d));
    if (!d) {
        fn(what);
        longjmp(*a->on_failure, 1);
    }
    d->next = a->deferred;
    d->fn = fn;
    d->what = what;
    a->deferred = d;
}

void arena_adopt(struct arena *a, void *block, size_t size)
{
    arena_defer(a, free, block);
    if (size > a->left)
        longjmp(*a->on_failure, 1);
    a->left -= size;
}

void *list_add(struct arena *a, struct list *l, size_t item_size)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 4;
        void *items = arena_alloc(a, capacity * item_size);
        if (l->count)
            memcpy(items, l->items, l->count * item_size);
        l->items = items;
        l->capacity = capacity;
    }
    return (unsigned char *)l->items + item_size * l->count++;
}
