// SPDX-License-Identifier: Apache-2.0
// See error.h.
#include "src/base/error.h"

#include <stdio.h>
#include <string.h>

// Writes the formatted sentence; a cut one ends in "..." so that nobody
// takes it for whole.
__attribute__((format(printf, 2, 0))) static void
format_sentence(struct error *err, const char *fmt, va_list args)
{
    int n = vsnprintf(err->text, sizeof(err->text), fmt, args);
    if (n < 0)
        snprintf(err->text, sizeof(err->text), "unknown error");
    else if ((size_t)n >= sizeof(err->text))
        memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

// Appends to the sentence, cutting it in the same visible way.
static void append(struct error *err, const char *text)
{
    size_t used = strlen(err->text);
    size_t room = sizeof(err->text) - used;
    size_t len = strlen(text);
    if (len < room) {
        memcpy(err->text + used, text, len + 1);
        return;
    }
    memcpy(err->text + used, text, room - 1);
    memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, fmt);
    format_sentence(err, fmt, args);
    va_end(args);
    return code;
}

int error_errno(struct error *err, int errno_value, const char *fmt, ...)
{
    if (!err)
        return -errno_value;
    va_list args;
    va_start(args, fmt);
    format_sentence(err, fmt, args);
    va_end(args);
    char reason[128];
    append(err, ": ");
    append(err, strerror_r(errno_value, reason, sizeof(reason)));
    return -errno_value;
}

int error_prefix(struct error *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    struct error old = *err;
    va_list args;
    va_start(args, fmt);
    format_sentence(err, fmt, args);
    va_end(args);
    append(err, ": ");
    append(err, old.text);
    return code;
}
