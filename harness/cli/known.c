// SPDX-License-Identifier: Apache-2.0
// Known failures. See known.h.
#include "harness/cli/known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLANKS "\t\r "
#define DAY_S  86400

// The file while it is read.
struct reader {
    const char *path;
    FILE *log;
    char *line; // the current one, without its newline
    unsigned number;
    size_t errors;
};

// A part of the current line.
struct word {
    const char *at;
    size_t len;
};

// Characters, as columns are counted.
static unsigned characters(const char *text, size_t len)
{
    unsigned n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

static int wrong(struct reader *r, const struct word *w, const char *message,
                 const char *hint)
{
    unsigned width = characters(w->at, w->len);
    const struct diagnostic d = {
        .pos = {.file = r->path,
                .line = r->number,
                .column = characters(r->line, (size_t)(w->at - r->line)) + 1},
        .width = width ? width : 1,
        .message = message,
        .hint = hint,
        .line = r->line,
    };
    char *text = diagnostic_format(&d);
    if (text)
        fprintf(r->log, "%s%s", text,
                *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
    free(text);
    r->errors++;
    return -EINVAL;
}

static struct word next(const char **at)
{
    const char *begin = *at + strspn(*at, BLANKS);
    size_t len = strcspn(begin, BLANKS);
    *at = begin + len;
    return (struct word){begin, len};
}

// A day of the calendar, as its end in seconds since 1970.
static bool read_day(const struct word *w, int64_t *end)
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

static int take(struct known_failures *k, const struct reader *r,
                const struct word words[4], int64_t expires)
{
    struct known_failure *list =
        reallocarray(k->list, k->count + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    k->list = list;
    struct known_failure *one = &list[k->count++];
    *one = (struct known_failure){
        .pattern = strndup(words[0].at, words[0].len),
        .until = strndup(words[1].at, words[1].len),
        .owner = strndup(words[2].at, words[2].len),
        .reason = strndup(words[3].at, words[3].len),
        .expires = expires,
        .line = r->number,
    };
    return one->pattern && one->until && one->owner && one->reason ? 0
                                                                   : -ENOMEM;
}

static const struct known_failure *same_pattern(const struct known_failures *k,
                                                const struct word *w)
{
    for (size_t i = 0; i < k->count; i++) {
        const char *pattern = k->list[i].pattern;
        if (strlen(pattern) == w->len && !memcmp(pattern, w->at, w->len))
            return &k->list[i];
    }
    return NULL;
}

static int read_line(struct known_failures *k, struct reader *r)
{
    static const char *const missing[] = {
        "", "there is no date behind the scenario",
        "nobody owns this: there is no name behind the date",
        "there is no reason behind the owner"};
    const char *at = r->line;
    struct word words[4];
    int64_t expires = 0;
    for (size_t i = 0; i < 3; i++)
        words[i] = next(&at);
    at += strspn(at, BLANKS);
    words[3] = (struct word){at, strlen(at)};
    while (words[3].len && strchr(BLANKS, at[words[3].len - 1]))
        words[3].len--;
    if (!words[0].len || *words[0].at == '#')
        return 0;
    for (size_t i = 1; i < 4; i++) {
        if (!words[i].len)
            return wrong(r, &words[i], missing[i],
                         "a line is SCENARIO UNTIL OWNER REASON, as `boot* "
                         "2030-12-31 ann hangs with two processors`");
        if (i == 1 && !read_day(&words[1], &expires))
            return wrong(r, &words[1], "this is no day of the calendar",
                         "give the last day on which it is expected to fail "
                         "as YYYY-MM-DD, like 2030-12-31");
    }
    const struct known_failure *before = same_pattern(k, &words[0]);
    if (before) {
        char text[96];
        snprintf(text, sizeof(text), "this scenario has line %u already",
                 before->line);
        return wrong(r, &words[0], text, "make one line of the two");
    }
    return take(k, r, words, expires);
}

int known_load(struct known_failures *k, const char *path, FILE *log,
               struct error *err)
{
    struct reader r = {.path = path, .log = log};
    size_t size = 0;
    ssize_t len;
    int code = 0;
    *k = (struct known_failures){.path = path};
    FILE *f = fopen(path, "re");
    if (!f)
        return error_set(err, -EINVAL, "--known-failures %s can't be read: %s",
                         path, strerror(errno));
    while (code != -ENOMEM && (len = getline(&r.line, &size, f)) > 0) {
        if (r.line[len - 1] == '\n')
            r.line[len - 1] = '\0';
        r.number++;
        code = read_line(k, &r);
    }
    bool unreadable = ferror(f);
    free(r.line);
    fclose(f);
    if (code == -ENOMEM)
        return error_set(err, -ENOMEM, "out of memory");
    if (unreadable)
        return error_set(err, -EINVAL, "--known-failures %s can't be read",
                         path);
    if (!r.errors)
        return 0;
    return error_set(err, -EINVAL,
                     "--known-failures %s: %zu line%s wrong: nothing was run",
                     path, r.errors, r.errors == 1 ? " is" : "s are");
}

void known_free(struct known_failures *k)
{
    for (size_t i = 0; i < k->count; i++) {
        free(k->list[i].pattern);
        free(k->list[i].until);
        free(k->list[i].owner);
        free(k->list[i].reason);
    }
    free(k->list);
    *k = (struct known_failures){0};
}

static const struct known_failure *find(const struct known_failures *k,
                                        int64_t now, const struct selected *one)
{
    const struct known_failure *expired = NULL;
    for (size_t i = 0; i < k->count; i++) {
        const struct known_failure *line = &k->list[i];
        if (!selected_matches(one, line->pattern))
            continue;
        if (now < line->expires)
            return line;
        expired = expired ? expired : line;
    }
    return expired;
}

int known_apply(const struct known_failures *k, int64_t now,
                struct selection *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct selected *one = &s->list[i];
        const struct known_failure *line = find(k, now, one);
        if (!line)
            continue;
        one->known_expired = now >= line->expires;
        if (asprintf(&one->known, "%s (%s, until %s)", line->reason,
                     line->owner, line->until) < 0) {
            one->known = NULL;
            return -ENOMEM;
        }
        if (asprintf(&one->known_where, "%s:%u", k->path, line->line) < 0) {
            one->known_where = NULL;
            return -ENOMEM;
        }
    }
    return 0;
}

int known_take(const char *path, int64_t now, struct selection *s, FILE *log,
               struct error *err)
{
    struct known_failures k;
    if (!path)
        return 0;
    int code = known_load(&k, path, log, err);
    if (!code && known_apply(&k, now, s))
        code = error_set(err, -ENOMEM, "out of memory");
    known_free(&k);
    return code;
}
