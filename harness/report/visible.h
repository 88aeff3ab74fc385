// SPDX-License-Identifier: Apache-2.0
// Makes any bytes readable: valid UTF-8 without a character that a terminal
// or a parser would act on. Used by every report.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Decodes one character of at most len bytes (1 or more) into out; its length,
// or 0 when the bytes are not UTF-8 (RFC 3629: no overlong forms, no
// surrogates).
size_t visible_decode(const char *bytes, size_t len, uint32_t *out);

// Nobody sees it, or it changes how others are seen: C1, bidirectional
// controls, zero width.
bool visible_is_hidden(uint32_t character);

// Writes bytes to f:
//   - a control character becomes its picture (ESC is U+241B), a carriage
//     return before a newline is dropped, newline and tab stay;
//   - a byte that is not UTF-8 becomes \xHH, a character that XML 1.0
//     section 2.2 forbids or that nobody sees (C1, bidirectional controls,
//     zero width) becomes \u{HEX}.
// escape, when not NULL, is asked first: what it returns stands for the
// character, NULL means that the rules above hold.
void visible_text(FILE *f, const char *bytes, size_t len,
                  const char *(*escape)(uint32_t character));

// How many bytes visible_text writes of them.
size_t visible_width(const char *bytes, size_t len,
                     const char *(*escape)(uint32_t character));

// The length of the longest beginning, between two characters, of which
// visible_text writes at most room bytes.
size_t visible_fit(const char *bytes, size_t len, size_t room,
                   const char *(*escape)(uint32_t character));
