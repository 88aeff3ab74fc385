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

// How many bytes xml_text writes of them.
size_t xml_text_width(const char *bytes, size_t len);

// The same in at most room bytes (XML_LEAST_ROOM or more): of a text that needs
// more, a line in its middle says how much of it is missing there. Returns the
// number of bytes written.
size_t xml_text_within(FILE *f, const char *bytes, size_t len, size_t room);
#define XML_LEAST_ROOM 512

// ` name="value"`; newlines and tabs survive the parser's normalisation (XML
// 1.0 section 3.3.3). A NULL value is "". Of a value that would be longer than
// XML_ATTRIBUTE_MAX bytes as it is written, the end is " [...]" instead.
#define XML_ATTRIBUTE_MAX 100000
void xml_attribute(FILE *f, const char *name, const char *value);

// ns as seconds with three decimals and a dot, whatever the locale is.
void xml_seconds(FILE *f, uint64_t ns);
