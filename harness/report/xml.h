// SPDX-License-Identifier: Apache-2.0
// Writes XML 1.0 that any parser takes, whatever bytes a guest printed. Used
// by the reports of this room.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// Element content: bytes as visible_text makes them, markup characters (so
// `]]>` too) escaped.
void xml_text(FILE *f, const char *bytes, size_t len);

// ` name="value"`; newlines and tabs survive the parser's normalisation (XML
// 1.0 section 3.3.3). A NULL value is "".
void xml_attribute(FILE *f, const char *name, const char *value);

// ns as seconds with three decimals and a dot, whatever the locale is.
void xml_seconds(FILE *f, uint64_t ns);
