// SPDX-License-Identifier: Apache-2.0
// Acknowledged slow-downs. See acknowledged.h.
#include "harness/cli/acknowledged.h"

#include "harness/cli/lines.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 7

enum { SCENARIO, MARK, COMMIT, SIZE, UNTIL, OWNER, REASON };

// "8%", "120ms", "1.5s", "800us".
static bool read_size(const struct word *w, struct acknowledged *out)
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"%", 0}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}};
    char text[32] = "";
    char *end;
    if (!w->len || w->len >= sizeof(text) || *w->at < '0' || *w->at > '9')
        return false;
    memcpy(text, w->at, w->len);
    double n = strtod(text, &end);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) != 0 || !isfinite(n) || n <= 0)
            continue;
        out->ns = n * units[i].ns;
        out->fraction = i ? 0 : n / 100;
        return true;
    }
    return false;
}

static int take(struct acknowledgements *a, const struct lines *l,
                const struct word words[WORDS], struct acknowledged one)
{
    struct acknowledged *list =
        reallocarray(a->list, a->count + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    a->list = list;
    one.line = l->number;
    char **const fields[WORDS] = {&one.scenario, &one.mark,  &one.commit,
                                  &one.size,     &one.until, &one.owner,
                                  &one.reason};
    int code = 0;
    for (size_t i = 0; i < WORDS; i++) {
        *fields[i] = strndup(words[i].at, words[i].len);
        code = *fields[i] ? code : -ENOMEM;
    }
    list[a->count++] = one;
    return code;
}

static bool is_word(const struct word *w, const char *text)
{
    return w->len == strlen(text) && !memcmp(w->at, text, w->len);
}

static int read_line(void *owner, struct lines *l)
{
    static const char *const missing[WORDS] = {
        "",
        "there is no mark behind the scenario",
        "there is no commit behind the mark",
        "there is no size behind the commit",
        "there is no date behind the size",
        "nobody answers for this: there is no name behind the date",
        "there is no reason behind the owner"};
    struct acknowledged one = {.expires = INT64_MAX};
    const char *at = l->line;
    struct word words[WORDS];
    for (size_t i = 0; i < REASON; i++)
        words[i] = word_next(&at);
    words[REASON] = word_rest(at);
    if (word_is_nothing(&words[0]))
        return 0;
    for (size_t i = 1; i < WORDS; i++) {
        if (!words[i].len)
            return lines_wrong(l, &words[i], missing[i],
                               "a line is SCENARIO MARK COMMIT SIZE UNTIL "
                               "OWNER REASON, as `boot* login_prompt 1a2b3c4d "
                               "8% 2030-12-31 ann mitigations are on`");
    }
    if (!is_word(&words[COMMIT], "*") && words[COMMIT].len < 4)
        return lines_wrong(l, &words[COMMIT], "this is too short for a commit",
                           "give four characters of it at least, or * for any");
    if (!read_size(&words[SIZE], &one))
        return lines_wrong(l, &words[SIZE], "this is no size",
                           "give how much slower it may be, like 8%, 120ms or "
                           "1.5s");
    if (!is_word(&words[UNTIL], "-") && !word_day(&words[UNTIL], &one.expires))
        return lines_wrong(l, &words[UNTIL], "this is no day of the calendar",
                           "give the last day on which it is accepted as "
                           "YYYY-MM-DD, like 2030-12-31, or - for ever");
    return take(owner, l, words, one);
}

int acknowledged_load(struct acknowledgements *a, const char *path, FILE *log,
                      struct error *err)
{
    *a = (struct acknowledgements){.path = path};
    return path ? lines_read("--acknowledged", path, log, read_line, a, err)
                : 0;
}

void acknowledged_free(struct acknowledgements *a)
{
    for (size_t i = 0; i < a->count; i++) {
        struct acknowledged *one = &a->list[i];
        char *const fields[] = {one->scenario, one->mark,  one->commit,
                                one->size,     one->until, one->owner,
                                one->reason};
        for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
            free(fields[k]);
    }
    free(a->list);
    *a = (struct acknowledgements){0};
}
