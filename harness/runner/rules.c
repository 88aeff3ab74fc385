// SPDX-License-Identifier: Apache-2.0
// The fail patterns in force. See rules.h.
#include "harness/runner/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool allowed_by_name(const struct scenario *s, const char *name)
{
    for (size_t i = 0; i < s->nallows; i++) {
        if (s->allows[i].name && !strcmp(s->allows[i].name, name))
            return true;
    }
    return false;
}

static void rule_clear(struct rule *rule)
{
    pattern_free(rule->owned);
    free(rule->why);
}

int rules_push(struct rules *rules, bool allow, struct rule rule,
               struct error *err)
{
    struct rule **list = allow ? &rules->allows : &rules->fails;
    size_t *n = allow ? &rules->nallows : &rules->nfails;
    struct rule *grown = reallocarray(*list, *n + 1, sizeof(**list));
    if (!grown) {
        rule_clear(&rule);
        return error_set(err, -ENOMEM, "out of memory");
    }
    *list = grown;
    grown[(*n)++] = rule;
    return 0;
}

void rules_pop(struct rules *rules, bool allow)
{
    if (allow)
        rule_clear(&rules->allows[--rules->nallows]);
    else
        rule_clear(&rules->fails[--rules->nfails]);
}

int rules_init(struct rules *rules, const struct scenario *s, struct error *err)
{
    *rules = (struct rules){0};
    const struct builtin_fail *b;
    for (size_t i = 0; (b = builtin_fail_at(i)); i++) {
        bool allowed = allowed_by_name(s, b->name);
        // `expect panic` needs to see a panic, even an allowed one.
        if (allowed && strcmp(b->name, "panic") != 0)
            continue;
        size_t at;
        struct pattern *p =
            pattern_compile(b->pattern, strlen(b->pattern), 0, &at, err);
        if (!p)
            return error_prefix(err, -EINVAL, "built-in pattern `%s`", b->name);
        struct rule rule = {
            .pattern = p, .owned = p, .builtin = b, .tolerated = allowed};
        int code = rules_push(rules, false, rule, err);
        if (code)
            return code;
    }
    return 0;
}

void rules_free(struct rules *rules)
{
    watch_free(rules->watch);
    while (rules->nfails)
        rules_pop(rules, false);
    while (rules->nallows)
        rules_pop(rules, true);
    free(rules->fails);
    free(rules->allows);
    *rules = (struct rules){0};
}

int rules_watch(struct rules *rules, struct error *err)
{
    watch_free(rules->watch);
    rules->watch = watch_new(err);
    if (!rules->watch)
        return -ENOMEM;
    for (size_t i = 0; i < rules->nfails; i++) {
        int code = watch_add_fail(rules->watch, rules->fails[i].pattern, err);
        if (code)
            return code;
    }
    for (size_t i = 0; i < rules->nallows; i++) {
        int code = watch_add_allow(rules->watch, rules->allows[i].pattern, err);
        if (code)
            return code;
    }
    return 0;
}

bool rules_is_panic(const struct rules *rules, const struct watch_hit *hit)
{
    const struct builtin_fail *b = rules->fails[hit->index].builtin;
    return b && (!strcmp(b->name, "panic") ||
                 strstr(hit->line, "Kernel panic - not syncing"));
}

const struct builtin_fail *rules_name(const struct rules *rules,
                                      const char *line,
                                      const struct builtin_fail *fallback)
{
    struct error err;
    size_t start, end;
    for (size_t i = 0; i < rules->nfails; i++) {
        const struct rule *rule = &rules->fails[i];
        if (rule->builtin && pattern_search(rule->pattern, line, strlen(line),
                                            0, &start, &end, &err) > 0)
            return rule->builtin;
    }
    return fallback;
}
