// SPDX-License-Identifier: Apache-2.0
// Symbols as text: System.map and /proc/kallsyms, lines of "address type name".
// See table.h.
#include "harness/symbols/table.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct line {
    uint64_t address;
    char type;
    const char *name;
    size_t name_len;
    bool module; // behind the name stands "[module]"
};

static bool parse_address(const char **at, const char *end, uint64_t *address)
{
    const char *s = *at;
    *address = 0;
    while (s < end && isxdigit((unsigned char)*s) && s - *at < 16) {
        int c = tolower((unsigned char)*s++);
        unsigned digit = (unsigned)(isdigit(c) ? c - '0' : c - 'a' + 10);
        *address = *address << 4 | digit;
    }
    bool found = s > *at;
    *at = s;
    return found;
}

static bool parse(const char *s, const char *end, struct line *out)
{
    if (!parse_address(&s, end, &out->address) || end - s < 4 || s[0] != ' ' ||
        !isalpha((unsigned char)s[1]) || s[2] != ' ')
        return false;
    out->type = s[1];
    out->name = s += 3;
    while (s < end && !isspace((unsigned char)*s))
        s++;
    out->name_len = (size_t)(s - out->name);
    out->module = memchr(s, '[', (size_t)(end - s)) != NULL;
    return out->name_len > 0;
}

static int take(struct ksyms *s, const char *text, const char *end, bool *zeros,
                struct error *err)
{
    struct line l;
    if (!parse(text, end, &l))
        return error_set(err, -EINVAL,
                         "not \"address type name\": give a vmlinux, a "
                         "System.map or a copy of /proc/kallsyms");
    // Modules lie elsewhere at each boot.
    if (l.module)
        return 0;
    *zeros = *zeros && !l.address;
    return table_add(s, l.address, l.type, l.name, l.name_len, err);
}

int map_read(struct ksyms *s, const char *text, size_t len, const char *path,
             struct error *err)
{
    const char *end = text + len;
    bool zeros = true;
    for (size_t number = 1; text < end; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *line_end = newline ? newline : end;
        int code = 0;
        if (line_end > text)
            code = take(s, text, line_end, &zeros, err);
        if (code)
            return error_prefix(err, code, "%s, line %zu", path, number);
        text = newline ? newline + 1 : end;
    }
    if (s->n && zeros)
        return error_set(err, -EINVAL,
                         "%s has no addresses: copy /proc/kallsyms as root",
                         path);
    return 0;
}
