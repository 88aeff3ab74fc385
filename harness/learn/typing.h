// SPDX-License-Identifier: Apache-2.0
// From the bytes of a terminal's keyboard to keys, and from keys to the line
// that they edit. For harness/learn only.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stroke_kind {
    STROKE_TEXT,  // one character, UTF-8
    STROKE_ENTER, // a line is given to the guest
    STROKE_ERASE, // Backspace
    STROKE_WORD,  // Ctrl-W
    STROKE_KILL,  // Ctrl-U
    STROKE_STOP,  // Ctrl-C, Ctrl-D, Ctrl-Z, Ctrl-\: no line editor's
    STROKE_EDIT,  // Tab, arrows, Ctrl-R, ...: what becomes of the line only
                  // its echo tells
};

struct stroke {
    enum stroke_kind kind;
    size_t len;
    char bytes[16]; // as typed
};

#define STROKE_BYTES (sizeof(((struct stroke *)0)->bytes))

// One terminal's bytes. What no key sends is dropped: a terminal's answers to
// queries (the cursor's place, its attributes, colours), the frame of a paste.
// All zero is ready.
struct strokes {
    char held[64]; // a sequence that has begun
    size_t len;
    bool string;      // in an answer that ends with ST or BEL
    uint64_t held_ns; // when it began
};

typedef void stroke_fn(void *owner, const struct stroke *stroke, uint64_t ns);

// Takes bytes that were typed at ns, which never goes back. An ESC alone is a
// key when nothing follows it at once.
void strokes_feed(struct strokes *s, const void *bytes, size_t len, uint64_t ns,
                  stroke_fn *stroke, void *owner);
// Nothing follows any more.
void strokes_end(struct strokes *s, stroke_fn *stroke, void *owner);

// ---- A line that is typed ---------------------------------------------------

// A terminal takes no longer ones.
#define TYPED_MAX 4096

struct typed {
    size_t len;     // of the line as the keys that edit have left it
    size_t raw_len; // of all that was typed, without the Enter
    bool edited;    // by keys that only the echo can tell of
    bool cut;       // it did not fit
    char text[TYPED_MAX];
    char raw[TYPED_MAX];
};

// Takes a stroke other than Enter.
void typed_take(struct typed *t, const struct stroke *stroke);
// Forgets it, also in memory: it may have been a password.
void typed_forget(struct typed *t);
