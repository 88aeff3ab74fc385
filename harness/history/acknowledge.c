// SPDX-License-Identifier: Apache-2.0
// Slow-downs that are known. See acknowledge.h.
#include "harness/history/acknowledge.h"

#include "harness/report/json.h"

#include <fnmatch.h>
#include <string.h>

#define LEAST_PREFIX 4 // of a commit

const char *acknowledge_state_name(enum acknowledge_state s)
{
    static const char *const names[] = {
        [ACKNOWLEDGED_NOT] = "not",
        [ACKNOWLEDGED_HOLDS] = "holds",
        [ACKNOWLEDGED_OUTGROWN] = "outgrown",
        [ACKNOWLEDGED_EXPIRED] = "expired",
        [ACKNOWLEDGED_NEEDLESS] = "needless",
    };
    return names[s];
}

bool acknowledge_is_commit(const char *prefix, const char *commit)
{
    size_t len = strlen(prefix);
    return commit && len >= LEAST_PREFIX && !strncmp(prefix, commit, len);
}

static bool is_scenario(const char *pattern, const char *scenario)
{
    const char *slash = strrchr(scenario, '/');
    return !fnmatch(pattern, scenario, 0) ||
           (slash && !fnmatch(pattern, slash + 1, 0));
}

static bool fits(const struct acknowledged *a, const struct slowdown *s,
                 bool (*covers)(void *owner, const char *commit), void *owner)
{
    return is_scenario(a->scenario, s->scenario) &&
           !fnmatch(a->mark, s->mark, 0) &&
           (!strcmp(a->commit, "*") || covers(owner, a->commit));
}

static double size_of(const struct acknowledged *a, double base)
{
    return a->ns > 0 ? a->ns / base : a->fraction;
}

struct acknowledgement
acknowledge(const struct acknowledgements *a, const struct slowdown *s,
            int64_t now, bool (*covers)(void *owner, const char *commit),
            void *owner)
{
    struct acknowledgement found = {.path = a->path};
    bool expired = false;
    for (size_t i = 0; i < a->count; i++) {
        const struct acknowledged *one = &a->list[i];
        bool over = now >= one->expires;
        if (!fits(one, s, covers, owner))
            continue;
        bool better = !found.line || (expired && !over) ||
                      (expired == over &&
                       size_of(one, s->base) > size_of(found.line, s->base));
        if (!better)
            continue;
        found.line = one;
        expired = over;
    }
    if (!found.line)
        return found;
    double size = size_of(found.line, s->base);
    if (s->by < s->min_effect)
        found.state = ACKNOWLEDGED_NEEDLESS;
    else if (expired)
        found.state = ACKNOWLEDGED_EXPIRED;
    else if (s->at_least > size && s->by >= size + s->min_effect)
        found.state = ACKNOWLEDGED_OUTGROWN;
    else
        found.state = ACKNOWLEDGED_HOLDS;
    return found;
}

const char *acknowledge_text(const struct acknowledgement *a,
                             char out[ACKNOWLEDGE_TEXT])
{
    static const char *const words[] = {
        [ACKNOWLEDGED_NOT] = "",
        [ACKNOWLEDGED_HOLDS] = "acknowledged up to",
        [ACKNOWLEDGED_OUTGROWN] = "it has outgrown what was acknowledged,",
        [ACKNOWLEDGED_EXPIRED] = "expired: this was acknowledged up to",
        [ACKNOWLEDGED_NEEDLESS] = "it is not slower; acknowledged up to",
    };
    const struct acknowledged *one = a->line;
    *out = '\0';
    if (!one)
        return out;
    bool ever = !strcmp(one->until, "-");
    snprintf(out, ACKNOWLEDGE_TEXT, "%s %s: %.120s (%.40s%s%s), %.100s:%u",
             words[a->state], one->size, one->reason, one->owner,
             ever ? "" : ", until ", ever ? "" : one->until, a->path,
             one->line);
    return out;
}

void acknowledge_json(struct json *j, const struct acknowledgement *a)
{
    if (!a || !a->line) {
        json_text(j, "acknowledged", NULL);
        return;
    }
    json_open(j, "acknowledged", '{');
    json_text(j, "state", acknowledge_state_name(a->state));
    json_text(j, "commit", a->line->commit);
    json_text(j, "size", a->line->size);
    json_text(j, "until", strcmp(a->line->until, "-") ? a->line->until : NULL);
    json_text(j, "owner", a->line->owner);
    json_text(j, "reason", a->line->reason);
    json_text(j, "file", a->path);
    json_number(j, "line", a->line->line);
    json_close(j, '}');
}
