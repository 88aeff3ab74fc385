// SPDX-License-Identifier: Apache-2.0
// JSON of hostile bytes. See json.h.
#include "harness/report/json.h"

#include "harness/report/visible.h"
#include "src/base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

static void escaped(FILE *f, uint32_t c)
{
    fprintf(f, "\\u%04x", (unsigned)c);
}

// One character, or, when the bytes are none, one byte. How many bytes it took.
static size_t character(FILE *f, const char *bytes, size_t len)
{
    static const char names[] = {
        ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
    };
    uint32_t c = 0;
    size_t n = visible_decode(bytes, len, &c);
    if (!n) {
        escaped(f, 0xdc00 | (uint32_t)(unsigned char)*bytes);
        return 1;
    }
    if (c < sizeof(names) && names[c])
        fprintf(f, "\\%c", names[c]);
    else if (c < 0x20 || c == 0x7f || visible_is_hidden(c))
        escaped(f, c);
    else
        fwrite(bytes, 1, n, f);
    return n;
}

static void quoted(FILE *f, const char *bytes, size_t len)
{
    fputc('"', f);
    for (size_t i = 0; i < len;)
        i += character(f, bytes + i, len - i);
    fputc('"', f);
}

// A comma where one is due, and the name.
static void begin(struct json *j, const char *name)
{
    if (j->filled)
        fputc(',', j->f);
    j->filled = true;
    if (!name)
        return;
    quoted(j->f, name, strlen(name));
    fputc(':', j->f);
}

void json_open(struct json *j, const char *name, char bracket)
{
    begin(j, name);
    fputc(bracket, j->f);
    j->filled = false;
}

void json_close(struct json *j, char bracket)
{
    fputc(bracket, j->f);
    j->filled = true;
}

void json_bytes(struct json *j, const char *name, const char *text, size_t len)
{
    begin(j, name);
    if (text)
        quoted(j->f, text, len);
    else
        fputs("null", j->f);
}

void json_text(struct json *j, const char *name, const char *text)
{
    json_bytes(j, name, text, text ? strlen(text) : 0);
}

void json_number(struct json *j, const char *name, uint64_t value)
{
    begin(j, name);
    fprintf(j->f, "%" PRIu64, value);
}

void json_real(struct json *j, const char *name, double value)
{
    begin(j, name);
    if (isfinite(value))
        fprintf(j->f, "%.9g", value);
    else
        fputs("null", j->f);
}

void json_bool(struct json *j, const char *name, bool value)
{
    begin(j, name);
    fputs(value ? "true" : "false", j->f);
}

void json_time(struct json *j, const char *name, uint64_t unix_ns)
{
    time_t seconds = (time_t)(unix_ns / NS_PER_S);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    begin(j, name);
    fprintf(j->f, "\"%04d-%02d-%02dT%02d:%02d:%02d.%09uZ\"", utc.tm_year + 1900,
            utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
            (unsigned)(unix_ns % NS_PER_S));
}
