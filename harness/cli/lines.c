// SPDX-License-Identifier: Apache-2.0
// Files of lines with words in them. See lines.h.
#include "harness/cli/lines.h"

#include "harness/scenario/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLANKS "\t\r "
#define DAY_S  86400

// Characters, as columns are counted.
static unsigned characters(const char *text, size_t len)
{
    unsigned n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

int lines_wrong(struct lines *l, const struct word *w, const char *message,
                const char *hint)
{
    unsigned width = characters(w->at, w->len);
    const struct diagnostic d = {
        .pos = {.file = l->path,
                .line = l->number,
                .column = characters(l->line, (size_t)(w->at - l->line)) + 1},
        .width = width ? width : 1,
        .message = message,
        .hint = hint,
        .line = l->line,
    };
    char *text = diagnostic_format(&d);
    if (text)
        fprintf(l->log, "%s%s", text,
                *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
    free(text);
    l->errors++;
    return -EINVAL;
}

struct word word_next(const char **at)
{
    const char *begin = *at + strspn(*at, BLANKS);
    size_t len = strcspn(begin, BLANKS);
    *at = begin + len;
    return (struct word){begin, len};
}

struct word word_rest(const char *at)
{
    at += strspn(at, BLANKS);
    size_t len = strlen(at);
    while (len && strchr(BLANKS, at[len - 1]))
        len--;
    return (struct word){at, len};
}

bool word_is_nothing(const struct word *first)
{
    return !first->len || *first->at == '#';
}

bool word_day(const struct word *w, int64_t *end)
{
    struct tm day = {0};
    const char *left = NULL;
    char text[11] = "";
    if (w->len != 10)
        return false;
    memcpy(text, w->at, 10);
    for (size_t i = 0; i < 10; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
    }
    left = strptime(text, "%Y-%m-%d", &day);
    struct tm same = day;
    time_t begin = left && !*left ? timegm(&same) : -1;
    *end = (int64_t)begin + DAY_S;
    // February 30 is a day of March.
    return begin >= 0 && same.tm_mday == day.tm_mday;
}

int lines_read(const char *option, const char *path, FILE *log,
               int (*take)(void *owner, struct lines *l), void *owner,
               struct error *err)
{
    struct lines l = {.path = path, .log = log};
    size_t size = 0;
    ssize_t len;
    int code = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return error_set(err, -EINVAL, "%s %s can't be read: %s", option, path,
                         strerror(errno));
    while (code != -ENOMEM && (len = getline(&l.line, &size, f)) > 0) {
        if (l.line[len - 1] == '\n')
            l.line[len - 1] = '\0';
        l.number++;
        code = take(owner, &l);
    }
    bool unreadable = ferror(f);
    free(l.line);
    fclose(f);
    if (code == -ENOMEM)
        return error_set(err, -ENOMEM, "out of memory");
    if (unreadable)
        return error_set(err, -EINVAL, "%s %s can't be read", option, path);
    if (!l.errors)
        return 0;
    return error_set(err, -EINVAL, "%s %s: %zu line%s wrong: nothing was run",
                     option, path, l.errors, l.errors == 1 ? " is" : "s are");
}
