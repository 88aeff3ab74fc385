// SPDX-License-Identifier: Apache-2.0
// Console text in memory: a sliding piece of an endless stream, addressed by
// its offset in the stream, with the time of each byte. For the files of
// harness/console only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// From stream offset `off` on (up to the next run) every byte has this time.
struct text_run {
    uint64_t off;
    uint64_t ns;
};

//   dropped       kept                      room
//   ........|-------------------------|..............|
//           base                      base + len     buf + cap
//
// Owned by one reader, one thread. Invariants: buf[head] is the byte at offset
// base; runs[run_head..] are ascending, the first one at or before base, unless
// there is no text at all. An allocation that fails sets `failed` for good:
// from then on appended text is lost, and the owner must say so.
struct text {
    char *buf;
    size_t head, len, cap;
    uint64_t base;
    struct text_run *runs;
    size_t run_head, nruns, run_cap; // runs[run_head .. run_head + nruns)
    bool failed;
};

// An all-zero struct text is empty and ready.
void text_free(struct text *t);

static inline uint64_t text_end(const struct text *t)
{
    return t->base + t->len;
}

// The bytes from offset off (base..end) on; good until the next append. "" when
// there never was any text.
static inline const char *text_at(const struct text *t, uint64_t off)
{
    return t->buf ? t->buf + t->head + (off - t->base) : "";
}

// Room for n more bytes after the end, or NULL (t->failed). May move the text.
char *text_room(struct text *t, size_t n);
// Makes the first n bytes of the room text.
static inline void text_commit(struct text *t, size_t n)
{
    t->len += n;
}

// Appends n bytes.
void text_append(struct text *t, const char *bytes, size_t n);

// Bytes from offset off on have the time ns. Ascending off; what a second call
// says of the same offset replaces the first.
void text_stamp(struct text *t, uint64_t off, uint64_t ns);

// The same for many at once: room for n more runs (or NULL, t->failed), of
// which the first `used` become valid. Their offsets ascend from above the
// last.
struct text_run *text_run_room(struct text *t, size_t n);
static inline void text_run_commit(struct text *t, size_t used)
{
    t->nruns += used;
}

// The time of the byte at off (base..end-1); 0 when there is none.
uint64_t text_ns(const struct text *t, uint64_t off);

// How far the time of the byte at off reaches: an offset above off.
uint64_t text_run_end(const struct text *t, uint64_t off);

// Appends the bytes [off, end) of another text, with their times.
void text_copy(struct text *t, const struct text *from, uint64_t off,
               uint64_t end);

// Forgets the bytes before off (clamped to the end). Nothing moves: pointers
// stay good until the next append.
void text_drop(struct text *t, uint64_t off);

// The first offset at or after off that does not split a UTF-8 character.
uint64_t text_align(const struct text *t, uint64_t off);
