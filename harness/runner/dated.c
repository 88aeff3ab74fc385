// SPDX-License-Identifier: Apache-2.0
// Lines of the kernel's log with a date. See dated.h.
#include "harness/runner/dated.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

// What follows a form at the beginning of line, or NULL when line has another.
// In a form A is a letter, 9 a digit, _ a digit or a blank; all else is itself.
static const char *follow(const char *line, const char *form)
{
    for (; *form; form++, line++) {
        unsigned char ch = (unsigned char)*line;
        bool good = *form == 'A'   ? isalpha(ch) != 0
                    : *form == '9' ? isdigit(ch) != 0
                    : *form == '_' ? isdigit(ch) || ch == ' '
                                   : *form == *line;
        if (!ch || !good)
            return NULL;
    }
    return line;
}

// "HOST kernel: "
static bool is_from_kernel(const char *text)
{
    size_t host = strcspn(text, " ");
    return host && strncmp(text + host, " kernel: ", 9) == 0;
}

// Behind the seconds of ISO 8601: a fraction and a zone.
static const char *past_zone(const char *text)
{
    text += strspn(text, ".,0123456789");
    if (*text == 'Z')
        return text + 1;
    return *text == '+' || *text == '-'
               ? text + 1 + strspn(text + 1, "0123456789:")
               : text;
}

// "kern  :emerg : "; what follows it, or line.
static const char *past_level(const char *line)
{
    const char *at = line;
    for (int i = 0; i < 2; i++) {
        size_t word = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789");
        size_t blanks = strspn(at + word, " ");
        if (!word || at[word + blanks] != ':')
            return line;
        at += word + blanks + 1;
    }
    return *at == ' ' ? at + 1 : line;
}

bool is_dated_kernel_line(const char *line)
{
    const char *rest = follow(line, "AAA _9 99:99:99 ");
    if (rest)
        return is_from_kernel(rest);
    const char *text = past_level(line);
    if (follow(text, "[AAA AAA _9 99:99:99 9999] "))
        return true;
    rest = follow(text, "9999-99-99T99:99:99");
    if (!rest)
        return false;
    bool dmesg = *rest == ',';
    rest = past_zone(rest);
    return *rest == ' ' && (dmesg || is_from_kernel(rest + 1));
}
