// SPDX-License-Identifier: Apache-2.0
// Memory that is freed at once: one arena owns a scenario's tree, another its
// diagnostics. For harness/scenario only.
#pragma once

#include <setjmp.h>
#include <stddef.h>

// Owned by whoever called arena_new; one thread at a time while it grows, any
// number of readers afterwards. Memory never moves.
struct arena;

// An arena that hands out at most limit bytes. NULL when out of memory.
struct arena *arena_new(size_t limit);

// Runs the deferred calls, newest first, and frees all; NULL is fine.
void arena_free(struct arena *a);

// Where the arena jumps (longjmp with 1) when memory or the limit is used up,
// so that nobody who builds a tree has to look after each allocation. Must be
// set while anything is allocated; `where` is borrowed.
void arena_on_failure(struct arena *a, jmp_buf *where);

// size zeroed bytes, aligned for any type; never NULL.
void *arena_alloc(struct arena *a, size_t size);
// A NUL-terminated copy of len bytes (which may hold NUL themselves).
char *arena_copy(struct arena *a, const char *bytes, size_t len);
char *arena_string(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

// Has fn(what) called by arena_free: for what an arena can't own itself. When
// this fails (it jumps), fn(what) was called before.
void arena_defer(struct arena *a, void (*fn)(void *what), void *what);
// Has a heap block of size bytes freed by arena_free, and counts it.
void arena_adopt(struct arena *a, void *block, size_t size);

// A growing array in an arena. Items move when it grows: keep indices, or
// finish the list first.
struct list {
    void *items;
    size_t count, capacity;
};

// Appends one zeroed item of item_size bytes (the same at each call).
void *list_add(struct arena *a, struct list *l, size_t item_size);
