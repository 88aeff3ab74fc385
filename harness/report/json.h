// SPDX-License-Identifier: Apache-2.0
// Writes JSON (RFC 8259) of any bytes, in ASCII where a character can't be
// seen. Used by every report.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// An object or array that is being written, so that commas are in their places.
// Values follow each other; in an object each has a name, in an array NULL.
struct json {
    FILE *f;
    bool filled; // a value came in the innermost object or array
};

// name may be NULL.
void json_open(struct json *j, const char *name, char bracket); // '{' or '['
void json_close(struct json *j, char bracket);                  // '}' or ']'

// NULL text is null. Bytes that are not UTF-8 become \udcXX, one for each: a
// lone surrogate, which no UTF-8 text has, so the bytes can be had back
// (Python: text.encode("utf-8", "surrogateescape")). Control characters and
// what nobody sees become \uXXXX.
void json_bytes(struct json *j, const char *name, const char *text, size_t len);
void json_text(struct json *j, const char *name, const char *text);
void json_number(struct json *j, const char *name, uint64_t value);
// 9 digits; null when it is not finite.
void json_real(struct json *j, const char *name, double value);
void json_bool(struct json *j, const char *name, bool value);

// "2026-01-31T12:00:00.123456789Z": RFC 3339, because a double holds no
// nanoseconds of this century.
void json_time(struct json *j, const char *name, uint64_t unix_ns);
