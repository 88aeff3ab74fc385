// SPDX-License-Identifier: Apache-2.0
// Guest output as JSON strings: valid UTF-8, whatever the guest sent and
// wherever it was cut. For cast.c and show.c.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// A stream of bytes on its way to strings. All zero is ready.
struct json_stream {
    uint8_t held[4]; // the beginning of a character
    uint8_t have, need;
    uint8_t low, high; // range of its next byte
};

// Room for the JSON of so many bytes: \u00XX each, and a held character.
#define JSON_ROOM(bytes) ((bytes)*6 + 8)

// Appends bytes to out (JSON_ROOM(len) of it), without quotes, and returns how
// much that was: control characters and quotes escaped (RFC 8259 section 7),
// each maximal ill-formed part as U+FFFD (Unicode 15, section 3.9). A character
// that is not complete is held back for the next call.
size_t json_feed(struct json_stream *s, const uint8_t *bytes, size_t len,
                 char *out);
// What is held back is no character: U+FFFD, or nothing.
size_t json_end(struct json_stream *s, char *out);

// A whole text with its quotes; "" for NULL.
void json_string(FILE *f, const char *text);
