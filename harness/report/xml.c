// SPDX-License-Identifier: Apache-2.0
// XML escaping of hostile bytes. See xml.h.
#include "harness/report/xml.h"

#include "harness/report/visible.h"
#include "src/base/clock.h"

#include <inttypes.h>
#include <string.h>

static const char *in_text(uint32_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

static const char *in_attribute(uint32_t c)
{
    if (c == '\n')
        return "&#10;";
    return c == '\t' ? "&#9;" : in_text(c);
}

void xml_text(FILE *f, const char *bytes, size_t len)
{
    visible_text(f, bytes, len, in_text);
}

size_t xml_text_width(const char *bytes, size_t len)
{
    return visible_width(bytes, len, in_text);
}

size_t xml_text_within(FILE *f, const char *bytes, size_t len, size_t room)
{
    // Less than the line that tells, and a character that is cut off a pair.
    const size_t slack = 128;
    size_t width = xml_text_width(bytes, len);
    if (width <= room) {
        xml_text(f, bytes, len);
        return width;
    }
    size_t half = (room - slack) / 2;
    size_t head = visible_fit(bytes, len, half, in_text);
    size_t tail = visible_fit(bytes, len, width - half, in_text);
    xml_text(f, bytes, head);
    int told = fprintf(f, "\n[... %zu bytes of this are left out here ...]\n",
                       tail - head);
    xml_text(f, bytes + tail, len - tail);
    return xml_text_width(bytes, head) +
           xml_text_width(bytes + tail, len - tail) +
           (told > 0 ? (size_t)told : 0);
}

static void attribute_value(FILE *f, const char *value)
{
    static const char more[] = " [...]";
    size_t len = strlen(value);
    size_t fits = visible_fit(value, len, XML_ATTRIBUTE_MAX, in_attribute);
    if (fits < len)
        fits = visible_fit(value, len, XML_ATTRIBUTE_MAX - sizeof(more),
                           in_attribute);
    visible_text(f, value, fits, in_attribute);
    if (fits < len)
        fputs(more, f);
}

void xml_attribute(FILE *f, const char *name, const char *value)
{
    fprintf(f, " %s=\"", name);
    if (value)
        attribute_value(f, value);
    fputc('"', f);
}

void xml_seconds(FILE *f, uint64_t ns)
{
    fprintf(f, "%" PRIu64 ".%03u", ns / NS_PER_S,
            (unsigned)(ns % NS_PER_S / NS_PER_MS));
}
