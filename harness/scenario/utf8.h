// SPDX-License-Identifier: Apache-2.0
// UTF-8 as the scenario reader needs it: checking, stepping, how wide a
// character is on a terminal. For harness/scenario, and for who writes one.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Decodes one character of len > 0 bytes. Returns how many bytes it takes
// (1..4), or 0 when they are not UTF-8 (overlong forms, surrogates, beyond
// U+10FFFF, cut off). RFC 3629 section 4.
size_t utf8_decode(const char *bytes, size_t len, uint32_t *character);

// Columns on a terminal: 0 (combining marks), 1, or 2 (East Asian wide and
// full-width characters, emoji: Unicode Standard Annex 11).
unsigned utf8_width(uint32_t character);
