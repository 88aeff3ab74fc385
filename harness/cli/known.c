// SPDX-License-Identifier: Apache-2.0
// Known failures. See known.h.
#include "harness/cli/known.h"

#include "harness/cli/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int take(struct known_failures *k, const struct lines *r,
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

static int read_line(void *owner, struct lines *r)
{
    struct known_failures *k = owner;
    static const char *const missing[] = {
        "", "there is no date behind the scenario",
        "nobody owns this: there is no name behind the date",
        "there is no reason behind the owner"};
    const char *at = r->line;
    struct word words[4];
    int64_t expires = 0;
    for (size_t i = 0; i < 3; i++)
        words[i] = word_next(&at);
    words[3] = word_rest(at);
    if (word_is_nothing(&words[0]))
        return 0;
    for (size_t i = 1; i < 4; i++) {
        if (!words[i].len)
            return lines_wrong(
                r, &words[i], missing[i],
                "a line is SCENARIO UNTIL OWNER REASON, as `boot* 2030-12-31 "
                "ann hangs with two processors`");
        if (i == 1 && !word_day(&words[1], &expires))
            return lines_wrong(r, &words[1], "this is no day of the calendar",
                               "give the last day on which it is expected to "
                               "fail as YYYY-MM-DD, like 2030-12-31");
    }
    const struct known_failure *before = same_pattern(k, &words[0]);
    if (before) {
        char text[96];
        snprintf(text, sizeof(text), "this scenario has line %u already",
                 before->line);
        return lines_wrong(r, &words[0], text, "make one line of the two");
    }
    return take(k, r, words, expires);
}

int known_load(struct known_failures *k, const char *path, FILE *log,
               struct error *err)
{
    *k = (struct known_failures){.path = path};
    return lines_read("--known-failures", path, log, read_line, k, err);
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
