// SPDX-License-Identifier: Apache-2.0
// The runner's frame: what a run is made of, its verdict, its console text.
// See runner.h.
#include "harness/runner/runner.h"

#include "harness/runner/steps.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compile_line_marks(struct run *r, struct error *err)
{
    static const char *const sources[LINE_MARKS] = {
        "Linux version \\d",
        "Run \\S+ as init process",
    };
    for (size_t i = 0; i < LINE_MARKS; i++) {
        size_t at;
        r->line_patterns[i] =
            pattern_compile(sources[i], strlen(sources[i]), 0, &at, err);
        if (!r->line_patterns[i])
            return -ENOMEM;
    }
    return 0;
}

// The header's own rules, which may use its settings.
static int take_rules(struct run *r, struct error *err)
{
    const struct scenario *s = r->scenario;
    int code = 0;
    for (size_t i = 0; !code && i < s->nfails; i++) {
        struct rule rule = {.pos = &s->fails[i].pos};
        size_t len;
        rule.pattern = run_pattern(r, &s->fails[i].pattern, &rule.owned);
        if (rule.pattern && s->fails[i].why.npieces)
            rule.why = run_text(r, &s->fails[i].why, &len);
        if (r->result->kind)
            return 0;
        code = rules_push(&r->rules, false, rule, err);
    }
    for (size_t i = 0; !code && i < s->nallows; i++) {
        if (s->allows[i].name)
            continue;
        struct rule rule = {.pos = &s->allows[i].pos};
        rule.pattern = run_pattern(r, &s->allows[i].pattern, &rule.owned);
        if (!rule.pattern)
            return 0;
        code = rules_push(&r->rules, true, rule, err);
    }
    return code ? code : rules_watch(&r->rules, err);
}

static int begin(struct run *r, struct error *err)
{
    const struct run_options *o = r->options;
    r->scale = o->timeout_scale > 0 ? o->timeout_scale : 1;
    r->deadline_ns =
        clock_after(o->started_ns, run_scaled(r, r->scenario->timeout_ns));
    r->now_ns = console_now(o->console);
    r->batch = calloc(1, sizeof(*r->batch));
    if (!r->batch)
        return error_set(err, -ENOMEM, "out of memory");
    r->boots = 1;
    int code = rules_init(&r->rules, r->scenario, err);
    if (!code)
        code = compile_line_marks(r, err);
    if (!code)
        code = run_open_port(r, 0, err);
    if (!code)
        run_use_port(r, 0);
    if (!code)
        code = variables_take_settings(&r->variables, r->scenario, err);
    return code ? code : take_rules(r, err);
}

static void end(struct run *r)
{
    free(r->batch);
    run_close_ports(r);
    rules_free(&r->rules);
    free(r->trace);
    free(r->past_shares);
    for (size_t i = 0; i < LINE_MARKS; i++)
        pattern_free(r->line_patterns[i]);
    variables_free(&r->variables);
    secrets_free(&r->secrets);
}

// Checks that failed make the verdict when nothing worse did.
static void judge_checks(struct run *r)
{
    struct result *out = r->result;
    if (out->kind || !r->failed_checks)
        return;
    const struct result_note *first = NULL;
    for (size_t i = 0; !first && i < out->nnotes; i++) {
        if (out->notes[i].failed)
            first = &out->notes[i];
    }
    out->verdict = VERDICT_FAILED;
    result_set(&out->kind, "check");
    if (!first)
        return;
    if (first->where)
        result_set(&out->where, "%s", first->where);
    result_set(&out->message, "%s", first->text);
}

// Of more lines than a result may have the first and the last.
struct line_times {
    struct result_line *lines; // NULL: they are counted
    uint64_t seen, total;
    size_t n;
    uint64_t started_ns;
};

static void take_line_time(void *owner, size_t offset, uint64_t ns)
{
    struct line_times *t = owner;
    uint64_t index = t->seen++;
    bool first = index < RESULT_LIST_MAX / 2;
    bool last = index + RESULT_LIST_MAX / 2 >= t->total;
    if (!t->lines || !(first || last))
        return;
    t->lines[t->n++] = (struct result_line){
        offset, ns > t->started_ns ? ns - t->started_ns : 0};
}

static void add_console(struct run *r, unsigned port)
{
    const struct console_record *record = r->ports[port].record;
    size_t len = 0;
    char *text = console_record_text(record, &len);
    if (result_add_console(r->result, port, text, len,
                           console_record_elided(record)) ||
        !text)
        return;
    struct line_times t = {.started_ns = r->options->started_ns};
    console_record_begins(record, take_line_time, &t);
    t.total = t.seen;
    t.seen = 0;
    t.lines = calloc(RESULT_LIST_MAX, sizeof(*t.lines));
    if (t.lines)
        console_record_begins(record, take_line_time, &t);
    result_console_lines(r->result, t.lines, t.n);
}

static void finish(struct run *r)
{
    struct result *out = r->result;
    bool counts = r->hit && !r->rules.fails[r->hit_data.index].tolerated;
    if (counts && !out->kind)
        run_fail_hit(r);
    witness_lock(r->options->witness);
    judge_checks(r);
    witness_unlock(r->options->witness);
    run_end_boot_logs(r);
    run_note_refusals(r);
    run_note_initcalls(r);
    for (unsigned i = 0; i < TOYVMM_PORTS; i++) {
        const struct run_port *p = &r->ports[i];
        if (i > 0 && !p->printed)
            continue;
        add_console(r, i);
    }
    uint64_t now = console_now(r->options->console);
    out->duration_ns =
        now > r->options->started_ns ? now - r->options->started_ns : 0;
    witness_lock(r->options->witness);
    result_close(out);
    secrets_mask(&r->secrets, out);
    witness_unlock(r->options->witness);
}

// From now on the witness may tell of the run; until hide.
static void show(const struct run *r)
{
    struct witness *w = r->options->witness;
    witness_lock(w);
    if (w)
        w->run = r;
    witness_unlock(w);
}

static void hide(const struct run *r)
{
    struct witness *w = r->options->witness;
    witness_lock(w);
    if (w)
        w->run = NULL;
    witness_unlock(w);
}

int run_scenario(const struct run_options *options, struct result *result)
{
    struct run r = {.options = options,
                    .scenario = options->scenario,
                    .steps = step_table,
                    .result = result};
    struct error err = {""};
    result->verdict = VERDICT_PASSED;
    result_add_mark(result, "process_start", 0, 0, 0);
    int code = begin(&r, &err);
    show(&r);
    if (r.record && r.matcher) {
        if (code)
            run_error(&r, "setup", &err);
        else if (!result->kind)
            run_block(&r, &r.scenario->steps);
        finish(&r);
        code = 0;
    }
    hide(&r);
    end(&r);
    return code;
}
