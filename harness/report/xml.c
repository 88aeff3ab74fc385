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

void xml_attribute(FILE *f, const char *name, const char *value)
{
    fprintf(f, " %s=\"", name);
    if (value)
        visible_text(f, value, strlen(value), in_attribute);
    fputc('"', f);
}

void xml_seconds(FILE *f, uint64_t ns)
{
    fprintf(f, "%" PRIu64 ".%03u", ns / NS_PER_S,
            (unsigned)(ns % NS_PER_S / NS_PER_MS));
}
