// SPDX-License-Identifier: Apache-2.0
// The table of statements, and the small ones. See steps.h.
#include "harness/runner/steps.h"

#include "src/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum flow step_send(struct run *r, const struct step *s)
{
    size_t len;
    char *text = run_text(r, &s->u.send.text, &len);
    if (!text)
        return FLOW_END;
    enum flow flow = FLOW_NEXT;
    witness_lock(r->options->witness);
    bool kept = !s->u.send.secret || secrets_add(&r->secrets, text, len);
    witness_unlock(r->options->witness);
    if (!kept)
        flow = run_fail(r, VERDICT_ERROR, NULL, "memory", "out of memory");
    if (flow == FLOW_NEXT)
        flow = s->u.send.secret ? run_type_secret(r, text, len, true)
                                : run_type(r, text, len);
    if (flow == FLOW_NEXT && s->u.send.enter)
        flow = run_type(r, "\r", 1);
    explicit_bzero(text, len);
    free(text);
    return flow;
}

static enum flow step_key(struct run *r, const struct step *s)
{
    return s->u.key.serial_break ? run_break(r)
                                 : run_type(r, s->u.key.bytes, s->u.key.len);
}

static enum flow step_mark(struct run *r, const struct step *s)
{
    run_mark(r, s->u.mark, r->now_ns);
    return FLOW_NEXT;
}

static void note(struct run *r, const struct step *s, const char *text)
{
    char *where = run_where(&s->pos);
    result_add_note(r->result, false, r->now_ns - r->options->started_ns, where,
                    "%s", text);
    free(where);
}

static enum flow step_log(struct run *r, const struct step *s)
{
    size_t len;
    char *text = run_text(r, &s->u.log, &len);
    if (!text)
        return FLOW_END;
    note(r, s, text);
    free(text);
    return FLOW_NEXT;
}

static enum flow step_metric(struct run *r, const struct step *s)
{
    const struct value *v = &s->u.metric.value;
    size_t len = 0;
    char *text = NULL;
    char number[64];
    if (v->kind == VALUE_TEXT) {
        text = run_text(r, &v->text, &len);
        if (!text)
            return FLOW_END;
    } else if (v->kind == VALUE_NUMBER)
        len = (size_t)snprintf(number, sizeof(number), "%.15g", v->number);
    else
        len = (size_t)snprintf(number, sizeof(number), "%" PRIu64, v->quantity);
    char *end;
    const char *digits = text ? text : number;
    double value = strtod(digits, &end);
    bool numeric = end != digits && !end[strspn(end, " \t\r\n")];
    struct variable *var =
        numeric ? variables_set(&r->variables, s->u.metric.name, digits, len)
                : NULL;
    enum flow flow = FLOW_NEXT;
    if (!numeric)
        flow = run_fail(r, VERDICT_FAILED, NULL, "metric",
                        "metric %s: \"%s\" is not a number", s->u.metric.name,
                        digits);
    else if (!var)
        flow = run_fail(r, VERDICT_ERROR, NULL, "memory", "out of memory");
    else {
        var->has_number = true;
        var->number = value;
        char name[256];
        snprintf(name, sizeof(name), "metric.%.200s%s%.40s", s->u.metric.name,
                 s->u.metric.unit ? "." : "",
                 s->u.metric.unit ? s->u.metric.unit : "");
        result_add_property(r->result, name, digits);
    }
    free(text);
    return flow;
}

static enum flow step_repeat(struct run *r, const struct step *s)
{
    enum flow flow = FLOW_NEXT;
    for (uint64_t i = 0; flow == FLOW_NEXT && i < s->u.repeat.times; i++)
        flow = run_block(r, &s->u.repeat.body);
    return flow;
}

static enum flow step_if(struct run *r, const struct step *s)
{
    char *seen = NULL;
    int yes =
        run_compare(r, s->u.cond.name, s->u.cond.op, &s->u.cond.value, &seen);
    free(seen);
    if (yes < 0)
        return FLOW_END;
    return run_block(r, yes ? &s->u.cond.then : &s->u.cond.otherwise);
}

// A check that failed lets the steps go on to the end of its group, and no
// further.
static enum flow step_group(struct run *r, const struct step *s)
{
    size_t len;
    char *title = run_text(r, &s->u.group.title, &len);
    if (!title)
        return FLOW_END;
    uint64_t began = r->now_ns;
    enum flow flow = run_block(r, &s->u.group.body);
    char *line = NULL;
    char span[SPAN_TEXT];
    if (asprintf(&line, "group \"%s\": %s", title,
                 span_text(span, r->now_ns - began)) >= 0) {
        note(r, s, line);
        free(line);
    }
    free(title);
    return flow == FLOW_NEXT && r->failed_checks ? FLOW_END : flow;
}

// `never PATTERN { }` and `allow PATTERN { }`.
static enum flow step_never(struct run *r, const struct step *s)
{
    struct error err = {""};
    bool allow = s->u.never.allow;
    struct rule rule = {.pos = &s->pos};
    rule.pattern = run_pattern(r, &s->u.never.pattern, &rule.owned);
    if (!rule.pattern)
        return FLOW_END;
    if (rules_push(&r->rules, allow, rule, &err) ||
        rules_watch(&r->rules, &err))
        return run_error(r, "memory", &err);
    enum flow flow = run_block(r, &s->u.never.body);
    // What fired belongs to this block and is told before it goes.
    bool own = !allow && r->hit && r->hit_data.index == r->rules.nfails - 1;
    if (own && flow == FLOW_NEXT) {
        run_fail_hit(r);
        flow = FLOW_END;
    }
    rules_pop(&r->rules, allow);
    if (rules_watch(&r->rules, &err) && flow == FLOW_NEXT)
        flow = run_error(r, "memory", &err);
    return flow;
}

static enum flow step_console(struct run *r, const struct step *s)
{
    r->chosen = s->u.console;
    return run_use_port(r, r->chosen);
}

static enum flow step_unsupported(struct run *r, const struct step *s)
{
    return run_fail(r, VERDICT_ERROR, NULL, "unsupported",
                    "`%s` is not supported yet", s->source);
}

const run_step_function step_table[] = {
    [STEP_EXPECT] = step_expect,
    [STEP_EXPECT_ONE] = step_expect_one,
    [STEP_EXPECT_EVENT] = step_expect_event,
    [STEP_EXPECT_IDLE] = step_expect_idle,
    [STEP_SEND] = step_send,
    [STEP_KEY] = step_key,
    [STEP_LOGIN] = step_login,
    [STEP_RUN] = step_run,
    [STEP_KTAP] = step_ktap,
    [STEP_CHECK] = step_check,
    [STEP_MARK] = step_mark,
    [STEP_METRIC] = step_metric,
    [STEP_LOG] = step_log,
    [STEP_REPEAT] = step_repeat,
    [STEP_IF] = step_if,
    [STEP_GROUP] = step_group,
    [STEP_NEVER] = step_never,
    [STEP_SNAPSHOT] = step_unsupported,
    [STEP_RESET] = step_reset,
    [STEP_POWEROFF] = step_poweroff,
    [STEP_NMI] = step_nmi,
    [STEP_POWER] = step_power,
    [STEP_CONSOLE] = step_console,
};
