// SPDX-License-Identifier: Apache-2.0
// From what went wrong to the verdict: one sentence, a kind for machines, and
// the diagnosis. See failing.h.
#include "harness/runner/failing.h"

#include "src/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *run_where(const struct source_pos *pos)
{
    char *text = NULL;
    if (!pos || !pos->file)
        return NULL;
    if (asprintf(&text, "%s:%u:%u", pos->file, pos->line, pos->column) < 0)
        return NULL;
    return text;
}

// ---- The diagnosis ----------------------------------------------------------

// What a diagnosis may take, stretched as deadlines are: so long where there is
// time, and so long after the scenario's deadline, when a watchdog will end the
// run soon. A little there is always.
#define DIAGNOSIS_NS       (3 * NS_PER_S)
#define DIAGNOSIS_PAST_NS  (600 * NS_PER_MS)
#define DIAGNOSIS_LEAST_NS (100 * NS_PER_MS)

static uint64_t stretched(const struct run *r, uint64_t ns)
{
    double by = r->scale > 1 ? r->scale : 1;
    by = r->options->slowness > by ? r->options->slowness : by;
    double longer = (double)ns * by;
    return longer < 9e18 ? (uint64_t)longer : CLOCK_NEVER;
}

static uint64_t diagnosis_budget(const struct run *r)
{
    uint64_t now = console_now(r->options->console);
    uint64_t last =
        clock_after(r->deadline_ns, stretched(r, DIAGNOSIS_PAST_NS));
    uint64_t most = stretched(r, DIAGNOSIS_NS);
    uint64_t least = stretched(r, DIAGNOSIS_LEAST_NS);
    uint64_t left = last > now ? last - now : 0;
    left = left < most ? left : most;
    return left > least ? left : least;
}

static uint64_t diagnosis_clock(void *owner)
{
    const struct run *r = owner;
    return r->options->clock ? r->options->clock(r->options->owner)
                             : clock_now_ns();
}

// A section, from when on the witness can tell it. A later one of the same name
// replaces it.
static void take_finding(void *owner, const char *name, const char *text)
{
    struct run *r = owner;
    struct result *out = r->result;
    witness_lock(r->options->witness);
    size_t i = 0;
    while (i < out->nsections && strcmp(out->sections[i].name, name) != 0)
        i++;
    if (i == out->nsections)
        result_add_section(out, name, text);
    else
        result_set(&out->sections[i].text, "%s", text);
    witness_unlock(r->options->witness);
}

static void explain(struct run *r, const struct diagnosis_wait *w)
{
    const struct run_machine *m = r->options->machine;
    struct diagnosis_machine machine = {0};
    if (m)
        machine = (struct diagnosis_machine){.owner = m->owner,
                                             .vcpus = m->vcpus,
                                             .regs = m->regs,
                                             .observe = m->observe,
                                             .read = m->read};
    struct diagnosis_run d = {
        .started_ns = r->options->started_ns,
        .now_ns = r->now_ns,
        .step = r->step,
        .wait = w,
        .port = r->port,
        .matcher = r->matcher,
        .record = r->record,
        .unread = console_unread(r->options->console, r->port),
        .hit_line = r->hit ? r->hit_data.line : NULL,
        .trace = r->trace,
        .end = r->ended ? &r->end : NULL,
        .machine = m ? &machine : NULL,
        .kernel = r->options->kernel,
        .symbols = r->options->symbols,
        .budget_ns = diagnosis_budget(r),
        .clock = diagnosis_clock,
        .found = take_finding,
        .owner = r,
    };
    for (unsigned i = 0; i < TOYVMM_PORTS; i++)
        d.ports[i] = (struct diagnosis_port){
            r->ports[i].matcher, r->ports[i].record, r->ports[i].printed};
    diagnose(&d);
}

// ---- Verdicts ---------------------------------------------------------------

static enum flow fail_with(struct run *r, const struct diagnosis_wait *w,
                           enum verdict verdict, const struct source_pos *pos,
                           const char *kind, const char *message)
{
    struct result *out = r->result;
    if (out->kind)
        return FLOW_END;
    if (!pos && r->step)
        pos = &r->step->pos;
    witness_lock(r->options->witness);
    out->verdict = verdict;
    result_set(&out->kind, "%s", kind);
    result_set(&out->message, "%s", message);
    free(out->where);
    out->where = run_where(pos);
    witness_unlock(r->options->witness);
    explain(r, w);
    return FLOW_END;
}

enum flow run_fail(struct run *r, enum verdict verdict,
                   const struct source_pos *pos, const char *kind,
                   const char *fmt, ...)
{
    char *message = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&message, fmt, args);
    va_end(args);
    fail_with(r, NULL, verdict, pos, kind, n < 0 ? kind : message);
    if (n >= 0)
        free(message);
    return FLOW_END;
}

enum flow run_error(struct run *r, const char *kind, const struct error *err)
{
    return run_fail(r, VERDICT_ERROR, NULL, kind, "%s", err->text);
}

void run_fail_end(struct run *r)
{
    const struct toyvmm_event *e = &r->end;
    static const struct {
        const char *kind, *text;
        enum verdict verdict;
    } ends[] = {
        [TOYVMM_EVENT_RESET] = {"reset", "the guest reset", VERDICT_FAILED},
        [TOYVMM_EVENT_POWEROFF] = {"poweroff", "the guest powered off",
                                   VERDICT_FAILED},
        [TOYVMM_EVENT_HALT] = {"halt", "the guest halted for ever",
                               VERDICT_FAILED},
        [TOYVMM_EVENT_TRIPLE_FAULT] = {"triple-fault",
                                       "the guest's CPU shut down after a "
                                       "triple fault",
                                       VERDICT_FAILED},
        [TOYVMM_EVENT_INTERNAL_ERROR] = {"internal-error",
                                         "the machine could not go on",
                                         VERDICT_ERROR},
        [TOYVMM_EVENT_STOPPED] = {"stopped", "the machine was stopped",
                                  VERDICT_ERROR},
    };
    const char *detail = e->detail;
    run_fail(r, ends[e->kind].verdict, NULL, ends[e->kind].kind, "%s%s%s%s%s",
             r->end_seen ? "the machine has ended: " : "", ends[e->kind].text,
             *detail ? " (" : "", detail, *detail ? ")" : "");
}

#define TRACE_LIMIT (3 * NS_PER_S)

// A line of the kernel's without its time stamp.
static const char *without_stamp(const char *line)
{
    const char *end = *line == '[' ? strstr(line, "] ") : NULL;
    if (end && strspn(line + 1, " 0123456789.") == (size_t)(end - line - 1))
        return end + 2;
    return line;
}

// The watch fires in mid-line; the record has its rest by now.
struct line_search {
    const char *beginning;
    char line[512];
};

static void search_line(void *owner, uint64_t ns, const char *text, size_t len)
{
    (void)ns;
    struct line_search *s = owner;
    const char *at = memmem(text, len, s->beginning, strlen(s->beginning));
    if (!at)
        return;
    size_t rest = len - (size_t)(at - text);
    if (rest >= sizeof(s->line))
        rest = sizeof(s->line) - 1;
    memcpy(s->line, at, rest);
    s->line[rest] = '\0';
    s->line[strcspn(s->line, "\r\n")] = '\0';
}

// The whole report, as far as the kernel gets with it; NULL when the line that
// fired begins none.
static struct trace *take_trace(struct run *r)
{
    struct error err = {""};
    struct trace *t = trace_new(&r->rules.kinds, r->ports[r->hit_port].record,
                                &r->hit_data, &err);
    if (!t)
        return NULL;
    uint64_t end = run_drain_end(r, TRACE_LIMIT);
    while (trace_more(t) && run_drain_one(r, trace_quiet_ns(t), end))
        ;
    trace_more(t);
    free(r->trace);
    r->trace = trace_text(t, r->options->started_ns);
    return t;
}

// The kernel's own report is the verdict.
static void fail_report(struct run *r, const struct trace *t)
{
    char *title = trace_title(t);
    char *group = title ? title_group(title) : NULL;
    if (group && !r->result->kind)
        result_add_property(r->result, "failure.title", group);
    run_fail(r, VERDICT_FAILED, NULL, trace_kind(t)->name, "%s",
             title ? title : trace_kind(t)->meaning);
    free(title);
    free(group);
}

#define DRAIN_QUIET (100 * NS_PER_MS)
#define DRAIN_LIMIT (1 * NS_PER_S)

void run_fail_hit(struct run *r)
{
    struct rule *rule = &r->rules.fails[r->hit_data.index];
    struct trace *t = take_trace(r);
    if (t && rule->builtin) {
        fail_report(r, t);
        trace_free(t);
        return;
    }
    if (!t)
        run_drain(r, DRAIN_QUIET, DRAIN_LIMIT);
    trace_free(t);
    const char *seen = r->hit_data.line;
    struct line_search s = {.beginning = seen, .line = ""};
    if (*seen)
        console_record_tail(r->ports[r->hit_port].record, LOOK_BACK,
                            search_line, &s);
    const char *whole = *s.line ? s.line : seen;
    const char *line = without_stamp(whole);
    if (r->hit_data.limit)
        run_fail(r, VERDICT_ERROR, rule->pos, "pattern-limit",
                 "whether the guest printed what it must not can't be told: "
                 "/%s/ takes too long on \"%s\"",
                 pattern_source(rule->pattern), line);
    else if (rule->builtin)
        run_fail(r, VERDICT_FAILED, NULL,
                 rules_name(&r->rules, whole, rule->builtin)->name, "%s", line);
    else if (rule->why)
        run_fail(r, VERDICT_FAILED, rule->pos, "fail-pattern", "%s: \"%s\"",
                 rule->why, line);
    else
        run_fail(r, VERDICT_FAILED, rule->pos, "fail-pattern",
                 "the guest printed what it must not: \"%s\"", line);
}

void run_fail_timeout(struct run *r, const struct diagnosis_wait *w,
                      uint64_t deadline_ns)
{
    char waited[SPAN_TEXT];
    char limit[SPAN_TEXT];
    span_text(waited, r->now_ns - w->started_ns);
    char *message = NULL;
    int n;
    if (deadline_ns >= r->deadline_ns)
        n = asprintf(
            &message, "the scenario's timeout of %s passed in the wait for %s",
            span_text(limit, run_scaled(r, r->scenario->timeout_ns)), w->what);
    else
        n = asprintf(&message, "%s did not come within %s", w->what, waited);
    fail_with(r, w, VERDICT_FAILED, NULL, "timeout",
              n < 0 ? "timeout" : message);
    if (n >= 0)
        free(message);
}
