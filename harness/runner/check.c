// SPDX-License-Identifier: Apache-2.0
// `check`. See steps.h.
#include "harness/runner/steps.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_texts[] = {
    [OP_EQ] = "==", [OP_NE] = "!=", [OP_LT] = "<",
    [OP_LE] = "<=", [OP_GT] = ">",  [OP_GE] = ">=",
};

// Records a check that failed; the scenario goes on.
static void failed(struct run *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void failed(struct run *r, const char *fmt, ...)
{
    char *seen = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&seen, fmt, args);
    va_end(args);
    char *where = run_where(&r->step->pos);
    result_add_note(r->result, true, r->now_ns - r->options->started_ns, where,
                    "%s: %s", r->step->source, n < 0 ? "" : seen);
    r->failed_checks++;
    free(where);
    if (n >= 0)
        free(seen);
}

static enum flow missing(struct run *r, const char *what, const char *name)
{
    failed(r, "there is no %s `%s`", what, name);
    return FLOW_NEXT;
}

// How often p is found in a capture; -1 when a limit was hit (the run failed).
static long count_matches(struct run *r, const struct pattern *p,
                          const struct variable *v, long enough)
{
    struct error err = {""};
    long n = 0;
    size_t from = 0;
    while (from <= v->len && n < enough) {
        size_t start, end;
        int found =
            pattern_search(p, v->text, v->len, from, &start, &end, &err);
        if (found < 0) {
            run_error(r, "pattern-limit", &err);
            return -1;
        }
        if (!found)
            break;
        n++;
        from = end;
        // An empty match: on to the next character.
        if (end == start) {
            from++;
            while (from < v->len &&
                   ((unsigned char)v->text[from] & 0xc0) == 0x80)
                from++;
        }
    }
    return n;
}

// The beginning of a capture for a report.
static void tell_capture(struct run *r, const struct variable *v)
{
    size_t shown = v->len < 2000 ? v->len : 2000;
    char *text = NULL;
    if (result_section(r->result, "output") ||
        asprintf(&text, "%s was, %zu bytes:\n%.*s%s", v->name, v->len,
                 (int)shown, v->text, shown < v->len ? "\n..." : "") < 0)
        return;
    witness_lock(r->options->witness);
    result_add_section(r->result, "step", r->step->source);
    result_add_section(r->result, "output", text);
    witness_unlock(r->options->witness);
    free(text);
}

static enum flow check_text(struct run *r, const struct step *s)
{
    const struct variable *v = variables_find(&r->variables, s->u.check.name);
    if (!v)
        return missing(r, "capture or variable", s->u.check.name);
    struct pattern *owned;
    const struct pattern *p = run_pattern(r, &s->u.check.pattern, &owned);
    if (!p)
        return FLOW_END;
    bool counts = s->u.check.kind == CHECK_COUNT;
    long n = count_matches(r, p, v, counts ? LONG_MAX : 1);
    bool ok;
    if (counts)
        ok = compare_holds(
            compare_order((double)n, compare_number(&s->u.check.value)),
            s->u.check.op);
    else
        ok = (n > 0) == (s->u.check.kind == CHECK_HAS);
    if (n >= 0 && !ok) {
        if (counts)
            failed(r, "counted %ld in %zu bytes", n, v->len);
        else
            failed(r, n ? "it is there" : "no match in %zu bytes", v->len);
        tell_capture(r, v);
    }
    pattern_free(owned);
    return n < 0 ? FLOW_END : FLOW_NEXT;
}

static enum flow check_status(struct run *r, const struct step *s)
{
    const struct variable *v = variables_find(&r->variables, s->u.check.name);
    if (!v || !v->has_status)
        return missing(r, "captured command", s->u.check.name);
    if (!compare_holds(
            compare_order((double)v->status, compare_number(&s->u.check.value)),
            s->u.check.op)) {
        failed(r, "the status was %ld", v->status);
        tell_capture(r, v);
    }
    return FLOW_NEXT;
}

static enum flow check_metric(struct run *r, const struct step *s)
{
    const struct variable *v = variables_find(&r->variables, s->u.check.name);
    if (!v || !v->has_number)
        return missing(r, "metric", s->u.check.name);
    if (!compare_holds(
            compare_order(v->number, compare_number(&s->u.check.value)),
            s->u.check.op))
        failed(r, "it was %.15g", v->number);
    return FLOW_NEXT;
}

// A time on an emulated CPU says nothing about the hardware: it is told, and
// not judged.
static enum flow check_mark(struct run *r, const struct step *s)
{
    const struct result_mark *m = NULL;
    for (size_t i = 0; i < r->result->nmarks; i++) {
        if (!strcmp(r->result->marks[i].name, s->u.check.name))
            m = &r->result->marks[i];
    }
    if (!m)
        return missing(r, "mark", s->u.check.name);
    char was[SPAN_TEXT];
    span_text(was, m->wall_ns);
    if (!r->options->judge_marks) {
        char *where = run_where(&s->pos);
        result_add_note(r->result, false, r->now_ns - r->options->started_ns,
                        where, "%s: it was %s, not judged on the rig",
                        s->source, was);
        free(where);
    } else if (!compare_holds(compare_order((double)m->wall_ns,
                                            compare_number(&s->u.check.value)),
                              s->u.check.op))
        failed(r, "it was %s", was);
    return FLOW_NEXT;
}

static enum flow check_value(struct run *r, const struct step *s)
{
    char *seen = NULL;
    int yes = run_compare(r, s->u.check.name, s->u.check.op, &s->u.check.value,
                          &seen);
    if (!yes)
        failed(r, "`%s` %s does not hold, it is \"%s\"", s->u.check.name,
               op_texts[s->u.check.op], seen ? seen : "");
    free(seen);
    return yes < 0 ? FLOW_END : FLOW_NEXT;
}

enum flow step_check(struct run *r, const struct step *s)
{
    static enum flow (*const table[])(struct run *, const struct step *) = {
        [CHECK_HAS] = check_text,    [CHECK_LACKS] = check_text,
        [CHECK_COUNT] = check_text,  [CHECK_STATUS] = check_status,
        [CHECK_MARK] = check_mark,   [CHECK_METRIC] = check_metric,
        [CHECK_VALUE] = check_value,
    };
    return table[s->u.check.kind](r, s);
}
