// SPDX-License-Identifier: Apache-2.0
// The fail patterns in force. See rules.h.
#include "harness/runner/rules.h"

#include "harness/runner/dated.h"

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
    int code = report_kinds_init(&rules->kinds, err);
    for (size_t i = 0; !code && i < rules->kinds.n; i++) {
        const struct builtin_fail *b = builtin_fail_at(i);
        struct rule rule = {.pattern = rules->kinds.patterns[i],
                            .builtin = b,
                            .tolerated = allowed_by_name(s, b->name)};
        code = rules_push(rules, false, rule, err);
    }
    return code;
}

void rules_free(struct rules *rules)
{
    for (unsigned i = 0; i < TOYVMM_PORTS; i++)
        watch_free(rules->watches[i]);
    while (rules->nfails)
        rules_pop(rules, false);
    while (rules->nallows)
        rules_pop(rules, true);
    free(rules->fails);
    free(rules->allows);
    report_kinds_free(&rules->kinds);
    *rules = (struct rules){0};
}

// A watch tells the first pattern that fires: the scenario's own stand before
// the built-in ones there, for they say more about it.
static size_t watched(const struct rules *rules, size_t i)
{
    size_t own = rules->nfails - rules->kinds.n;
    return i < own ? rules->kinds.n + i : i - own;
}

bool rules_judge(struct rules *rules, unsigned port, struct watch_hit *hit,
                 bool kept_back)
{
    struct allowed_report *a = &rules->allowed[port];
    hit->index = watched(rules, hit->index);
    const struct rule *rule = &rules->fails[hit->index];
    if (allowed_covers(a, hit->line, hit->ns))
        return false;
    if (rules->command_runs[port] && is_dated_kernel_line(hit->line))
        return false;
    if (rule->builtin && (kept_back || rule->tolerated))
        allowed_begin(a, &rules->kinds, rule->builtin, hit->line, hit->ns);
    return !kept_back && (!rule->tolerated || rules_is_panic(rules, hit));
}

void rules_forget_reports(struct rules *rules)
{
    memset(rules->allowed, 0, sizeof(rules->allowed));
}

int rules_watch_port(struct rules *rules, unsigned port, struct error *err)
{
    watch_free(rules->watches[port]);
    struct watch *w = watch_new(err);
    rules->watches[port] = w;
    int code = w ? 0 : -ENOMEM;
    if (w)
        watch_follow(w, rules->heard[port]);
    for (size_t i = 0; !code && i < rules->nfails; i++)
        code = watch_add_fail(w, rules->fails[watched(rules, i)].pattern, err);
    for (size_t i = 0; !code && i < rules->nallows; i++)
        code = watch_add_allow(w, rules->allows[i].pattern, err);
    return code;
}

int rules_watch(struct rules *rules, struct error *err)
{
    int code = 0;
    for (unsigned i = 0; !code && i < TOYVMM_PORTS; i++) {
        if (rules->watches[i])
            code = rules_watch_port(rules, i, err);
    }
    return code;
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
    const struct builtin_fail *b =
        report_kind(&rules->kinds, line, strlen(line));
    return b ? b : fallback;
}
